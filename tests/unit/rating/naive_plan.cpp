// See naive_plan.hpp.
// Core: test. Allocates: yes. Blocks: never. Clock: in the message.
#include "tests/unit/rating/naive_plan.hpp"

#include <algorithm>
#include <cctype>

namespace levy::rating::naive {
namespace {

char nibbles(int high, int low) {
  return static_cast<char>(high << 4 | low);
}
std::string big_endian(int value, int bytes) {
  std::string text;
  for (int k = bytes - 1; k >= 0; --k) text += static_cast<char>(value >> (8 * k) & 0xff);
  return text;
}

// Letters are alike, and the operator's suffix is not part of the name.
std::string network_of(std::string apn) {
  for (char& c : apn) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const std::size_t suffix = apn.find(".mnc");
  return apn.ends_with(".gprs") && suffix != std::string::npos ? apn.substr(0, suffix) : apn;
}

// TS 29.061 3GPP-RAT-Type.
int rat_number(const std::string& name) {
  if (name == "utran") return 1;
  if (name == "geran") return 2;
  if (name == "wlan") return 3;
  if (name == "eutran") return 6;
  return 51;  // nr
}

template <class Values>
bool contains(const Values& values, const std::string& wanted) {
  return std::any_of(values.begin(), values.end(),
                     [&](const auto& value) { return value.value == wanted; });
}

}  // namespace

std::string Location::bytes() const {
  const int third = mnc.size() == 3 ? mnc[2] - '0' : 0xf;
  const std::string plmn = {
      nibbles(mcc.empty() ? 0 : mcc[1] - '0', mcc.empty() ? 0 : mcc[0] - '0'),
      nibbles(third, mcc.empty() ? 0 : mcc[2] - '0'),
      nibbles(mnc.empty() ? 0 : mnc[1] - '0', mnc.empty() ? 0 : mnc[0] - '0')};
  switch (kind) {
    case Kind::absent:
      return "";
    case Kind::cgi:
      return '\0' + plmn + big_endian(area, 2) + big_endian(cell, 2);
    case Kind::sai:
      return '\1' + plmn + big_endian(area, 2) + big_endian(cell, 2);
    case Kind::tai:
      return '\x80' + plmn + big_endian(area, 2);
    case Kind::ecgi:
      return '\x81' + plmn + big_endian(cell, 4);
    case Kind::tai_and_ecgi:
      return '\x82' + plmn + big_endian(area, 2) + plmn + big_endian(cell, 4);
  }
  return "";
}

std::vector<std::string> Location::places() const {
  const std::string network = mcc + "-" + mnc + "-";
  const std::string tai = "tai " + network + std::to_string(area);
  const std::string ecgi = "ecgi " + network + std::to_string(cell);
  const std::string both = network + std::to_string(area) + "-" + std::to_string(cell);
  switch (kind) {
    case Kind::absent:
      return {};
    case Kind::cgi:
      return {"cgi " + both};
    case Kind::sai:
      return {"sai " + both};
    case Kind::tai:
      return {tai};
    case Kind::ecgi:
      return {ecgi};
    case Kind::tai_and_ecgi:
      return {ecgi, tai};
  }
  return {};
}

std::string context_word(const std::string& id) {
  const std::string number = id.substr(0, id.find('@'));
  if (number.ends_with("32251")) return "data";
  if (number.ends_with("32260") || number.ends_with("32276")) return "voice";
  if (number.ends_with("32274")) return "sms";
  if (number.ends_with("32270")) return "mms";
  return "other";
}

NaivePlan::NaivePlan(const Catalogue& catalogue, std::int64_t start) : catalogue_(catalogue) {
  for (const ServiceSource& service : source().services) {
    std::vector<NaivePrice>& prices = prices_.emplace_back();
    prices.emplace_back(service);
    for (const RateSource& rate : service.rates) prices.emplace_back(rate);
  }
  const std::string zone = source().time_zone.given ? source().time_zone.value : "";
  for (const TimeSource& time : catalogue.times) times_.emplace_back(time, catalogue, zone, start);
}

const NamedTime& NaivePlan::time(const std::string& name) const {
  std::size_t k = 0;
  while (catalogue_.times[k].name.value != name) ++k;
  return times_[k];
}

// First by its Rating-Group, else what takes any; of these first one that names the identifier.
std::size_t NaivePlan::service_of(const Facts& facts, const Units& units) const {
  const std::string context = context_word(facts.context);
  for (const bool by_name : {true, false}) {
    for (const bool by_identifier : {true, false}) {
      for (std::size_t k = 0; k < source().services.size(); ++k) {
        const ServiceSource& s = service(k);
        bool takes = s.any_rating_group.value;  // also what has no group: "absent is a value"
        if (by_name)
          takes = units.rating_group
                      ? std::any_of(s.rating_groups.begin(), s.rating_groups.end(),
                                    [&](const auto& g) { return g.value == *units.rating_group; })
                      : s.without_rating_group.value;
        if (!takes || s.service_identifiers.empty() == by_identifier) continue;
        if (!s.contexts.empty() && !contains(s.contexts, context)) continue;
        const auto named = [&](const auto& id) {
          return std::find(units.identifiers.begin(), units.identifiers.end(), id.value) !=
                 units.identifiers.end();
        };
        if (by_identifier &&
            std::none_of(s.service_identifiers.begin(), s.service_identifiers.end(), named))
          continue;
        return k;
      }
    }
  }
  return no_service;
}

std::string NaivePlan::zone_of_number(const std::string& number) const {
  std::string zone;
  std::size_t longest = 0;
  for (const ZoneSource& z : catalogue_.zones)
    for (const auto& prefix : z.numbers)
      if (number.starts_with(prefix.value) && prefix.value.size() > longest)
        longest = prefix.value.size(), zone = z.name.value;
  return zone;
}

// An entry is a country (MCC) or one network (MCC and MNC).
std::string NaivePlan::zone_of_network(const std::string& plmn) const {
  std::string zone;
  for (const ZoneSource& z : catalogue_.zones)
    if (contains(z.plmns, plmn)) return z.name.value;
  for (const ZoneSource& z : catalogue_.zones)
    if (!plmn.empty() && contains(z.plmns, plmn.substr(0, 3))) zone = z.name.value;
  return zone;
}

std::string NaivePlan::zone_of_location(const Location& location) const {
  for (const std::string& place : location.places())
    for (const ZoneSource& z : catalogue_.zones)
      if (contains(z.places, place)) return z.name.value;
  return "";
}

bool NaivePlan::holds(const ConditionSource& condition, const Facts& facts, const Units& units,
                      std::int64_t usage_time) const {
  const std::string& attribute = condition.attribute.value;
  const auto is = [&](const std::string& value) {
    if (attribute == "time") return time(value).on(usage_time);
    if (attribute == "apn") return !facts.apn.empty() && network_of(facts.apn) == network_of(value);
    if (attribute == "rat") return facts.rat == rat_number(value);
    if (attribute == "plmn") return zone_of_network(facts.plmn) == value;
    if (attribute == "location") return zone_of_location(facts.location) == value;
    if (attribute == "called") return zone_of_number(facts.called) == value;
    if (attribute == "calling") return zone_of_number(facts.calling) == value;
    if (attribute == "characteristics") return facts.characteristics == value;
    if (attribute == "qci") return units.qci != 0 && std::to_string(units.qci) == value;
    if (attribute == "role") return facts.role == (value == "originating" ? 0 : 1);
    return std::any_of(units.identifiers.begin(), units.identifiers.end(),
                       [&](std::uint32_t id) { return std::to_string(id) == value; });
  };
  const bool any = std::any_of(condition.values.begin(), condition.values.end(),
                               [&](const auto& value) { return is(value.value); });
  return any != condition.negated;
}

std::size_t NaivePlan::rate_of(std::size_t k, const Facts& facts, const Units& units,
                               std::int64_t usage_time) const {
  for (std::size_t rate = 0; rate < service(k).rates.size(); ++rate) {
    const auto& when = service(k).rates[rate].when;
    if (std::all_of(when.begin(), when.end(), [&](const ConditionSource& condition) {
          return holds(condition, facts, units, usage_time);
        }))
      return rate + 1;
  }
  return 0;
}

std::int64_t NaivePlan::next_change(std::size_t k, std::int64_t usage_time) {
  const std::int64_t bound = usage_time + 31 * 86'400;
  std::int64_t next = bound + 1;
  for (const RateSource& rate : service(k).rates)
    for (const ConditionSource& condition : rate.when)
      for (const auto& value : condition.values)
        if (condition.attribute.value == "time")
          for (std::size_t t = 0; t < times_.size(); ++t)
            if (catalogue_.times[t].name.value == value.value)
              next = std::min(next, times_[t].next_change(usage_time, bound));
  return next > bound ? 0 : next;
}

}  // namespace levy::rating::naive
