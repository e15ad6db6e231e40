// compile_service: one service of a plan, its price, grants and what becomes of lost ones.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
#include <algorithm>

#include "rating/compile/checks.hpp"
#include "rating/compile/rates.hpp"
#include "rating/price.hpp"

namespace levy::rating {
namespace {

// Seconds that a gateway is told to wait: 30 days, the longest that any of them is known to take.
constexpr std::int64_t wait_seconds_max = 30 * 86400;
// CC-Time is an Unsigned32 and a grant may end one step beyond grant_max: both fit below 2^31.
constexpr std::int64_t seconds_grant_max = INT32_MAX;

enum class Access : std::uint8_t { open, barred, refused, not_applicable };

// Without grant_default: one price step; where there is none worth a round trip (no price, or a
// step of a single unit), 10 MB, a minute or one event.
std::int64_t usual_grant(Unit unit, std::int64_t step) {
  if (step > 1) return step;
  return unit == Unit::octets ? 10'000'000 : unit == Unit::seconds ? 60 : 1;
}

std::string text(std::int64_t number) {
  return std::to_string(number);
}

// The step as written, which `first` does not change.
std::int64_t written_step(const ServiceSource& source) {
  if (!source.price.given || source.price.value.free) return 1;
  const PriceSource& price = source.price.value;
  return price.step_units == 0 ? price.per_units : price.step_units;
}

void compile_grants(const ServiceSource& source, Checks& checks, const RateCompiler& rates,
                    const Place& place, Service& service) {
  const std::int64_t ceiling =
      service.unit == Unit::seconds ? seconds_grant_max : limits::units_max;
  const std::int64_t step = written_step(source);
  service.grant_max = checks.number(source.grant_max, "grant_max", 1, ceiling, ceiling);
  service.grant_min = checks.number(source.grant_min, "grant_min", 0, ceiling, 0);
  if (service.grant_min > service.grant_max)
    checks.fault(source.grant_min.place,
                 "grant_min " + text(service.grant_min) + " is greater than grant_max " +
                     text(service.grant_max) + "; lower it or raise grant_max");
  const std::int64_t widest = rates.widest_step(service);
  if (widest > service.grant_max)
    checks.fault(source.grant_max.given ? source.grant_max.place : place,
                 "grant_max " + text(service.grant_max) + " is smaller than one price step of " +
                     text(widest) + " units; raise grant_max or shorten the step");
  const std::int64_t usual =
      std::min(std::max(usual_grant(service.unit, step), service.grant_min), service.grant_max);
  service.grant_default = checks.number(source.grant_default, "grant_default", 1, ceiling, usual);
  service.grant_first =
      checks.number(source.grant_first, "grant_first", 1, ceiling, service.grant_default);
  const auto within = [&](const Placed<std::int64_t>& given, const char* key, std::int64_t value) {
    if (given.given && (value < service.grant_min || value > service.grant_max))
      checks.fault(given.place, std::string(key) + " is " + text(value) +
                                    "; allowed: from grant_min " + text(service.grant_min) +
                                    " to grant_max " + text(service.grant_max));
  };
  within(source.grant_default, "grant_default", service.grant_default);
  within(source.grant_first, "grant_first", service.grant_first);
}

void compile_reporting(const ServiceSource& source, Checks& checks, Service& service) {
  service.validity = static_cast<std::uint32_t>(
      checks.number(source.validity, "validity", 1, wait_seconds_max, 0));
  service.quota_holding_time = static_cast<std::uint32_t>(
      checks.number(source.quota_holding_time, "quota_holding_time", 1, UINT16_MAX, 0));
  service.threshold_permille = static_cast<std::uint16_t>(
      checks.number(source.threshold_permille, "threshold_permille", 1, 999, 0));
  service.threshold_units =
      checks.number(source.threshold_units, "threshold_units", 1, UINT32_MAX, 0);
  service.retry_after = static_cast<std::uint32_t>(
      checks.number(source.retry_after, "retry_after", 1, wait_seconds_max, 0));
  service.low_credit_permille = static_cast<std::uint16_t>(
      checks.number(source.low_credit_permille, "low_credit_permille", 1, 1000, 1000));
  const auto useless = [&](const Placed<std::int64_t>& given, const char* key) {
    if (given.given)
      checks.fault(given.place, std::string(key) + " has no effect on a free service; remove it");
  };
  if (service.price.free) {
    useless(source.threshold_permille, "threshold_permille");
    useless(source.threshold_units, "threshold_units");
    useless(source.low_credit_permille, "low_credit_permille");
  }
}

// Prices are of the dearer direction, so that a grant is never too large.
void compile_directions(const ServiceSource& source, Checks& checks, Service& service) {
  const auto share = [&](const Placed<std::int64_t>& given, const char* key) {
    if (given.given && service.unit != Unit::octets)
      checks.fault(given.place, std::string(key) + " is for octets alone; remove it");
    return static_cast<std::uint16_t>(checks.number(given, key, 0, 1000, 1000));
  };
  service.up_permille = share(source.up_permille, "up");
  service.down_permille = share(source.down_permille, "down");
  if (std::max(service.up_permille, service.down_permille) != 1000)
    checks.fault(source.up_permille.place,
                 "neither up nor down is 100 %; let the price be that of the dearer direction, and "
                 "the other one a share of it");
}

void compile_lost(const ServiceSource& source, Checks& checks, Service& service) {
  static constexpr Choices<OnLost, 3> lost_words{{{"release", OnLost::release},
                                                  {"charge_reserved", OnLost::charge_reserved},
                                                  {"charge", OnLost::charge_units}}};
  service.on_lost = checks.choice(source.on_lost, "on_lost", lost_words, OnLost::release);
  service.lost_units = checks.number(source.lost_units, "lost_units", 1, limits::units_max, 0);
  const bool charges = service.on_lost == OnLost::charge_units;
  if (charges && !source.lost_units.given)
    checks.absent(source.on_lost.place, "on_lost",
                  "on_lost is 'charge' but lost_units is missing; give units");
  if (!charges && source.lost_units.given)
    checks.absent(source.lost_units.place, "on_lost",
                  "lost_units has no effect without 'on_lost: charge'; remove it or set that");
}

void compile_on_new_version(const ServiceSource& source, Checks& checks, Service& service) {
  static constexpr Choices<OnNewVersion, 3> words{{{"next_report", OnNewVersion::next_report},
                                                   {"pin", OnNewVersion::pin},
                                                   {"reauthorize", OnNewVersion::reauthorize}}};
  // A call or a message ends as it was begun; data sessions go on for weeks.
  const OnNewVersion usual =
      service.unit == Unit::octets ? OnNewVersion::next_report : OnNewVersion::pin;
  service.on_new_version = checks.choice(source.on_new_version, "on_new_version", words, usual);
}

void compile_unpriced(const ServiceSource& source, Checks& checks, Service& service) {
  static constexpr Choices<bool, 2> words{{{"4012", false}, {"5031", true}}};
  service.unpriced_fails = checks.choice(source.unpriced, "unpriced", words, false);
  if (source.unpriced.given && (source.rates.empty() || source.price.given))
    checks.fault(source.unpriced.place,
                 "unpriced has no effect on a service without rates, or with a price of its own; "
                 "remove it");
}

// What needs no credit control costs nothing.
void compile_not_applicable(const ServiceSource& source, Checks& checks, Service& service) {
  if ((source.price.given && !service.price.free) || !source.rates.empty())
    checks.fault(source.access.place,
                 "access is 'not_applicable' but the service has a price, which nobody would pay; "
                 "remove the price and rates, or the access");
  service.price = Price{};
  service.price.free = true;
}

// Which MSCC the service takes beside its rating groups.
void compile_selection(const ServiceSource& source, Checks& checks, Service& service) {
  static constexpr Choices<ServiceContext, 5> words{{{"data", context_data},
                                                     {"voice", context_voice},
                                                     {"sms", context_sms},
                                                     {"mms", context_mms},
                                                     {"other", context_other}}};
  if (!source.contexts.empty()) service.contexts = 0;
  for (const Placed<std::string>& context : source.contexts)
    service.contexts |= checks.choice(context, "context", words, context_other);
  for (const Placed<std::uint32_t>& identifier : source.service_identifiers) {
    if (service.service_identifier_count == service.service_identifiers.size()) {
      checks.fault(identifier.place, "a service takes at most " +
                                         text(service.service_identifiers.size()) +
                                         " service_identifiers; make a second service");
      return;
    }
    service.service_identifiers[service.service_identifier_count++] = identifier.value;
  }
}

}  // namespace

void compile_service(const ServiceSource& source, const Place& plan_place, Checks& checks,
                     RateCompiler& rates, CompiledPlan& plan, Service& service) {
  static constexpr Choices<Unit, 3> units{
      {{"octets", Unit::octets}, {"seconds", Unit::seconds}, {"events", Unit::events}}};
  static constexpr Choices<Access, 4> accesses{{{"open", Access::open},
                                                {"barred", Access::barred},
                                                {"refused", Access::refused},
                                                {"not_applicable", Access::not_applicable}}};
  const Place& place = source.name.given ? source.name.place : plan_place;
  service.unit = checks.choice(source.unit, "unit", units, Unit::octets);
  const Access access = checks.choice(source.access, "access", accesses, Access::open);
  service.barred = access == Access::barred;
  service.refused = access == Access::refused;
  service.not_applicable = access == Access::not_applicable;
  const bool any = source.any_rating_group.given && source.any_rating_group.value;
  const bool without = source.without_rating_group.given && source.without_rating_group.value;
  if (source.rating_groups.empty() && !any && !without)
    checks.absent(place, "rating_groups",
                  "service '" + source.name.value +
                      "' matches nothing; give rating_group: a number, 'any' or 'none'");
  service.in_grace = source.in_grace.given && source.in_grace.value;
  service.indivisible =
      source.indivisible.given ? source.indivisible.value : service.unit == Unit::events;
  compile_selection(source, checks, service);
  rates.compile(source, place, service);
  compile_unpriced(source, checks, service);
  if (service.not_applicable) compile_not_applicable(source, checks, service);
  service.tax_permille = static_cast<std::uint16_t>(checks.number(source.tax, "tax", 0, 1000, 0));
  compile_grants(source, checks, rates, place, service);
  compile_reporting(source, checks, service);
  compile_final_units(source, place, checks, plan, service);
  compile_lost(source, checks, service);
  compile_directions(source, checks, service);
  compile_sponsor(source, rates.plan_source(), checks, service);
  compile_pool(source, checks, plan, service);
  compile_on_new_version(source, checks, service);
}

}  // namespace levy::rating
