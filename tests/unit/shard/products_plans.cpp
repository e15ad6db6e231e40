// ProductsHistory: random plans with terms.
// Core: test. Allocates: yes. Blocks: never. Clock: none.
#include "tests/unit/shard/products_history.hpp"

namespace levy::shard::model {

using rating::Period;
using rating::PeriodUnit;

namespace {

std::string words_of(const Period& p) {
  static const char* const units[] = {"-", "h", "d", "w", "m", "y"};
  return say(p.count, units[static_cast<int>(p.unit)]);
}

Period some_period(Chance& chance, bool calendar) {
  static const Period ones[] = {{PeriodUnit::hour, 1},
                                {PeriodUnit::day, 1},
                                {PeriodUnit::week, 1},
                                {PeriodUnit::month, 1},
                                {PeriodUnit::year, 1}};
  static const Period many[] = {
      {PeriodUnit::hour, 6}, {PeriodUnit::week, 2}, {PeriodUnit::day, 30}, {PeriodUnit::month, 2}};
  if (!calendar && chance.percent(30)) return many[chance.below(4)];
  return ones[chance.percent(5) ? 4 : chance.below(4)];
}

void add_services(rating::Plan& plan) {
  const auto add = [&](std::uint32_t group, rating::Unit unit) {
    rating::Service& s = plan.services[plan.service_count];
    s = {};
    s.unit = unit;
    s.price.numerator = 1;
    s.grant_first = s.grant_default = 1000;
    plan.entries[plan.entry_count++] = {group, plan.service_count++};
  };
  add(1, rating::Unit::octets);
  add(2, rating::Unit::octets);
  add(9, rating::Unit::events);
}

rating::Allowance some_allowance(Chance& chance, const rating::Terms& terms, std::uint16_t kind) {
  rating::Allowance a;
  a.kind = kind;
  a.unit = static_cast<rating::Unit>(chance.percent(60) ? 1 : chance.percent(50) ? 0 : 3);
  if (a.unit == rating::Unit::money) a.currency = 978;
  a.amount = chance.between(1, 20) * 1000 + chance.between(0, 9);
  if (a.unit == rating::Unit::octets && chance.percent(20)) a.step = 10, a.amount -= a.amount % 10;
  a.priority = static_cast<std::int16_t>(chance.between(0, 2));
  if (terms.cycle_count == 0 || chance.percent(25)) {
    if (chance.percent(50)) a.lifetime = static_cast<std::uint32_t>(chance.between(1, 900)) * 3600;
    return a;
  }
  a.cycle = static_cast<std::uint8_t>(chance.below(terms.cycle_count));
  if (chance.percent(50)) return a;
  a.rollover = static_cast<std::uint8_t>(chance.between(1, 3));
  a.rolled_first = chance.percent(60);
  if (chance.percent(60)) a.rollover_max = a.amount * chance.between(1, 3) / 2;
  return a;
}

std::string words_of(const Tariff& t) {
  const rating::Terms& terms = t.plan.terms;
  std::string text =
      say("plan ", t.plan.id, terms.addon ? " addon" : "", terms.at_first_use ? " first_use" : "",
          terms.calendar ? " calendar" : "", terms.prorate ? " prorate" : "",
          terms.keeps_allowances ? " keep" : "", ", unpaid ", static_cast<int>(terms.unpaid_fee),
          ", again ", static_cast<int>(terms.again), ", limit ", t.plan.credit_limit);
  if (terms.lasts.unit != PeriodUnit::none) text += ", lasts " + words_of(terms.lasts);
  const auto every = [&](std::uint8_t cycle) {
    return cycle == rating::cycle_once ? std::string("once") : words_of(terms.cycles[cycle]);
  };
  for (const rating::Fee& f : t.fees) text += say("; fee ", f.amount, " ", every(f.cycle));
  for (const rating::Allowance& a : t.allowances)
    text += say("; kind ", a.kind, " unit ", static_cast<int>(a.unit), " ", a.amount, " ",
                every(a.cycle), " step ", a.step, " lifetime ", a.lifetime, " rollover ",
                static_cast<int>(a.rollover), " max ", a.rollover_max,
                a.rolled_first ? " first" : " last");
  return text;
}

void make_terms(Chance& chance, Tariff& t) {
  rating::Terms& terms = t.plan.terms;
  terms.calendar = chance.percent(35);
  terms.prorate = terms.calendar && chance.percent(60);
  terms.keeps_allowances = chance.percent(30);
  terms.unpaid_fee = static_cast<rating::UnpaidFee>(chance.below(3));
  for (std::uint64_t i = chance.below(3); i > 0; --i) {
    const Period p = some_period(chance, terms.calendar);
    if (terms.cycle_count == 0 || !(terms.cycles[0] == p)) terms.cycles[terms.cycle_count++] = p;
  }
  // Every cycle has a fee or an allowance.
  for (std::uint8_t c = 0; c < terms.cycle_count; ++c)
    t.fees.push_back({chance.between(1, 30) * 100'000 + chance.between(0, 9), 0, c});
  if (chance.percent(40))
    t.fees.push_back({chance.between(1, 30) * 100'000, 0, rating::cycle_once});
  for (std::uint64_t i = chance.below(4); i > 0; --i)
    t.allowances.push_back(some_allowance(chance, terms, static_cast<std::uint16_t>(10 + i)));
  if (terms.addon && chance.percent(15)) {
    terms.at_first_use = true;
    if (t.allowances.empty()) t.allowances.push_back(some_allowance(chance, terms, 14));
    t.allowances[0].unit = rating::Unit::octets;
    t.allowances[0].currency = 0;
  }
  if (chance.percent(40)) {
    terms.lasts = some_period(chance, false);
    terms.lasts.count = static_cast<std::uint16_t>(chance.between(1, 3));
  }
  if (terms.addon && chance.percent(40) && !terms.at_first_use)
    terms.again = terms.lasts.unit == PeriodUnit::none || chance.percent(40)
                      ? rating::BoughtAgain::refuse
                      : rating::BoughtAgain::queue;
}

}  // namespace

void make_tariff(Chance& chance, std::uint16_t id, bool addon, Tariff& t) {
  rating::Plan& plan = t.plan;
  plan.id = id;
  plan.currency = 978;
  plan.service_count = plan.entry_count = 0;
  plan.session_ttl = 2'000'000'000;
  plan.credit_limit = chance.percent(25) ? 1'000'000 : 0;
  plan.terms = {};
  plan.terms.addon = addon;
  t.fees.clear();
  t.allowances.clear();
  if (!addon) add_services(plan);
  if (addon || chance.percent(60)) make_terms(chance, t);
  plan.terms.fee_count = static_cast<std::uint8_t>(t.fees.size());
  plan.terms.allowance_count = static_cast<std::uint8_t>(t.allowances.size());
  plan.terms.fees = t.fees.data();
  plan.terms.allowances = t.allowances.data();
  if (plan.terms.fee_count + plan.terms.allowance_count == 0) plan.terms.lasts = {};
  t.words = words_of(t);
}

}  // namespace levy::shard::model
