// decode_ccr, the units: MSCC, Requested- and Used-Service-Unit, CC-Money.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
//
// Invariants: every number handed on lies in 0..limits::units_max, money in
// 0..limits::balance_micros_max and is exact; each key of the message occurs once.
#include "diameter/app/ccr_decoder.hpp"

namespace levy::app {

using codec::Avp;
using codec::ResultCode;
namespace avp = codec::avp;

namespace {

// Reporting-Reason 872 ends with 9 UNUSED_QUOTA_TIMER (TS 32.299 7.2.175).
constexpr std::uint32_t reporting_reason_max = 9;

// Tariff-Change-Usage 452. What is indeterminate (2) counts as before the change (semantics.md).
constexpr std::uint32_t unit_after_tariff_change = 1;

constexpr std::int32_t micros_exponent = 6;

// digits * 10^exponent currency units in micros; false when not exact or beyond the balance bound.
bool to_micros(std::int64_t digits, std::int32_t exponent, std::int64_t& micros) {
  if (digits < 0) return false;
  if (digits == 0) {
    micros = 0;
    return true;
  }
  if (exponent < -24 || exponent > 18) return false;  // no int64 survives that
  std::int64_t value = digits;
  for (std::int32_t e = exponent; e < -micros_exponent; ++e) {
    if (value % 10 != 0) return false;
    value /= 10;
  }
  const std::int32_t first = exponent < -micros_exponent ? -micros_exponent : exponent;
  for (std::int32_t e = first; e > -micros_exponent; --e) {
    if (__builtin_mul_overflow(value, std::int64_t{10}, &value)) return false;
  }
  if (value > limits::balance_micros_max) return false;
  micros = value;
  return true;
}

bool same_key(const rating::MsccRequest& a, const rating::MsccRequest& b) {
  if (a.has_rating_group != b.has_rating_group || a.rating_group != b.rating_group) return false;
  if (a.service_identifier_count != b.service_identifier_count) return false;
  for (std::size_t i = 0; i < a.service_identifier_count; ++i) {
    if (a.service_identifiers[i] != b.service_identifiers[i]) return false;
  }
  return true;
}

}  // namespace

bool CcrDecoder::on_mscc(const Avp& one) {
  const std::size_t index = request_.mscc_count;
  if (index == limits::mscc_max) return judge_.fail(ResultCode::avp_occurs_too_many_times, one);
  rating::MsccRequest& mscc = request_.mscc[index];
  mscc = rating::MsccRequest{};
  const bool read = judge_.walk(one.data, [&](const Avp& inner) {
    if (inner.vendor == 0) [[likely]] {
      switch (inner.code) {
        case avp::used_service_unit.code:
          return used_units(inner, mscc);
        case avp::requested_service_unit.code:
          if (mscc.has_requested) break;
          mscc.has_requested = true;
          return units(inner, mscc.requested, nullptr, nullptr);
        case avp::rating_group.code:
          if (mscc.has_rating_group) break;
          mscc.has_rating_group = true;
          return u32(inner, mscc.rating_group);
        case avp::service_identifier.code:
          return service_identifier(inner, mscc);
        default:
          return judge_.unread(inner, 1);
      }
      return judge_.fail(ResultCode::avp_occurs_too_many_times, inner);
    }
    if (inner.is(avp::reporting_reason)) return reporting_reason(inner, mscc);
    if (inner.is(avp::qos_information)) return qos_of(inner, mscc);
    return judge_.unread(inner, 1);
  });
  return read && judge_key(one, index);
}

// The class of the bearer, for the plan's rates: what is none of TS 23.203's is passed over.
bool CcrDecoder::qos_of(const Avp& group, rating::MsccRequest& mscc) {
  return judge_.walk_group(group, [&](const Avp& inner) {
    std::uint32_t value = 0;
    if (!inner.is(avp::qos_class_identifier)) return judge_.unread(inner, 2);
    if (mscc.qci == 0 && codec::read_u32(inner, value) && value <= 255)
      mscc.qci = static_cast<std::uint8_t>(value);
    return true;
  });
}

// Two MSCC of one message with the same (Rating-Group, Service-Identifiers) contradict each other:
// there is one grant per key.
bool CcrDecoder::judge_key(const Avp& one, std::size_t index) {
  for (std::size_t i = 0; i < index; ++i) {
    if (same_key(request_.mscc[i], request_.mscc[index])) [[unlikely]] {
      return judge_.contradict(mscc_avps_[i], one.whole);
    }
  }
  mscc_avps_[index] = one.whole;
  request_.mscc_count = static_cast<std::uint8_t>(index + 1);
  return true;
}

// Keeps the set ascending and without repeats.
bool CcrDecoder::service_identifier(const Avp& one, rating::MsccRequest& mscc) {
  std::uint32_t value = 0;
  if (!u32(one, value)) return false;
  std::size_t at = mscc.service_identifier_count;
  while (at > 0 && mscc.service_identifiers[at - 1] >= value) --at;
  const std::size_t count = mscc.service_identifier_count;
  if (at < count && mscc.service_identifiers[at] == value) return true;
  if (count == limits::service_identifiers_max) {
    return judge_.fail(ResultCode::invalid_avp_value, one);
  }
  for (std::size_t i = count; i > at; --i) {
    mscc.service_identifiers[i] = mscc.service_identifiers[i - 1];
  }
  mscc.service_identifiers[at] = value;
  mscc.service_identifier_count = static_cast<std::uint8_t>(count + 1);
  return true;
}

bool CcrDecoder::reporting_reason(const Avp& one, rating::MsccRequest& mscc) {
  std::uint32_t value = 0;
  if (!u32(one, value)) return false;
  if (value > reporting_reason_max) return judge_.fail(ResultCode::invalid_avp_value, one);
  mscc.reporting_reasons = static_cast<std::uint16_t>(mscc.reporting_reasons | 1u << value);
  return true;
}

// A Used-Service-Unit is added to those before it.
bool CcrDecoder::used_units(const Avp& group, rating::MsccRequest& mscc) {
  std::uint32_t tariff_change_usage = 0;
  if (!mscc.has_used) [[likely]] {
    mscc.has_used = true;
    if (!units(group, mscc.used, &mscc, &tariff_change_usage)) return false;
    if (tariff_change_usage == unit_after_tariff_change) [[unlikely]]
      mscc.after = {mscc.used.octets, mscc.used.octets_up, mscc.used.octets_down};
    return true;
  }
  rating::UnitAmounts more;
  if (!units(group, more, &mscc, &tariff_change_usage)) return false;
  if (tariff_change_usage == unit_after_tariff_change) {
    mscc.after.octets += more.octets;
    mscc.after.octets_up += more.octets_up;
    mscc.after.octets_down += more.octets_down;
  }
  rating::UnitAmounts& sum = mscc.used;
  if (sum.has_money && more.has_money && sum.money_currency != more.money_currency) {
    return judge_.fail(ResultCode::contradicting_avps, group);
  }
  sum.has_directions = (sum.has_directions || !sum.has_octets) &&
                       (more.has_directions || !more.has_octets) &&
                       (sum.has_octets || more.has_octets);
  sum.octets_up += more.octets_up;
  sum.octets_down += more.octets_down;
  sum.octets += more.octets;  // each below 2^48: no overflow
  sum.seconds += more.seconds;
  sum.events += more.events;
  sum.money.micros += more.money.micros;  // each below 2^60
  if (more.has_money) sum.money_currency = more.money_currency;
  sum.has_octets |= more.has_octets;
  sum.has_seconds |= more.has_seconds;
  sum.has_events |= more.has_events;
  sum.has_money |= more.has_money;
  if (sum.octets > limits::units_max || sum.seconds > limits::units_max ||
      sum.events > limits::units_max || sum.money.micros > limits::balance_micros_max) {
    return judge_.fail(ResultCode::invalid_avp_value, group);
  }
  return true;
}

// Requested- or Used-Service-Unit; `reasons` takes Reporting-Reasons and `tariff_change_usage` that
// AVP, and both are null for a request.
bool CcrDecoder::units(const Avp& group, rating::UnitAmounts& into, rating::MsccRequest* reasons,
                       std::uint32_t* tariff_change_usage) {
  std::uint64_t amounts[4] = {};  // total, input, output, events
  unsigned seen = 0;              // one bit for each AVP below
  const bool read = judge_.walk(group.data, [&](const Avp& one) {
    if (one.vendor != 0) [[unlikely]] {
      if (reasons != nullptr && one.is(avp::reporting_reason)) {
        return reporting_reason(one, *reasons);
      }
      return judge_.unread(one, 2);
    }
    unsigned slot = 0;
    switch (one.code) {
      case avp::cc_total_octets.code:
        slot = 0;
        break;
      case avp::cc_input_octets.code:
        slot = 1;
        break;
      case avp::cc_output_octets.code:
        slot = 2;
        break;
      case avp::cc_service_specific_units.code:
        slot = 3;
        break;
      case avp::cc_time.code:
        slot = 4;
        break;
      case avp::cc_money.code:
        slot = 5;
        break;
      case avp::tariff_change_usage.code:
        slot = 6;
        break;
      default:
        return judge_.unread(one, 2);
    }
    if ((seen & 1u << slot) != 0) return judge_.fail(ResultCode::avp_occurs_too_many_times, one);
    seen |= 1u << slot;
    if (slot < 4) [[likely]] {
      if (!codec::read_u64(one, amounts[slot])) {
        return judge_.fail(ResultCode::invalid_avp_length, one);
      }
      if (amounts[slot] <= static_cast<std::uint64_t>(limits::units_max)) [[likely]]
        return true;
      return judge_.fail(ResultCode::invalid_avp_value, one);
    }
    if (slot == 5) return money(one, into);
    std::uint32_t value = 0;
    if (!u32(one, value)) return false;
    if (slot == 4) into.seconds = value;
    if (slot == 6 && tariff_change_usage != nullptr) *tariff_change_usage = value;
    return slot == 4 || value <= 2 || judge_.fail(ResultCode::invalid_avp_value, one);
  });
  if (!read) return false;
  into.has_octets = (seen & 0b111u) != 0;
  into.has_events = (seen & 1u << 3) != 0;
  into.has_seconds = (seen & 1u << 4) != 0;
  const std::uint64_t octets = (seen & 1u) != 0 ? amounts[0] : amounts[1] + amounts[2];
  into.octets = static_cast<std::int64_t>(octets);
  into.has_directions = (seen & 0b110u) != 0 && octets == amounts[1] + amounts[2];
  if (into.has_directions) {
    into.octets_up = static_cast<std::int64_t>(amounts[1]);
    into.octets_down = static_cast<std::int64_t>(amounts[2]);
  }
  into.events = static_cast<std::int64_t>(amounts[3]);
  if (into.octets <= limits::units_max) [[likely]]
    return true;
  return judge_.fail(ResultCode::invalid_avp_value, group);
}

// CC-Money 413 {Unit-Value, [Currency-Code]}.
bool CcrDecoder::money(const Avp& group, rating::UnitAmounts& into) {
  bool has_value = false, has_currency = false;
  const bool read = judge_.walk(group.data, [&](const Avp& one) {
    if (one.is(avp::unit_value)) {
      if (has_value) return judge_.fail(ResultCode::avp_occurs_too_many_times, one);
      has_value = true;
      return unit_value(one, into.money);
    }
    if (one.is(avp::currency_code)) {
      if (has_currency) return judge_.fail(ResultCode::avp_occurs_too_many_times, one);
      has_currency = true;
      std::uint32_t value = 0;
      if (!u32(one, value)) return false;
      if (value > 999) return judge_.fail(ResultCode::invalid_avp_value, one);  // ISO 4217
      into.money_currency = static_cast<std::uint16_t>(value);
      return true;
    }
    return judge_.unread(one, 3);
  });
  if (!read) return false;
  into.has_money = true;
  return has_value || judge_.missing(avp::unit_value);
}

// Unit-Value 445 {Value-Digits, [Exponent]}: digits * 10^exponent.
bool CcrDecoder::unit_value(const Avp& group, Money& into) {
  bool has_digits = false, has_exponent = false;
  std::uint64_t digits = 0;
  std::uint32_t exponent = 0;
  const bool read = judge_.walk(group.data, [&](const Avp& one) {
    if (one.is(avp::value_digits)) {
      if (has_digits) return judge_.fail(ResultCode::avp_occurs_too_many_times, one);
      has_digits = true;
      return codec::read_u64(one, digits) || judge_.fail(ResultCode::invalid_avp_length, one);
    }
    if (one.is(avp::exponent)) {
      if (has_exponent) return judge_.fail(ResultCode::avp_occurs_too_many_times, one);
      has_exponent = true;
      return u32(one, exponent);
    }
    return judge_.unread(one, 4);
  });
  if (!read) return false;
  if (!has_digits) return judge_.missing(avp::value_digits);
  if (to_micros(static_cast<std::int64_t>(digits), static_cast<std::int32_t>(exponent),
                into.micros)) {
    return true;
  }
  return judge_.fail(ResultCode::invalid_avp_value, group);
}

}  // namespace levy::app
