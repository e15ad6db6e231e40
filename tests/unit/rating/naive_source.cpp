// See naive_source.hpp.
// Core: test. Allocates: yes. Blocks: never. Clock: none.
#include "tests/unit/rating/naive_source.hpp"

#include <algorithm>
#include <cstdio>

#include "tests/unit/rating/placed.hpp"

namespace levy::rating::naive {
namespace {

const std::vector<std::string> networks{"262", "26201", "26202", "310", "310410", "31041", "404"};
const std::vector<std::string> prefixes{"4",    "49",    "491",    "49151", "4915112", "1",  "12",
                                        "1212", "12125", "390001", "900",   "9001",    "88", "881"};
const std::vector<std::string> spots{"tai 262-01-4660",    "ecgi 262-01-70001", "tai 310-410-7",
                                     "ecgi 310-410-70002", "cgi 262-01-4660-7", "sai 262-01-4660-7",
                                     "cgi 310-410-7-9",    "sai 310-410-7-9",   "tai 262-02-4660",
                                     "ecgi 262-02-70001"};

// 12 micros: "0.000012"; nanos where a price is finer than that.
std::string amount(std::int64_t micros, std::int64_t nanos = 0) {
  char text[40];
  std::snprintf(text, sizeof text, "%lld.%06lld", static_cast<long long>(micros / 1'000'000),
                static_cast<long long>(micros % 1'000'000));
  std::string all = text;
  if (nanos != 0) {
    std::snprintf(text, sizeof text, "%03lld", static_cast<long long>(nanos));
    all += text;
  }
  return all;
}

struct Maker {
  Dice& dice;
  NaiveSource made;

  Catalogue& catalogue() { return made.catalogue; }

  std::string hours() {
    if (dice.chance(10)) return "00:00-24:00";
    const std::int64_t from = dice.pick(0, 23), to = dice.pick(1, 24);
    if (from == to) return "07:30-19:45";
    char text[16];
    std::snprintf(text, sizeof text, "%02d:%02d-%02d:%02d", static_cast<int>(from),
                  from == to ? 0 : static_cast<int>(dice.pick(0, 3) * 15), static_cast<int>(to),
                  to == 24 ? 0 : static_cast<int>(dice.pick(0, 11) * 5));
    return text;
  }

  std::string date_text(std::int64_t day) {
    const Date date = date_of(day);
    char text[40];
    std::snprintf(text, sizeof text, "%04d-%02d-%02d", date.year, date.month, date.day);
    return text;
  }

  std::string period() {
    const std::int64_t day = made.start / 86'400 + dice.pick(0, 9);
    std::string days;
    switch (dice.pick(0, 5)) {
      case 0:
        return hours();
      case 1:
        days = "holidays";
        break;
      case 2:
        days = date_text(day);
        break;
      case 3:
        days = date_text(day) + ".." + date_text(day + dice.pick(0, 4));
        break;
      default:
        days = dice.word({"Mo-Fr", "Sa-Su", "Fr-Mo", "We", "Su", "Tu-Th", "Mo-Su"});
    }
    return dice.chance(70) ? days + " " + hours() : days;
  }

  void times() {
    for (const char* name : {"alpha", "beta", "gamma"}) {
      TimeSource& time = catalogue().times.emplace_back();
      put(time.name, name);
      for (std::int64_t n = dice.pick(1, 2); n > 0; --n) put(time.on.emplace_back(), period());
      if (dice.chance(40)) put(time.except.emplace_back(), period());
    }
    const std::int64_t day = made.start / 86'400;
    for (const std::int64_t ahead : {1, 3, 4, 7}) {
      const std::string date = date_text(day + ahead);
      if (dice.chance(70))
        put(catalogue().holidays.emplace_back(), dice.chance(40) ? date.substr(5) : date);
    }
    if (catalogue().holidays.empty()) put(catalogue().holidays.emplace_back(), date_text(day + 2));
  }

  void zones() {
    const auto deal = [&](const std::vector<std::string>& entries,
                          std::vector<Placed<std::string>> ZoneSource::*member) {
      for (std::size_t k = 0; k < entries.size(); ++k) {
        const std::size_t zone =
            k < 3 ? k : static_cast<std::size_t>(dice.pick(0, 3));  // 3: of no zone
        if (zone < 3) put((catalogue().zones[zone].*member).emplace_back(), entries[k]);
      }
    };
    for (const char* name : {"near", "far", "odd"})
      put(catalogue().zones.emplace_back().name, name);
    deal(networks, &ZoneSource::plmns);
    deal(prefixes, &ZoneSource::numbers);
    deal(spots, &ZoneSource::places);
  }

  // A tier whose steps count from `from`; 0 = the last one has no end.
  PriceSource tier(std::int64_t from, bool last) {
    PriceSource price;
    const bool fine = made.unit == 1;
    price.per_units = fine ? dice.pick(1, 9) : made.unit * dice.pick(1, 2);
    if (dice.chance(50)) price.step_units = fine ? dice.pick(1, 9) : made.unit / dice.pick(1, 4);
    const std::int64_t step = price.step_units == 0 ? price.per_units : price.step_units;
    if (from == 0 && dice.chance(25))
      price.first_units = fine ? dice.pick(1, 20) : made.unit * dice.pick(1, 3);
    const std::int64_t micros = dice.chance(8) ? 0 : dice.pick(1, 2 * made.micros);
    price.amount = fine && dice.chance(20) ? amount(micros, dice.pick(1, 999)) : amount(micros);
    if (!last)
      price.upto_units =
          (price.first_units == 0 ? from : price.first_units) + step * dice.pick(1, 8);
    return price;
  }

  PriceSource price() {
    PriceSource first;
    if (dice.chance(6)) {
      first.free = true;
      return first;
    }
    const std::int64_t more = dice.chance(50) ? dice.pick(1, 4) : 0;
    first = tier(0, more == 0);
    std::int64_t from = first.upto_units;
    for (std::int64_t k = 1; k <= more; ++k) {
      first.further.push_back(tier(from, k == more));
      from = first.further.back().upto_units;
    }
    return first;
  }

  void tariff(TariffSource& source, bool must_have_price) {
    if (!must_have_price && dice.chance(8)) {
      return;  // unit buckets alone
    }
    put(source.price, price());
    if (source.price.value.free) return;
    if (dice.chance(80)) put(source.rounding, dice.word({"up", "down", "half_up", "half_even"}));
    if (dice.chance(25)) put(source.connect_fee, amount(dice.pick(1, 5 * made.micros)));
    if (dice.chance(20)) put(source.discount, dice.pick(1, 1'000));
    std::int64_t minimum = 0;
    if (dice.chance(15)) {
      minimum = dice.pick(1, 8 * made.micros);
      put(source.minimum, amount(minimum));
    }
    const std::int64_t maximum =
        minimum + (minimum != 0 && dice.chance(5) ? 0 : dice.pick(1, 30 * made.micros));
    if (dice.chance(30) && NaivePrice(source).reaches(maximum)) {
      put(source.maximum, amount(maximum));
      if (dice.chance(70)) put(source.at_maximum, dice.word({"free", "stop"}));
    }
  }

  ConditionSource condition() {
    ConditionSource made_condition;
    const std::string attribute =
        dice.word({"time", "time", "time", "apn", "rat", "plmn", "location", "called", "calling",
                   "characteristics", "qci", "role", "service_identifier"});
    put(made_condition.attribute, attribute);
    made_condition.negated = dice.chance(25);
    std::vector<std::string> all{"near", "far", "odd"};
    if (attribute == "time") all = {"alpha", "beta", "gamma"};
    if (attribute == "apn") all = {"internet", "IMS", "m2m.corp"};
    if (attribute == "rat") all = {"utran", "geran", "wlan", "eutran", "nr"};
    if (attribute == "characteristics") all = {"0800", "0a00", "0100"};
    if (attribute == "qci") all = {"1", "5", "9"};
    if (attribute == "role") all = {"originating", "terminating"};
    if (attribute == "service_identifier") all = {"7", "8", "9"};
    const std::string one = dice.of(all);
    put(made_condition.values.emplace_back(), one);
    const std::string two = dice.of(all);
    if (two != one && attribute != "role" && dice.chance(50))
      put(made_condition.values.emplace_back(), two);
    return made_condition;
  }

  // Whether every message that `narrow` holds for is one that `wide` holds for.
  static bool implies(const ConditionSource& narrow, const ConditionSource& wide) {
    if (narrow.attribute.value != wide.attribute.value || narrow.negated != wide.negated)
      return false;
    const auto& inner = wide.negated ? wide.values : narrow.values;
    const auto& outer = wide.negated ? narrow.values : wide.values;
    return std::all_of(inner.begin(), inner.end(), [&](const auto& value) {
      return std::any_of(outer.begin(), outer.end(),
                         [&](const auto& other) { return other.value == value.value; });
    });
  }
  static bool hidden(const RateSource& rate, const std::vector<RateSource>& earlier) {
    return std::any_of(earlier.begin(), earlier.end(), [&](const RateSource& e) {
      return std::all_of(e.when.begin(), e.when.end(), [&](const ConditionSource& wide) {
        return std::any_of(rate.when.begin(), rate.when.end(),
                           [&](const ConditionSource& narrow) { return implies(narrow, wide); });
      });
    });
  }

  void rates(ServiceSource& service) {
    for (std::int64_t n = dice.pick(0, 4); n > 0; --n) {
      RateSource rate;
      rate.place = Place{"plan.yaml", 1, 1};
      put(rate.name, service.name.value + "-" + std::to_string(n));
      for (std::int64_t c = dice.chance(65) ? 1 : dice.pick(2, 3); c > 0; --c) {
        ConditionSource made_condition = condition();
        const bool repeated = std::any_of(rate.when.begin(), rate.when.end(), [&](const auto& w) {
          return w.attribute.value == made_condition.attribute.value;
        });
        if (!repeated) rate.when.push_back(std::move(made_condition));
      }
      if (hidden(rate, service.rates)) continue;
      tariff(rate, true);
      service.rates.push_back(std::move(rate));
    }
  }

  void grant_sizes(ServiceSource& service) {
    const std::int64_t u = made.unit;
    std::int64_t longest = NaivePrice(service).longest_step();
    for (const RateSource& rate : service.rates)
      longest = std::max(longest, NaivePrice(rate).longest_step());
    const std::int64_t least = dice.chance(20) ? dice.pick(1, 5 * u) : 0;
    const std::int64_t most = dice.chance(40) ? longest + dice.pick(5 * u, 40 * u) : 0;
    if (least != 0) put(service.grant_min, least);
    if (most != 0) put(service.grant_max, most);
    const std::int64_t top = most == 0 ? 40 * u : most;
    // Without it a price step, 60 s or one event; 10 MB would be ten million steps of one octet.
    const bool megabytes = service.unit.value == "octets" && NaivePrice(service).step() == 1;
    if (megabytes || dice.chance(70)) {
      put(service.grant_default, dice.pick(std::max<std::int64_t>(least, 1), top));
      if (dice.chance(60))
        put(service.grant_first, dice.pick(std::max<std::int64_t>(least, 1), top));
    }
    if (dice.chance(25)) put(service.validity, dice.pick(60, 20'000));
  }

  ServiceSource& service(const char* unit) {
    ServiceSource& s = catalogue().plans[0].services.emplace_back();
    put(s.name, "s" + std::to_string(catalogue().plans[0].services.size()));
    put(s.unit, unit);
    tariff(s, false);
    rates(s);
    grant_sizes(s);
    if (dice.chance(20)) put(s.indivisible, dice.chance(50));
    if (dice.chance(3)) put(s.access, dice.word({"barred", "refused"}));
    return s;
  }

  void services(PlanSource& plan) {
    const auto unit = [&] {
      return made.unit > 1     ? "octets"
             : dice.chance(40) ? "octets"
             : dice.chance(70) ? "seconds"
                               : "events";
    };
    const std::int64_t shape = dice.pick(0, 4);
    ServiceSource& first = service(unit());
    put(first.rating_groups.emplace_back(), 1u);
    if (dice.chance(50)) put(first.rating_groups.emplace_back(), 2u);
    const bool none = shape != 3 && dice.chance(40);
    if (none) put(first.without_rating_group, true);
    if (shape == 0) put(first.any_rating_group, true);
    if (shape == 1) {  // another one takes what is left
      put(service(unit()).any_rating_group, true);
    } else if (shape == 2) {  // the same group by the kind of context
      put(first.contexts.emplace_back(), "data");
      ServiceSource& second = service(unit());
      put(second.rating_groups.emplace_back(), 1u);
      for (const char* context : {"voice", "sms", "mms", "other"})
        if (dice.chance(75)) put(second.contexts.emplace_back(), context);
      if (second.contexts.empty()) put(second.contexts.emplace_back(), "voice");
    } else if (shape == 3) {  // the same group by identifier, and one without a group
      ServiceSource& second = service(unit());
      put(second.rating_groups.emplace_back(), 1u);
      put(second.service_identifiers.emplace_back(), 7u);
      if (dice.chance(50)) put(second.service_identifiers.emplace_back(), 9u);
      put(service(unit()).without_rating_group, true);
    }
    const bool any = shape <= 1;
    if (!any && dice.chance(50)) put(plan.unmatched, dice.word({"5031", "4010"}));
    if (any && dice.chance(30)) put(plan.unmatched, "rate_as");
  }

  void make() {
    PlanSource& plan = catalogue().plans.emplace_back();
    put(plan.name, "plan");
    put(plan.currency, "EUR");
    plan.services.reserve(4);
    const std::string zone =
        dice.word({"", "Europe/Berlin", "Europe/Berlin", "America/New_York", "America/New_York",
                   "Asia/Kolkata", "Australia/Sydney", "Australia/Lord_Howe"});
    if (!zone.empty()) put(plan.time_zone, zone);
    const auto year = static_cast<int>(dice.pick(2024, 2032));
    const std::int64_t begins = summer_begins(zone, year);
    made.start = seconds_at({year, 1, 1}, 0, 0) + dice.pick(0, 360) * 86'400;
    if (begins != 0 && dice.chance(70))
      made.start = (dice.chance(50) ? begins : summer_ends(zone, year)) - dice.pick(0, 5) * 86'400 -
                   dice.pick(0, 86'400);
    if (dice.chance(30)) made.unit = dice.chance(50) ? 1'500'000 : 60'000;
    made.micros = made.unit == 1 ? dice.pick(1, 20) : 250'000;
    times();
    zones();
    if (dice.chance(50)) put(plan.overrun, dice.word({"debt", "write_off"}));
    if (dice.chance(25)) put(plan.credit_limit, amount(dice.pick(1, 40 * made.micros)));
    if (dice.chance(25)) put(plan.boundary_spread, dice.pick(1, 900));
    services(plan);
  }
};

}  // namespace

NaiveSource random_source(Dice& dice) {
  Maker maker{dice, {}};
  maker.make();
  return std::move(maker.made);
}

int random_qci(Dice& dice) {
  return dice.chance(25) ? 0 : static_cast<int>(dice.of(std::vector<std::int64_t>{1, 5, 9}));
}

Facts random_facts(Dice& dice) {
  Facts facts;
  const auto some = [&] { return !dice.chance(15); };  // else the AVP is absent
  facts.context =
      dice.word({"32251@3gpp.org", "32251@3gpp.org", "8.32251@3gpp.org", "32260@3gpp.org",
                 "9.32276@3gpp.org", "8.32274@3gpp.org", "32270@3gpp.org", "charging@example.org"});
  if (some())
    facts.apn = dice.word({"internet", "Internet", "internet.mnc001.mcc262.gprs", "ims",
                           "IMS.mnc410.mcc310.gprs", "m2m.corp", "M2M.Corp.mnc001.mcc262.gprs",
                           "other.apn"});
  if (some()) facts.plmn = dice.word({"26201", "26202", "26203", "310410", "310411", "40445"});
  const auto number = [&] {
    std::string digits = dice.of(prefixes);
    for (std::int64_t n = dice.pick(0, 6); n > 0; --n)
      digits += static_cast<char>('0' + dice.pick(0, 9));
    return digits;
  };
  if (some()) facts.called = number();
  if (some()) facts.calling = number();
  if (some()) facts.characteristics = dice.word({"0800", "0a00", "0100", "0400"});
  if (some()) {
    Location& at = facts.location;
    at.kind = static_cast<Location::Kind>(dice.pick(1, 5));
    const bool home = dice.chance(60);
    at.mcc = home ? "262" : "310";
    at.mnc = home ? dice.word({"01", "02"}) : "410";
    const bool global = at.kind == Location::Kind::cgi || at.kind == Location::Kind::sai;
    at.area = home ? 4660 : dice.chance(70) ? 7 : 8;
    at.cell = global ? (home ? 7 : 9) : static_cast<int>(dice.pick(70'001, 70'003));
  }
  if (some()) facts.rat = static_cast<int>(dice.of(std::vector<std::int64_t>{1, 2, 3, 6, 51}));
  if (some()) facts.role = static_cast<int>(dice.pick(0, 1));
  return facts;
}

Units random_key(Dice& dice) {
  Units units;
  if (!dice.chance(12)) {
    units.rating_group =
        static_cast<std::uint32_t>(dice.of(std::vector<std::int64_t>{1, 1, 1, 1, 2, 2, 3, 99}));
  }
  const std::vector<std::vector<std::uint32_t>> sets{{}, {}, {7}, {7, 8}, {9}, {8}};
  units.identifiers = dice.of(sets);
  return units;
}

}  // namespace levy::rating::naive
