// Tariffs: tiers, fees, bounds, rates by time, zone and place, from source to charge; the pure
// rating vectors (group C) through quote().
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include <gtest/gtest.h>

#include <random>

#include "rating/compile/compile.hpp"
#include "rating/price.hpp"
#include "rating/quote.hpp"
#include "tests/unit/rating/placed.hpp"
#include "tests/unit/rating/scene.hpp"

namespace levy::rating {
namespace {

PriceSource money(const char* amount, std::int64_t per, std::int64_t step = 0,
                  std::int64_t first = 0, std::int64_t upto = 0) {
  PriceSource price;
  price.amount = amount;
  price.per_units = per;
  price.step_units = step;
  price.first_units = first;
  price.upto_units = upto;
  return price;
}

PriceSource tiers(PriceSource first, std::vector<PriceSource> further) {
  first.further = std::move(further);
  return first;
}

// One plan with one service, and what a test adds to them.
struct Source {
  Catalogue catalogue;
  ServiceSource& service() { return catalogue.plans[0].services[0]; }

  explicit Source(const char* unit, PriceSource price) {
    PlanSource& plan = catalogue.plans.emplace_back();
    put(plan.name, "plan");
    put(plan.currency, "EUR");
    ServiceSource& made = plan.services.emplace_back();
    put(made.name, "service");
    put(made.any_rating_group, true);
    put(made.without_rating_group, true);
    put(made.unit, unit);
    put(made.price, std::move(price));
  }

  RateSource& rate(const char* name, PriceSource price) {
    RateSource& made = service().rates.emplace_back();
    put(made.name, name);
    put(made.price, std::move(price));
    return made;
  }
  static void when(RateSource& rate, const char* attribute, std::vector<const char*> values,
                   bool negated = false) {
    ConditionSource& condition = rate.when.emplace_back();
    put(condition.attribute, attribute);
    condition.negated = negated;
    for (const char* value : values) put(condition.values.emplace_back(), value);
  }
  void time(const char* name, std::vector<const char*> on, std::vector<const char*> except = {}) {
    TimeSource& made = catalogue.times.emplace_back();
    put(made.name, name);
    for (const char* text : on) put(made.on.emplace_back(), text);
    for (const char* text : except) put(made.except.emplace_back(), text);
  }
  ZoneSource& zone(const char* name) {
    ZoneSource& made = catalogue.zones.emplace_back();
    put(made.name, name);
    return made;
  }
};

Compiled compile(const Source& source) {
  std::uint16_t id = 0;
  Compiled compiled =
      compile_catalogue(source.catalogue, [&](NameKind, std::string_view) { return ++id; });
  for (const CompileFault& fault : compiled.faults) ADD_FAILURE() << fault.message;
  return compiled;
}

std::string faults_of(const Source& source) {
  std::uint16_t id = 0;
  std::string all;
  for (const CompileFault& fault :
       compile_catalogue(source.catalogue, [&](NameKind, std::string_view) { return ++id; }).faults)
    all += fault.message + "\n";
  return all;
}

std::int64_t seconds_of(int year, unsigned month, unsigned day, int hour, int minute, int second) {
  // Days from civil, so that the test does not lean on the library under test.
  const int y = month <= 2 ? year - 1 : year;
  const int era = y / 400;
  const auto of_era = static_cast<unsigned>(y - era * 400);
  const unsigned of_year = (153 * (month + (month > 2 ? -3u : 9u)) + 2) / 5 + day - 1;
  const std::int64_t days =
      std::int64_t{era} * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
  return days * 86400 + hour * 3600 + minute * 60 + second;
}

Quote ask(const Compiled& compiled, std::int64_t used, std::int64_t start = 0,
          const ChargeRequest& request = {}, std::uint32_t seconds = 0) {
  QuoteQuestion question;
  question.plan = compiled.plans[0].get();
  question.zones = compiled.zones.get();
  question.request = &request;
  question.used = used;
  question.seconds = seconds;
  question.start = Time::from_seconds(start);
  static Quote answer;
  quote(question, answer);
  return answer;
}

std::int64_t cost(const Compiled& compiled, std::int64_t used, std::int64_t start = 0) {
  const Quote answer = ask(compiled, used, start);
  EXPECT_EQ(answer.reason, Reason::ok);
  EXPECT_EQ(answer.used, used);
  return answer.charged;
}

constexpr std::int64_t unit = 1'000'000;  // micros

TEST(Tariff, V45V46FlatPrices) {
  const Compiled call = compile(Source("seconds", money("1", 1)));
  EXPECT_EQ(cost(call, 90), 90 * unit);
  EXPECT_EQ(cost(call, 0), 0);
  EXPECT_EQ(cost(compile(Source("events", money("0.005", 1))), 1), 5'000);
  EXPECT_EQ(cost(compile(Source("octets", money("0.002", 10))), 20), 4'000);
}

TEST(Tariff, V54LongFirstStep) {
  const Compiled call = compile(Source("seconds", money("1", 1, 1, 60)));
  EXPECT_EQ(cost(call, 132), 132 * unit);
  EXPECT_EQ(cost(call, 65), 65 * unit);
  EXPECT_EQ(cost(call, 1), 60 * unit);
}

// A long first step is no measure of later grants: by the second after it, a minute is.
TEST(Tariff, GrantDefaultComesOfTheStepNotOfFirst) {
  const auto default_of = [](PriceSource price) {
    return compile(Source("seconds", std::move(price))).plans[0]->services[0].grant_default;
  };
  EXPECT_EQ(default_of(money("1", 1, 1, 2)), 60);
  EXPECT_EQ(default_of(money("1", 1, 30, 300)), 30);
  EXPECT_EQ(default_of(money("1", 30, 0, 1)), 30);
}

TEST(Tariff, V55V64Exact) {
  EXPECT_EQ(cost(compile(Source("seconds", money("0.1", 60, 1))), 180), 300'000);
  EXPECT_EQ(cost(compile(Source("octets", money("1", 10'000))), 256'000'000), 25'600 * unit);
}

TEST(Tariff, V58MaximumThenStop) {
  Source source("seconds", money("1", 1));
  put(source.service().maximum, "10");
  put(source.service().at_maximum, "stop");
  const Compiled stopped = compile(source);
  EXPECT_EQ(stopped.plans[0]->services[0].price.stop_at, 10);
  const Quote answer = ask(stopped, 1800);
  EXPECT_EQ(answer.used, 10);
  EXPECT_EQ(answer.charged, 10 * unit);
  Scene scene(stopped.plans[0]->services[0], 11 * unit);
  EXPECT_EQ(scene.initial(1800).granted, 10);
  EXPECT_TRUE(final(scene.result.mscc[0]));
  put(source.service().at_maximum, "free");
  const Compiled open = compile(source);
  EXPECT_EQ(cost(open, 1800), 10 * unit);
  EXPECT_EQ(cost(open, 9), 9 * unit);
}

// The plan of V-47 to V-50: workdays 1/s with a fee of 1 until 18:00, then 0.5/s without fee.
Source workday() {
  Source source("seconds", money("0.5", 1));
  source.time("workday", {"Mo-Fr 00:00-18:00"});
  RateSource& rate = source.rate("day", money("1", 1));
  put(rate.connect_fee, "1");
  Source::when(rate, "time", {"workday"});
  return source;
}

TEST(Tariff, V47V48V50TimeOfDay) {
  const Compiled call = compile(workday());
  const std::int64_t afternoon = seconds_of(2012, 2, 2, 17, 30, 0);
  const Quote crossing = ask(call, 3600, afternoon);
  EXPECT_EQ(crossing.charged, 2701 * unit);
  ASSERT_EQ(crossing.step_count, 2u);
  EXPECT_EQ(crossing.steps[0].used, 1800);
  EXPECT_EQ(crossing.steps[0].fee, 1 * unit);
  EXPECT_EQ(crossing.steps[1].charged, 900 * unit);
  EXPECT_EQ(crossing.steps[1].from.seconds(), afternoon + 1800);
  EXPECT_EQ(cost(call, 2400, seconds_of(2012, 2, 7, 23, 50, 0)), 2100 * unit);
  // V-48: the second charge of a session has no fee.
  Scene scene(call.plans[0]->services[0], 9000 * unit);
  scene.plan->rates = call.plans[0]->rates;
  scene.plan->conditions = call.plans[0]->conditions;
  scene.plan->values = call.plans[0]->values;
  scene.plan->times = call.plans[0]->times;
  scene.now = static_cast<decltype(scene.now)>(afternoon);
  scene.initial(60);
  EXPECT_EQ(scene.update(60, 60).charged, 61 * unit);
  EXPECT_EQ(scene.update(60, absent).charged, 60 * unit);
}

TEST(Tariff, V65FreeMinutesFirstThenMoney) {
  Source source("seconds", money("0.10", 1));
  put(source.service().connect_fee, "0.01");
  const Compiled compiled = compile(source);
  const Service& service = compiled.plans[0]->services[0];
  struct Row {
    std::int64_t asked, wallet, granted, cost, minutes_left;
    bool indivisible;
  };
  for (const Row& row : {Row{60, unit, 49, 910'000, 0, false}, Row{100, unit, 0, 0, 40, true},
                         Row{40, unit, 40, 10'000, 0, false}, Row{5, unit, 5, 10'000, 20, false},
                         Row{10, 10 * unit, 10, 10'000, 20, false}, Row{10, 0, 0, 0, 40, false}}) {
    SCOPED_TRACE(row.asked);
    Scene scene(service, row.wallet);
    scene.plan->services[0].indivisible = row.indivisible;
    Bucket& minutes = scene.units(Unit::seconds, 40, 20);
    const MsccOutcome first = scene.initial(row.asked);
    EXPECT_EQ(first.granted, row.granted);
    EXPECT_EQ(first.reason, row.granted == 0 ? Reason::no_credit : Reason::ok);
    if (row.granted != 0) {
      EXPECT_EQ(scene.terminate(row.granted).charged, row.cost);
    }
    EXPECT_EQ(minutes.free(), row.minutes_left);
    EXPECT_EQ(scene.balance(), row.wallet - row.cost);
  }
}

Source two_tiers() {
  Source source("seconds", tiers(money("0.4", 60, 30, 0, 60), {money("0.2", 60, 10)}));
  put(source.service().connect_fee, "0.8");
  return source;
}

TEST(Tariff, V76FeeAndTiers) {
  const Compiled compiled = compile(two_tiers());
  Scene scene(compiled.plans[0]->services[0], 10 * unit);
  EXPECT_EQ(scene.initial(90).granted, 90);
  EXPECT_EQ(scene.balance(), 8'700'000);
  scene.terminate(60);
  EXPECT_EQ(scene.balance(), 8'800'000);
}

TEST(Tariff, V78FeeReturnedAtZeroUse) {
  Source source("seconds", tiers(money("0.1", 60, 0, 0, 60), {money("0.05", 60, 1)}));
  put(source.service().connect_fee, "0.2");
  const Compiled compiled = compile(source);
  Scene scene(compiled.plans[0]->services[0], 10'650'000);
  EXPECT_EQ(scene.initial(120).granted, 120);
  EXPECT_EQ(scene.balance(), 10'300'000);
  scene.terminate(0);
  EXPECT_EQ(scene.balance(), 10'650'000);
}

TEST(Tariff, MinimumAndDiscount) {
  Source source("octets", money("1", 100, 1));
  put(source.service().minimum, "0.50");
  put(source.service().discount, 100);  // 10 %
  const Compiled compiled = compile(source);
  EXPECT_EQ(cost(compiled, 0), 0);
  EXPECT_EQ(cost(compiled, 1), 500'000);
  EXPECT_EQ(cost(compiled, 50), 500'000);
  EXPECT_EQ(cost(compiled, 100), 900'000);
}

TEST(Tariff, TaxThatIsAdded) {
  Source source("octets", money("1", 100, 1));
  put(source.service().minimum, "0.50");
  put(source.service().connect_fee, "0.000003");  // 0.00000357 with its tax: half a micro up
  put(source.service().discount, 100);
  put(source.service().tax, 190);
  put(source.catalogue.plans[0].tax_is, "added");
  const Compiled compiled = compile(source);
  const Price& price = compiled.plans[0]->services[0].price;
  EXPECT_EQ(price.connect_fee, 4);
  EXPECT_EQ(price.minimum, 595'000);
  EXPECT_EQ(cost(compiled, 100), 1'071'000 + 4);  // 1 x 0.9 x 1.19
  EXPECT_EQ(compiled.plans[0]->services[0].tax_permille, 190);
  put(source.catalogue.plans[0].tax_is, "included");
  EXPECT_EQ(cost(compile(source), 100), 900'000 + 3);
  put(source.catalogue.plans[0].tax_is, "none");
  EXPECT_NE(faults_of(source).find("tax_is is 'none'; allowed: included, added"),
            std::string::npos);
}

// A deny list: numbers that a rate bars, the others at the service's price.
TEST(Tariff, RatesThatAreBarredOrRefused) {
  Source source("seconds", money("1", 60, 1));
  put(source.zone("premium").numbers.emplace_back(), "49900");
  put(source.zone("fraud").numbers.emplace_back(), "4917");
  for (const auto& [zone, access] : {std::pair{"premium", "barred"}, {"fraud", "refused"}}) {
    RateSource& rate = source.service().rates.emplace_back();
    put(rate.name, zone);
    put(rate.access, access);
    Source::when(rate, "called", {zone});
  }
  const Compiled compiled = compile(source);
  ChargeRequest request;
  for (const auto& [number, reason] : {std::pair{"49900123", Reason::denied},
                                       {"491701", Reason::refused},
                                       {"4930123", Reason::ok}}) {
    request.called_party = number;
    EXPECT_EQ(ask(compiled, 60, 0, request).reason, reason) << number;
  }
  put(source.service().rates[0].access, "open");
  EXPECT_NE(faults_of(source).find("rate 'premium' has no price"), std::string::npos);
  put(source.service().rates[0].access, "shut");
  EXPECT_NE(faults_of(source).find("access is 'shut'; allowed: open, barred, refused"),
            std::string::npos);
}

// The closed form against a walk over every boundary, for random tiers.
TEST(Tariff, BoundariesOfTiersAgreeWithAWalk) {
  std::mt19937_64 random(5);
  const auto pick = [&](std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random);
  };
  for (int n = 0; n < 4000; ++n) {
    Price price;
    price.denominator = pick(1, 20);
    price.rounding = static_cast<Rounding>(pick(0, 3));
    price.numerator = pick(0, 9);
    price.step = pick(1, 7);
    std::vector<Tier> further(static_cast<std::size_t>(pick(0, 3)));
    Tier last{0, price.numerator, price.step, 0};
    for (Tier& tier : further) {
      tier.from = last.from + last.step * pick(1, 5);
      tier.before = last.before + Int128{last.numerator} * (tier.from - last.from);
      tier.numerator = pick(0, 9);
      tier.step = pick(1, 7);
      last = tier;
    }
    price.tiers = further.data();
    price.further_tiers = static_cast<std::uint8_t>(further.size());
    if (pick(0, 2) == 0) price.minimum = pick(0, 6);
    if (pick(0, 2) == 0) price.maximum = price.minimum + pick(1, 20);
    const std::int64_t total = pick(0, 90);
    const std::int64_t credit = pick(0, 30);
    const std::int64_t first = boundary_at_or_after(price, total);
    std::int64_t end = first;
    for (std::int64_t steps = pick(0, 20); steps > 0; --steps)
      end = boundary_at_or_after(price, end + 1);
    std::int64_t furthest = first;
    while (furthest < end) {
      const std::int64_t next = boundary_at_or_after(price, furthest + 1);
      if (price_of(price, next) - price_of(price, total) > credit) break;
      furthest = next;
    }
    ASSERT_EQ(furthest_boundary(price, total, end, credit), furthest) << n;
    std::int64_t exact = 0;  // unit by unit
    for (std::int64_t at = 0; at < total; at = boundary_at_or_after(price, at + 1)) {
      const Tier tier = tier_at(price, at);
      exact += tier.step * tier.numerator;
    }
    Int128 expected = divide_rounded(exact, price.denominator, price.rounding);
    if (total > 0 && expected < price.minimum) expected = price.minimum;
    if (price.maximum != 0 && expected > price.maximum) expected = price.maximum;
    ASSERT_EQ(price_of(price, total), static_cast<std::int64_t>(expected)) << n;
  }
}

ChargeRequest call_to(std::string_view number) {
  ChargeRequest request;
  request.called_party = number;
  return request;
}

TEST(Tariff, V33PricesByPrefix) {
  Source source("seconds", money("9", 1));
  source.service().price = {};
  put(source.service().unpriced, "5031");
  for (const auto& [name, prefix, price] :
       {std::tuple("one", "1", money("0.1", 60)), std::tuple("two", "2", money("0.2", 120)),
        std::tuple("three", "3", money("0.4", 300))}) {
    put(source.zone(name).numbers.emplace_back(), prefix);
    Source::when(source.rate(name, price), "called", {name});
  }
  put(source.zone("three-premium").numbers.emplace_back(), "390");
  const Compiled compiled = compile(source);
  EXPECT_EQ(ask(compiled, 300, 0, call_to("3123")).charged, 400'000);
  EXPECT_EQ(ask(compiled, 300, 0, call_to("2")).charged, 600'000);
  EXPECT_EQ(ask(compiled, 300, 0, call_to("39012")).steps[0].rate, 0);  // a longer prefix's zone
  const Quote unknown = ask(compiled, 300, 0, call_to("9123"));         // no price at all
  EXPECT_EQ(unknown.used, 0);
  EXPECT_EQ(unknown.reason, Reason::rating_failed);
}

TEST(Tariff, ConditionsOfAMessage) {
  Source source("octets", money("5", 10));
  put(source.zone("home").plmns.emplace_back(), "26201");
  ZoneSource& abroad = source.zone("abroad");
  put(abroad.plmns.emplace_back(), "262");
  put(abroad.places.emplace_back(), "tai 262-01-4660");
  Source::when(source.rate("stadium", money("1", 10)), "location", {"abroad"});
  RateSource& home = source.rate("home", money("2", 10));
  Source::when(home, "plmn", {"home"});
  Source::when(home, "rat", {"eutran", "nr"});
  RateSource& other = source.rate("not-home", money("3", 10));
  Source::when(other, "plmn", {"home"}, true);
  Source::when(other, "apn", {"Internet"});
  const Compiled compiled = compile(source);
  const auto rate_of = [&](const ChargeRequest& request) {
    return ask(compiled, 10, 0, request).steps[0].rate;
  };
  ChargeRequest request;
  EXPECT_EQ(rate_of(request), 0);
  request.serving_plmn = "26201";
  EXPECT_EQ(rate_of(request), 0);  // no RAT
  request.rat_type = 6 + 1;
  EXPECT_EQ(rate_of(request), 2);
  request.serving_plmn = "26299";
  EXPECT_EQ(rate_of(request), 0);
  request.called_station_id = "internet.mnc001.mcc262.gprs";
  EXPECT_EQ(rate_of(request), 3);
  request.user_location = std::string_view("\x80\x62\xf2\x10\x12\x34", 6);
  EXPECT_EQ(rate_of(request), 1);
}

// Berlin's clock is put back from 03:00 to 02:00 at 01:00 UTC: the repeated hour is of the period
// that begins with it, not also of the one that ends there.
TEST(Tariff, ARepeatedHourIsNotOfThePeriodThatEndsBeforeIt) {
  Source source("seconds", money("1", 1));
  put(source.catalogue.plans[0].time_zone, "Europe/Berlin");
  source.time("evening", {"22:00-02:00"});
  source.time("night", {"02:00-06:00"});
  Source::when(source.rate("evening", money("2", 1)), "time", {"evening"});
  Source::when(source.rate("night", money("3", 1)), "time", {"night"});
  const Compiled compiled = compile(source);
  const auto rate_at = [&](int hour, int minute) {
    return ask(compiled, 1, seconds_of(2026, 10, 25, hour, minute, 0)).steps[0].rate;
  };
  EXPECT_EQ(rate_at(0, 0), 2);   // 02:00, the first time
  EXPECT_EQ(rate_at(0, 59), 2);  // 02:59
  EXPECT_EQ(rate_at(1, 0), 2);   // 02:00 again
  EXPECT_EQ(rate_at(4, 59), 2);  // 05:59
  EXPECT_EQ(rate_at(5, 0), 0);
  EXPECT_EQ(ask(compiled, 1, seconds_of(2026, 10, 24, 23, 59, 0)).steps[0].rate, 1);  // 01:59
}

// A zone names whole networks: 405-03 is not 405-034, though its digits begin so.
TEST(Tariff, ANetworkIsNoPrefixOfAnother) {
  Source source("octets", money("5", 10));
  put(source.zone("one").plmns.emplace_back(), "40503");
  put(source.zone("country").plmns.emplace_back(), "405");
  Source::when(source.rate("one", money("1", 10)), "plmn", {"one"});
  Source::when(source.rate("country", money("2", 10)), "plmn", {"country"});
  const Compiled compiled = compile(source);
  const auto rate_of = [&](std::string_view plmn) {
    ChargeRequest request;
    request.serving_plmn = plmn;
    return ask(compiled, 10, 0, request).steps[0].rate;
  };
  EXPECT_EQ(rate_of("40503"), 1);
  EXPECT_EQ(rate_of("405034"), 2);
  EXPECT_EQ(rate_of("40504"), 2);
  EXPECT_EQ(rate_of("26201"), 0);
  EXPECT_EQ(rate_of("40"), 0);
}

TEST(Tariff, ServicesByContextAndIdentifier) {
  Source source("seconds", money("1", 1));
  put(source.service().contexts.emplace_back(), "voice");
  ServiceSource sms = source.service();
  put(sms.name, "sms");
  put(sms.unit, "events");
  sms.contexts.clear();
  put(sms.contexts.emplace_back(), "sms");
  source.catalogue.plans[0].services.push_back(sms);
  const Compiled compiled = compile(source);
  ChargeRequest request;
  request.service_context_id = "8.32260@3gpp.org";
  EXPECT_EQ(find_service(*compiled.plans[0], request, request.mscc[0]), 0);
  request.service_context_id = "32274@3gpp.org";
  EXPECT_EQ(find_service(*compiled.plans[0], request, request.mscc[0]), 1);
  request.service_context_id = "32251@3gpp.org";
  EXPECT_EQ(find_service(*compiled.plans[0], request, request.mscc[0]), 0xffff);
  source.service().contexts.clear();
  EXPECT_NE(faults_of(source).find("stands twice in this plan"), std::string::npos);
}

TEST(Tariff, DaylightSavingAndHolidays) {
  Source source("seconds", money("1", 1));
  put(source.catalogue.plans[0].time_zone, "Europe/Berlin");
  put(source.catalogue.holidays.emplace_back(), "12-25");
  source.time("night", {"22:00-06:00", "holidays"}, {"2026-12-31"});
  Source::when(source.rate("night", money("2", 1)), "time", {"night"});
  const Compiled compiled = compile(source);
  const TimePattern& night = compiled.plans[0]->times[0];
  EXPECT_TRUE(night.on(seconds_of(2026, 7, 1, 3, 59, 59)));  // 05:59:59 CEST
  EXPECT_FALSE(night.on(seconds_of(2026, 7, 1, 4, 0, 0)));
  EXPECT_TRUE(night.on(seconds_of(2026, 1, 1, 4, 59, 59)));  // 05:59:59 CET
  EXPECT_FALSE(night.on(seconds_of(2026, 1, 1, 5, 0, 0)));
  EXPECT_TRUE(night.on(seconds_of(2026, 12, 25, 11, 0, 0)));   // a holiday
  EXPECT_FALSE(night.on(seconds_of(2026, 12, 31, 22, 0, 0)));  // the exception
  EXPECT_EQ(night.next_edge(seconds_of(2026, 7, 1, 3, 0, 0)), seconds_of(2026, 7, 1, 4, 0, 0));
  // The night that the clocks go forward is an hour shorter, back an hour longer.
  EXPECT_EQ(night.next_edge(seconds_of(2026, 3, 28, 21, 0, 0)) - seconds_of(2026, 3, 28, 21, 0, 0),
            7 * 3600);
  EXPECT_EQ(
      night.next_edge(seconds_of(2026, 10, 24, 20, 0, 0)) - seconds_of(2026, 10, 24, 20, 0, 0),
      9 * 3600);
}

TEST(Tariff, GrantsEndAtTheNextChange) {
  Source source = workday();
  put(source.service().validity, 3600);
  put(source.catalogue.plans[0].boundary_spread, 60);
  const Compiled compiled = compile(source);
  Scene scene(compiled.plans[0]->services[0], 9000 * unit);
  scene.plan->rates = compiled.plans[0]->rates;
  scene.plan->conditions = compiled.plans[0]->conditions;
  scene.plan->values = compiled.plans[0]->values;
  scene.plan->times = compiled.plans[0]->times;
  scene.now = static_cast<decltype(scene.now)>(seconds_of(2012, 2, 2, 17, 50, 0));
  EXPECT_EQ(scene.initial(60).validity, 600u);
  scene.now = static_cast<decltype(scene.now)>(seconds_of(2012, 2, 2, 12, 0, 0));
  EXPECT_EQ(scene.update(10, 60).validity, 3600u);
}

TEST(Tariff, FaultsOfRates) {
  Source source = workday();
  Source::when(source.rate("again", money("1", 1)), "time", {"workday"});
  source.rate("always", money("1", 1));
  Source::when(source.rate("lost", money("1", 1)), "plmn", {"nowhere"});
  Source::when(source.rate("odd", money("1", 1)), "rat", {"6g"});
  source.time("broken", {"Mo-Fri 08:00-20:00"});
  put(source.service().maximum, "0.1");
  put(source.service().minimum, "0.2");
  put(source.catalogue.plans[0].time_zone, "Europe/Atlantis");
  const std::string faults = faults_of(source);
  for (const char* text : {"rate 'always' has no conditions", "zone 'nowhere' is not declared",
                           "rat is '6g'", "time is 'Mo-Fri 08:00-20:00'",
                           "maximum is below minimum", "time_zone is 'Europe/Atlantis'"})
    EXPECT_NE(faults.find(text), std::string::npos) << text << "\nnot in\n" << faults;
  Source twice = workday();
  Source::when(twice.rate("again", money("1", 1)), "time", {"workday"});
  EXPECT_NE(faults_of(twice).find("rate 'again' never applies"), std::string::npos);
}

TEST(Tariff, FaultsOfTiers) {
  const auto fault = [](PriceSource price) {
    return faults_of(Source("octets", std::move(price)));
  };
  EXPECT_NE(fault(tiers(money("1", 10, 0, 0, 25), {money("2", 10)})).find("whole number of steps"),
            std::string::npos);
  EXPECT_NE(fault(money("1", 10, 0, 0, 20)).find("the last tier"), std::string::npos);
  EXPECT_NE(fault(tiers(money("1", 10), {money("2", 10)})).find("needs its 'up to'"),
            std::string::npos);
  EXPECT_NE(fault(tiers(money("1", 10, 0, 0, 20), {money("2", 10, 0, 5)})).find("'first' stands"),
            std::string::npos);
}

}  // namespace
}  // namespace levy::rating
