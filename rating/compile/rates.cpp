// RateCompiler: conditions become sorted values, times become patterns of the plan.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
#include "rating/compile/rates.hpp"

#include <algorithm>
#include <charconv>

#include "rating/compile/calendar.hpp"
#include "rating/compile/terms.hpp"
#include "rating/facts.hpp"

namespace levy::rating {
namespace {

constexpr Choices<Attribute, 13> attributes{
    {{"time", Attribute::time},
     {"apn", Attribute::apn},
     {"rat", Attribute::rat},
     {"plmn", Attribute::plmn_zone},
     {"location", Attribute::location_zone},
     {"called", Attribute::called_zone},
     {"calling", Attribute::calling_zone},
     {"characteristics", Attribute::characteristics},
     {"qci", Attribute::qci},
     {"role", Attribute::role},
     {"service_identifier", Attribute::service_identifier},
     {"segment", Attribute::segment},
     {"friends", Attribute::friends}}};

// 3GPP-RAT-Type (TS 29.061 16.4.7.2). NR is 51 there; gateways that copy GTP's value send 10.
struct RatName {
  std::string_view name;
  std::uint64_t value;
};
constexpr RatName rats[] = {{"utran", 1}, {"geran", 2},  {"wlan", 3},    {"gan", 4},
                            {"hspa", 5},  {"eutran", 6}, {"virtual", 7}, {"nb_iot", 8},
                            {"lte_m", 9}, {"nr", 51},    {"nr", 10}};

bool number_of(const std::string& text, std::uint64_t low, std::uint64_t high,
               std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && value >= low && value <= high;
}

// The changes that may turn a condition over. A cell of one zone lies in an area of another, so the
// kinds of place of all zones count.
std::uint16_t changes_of(Attribute attribute, const Catalogue& catalogue) {
  if (attribute == Attribute::rat) return change_rat;
  if (attribute == Attribute::qci) return change_qos;
  if (attribute == Attribute::plmn_zone) return change_plmn;
  if (attribute != Attribute::location_zone) return 0;
  std::uint16_t changes = 0;
  for (const ZoneSource& zone : catalogue.zones) {
    for (const Placed<std::string>& place : zone.places) {
      const std::string_view text = place.value;
      changes |= text.starts_with("tai ")    ? change_tai
                 : text.starts_with("ecgi ") ? change_ecgi
                 : text.starts_with("cgi ")  ? change_cgi
                                             : change_location;
    }
  }
  return changes;
}

// Two rates of which the first takes all that the second could.
bool covers(const CompiledPlan& plan, const Rate& first, const Rate& second) {
  for (std::uint32_t i = 0; i < first.condition_count; ++i) {
    const Condition& a = plan.own_conditions[first.first_condition + i];
    bool met = false;
    for (std::uint32_t j = 0; j < second.condition_count && !met; ++j) {
      const Condition& b = plan.own_conditions[second.first_condition + j];
      if (a.attribute != b.attribute || a.negated != b.negated) continue;
      const auto in = [&](const Condition& c) {
        return std::pair(plan.own_values.begin() + c.first,
                         plan.own_values.begin() + c.first + c.count);
      };
      const auto [a0, a1] = in(a);
      const auto [b0, b1] = in(b);
      met = a.negated ? std::includes(b0, b1, a0, a1) : std::includes(a0, a1, b0, b1);
    }
    if (!met) return false;
  }
  return true;
}

}  // namespace

bool parse_rat(std::string_view text, std::uint64_t& value) {
  for (const RatName& rat : rats) {
    if (rat.name != text) continue;
    value = rat.value;
    return true;
  }
  return number_of(std::string(text), 0, 255, value);
}

void RateCompiler::compile(const ServiceSource& source, const Place& place, Service& service) {
  const std::int64_t tax = added_tax(source_, source.tax);
  compile_tariff(source, place, tax, checks_, plan_, service.price);
  check_pass(source);
  service.first_rate = static_cast<std::uint32_t>(plan_.own_rates.size());
  std::vector<std::string> names;
  for (const RateSource& rate : source.rates) {
    checks_.name(rate.name, rate.place, "rate", names);
    if (service.rate_count == limits::rates_per_service_max) {
      checks_.fault(rate.place, "a service takes at most " +
                                    std::to_string(limits::rates_per_service_max) +
                                    " rates; join some of them or split the service");
      return;
    }
    compile_rate(rate, tax, service);
    ++service.rate_count;
  }
}

std::int64_t RateCompiler::widest_step(const Service& service) const {
  const auto widest = [](const Price& price) {
    std::int64_t step = price.step;
    for (std::uint32_t k = 0; k < price.further_tiers; ++k)
      step = std::max(step, price.tiers[k].step);
    return step;
  };
  std::int64_t step = widest(service.price);
  for (std::uint32_t k = 0; k < service.rate_count; ++k)
    step = std::max(step, widest(plan_.own_rates[service.first_rate + k].price));
  return step;
}

// Its id becomes the plan's in Names.
void RateCompiler::check_pass(const TariffSource& source) {
  if (!source.pass.given) return;
  const std::string& name = source.pass.value;
  const auto& all = catalogue_.plans;
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const PlanSource& one) { return one.name.value == name; });
  if (found == all.end() || !is_addon(*found))
    checks_.fault(source.pass.place,
                  "pass '" + name + "' is no add-on of this catalogue; name one");
  else if (found->currency.value != source_.currency.value)
    checks_.fault(source.pass.place, "pass '" + name + "' has another currency than this plan");
  if (is_addon(source_))
    checks_.fault(source.pass.place,
                  "pass has no effect in an add-on: base plans alone buy passes; remove it");
  plan_.passes = true;
}

// What is barred needs no price: nothing is granted.
void RateCompiler::compile_rate(const RateSource& source, std::int64_t tax, Service& service) {
  enum class Access : std::uint8_t { open, barred, refused };
  static constexpr Choices<Access, 3> accesses{
      {{"open", Access::open}, {"barred", Access::barred}, {"refused", Access::refused}}};
  plan_.own_rates.emplace_back();
  const std::size_t index = plan_.own_rates.size() - 1;
  Rate rate;
  compile_tariff(source, source.place, tax, checks_, plan_, rate.price);
  const Access access = checks_.choice(source.access, "access", accesses, Access::open);
  rate.barred = access == Access::barred;
  rate.refused = access == Access::refused;
  check_pass(source);
  if (rate.price.none && access == Access::open && !source.pass.given)
    checks_.absent(source.place, "price",
                   "rate '" + source.name.value + "' has no price; give it one");
  if (source.when.empty())
    checks_.absent(source.place, "when",
                   "rate '" + source.name.value +
                       "' has no conditions and would hide what follows; give it "
                       "'when', or make its price the service's own");
  if (source.when.size() > limits::conditions_per_rate_max) {
    checks_.fault(source.place, "a rate takes at most " +
                                    std::to_string(limits::conditions_per_rate_max) +
                                    " conditions; use named zones and times");
    return;
  }
  const Conditions made = conditions(source.when);
  rate.first_condition = made.first;
  rate.condition_count = made.count;
  service.by_time |= made.by_time;
  service.changes |= made.changes;
  if (rate.condition_count == source.when.size() && !source.when.empty()) {
    for (std::size_t k = service.first_rate; k < index; ++k) {
      if (plan_.own_rates[k].condition_count == 0 || !covers(plan_, plan_.own_rates[k], rate))
        continue;
      checks_.fault(source.place, "rate '" + source.name.value +
                                      "' never applies: an earlier rate of this service takes all "
                                      "that it would; put it before that one");
      break;
    }
  }
  plan_.own_rates[index] = rate;
}

Conditions RateCompiler::conditions(const std::vector<ConditionSource>& when) {
  Conditions made;
  made.first = static_cast<std::uint32_t>(plan_.own_conditions.size());
  for (const ConditionSource& condition : when) compile_condition(condition, made);
  made.count = static_cast<std::uint16_t>(plan_.own_conditions.size() - made.first);
  return made;
}

void RateCompiler::compile_condition(const ConditionSource& source, Conditions& into) {
  const Attribute attribute =
      checks_.choice(source.attribute, "condition", attributes, Attribute::time);
  std::vector<std::uint64_t> values;
  bool good = !source.values.empty();
  if (!good)
    checks_.absent(source.attribute.place, "when",
                   "condition '" + source.attribute.value + "' has no values; give at least one");
  for (const Placed<std::string>& value : source.values)
    good &= value_of(source, attribute, value, values);
  if (!good) return;
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  plan_.own_conditions.push_back({attribute, source.negated,
                                  static_cast<std::uint16_t>(values.size()),
                                  static_cast<std::uint32_t>(plan_.own_values.size())});
  plan_.own_values.insert(plan_.own_values.end(), values.begin(), values.end());
  into.by_time |= attribute == Attribute::time;
  into.changes |= changes_of(attribute, catalogue_);
}

bool RateCompiler::value_of(const ConditionSource& condition, Attribute attribute,
                            const Placed<std::string>& value, std::vector<std::uint64_t>& values) {
  std::uint64_t number = 0;
  bool good = false;
  std::string allowed;
  switch (attribute) {
    case Attribute::time:
      if (!time_of(value, number)) return false;
      good = true;
      break;
    case Attribute::plmn_zone:
    case Attribute::location_zone:
    case Attribute::called_zone:
    case Attribute::calling_zone:
      if (!zone_of(value, attribute, number)) return false;
      good = true;
      break;
    case Attribute::apn:
      good = !value.value.empty() && value.value.size() <= 100;
      number = apn_key(value.value);
      allowed = "the network part of an APN, 1 to 100 bytes";
      break;
    case Attribute::rat:
      // Where a name has two values, either is meant.
      for (const RatName& rat : rats)
        if (rat.name == value.value) values.push_back(rat.value), good = true;
      if (good) return true;
      good = parse_rat(value.value, number);
      allowed = "utran, geran, wlan, gan, hspa, eutran, virtual, nb_iot, lte_m, nr, or 0 to 255";
      break;
    case Attribute::characteristics:
      good = characteristics_value(value.value, number);
      allowed = "4 hexadecimal digits, such as 0800";
      break;
    case Attribute::qci:
      good = number_of(value.value, 1, 255, number);
      allowed = "1 to 255";
      break;
    case Attribute::segment:
      good = !value.value.empty() && value.value.size() <= limits::name_bytes_max;
      number = segment_key(value.value);
      allowed = "a name of 1 to " + std::to_string(limits::name_bytes_max) + " bytes";
      break;
    case Attribute::friends:
      good = value.value == "called" || value.value == "calling";
      number = value.value == "calling";
      allowed = "called, calling";
      break;
    case Attribute::role:
      good = value.value == "originating" || value.value == "terminating";
      number = value.value == "terminating";
      allowed = "originating, terminating";
      break;
    case Attribute::service_identifier:
      good = number_of(value.value, 0, UINT32_MAX, number);
      allowed = "0 to 4294967295";
      break;
  }
  if (good)
    values.push_back(number);
  else
    checks_.fault(value.place,
                  condition.attribute.value + " is '" + value.value + "'; allowed: " + allowed);
  return good;
}

bool RateCompiler::time_of(const Placed<std::string>& name, std::uint64_t& index) {
  const auto known = times_.find(name.value);
  if (known != times_.end()) {
    index = known->second;
    return true;
  }
  const auto found = std::find_if(catalogue_.times.begin(), catalogue_.times.end(),
                                  [&](const TimeSource& t) { return t.name.value == name.value; });
  if (found == catalogue_.times.end()) {
    checks_.fault(name.place,
                  "time '" + name.value + "' is not declared; declare it under 'times'");
    return false;
  }
  auto edges = std::make_unique<std::vector<std::uint32_t>>();
  bool on_before = false;
  if (!compile_time(*found, catalogue_.holidays, source_.time_zone, *edges, on_before))
    return false;
  index = times_[name.value] = plan_.own_times.size();
  plan_.own_times.push_back({edges->data(), static_cast<std::uint32_t>(edges->size()), on_before});
  plan_.own_edges.push_back(std::move(edges));
  return true;
}

bool RateCompiler::zone_of(const Placed<std::string>& name, Attribute attribute,
                           std::uint64_t& zone) {
  for (std::size_t i = 0; i < catalogue_.zones.size(); ++i) {
    const ZoneSource& found = catalogue_.zones[i];
    if (found.name.value != name.value) continue;
    const bool empty = attribute == Attribute::plmn_zone       ? found.plmns.empty()
                       : attribute == Attribute::location_zone ? found.places.empty()
                                                               : found.numbers.empty();
    if (empty)
      checks_.fault(name.place, "zone '" + name.value + "' names no " +
                                    (attribute == Attribute::plmn_zone       ? "plmns"
                                     : attribute == Attribute::location_zone ? "places"
                                                                             : "numbers") +
                                    ", so this never holds; add them to the zone");
    zone = i;
    return !empty;
  }
  checks_.fault(name.place, "zone '" + name.value + "' is not declared; declare it under 'zones'");
  return false;
}

}  // namespace levy::rating
