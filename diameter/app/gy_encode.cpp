// encode_cca and encode_server_request: what Levy says on Gy.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
//
// Invariants: only AVPs that RFC 4006 dictionaries know carry the M bit, none that may stand once
// is written twice (freeDiameter drops such answers silently, interop.md c.5); a grant is CC-Total-
// Octets, never input and output apart.
#include <algorithm>
#include <charconv>
#include <iterator>

#include "diameter/app/answer_parts.hpp"
#include "diameter/app/currency.hpp"

namespace levy::app {

using codec::CodecError;
using codec::ResultCode;
using codec::Writer;
using rating::MsccOutcome;
using rating::MsccRequest;
using rating::Reason;
namespace avp = codec::avp;

namespace {

// Trigger-Type 870 for each change that a rate asks for (TS 32.299 7.2.239). The finer values of
// place: a gateway that is asked for CHANGE_IN_LOCATION reports at every cell.
struct TriggerOf {
  std::uint16_t change;
  std::uint32_t type;
};
constexpr TriggerOf triggers[] = {
    {rating::change_qos, 2},   {rating::change_location, 3}, {rating::change_rat, 4},
    {rating::change_plmn, 30}, {rating::change_plmn, 31},    {rating::change_cgi, 33},
    {rating::change_cgi, 34},  {rating::change_tai, 35},     {rating::change_ecgi, 36}};

// The longest answer: 16 MSCC with a final grant, all triggers and a redirect or the longest list
// of filters each, or as many 5031 (shorter).
constexpr std::size_t identity_avp_max = 8 + 256;
constexpr std::size_t head_max = codec::header_bytes + 3 * identity_avp_max + 7 * 12;
constexpr std::size_t redirect_max = 8 + 12 + 8 + 12 + 8 + 128;
constexpr std::size_t final_max =
    std::max(redirect_max, 8 + 12 + rating::restriction_bytes_max);
constexpr std::size_t grant_max = 8 + 8 + (8 + 16 + 12) + 12;  // CC-Money is the longest; octets
                                                               // and Tariff-Time-Change are not
constexpr std::size_t pool_max = 8 + 12 + 12 + (8 + 16 + 12);
constexpr std::size_t mscc_bytes_max = 8 + grant_max + limits::service_identifiers_max * 12 + 12 +
                                       12 + 12 + final_max + 16 + 12 + std::size(triggers) * 16 +
                                       pool_max;
static_assert(head_max + limits::mscc_max * mscc_bytes_max + proxy_info_bytes_max <=
              limits::answer_bytes_max);

ResultCode code_of(Reason reason) {
  switch (reason) {
    case Reason::ok: return ResultCode::success;
    case Reason::no_credit: return ResultCode::credit_limit_reached;
    case Reason::denied: return ResultCode::end_user_service_denied;
    case Reason::not_applicable: return ResultCode::credit_control_not_applicable;
    case Reason::refused: return ResultCode::authorization_rejected;
    case Reason::rating_failed: return ResultCode::rating_failed;
    case Reason::user_unknown: return ResultCode::user_unknown;
    case Reason::unknown_session: return ResultCode::unknown_session_id;
    case Reason::unable_to_comply: return ResultCode::unable_to_comply;
  }
  return ResultCode::unable_to_comply;
}

// The command's Result-Code (semantics.md "Result codes"): 2001 while only an MSCC fails.
Reason command_reason(const rating::ChargeRequest& request, const Answer& answer) {
  if (answer.reason != Reason::ok || answer.mscc_count == 0) return answer.reason;
  if (request.command_level) return answer.mscc[0].reason;
  for (std::size_t i = 0; i < answer.mscc_count; ++i) {
    if (answer.mscc[i].reason != Reason::not_applicable) return Reason::ok;
  }
  return Reason::not_applicable;  // no group is under credit control: 4011 is a command's code
}

// Time (RFC 6733 4.3.1): seconds since 1900, modulo 2^32.
std::uint32_t to_ntp(std::uint32_t unix_seconds) {
  return static_cast<std::uint32_t>(std::int64_t{unix_seconds} + ntp_offset_seconds);
}

std::uint32_t clamp32(std::int64_t value) {
  return static_cast<std::uint32_t>(std::min<std::int64_t>(value, 0xffffffff));
}

void write_unit_value(Writer& writer, const Decimal& decimal) {
  const std::size_t group = writer.begin_group(avp::unit_value);
  writer.u64(avp::value_digits, static_cast<std::uint64_t>(decimal.digits));
  writer.u32(avp::exponent, static_cast<std::uint32_t>(decimal.exponent));
  writer.end_group(group);
}

void write_grant(Writer& writer, const MsccOutcome& outcome, std::uint16_t currency) {
  const std::size_t group = writer.begin_group(avp::granted_service_unit);
  if (outcome.tariff_change != 0)
    writer.u32(avp::tariff_time_change, to_ntp(outcome.tariff_change));
  switch (outcome.unit) {
    case rating::Unit::octets:
      writer.u64(avp::cc_total_octets, static_cast<std::uint64_t>(outcome.granted));
      break;
    case rating::Unit::seconds:
      // CC-Time is an Unsigned32: a zero-rated service's maximum grant may exceed it. Granting less
      // than was reserved is safe.
      writer.u32(avp::cc_time, clamp32(outcome.granted));
      break;
    case rating::Unit::events:
      writer.u64(avp::cc_service_specific_units, static_cast<std::uint64_t>(outcome.granted));
      break;
    case rating::Unit::money: {
      const std::size_t money = writer.begin_group(avp::cc_money);
      write_unit_value(writer, to_decimal(Money{outcome.granted}, currency));
      if (currency != 0) writer.u32(avp::currency_code, currency);
      writer.end_group(money);
      break;
    }
  }
  writer.end_group(group);
}

// The service that the outcome names, of its own plan (an add-on's it may be); null without plan.
const rating::Service* service_of(const MsccOutcome& outcome) {
  const rating::Plan* plan = outcome.plan;
  if (plan == nullptr || outcome.service >= plan->service_count) return nullptr;
  return &plan->services[outcome.service];
}

// The service whose redirect address is sent; null when the plan or the address is absent.
const rating::Service* redirect_service(const MsccOutcome& outcome) {
  if ((outcome.flags & rating::outcome_redirect) == 0) return nullptr;
  const rating::Service* service = service_of(outcome);
  return service != nullptr && service->redirect_address[0] != '\0' ? service : nullptr;
}

// What RESTRICT_ACCESS leaves open: rules before names, as the grammar has them.
void write_restrictions(Writer& writer, const MsccOutcome& outcome) {
  const rating::Service* service = service_of(outcome);
  for (std::uint32_t i = 0; service != nullptr && i < service->restriction_count; ++i) {
    const rating::Restriction& one = outcome.plan->restrictions[service->first_restriction + i];
    writer.text(one.rule ? avp::restriction_filter_rule : avp::filter_id, one.text);
  }
}

// Final-Unit-Indication. REDIRECT must name a server (RFC 8506 8.34): without one it is TERMINATE.
void write_final_unit(Writer& writer, const MsccOutcome& outcome) {
  const rating::Service* redirect = redirect_service(outcome);
  const bool restrict_access = (outcome.flags & rating::outcome_restrict) != 0;
  const std::uint32_t action = redirect != nullptr ? 1 : restrict_access ? 2 : 0;
  const std::size_t group = writer.begin_group(avp::final_unit_indication);
  writer.u32(avp::final_unit_action, action);
  if (redirect != nullptr) {
    const std::string_view address(redirect->redirect_address,
                                   std::find(std::begin(redirect->redirect_address),
                                             std::end(redirect->redirect_address), '\0') -
                                       std::begin(redirect->redirect_address));
    const std::size_t server = writer.begin_group(avp::redirect_server);
    writer.u32(avp::redirect_address_type, redirect->redirect_type);
    writer.text(avp::redirect_server_address, address);
    writer.end_group(server);
  } else if (restrict_access) {
    write_restrictions(writer, outcome);
  }
  writer.end_group(group);
}

// digits * 10^exponent: micros for one unit, to twelve digits, and never less than it costs.
Decimal multiplier_of(const rating::Price& price) {
  Int128 numerator = price.numerator;
  Int128 denominator = price.denominator;
  constexpr std::int64_t digits_max = 1'000'000'000'000;
  Decimal m{0, 0};
  while (numerator / denominator < digits_max / 10 && numerator % denominator != 0) {
    numerator *= 10;
    --m.exponent;
  }
  for (; numerator / denominator >= digits_max; ++m.exponent) denominator *= 10;
  m.digits = static_cast<std::int64_t>((numerator + denominator - 1) / denominator);
  for (; m.digits != 0 && m.digits % 10 == 0; ++m.exponent) m.digits /= 10;
  return m;
}

// CC-Unit-Type 454.
std::uint32_t unit_type_of(rating::Unit unit) {
  switch (unit) {
    case rating::Unit::seconds: return 0;
    case rating::Unit::money: return 1;
    case rating::Unit::octets: return 2;
    case rating::Unit::events: return 5;
  }
  return 2;
}

// G-S-U-Pool-Reference (RFC 8506 8.30): one of its abstract units is a micro of the currency.
void write_pool(Writer& writer, const MsccOutcome& outcome) {
  const rating::Service* service = service_of(outcome);
  if (service == nullptr || outcome.rate > service->rate_count) return;
  const rating::Price& price =
      outcome.rate == 0 ? service->price
                        : outcome.plan->rates[service->first_rate + outcome.rate - 1u].price;
  const std::size_t group = writer.begin_group(avp::gsu_pool_reference);
  writer.u32(avp::gsu_pool_identifier, service->pool);
  writer.u32(avp::cc_unit_type, unit_type_of(outcome.unit));
  write_unit_value(writer, multiplier_of(price));
  writer.end_group(group);
}

void write_triggers(Writer& writer, const MsccOutcome& outcome) {
  if (outcome.changes == 0) return;
  const std::size_t group = writer.begin_group(avp::trigger);
  for (const TriggerOf& one : triggers) {
    if ((outcome.changes & one.change) != 0) writer.u32(avp::trigger_type, one.type);
  }
  writer.end_group(group);
}

void write_threshold(Writer& writer, const MsccOutcome& outcome) {
  switch (outcome.unit) {
    case rating::Unit::octets:
      return writer.u32(avp::volume_quota_threshold, outcome.threshold);
    case rating::Unit::seconds: return writer.u32(avp::time_quota_threshold, outcome.threshold);
    case rating::Unit::events: return writer.u32(avp::unit_quota_threshold, outcome.threshold);
    case rating::Unit::money: return;  // no such AVP
  }
}

// RFC 8506 8.16, TS 32.299 6.4.3: the group's members in the grammar's order.
void write_mscc(Writer& writer, const MsccRequest& asked, const MsccOutcome& outcome,
                const Answer& answer) {
  const std::size_t group = writer.begin_group(avp::multiple_services_credit_control);
  const bool granted = (outcome.flags & rating::outcome_granted) != 0;
  if (granted) write_grant(writer, outcome, answer.currency);
  for (std::size_t i = 0; i < asked.service_identifier_count; ++i) {
    writer.u32(avp::service_identifier, asked.service_identifiers[i]);
  }
  if (asked.has_rating_group) writer.u32(avp::rating_group, asked.rating_group);
  if (granted && (outcome.flags & rating::outcome_pooled) != 0) write_pool(writer, outcome);
  if (outcome.validity != 0) writer.u32(avp::validity_time, outcome.validity);
  writer.u32(avp::result_code, static_cast<std::uint32_t>(code_of(outcome.reason)));
  const bool final_units = (outcome.flags & rating::outcome_final) != 0;
  if (final_units) write_final_unit(writer, outcome);
  if (outcome.threshold != 0 && granted) write_threshold(writer, outcome);
  if (outcome.quota_holding_time != 0) {
    writer.u32(avp::quota_holding_time, outcome.quota_holding_time);
  }
  if (granted && answer.triggers) write_triggers(writer, outcome);
  writer.end_group(group);
}

// Units of a request without MSCC stand at the command level.
void write_command_units(Writer& writer, const MsccOutcome& outcome, const Answer& answer) {
  if ((outcome.flags & rating::outcome_granted) != 0) write_grant(writer, outcome, answer.currency);
  if ((outcome.flags & rating::outcome_final) != 0) write_final_unit(writer, outcome);
  if (outcome.validity != 0) writer.u32(avp::validity_time, outcome.validity);
}

// Cost-Unit 424: for what the cost is, where the enquiry named no amount.
void write_cost_unit(Writer& writer, const rating::ChargeRequest& request, const Answer& answer) {
  if (answer.mscc_count != 1) return;
  const rating::Service* service = service_of(answer.mscc[0]);
  if (service == nullptr) return;
  bool named = false;
  const std::int64_t units = rating::event_units(request.mscc[0], *service, named);
  if (named) return;
  if (service->unit == rating::Unit::events) return writer.text(avp::cost_unit, "event");
  char text[32];
  char* end = std::to_chars(text, text + 20, units).ptr;
  const std::string_view unit = service->unit == rating::Unit::seconds ? " seconds" : " octets";
  end = std::copy(unit.begin(), unit.end(), end);
  writer.text(avp::cost_unit, {text, static_cast<std::size_t>(end - text)});
}

void write_event_result(Writer& writer, const rating::ChargeRequest& request,
                        const Answer& answer) {
  if (request.requested_action == rating::RequestedAction::price_enquiry) {
    const auto priced = [](const MsccOutcome& o) { return o.reason == Reason::ok; };
    const auto* end = answer.mscc + answer.mscc_count;
    if (answer.mscc_count != 0 && std::none_of(answer.mscc, end, priced)) return;
    const std::size_t group = writer.begin_group(avp::cost_information);
    write_unit_value(writer, to_decimal(answer.event.cost, answer.currency));
    writer.u32(avp::currency_code, answer.currency);
    write_cost_unit(writer, request, answer);
    writer.end_group(group);
  } else if (request.requested_action == rating::RequestedAction::check_balance) {
    writer.u32(avp::check_balance_result, answer.event.enough ? 0 : 1);
  }
}

// What the gateway does when nobody answers it: said once, when the session opens (RFC 8506 5.7).
void write_failure_handling(Writer& writer, const rating::Plan& plan) {
  if (plan.failover != rating::Failover::not_sent) {
    writer.u32(avp::cc_session_failover, static_cast<std::uint32_t>(plan.failover) - 1);
  }
  if (plan.failure_handling != rating::FailureHandling::not_sent) {
    writer.u32(avp::credit_control_failure_handling,
               static_cast<std::uint32_t>(plan.failure_handling) - 1);
  }
}

// 5031 names what could not be rated (RFC 8506 9.2): the Rating-Group, or the Service-Identifiers
// where there is none, or an example of the Rating-Group that is missing.
void write_unrated(Writer& writer, const MsccRequest& asked) {
  if (asked.has_rating_group) return writer.u32(avp::rating_group, asked.rating_group);
  if (asked.service_identifier_count == 0) return writer.u32(avp::rating_group, 0);
  for (std::size_t i = 0; i < asked.service_identifier_count; ++i) {
    writer.u32(avp::service_identifier, asked.service_identifiers[i]);
  }
}

void write_failed(Writer& writer, const rating::ChargeRequest& request, const Answer& answer) {
  const auto* end = answer.mscc + answer.mscc_count;
  const auto failed = [](const MsccOutcome& o) { return o.reason == Reason::rating_failed; };
  const bool any_mscc = answer.mscc_count != 0 && std::any_of(answer.mscc, end, failed);
  if (!any_mscc && answer.reason != Reason::rating_failed) return;
  const std::size_t group = writer.begin_group(avp::failed_avp);
  if (!any_mscc) write_unrated(writer, request.mscc_count != 0 ? request.mscc[0] : MsccRequest{});
  for (std::size_t i = 0; any_mscc && i < answer.mscc_count; ++i) {
    if (failed(answer.mscc[i])) write_unrated(writer, request.mscc[i]);
  }
  writer.end_group(group);
}

}  // namespace

std::size_t encode_cca(std::span<const std::uint8_t> message, const rating::ChargeRequest& request,
                       const Answer& answer, const LocalIdentity& local,
                       std::span<std::uint8_t> into) {
  const ResultCode code = code_of(command_reason(request, answer));
  LEVY_CHECK(answer.mscc_count <= request.mscc_count, answer.mscc_count, request.mscc_count);
  Writer writer(into);
  writer.begin_message();
  writer.text(avp::session_id, request.session_id);
  writer.u32(avp::result_code, static_cast<std::uint32_t>(code));
  write_origin(writer, local);
  writer.u32(avp::auth_application_id, codec::application_gy);
  writer.u32(avp::cc_request_type, static_cast<std::uint32_t>(request.type));
  writer.u32(avp::cc_request_number, request.request_number);
  write_origin_state_id(writer, local);
  if (request.type == rating::RequestType::initial && code == ResultCode::success &&
      answer.plan != nullptr) {
    write_failure_handling(writer, *answer.plan);
  }
  if (request.command_level) {
    if (answer.mscc_count != 0) write_command_units(writer, answer.mscc[0], answer);
  } else if (code == ResultCode::success) {  // another code overrides every MSCC
    for (std::size_t i = 0; i < answer.mscc_count; ++i) {
      write_mscc(writer, request.mscc[i], answer.mscc[i], answer);
    }
  }
  if (answer.has_event_result && answer.reason == Reason::ok) {
    write_event_result(writer, request, answer);
  }
  write_failed(writer, request, answer);
  copy_proxy_infos(writer, message);
  return writer.finish(answer_header(message, false));
}

std::size_t encode_server_request(const ServerRequest& request, const LocalIdentity& local,
                                  std::span<std::uint8_t> into) {
  Writer writer(into);
  writer.begin_message();
  writer.text(avp::session_id, request.session_id);
  write_origin(writer, local);
  writer.text(avp::destination_realm, request.destination_realm);
  writer.text(avp::destination_host, request.destination_host);
  writer.u32(avp::auth_application_id, codec::application_gy);
  if (!request.abort) writer.u32(avp::re_auth_request_type, 0);  // AUTHORIZE_ONLY
  write_origin_state_id(writer, local);
  if (request.has_rating_group && !request.abort)
    writer.u32(avp::rating_group, request.rating_group);
  codec::Header header;
  header.flags = codec::flag_request | codec::flag_proxiable;
  header.command = static_cast<std::uint32_t>(
      request.abort ? codec::CommandCode::abort_session : codec::CommandCode::re_auth);
  header.application = codec::application_gy;
  header.end_to_end = request.end_to_end;
  return writer.finish(header);
}

}  // namespace levy::app
