// quote: an ideal gateway against charge(), on an account with money enough.
// Core: any. Allocates: never. Blocks: never. Clock: in the question.
#include "rating/quote.hpp"

#include <algorithm>

#include "rating/tariff.hpp"

namespace levy::rating {
namespace {

// The account and session of one question.
class IdealGateway {
 public:
  IdealGateway(const QuoteQuestion& question, Quote& quote)
      : question_(question), quote_(quote), request_(*question.request) {
    wallet_.flags = bucket_live | bucket_main_wallet;
    wallet_.currency = question.plan->currency;
    wallet_.credits = limits::balance_micros_max;
    account_.buckets[0] = &wallet_;
    account_.slots[0] = 0;
    account_.bucket_count = 1;
    group_.flags = group_live;
    request_.mscc_count = 1;
    request_.command_level = false;
  }

  void run() {
    std::int64_t left = question_.used;
    std::uint32_t turns = 0;
    send(RequestType::initial, 0, left);
    usage_rate_ = group_.rate;
    usage_service_ = group_.service;
    while (left > 0 && granted_ > 0 && ++turns < turns_max) {
      const std::int64_t part = std::min({left, granted_, within_validity()});
      const Time from = now();
      left -= part;
      used_ += part;
      send(left > 0 ? RequestType::update : RequestType::termination, part, left);
      note(from, part);
    }
    quote_.used = used_;
    quote_.charged = wallet_.spent;
    if (left > 0 && quote_.reason == Reason::ok) quote_.reason = Reason::unable_to_comply;
  }

 private:
  static constexpr std::uint32_t turns_max = 1'000'000;

  std::int64_t length() const {  // micros that the whole use takes
    if (question_.seconds != 0) return std::int64_t{question_.seconds} * 1'000'000;
    return quote_.unit == Unit::seconds ? question_.used * 1'000'000 : 0;
  }

  Time now() const {
    if (question_.used == 0) return question_.start;
    const Int128 passed = Int128{length()} * used_ / question_.used;
    return Time{question_.start.micros + static_cast<std::int64_t>(passed)};
  }

  // Units that are used before the grant's Validity-Time ends, at least one.
  std::int64_t within_validity() const {
    const std::int64_t whole = length();
    if (validity_ == 0 || whole == 0) return INT64_MAX;
    const std::int64_t ends = now().seconds() * 1'000'000 + std::int64_t{validity_} * 1'000'000;
    const Int128 passed = ends - question_.start.micros;
    const auto until = static_cast<std::int64_t>(passed * question_.used / whole);
    return std::max<std::int64_t>(until - used_, 1);
  }

  void send(RequestType type, std::int64_t used, std::int64_t wanted) {
    MsccRequest& mscc = request_.mscc[0];
    request_.type = type;
    request_.request_number = number_++;
    ChargeInput input;
    input.request = &request_;
    input.plan = question_.plan;
    input.zones = question_.zones;
    input.now = input.usage_time = now();
    input.groups[0] = &group_;
    input.grant_allowed[0] = true;
    const Tariff tariff = current_tariff(input, mscc);
    if (tariff.service != nullptr) quote_.unit = tariff.service->unit;
    mscc.has_used = used > 0;
    mscc.has_requested = type != RequestType::termination;
    mscc.used = amounts(used);
    mscc.requested = amounts(std::min(wanted, limits::units_max));
    result_.movement_count = 0;
    charge(input, account_, result_);
    const MsccOutcome& outcome = result_.mscc[0];
    granted_ = outcome.granted;
    validity_ = outcome.validity;
    if (outcome.reason != Reason::ok && type != RequestType::termination)
      quote_.reason = outcome.reason;
  }

  UnitAmounts amounts(std::int64_t number) const {
    UnitAmounts a;
    a.has_octets = quote_.unit == Unit::octets;
    a.has_seconds = quote_.unit == Unit::seconds;
    a.has_events = quote_.unit == Unit::events;
    a.octets = a.has_octets ? number : 0;
    a.seconds = a.has_seconds ? number : 0;
    a.events = a.has_events ? number : 0;
    return a;
  }

  // The use just reported was made under the rate of the grant before.
  void note(Time from, std::int64_t used) {
    const MsccOutcome& outcome = result_.mscc[0];
    QuoteStep* last = quote_.step_count > 0 ? &quote_.steps[quote_.step_count - 1] : nullptr;
    const bool same =
        last != nullptr && last->rate == usage_rate_ && last->service == usage_service_;
    if (!same && quote_.step_count == Quote::steps_max) {
      quote_.cut = true;
    } else {
      if (!same) {
        last = &quote_.steps[quote_.step_count++];
        *last = QuoteStep{from, 0, 0, 0, usage_service_, usage_rate_};
      }
      last->used += used;
      last->charged += outcome.charged;
      last->fee += outcome.fee;
    }
    usage_rate_ = group_.rate;
    usage_service_ = group_.service;
  }

  const QuoteQuestion& question_;
  Quote& quote_;
  ChargeRequest request_;
  Bucket wallet_{};
  AccountView account_{};
  Group group_{};
  ChargeResult result_{};
  std::int64_t used_ = 0;
  std::int64_t granted_ = 0;
  std::uint32_t validity_ = 0;
  std::uint32_t number_ = 0;
  std::uint16_t usage_rate_ = 0;
  std::uint16_t usage_service_ = 0xffff;
};

}  // namespace

void quote(const QuoteQuestion& question, Quote& answer) {
  answer = Quote{};
  IdealGateway(question, answer).run();
}

bool condition_holds(const QuoteQuestion& question, Time at, const Condition& condition) {
  ChargeInput input;
  input.request = question.request;
  input.plan = question.plan;
  input.zones = question.zones;
  input.now = input.usage_time = at;
  return holds(input, question.request->mscc[0], *question.plan, question.zones, condition);
}

}  // namespace levy::rating
