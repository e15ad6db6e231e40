// compile_terms: fees and allowances, grouped by how often they recur.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
#include "rating/compile/terms.hpp"

#include <algorithm>

#include "rating/compile/calendar.hpp"
#include "rating/compile/decimal.hpp"

namespace levy::rating {
namespace {

std::string text(std::int64_t number) {
  return std::to_string(number);
}

std::string unit_name(Unit unit) {
  static constexpr const char* names[] = {"money", "octets", "seconds", "events"};
  return names[static_cast<int>(unit)];
}

class TermsCompiler {
 public:
  TermsCompiler(const PlanSource& source, const KindTable& kinds, Checks& checks,
                CompiledPlan& plan)
      : source_(source), kinds_(kinds), checks_(checks), plan_(plan), terms_(plan.terms) {}

  void run() {
    choices();
    compile_offsets(source_.time_zone, plan_.own_offsets);
    terms_.offset_count = static_cast<std::uint32_t>(plan_.own_offsets.size());
    fees();
    allowances();
    period(source_.lasts, "lasts", terms_.lasts);
    bonuses();
    loan();
    exchange();
    of_one_kind();
    without_effect();
  }

 private:
  void choices() {
    static constexpr Choices<bool, 2> kinds{{{"base", false}, {"addon", true}}};
    static constexpr Choices<bool, 2> starts{{{"purchase", false}, {"first_use", true}}};
    static constexpr Choices<bool, 2> periods{{{"anniversary", false}, {"calendar", true}}};
    static constexpr Choices<bool, 2> after{{{"expire", false}, {"keep", true}}};
    static constexpr Choices<UnpaidFee, 3> unpaid{{{"debt", UnpaidFee::debt},
                                                   {"refuse", UnpaidFee::refuse},
                                                   {"suspend", UnpaidFee::suspend}}};
    static constexpr Choices<BoughtAgain, 3> again{{{"add", BoughtAgain::add},
                                                    {"queue", BoughtAgain::queue},
                                                    {"refuse", BoughtAgain::refuse}}};
    terms_.addon = checks_.choice(source_.kind, "kind", kinds, false);
    terms_.at_first_use = checks_.choice(source_.starts, "starts", starts, false);
    terms_.calendar = checks_.choice(source_.periods, "periods", periods, false);
    terms_.prorate = source_.prorate.given && source_.prorate.value;
    terms_.keeps_allowances =
        checks_.choice(source_.allowances_after, "allowances_after", after, false);
    terms_.unpaid_fee = checks_.choice(source_.unpaid_fee, "unpaid_fee", unpaid, UnpaidFee::debt);
    terms_.again = checks_.choice(source_.again, "again", again, BoughtAgain::add);
    terms_.priority = static_cast<std::int16_t>(
        checks_.number(source_.priority, "priority", INT16_MIN, INT16_MAX, 0));
    terms_.tax_permille =
        static_cast<std::uint16_t>(checks_.number(source_.fee_tax, "fee_tax", 0, 1000, 0));
  }

  // false: not given, or a fault was reported.
  bool period(const Placed<PeriodSource>& from, const char* key, Period& made) {
    static constexpr Choices<PeriodUnit, 5> units{{{"hour", PeriodUnit::hour},
                                                   {"day", PeriodUnit::day},
                                                   {"week", PeriodUnit::week},
                                                   {"month", PeriodUnit::month},
                                                   {"year", PeriodUnit::year}}};
    if (!from.given) return false;
    const Placed<std::string> word{from.value.unit, from.place, true};
    const Placed<std::int64_t> number{from.value.count, from.place, true};
    const std::int64_t count = checks_.number(number, key, 1, limits::period_count_max, 0);
    const PeriodUnit unit = checks_.choice(word, key, units, PeriodUnit::none);
    if (count == 0 || unit == PeriodUnit::none) return false;
    made = {unit, static_cast<std::uint16_t>(count)};
    return true;
  }

  // The index of what recurs as `every` says.
  std::uint8_t cycle(const Placed<PeriodSource>& every) {
    Period wanted;
    if (!period(every, "every", wanted)) return cycle_once;
    if (terms_.calendar && wanted.count != 1)
      checks_.fault(every.place, "every is " + text(wanted.count) + " " + every.value.unit +
                                     "s, and calendar periods count no higher than 1; write '" +
                                     every.value.unit + "', or 'periods: anniversary'");
    for (std::uint8_t c = 0; c < terms_.cycle_count; ++c)
      if (terms_.cycles[c] == wanted) return c;
    if (terms_.cycle_count == terms_.cycles.size()) {
      checks_.fault(every.place, "a plan takes at most " + text(terms_.cycles.size()) +
                                     " different values of every; make some of them equal, or "
                                     "sell an add-on");
      return cycle_once;
    }
    terms_.cycles[terms_.cycle_count] = wanted;
    return terms_.cycle_count++;
  }

  bool fits(std::size_t count, std::size_t max, const Place& place, const char* what) {
    if (count < max) return true;
    if (count == max)
      checks_.fault(place, "a plan takes at most " + text(max) + " " + what +
                               "; join some of them, or sell an add-on");
    return false;
  }

  void fees() {
    std::vector<std::string> names;
    for (const FeeSource& from : source_.fees) {
      if (!fits(names.size(), limits::fees_per_plan_max, from.place, "fees")) return;
      checks_.name(from.name, from.place, "fee", names);
      Fee& fee = plan_.own_fees.emplace_back();
      fee.amount =
          with_tax(money(from.amount, from.place, "amount"), added_tax(source_, source_.fee_tax));
      fee.cycle = cycle(from.every);
    }
    terms_.fee_count = static_cast<std::uint8_t>(plan_.own_fees.size());
  }

  // Micros > 0; 0 after a fault.
  std::int64_t money(const Placed<std::string>& from, const Place& owner, const char* key) {
    if (!from.given) {
      checks_.absent(owner, key, std::string(key) + " is missing; give an amount, such as 10 EUR");
      return 0;
    }
    std::int64_t micros = 0;
    if (parse_amount(from.value, micros) && micros > 0) return micros;
    checks_.fault(from.place, std::string(key) + " is '" + from.value +
                                  "'; allowed: a decimal of at most 6 places, above 0 and up to " +
                                  text(limits::balance_micros_max / 1'000'000));
    return 0;
  }

  void allowances() {
    static constexpr Choices<bool, 2> owners{{{"account", false}, {"subscriber", true}}};
    std::size_t count = 0;
    for (const AllowanceSource& from : source_.allowances) {
      if (!fits(count++, limits::allowances_per_plan_max, from.place, "allowances")) return;
      const std::uint8_t at = cycle(from.every);
      Allowance made;
      made.cycle = at;
      made.per_subscriber = checks_.choice(from.per, "per", owners, false);
      rollover_use(from, made);
      const BucketKind* kind = kind_of(from, made);
      if (kind != nullptr) {
        made.unit = kind->unit;
        made.step = kind->step;
        made.priority = kind->priority;
        made.currency = kind->currency;
        if (!from.every.given) made.lifetime = kind->lifetime;
        if (kind->unit == Unit::money && kind->currency != 0 && plan_.currency != 0 &&
            kind->currency != plan_.currency)
          checks_.fault(from.kind.place,
                        "bucket kind '" + kind->name + "' is of another currency than the plan's " +
                            source_.currency.value + "; name a kind in " + source_.currency.value);
        made.amount = quantity(from.amount, from.place, "amount", *kind);
        if (from.rollover_max.given)
          made.rollover_max = quantity(from.rollover_max, from.place, "at_most", *kind);
      }
      plan_.own_allowances.push_back(made);
    }
    terms_.allowance_count = static_cast<std::uint8_t>(plan_.own_allowances.size());
  }

  void rollover_use(const AllowanceSource& from, Allowance& made) {
    static constexpr Choices<bool, 2> uses{{{"first", true}, {"last", false}}};
    made.rollover = static_cast<std::uint8_t>(
        checks_.number(from.rollover, "rollover.periods", 1, limits::rollover_periods_max, 0));
    made.rolled_first = checks_.choice(from.rollover_use, "rollover.use", uses, true);
    if (!from.rollover.given && (from.rollover_max.given || from.rollover_use.given))
      checks_.absent(from.place, "periods", "rollover says not for how long; give it 'periods'");
    if (from.rollover.given && !from.every.given)
      checks_.absent(from.rollover.place, "every",
                     "rollover has no effect on an allowance that is granted once; give it "
                     "'every', or remove the rollover");
  }

  const BucketKind* kind_of(const AllowanceSource& from, Allowance& made) {
    if (!from.kind.given) {
      checks_.absent(from.place, "allowance", "allowance names no bucket kind; give it one");
      return nullptr;
    }
    const BucketKind* kind = find_kind(from.kind);
    if (kind != nullptr) made.kind = static_cast<std::uint16_t>(kind - kinds_.made.data());
    return kind;
  }

  const BucketKind* find_kind(const Placed<std::string>& name) {
    for (const BucketKind& kind : kinds_.made)
      if (kind.name == name.value) return &kind;
    checks_.fault(name.place, "bucket kind '" + name.value +
                                  "' is not declared; declare it under 'bucket_kinds'");
    return nullptr;
  }

  // Ascending by `from`. Those of money are the plan's currency, as the wallet is.
  void bonuses() {
    for (const BonusSource& from : source_.bonuses) {
      if (!fits(plan_.own_bonuses.size(), limits::bonuses_per_plan_max, from.place, "bonuses"))
        return;
      TopupBonus bonus;
      bonus.from = money(from.from, from.place, "from");
      bonus.currency = plan_.currency;
      BucketKind wallet;
      wallet.currency = plan_.currency;
      const BucketKind* kind = from.kind.given ? find_kind(from.kind) : &wallet;
      if (kind != nullptr && from.kind.given) {
        bonus.kind = static_cast<std::uint16_t>(kind - kinds_.made.data() + 1);
        bonus.unit = kind->unit;
        bonus.step = kind->step;
        bonus.priority = kind->priority;
        bonus.lifetime = kind->lifetime;
        bonus.currency = kind->currency;
      }
      if (kind != nullptr) bonus_amount(from, *kind, bonus);
      for (const TopupBonus& other : plan_.own_bonuses)
        if (other.from == bonus.from && bonus.from != 0)
          checks_.fault(from.from.place, "from '" + from.from.value +
                                             "' stands twice; one bonus is given, that of the "
                                             "highest 'from'");
      plan_.own_bonuses.push_back(bonus);
    }
    std::sort(plan_.own_bonuses.begin(), plan_.own_bonuses.end(),
              [](const TopupBonus& a, const TopupBonus& b) { return a.from < b.from; });
  }

  void bonus_amount(const BonusSource& from, const BucketKind& kind, TopupBonus& bonus) {
    if (kind.unit == Unit::money && kind.currency != 0 && plan_.currency != 0 &&
        kind.currency != plan_.currency)
      checks_.fault(from.kind.place, "bucket kind '" + kind.name +
                                         "' is of another currency than the plan's " +
                                         source_.currency.value);
    if (from.gives_permille.given) {
      bonus.share_permille = static_cast<std::uint16_t>(
          checks_.number(from.gives_permille, "gives", 1, 1000, 0));
      if (kind.unit != Unit::money)
        checks_.fault(from.gives_permille.place,
                      "gives is a share of money, and the bucket kind '" + kind.name + "' holds " +
                          unit_name(kind.unit) + "; say how much of it");
    } else if (from.kind.given) {
      bonus.amount = quantity(from.gives, from.place, "gives", kind);
    } else if (!from.gives.given || from.gives.value.amount.empty() ||
               from.gives.value.currency != source_.currency.value) {
      checks_.absent(from.gives.given ? from.gives.place : from.place, "gives",
                     "gives goes to the wallet, which holds " + source_.currency.value +
                         "; give an amount of it or a share, or name the 'kind' of bucket");
    } else {
      bonus.amount = money({from.gives.value.amount, from.gives.place, true}, from.place, "gives");
    }
  }

  void exchange() {
    for (const ExchangeSource& from : source_.exchange) {
      if (!fits(plan_.own_exchange.size(), limits::exchange_rates_max, from.currency.place,
                "currencies in exchange"))
        return;
      ExchangeRate rate;
      rate.currency = checks_.currency(from.currency, from.currency.place);
      if (rate.currency != 0 && rate.currency == plan_.currency)
        checks_.fault(from.currency.place, "exchange names " + from.currency.value +
                                               ", which is the plan's own currency; remove it");
      Decimal worth;
      if (!parse_decimal(from.worth.value, worth) || worth.digits == 0) {
        checks_.fault(from.worth.place, "exchange." + from.currency.value + " is '" +
                                            from.worth.value +
                                            "'; allowed: a decimal above 0 of at most 18 digits");
        continue;
      }
      rate.numerator = worth.digits;
      for (int i = 0; i < worth.places; ++i) rate.denominator *= 10;
      plan_.own_exchange.push_back(rate);
    }
  }

  void loan() {
    if (!source_.loan.given) return;
    const LoanSource& from = source_.loan.value;
    Loan& made = plan_.loan;
    made.amount = money(from.amount, source_.loan.place, "amount");
    made.fee = checks_.amount(from.fee, "fee");
    made.when_below = from.when_below.given ? checks_.amount(from.when_below, "when_below")
                                            : made.amount;
    if (made.amount != 0 && made.fee >= made.amount)
      checks_.fault(from.fee.place, "fee is '" + from.fee.value + "', and the loan is " +
                                        from.amount.value + "; it is taken from it: lower it");
  }

  // Micros or units of the kind, > 0; 0 after a fault.
  std::int64_t quantity(const Placed<QuantitySource>& from, const Place& owner, const char* key,
                        const BucketKind& kind) {
    if (!from.given) {
      checks_.absent(owner, key, std::string(key) + " is missing; say how much of the bucket kind");
      return 0;
    }
    const QuantitySource& given = from.value;
    const bool money_given = !given.amount.empty();
    // Without its unit nothing can be said of an amount; that it is missing has been said.
    if (!kinds_.catalogue.bucket_kinds[&kind - kinds_.made.data()].unit.given) return 0;
    const std::string unit = money_given ? "money" : given.unit;
    if ((kind.unit == Unit::money) != money_given ||
        (!unit.empty() && unit != unit_name(kind.unit))) {
      checks_.fault(from.place, std::string(key) + " is of " + (unit.empty() ? "units" : unit) +
                                    ", and the bucket kind '" + kind.name + "' holds " +
                                    unit_name(kind.unit) + "; say it in these");
      return 0;
    }
    if (!money_given) {
      const Placed<std::int64_t> number{given.units, from.place, true};
      return checks_.number(number, key, kind.step, limits::units_max, 0);
    }
    if (given.currency != source_.currency.value && plan_.currency != 0)
      checks_.fault(from.place, std::string(key) + " is in " + given.currency +
                                    ", and the plan in " + source_.currency.value +
                                    "; state it in " + source_.currency.value);
    return money({given.amount, from.place, true}, owner, key);
  }

  // What is left of a period's buckets is found by its kind alone.
  void of_one_kind() {
    const std::vector<Allowance>& all = plan_.own_allowances;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const AllowanceSource& from = source_.allowances[i];
      for (std::size_t j = 0; j < i; ++j) {
        if (!from.kind.given || source_.allowances[j].kind.value != from.kind.value) continue;
        if (all[i].cycle == all[j].cycle && from.every.given == source_.allowances[j].every.given)
          checks_.fault(from.kind.place, "allowance '" + from.kind.value +
                                             "' stands twice for the same time; add them up");
        else if (all[i].rollover != 0 || all[j].rollover != 0)
          checks_.fault(from.kind.place,
                        "allowance '" + from.kind.value +
                            "' stands twice and one of them rolls over, so what is left could "
                            "not be told apart; declare a bucket kind for each");
        else
          continue;
        break;
      }
    }
  }

  // `missing`: the key without which this one has no effect.
  template <class T>
  void useless(const Placed<T>& given, const char* key, const char* why, const char* missing = "") {
    if (given.given) checks_.absent(given.place, missing, std::string(key) + why);
  }

  void without_effect() {
    const char* const no_cycle =
        " has no effect where nothing recurs; give a fee, an allowance or a counter 'every', or "
        "remove it";
    const char* const no_fee = " has no effect without fees; remove it";
    const bool counts = std::any_of(source_.counters.begin(), source_.counters.end(),
                                    [](const CounterSource& one) { return one.every.given; });
    if (terms_.cycle_count == 0 && !counts) useless(source_.periods, "periods", no_cycle, "every");
    if (!terms_.calendar)
      useless(source_.prorate, "prorate",
              " has no effect without 'periods: calendar'; set that, or remove it", "periods");
    if (source_.fees.empty()) {
      useless(source_.unpaid_fee, "unpaid_fee", no_fee);
      useless(source_.fee_tax, "fee_tax", no_fee);
    }
    if (source_.allowances.empty())
      useless(source_.allowances_after, "allowances_after",
              " has no effect without allowances; remove it");
    if (terms_.addon)
      of_addon();
    else
      of_base();
  }

  void of_base() {
    const char* const why = " is of add-ons alone; remove it, or write 'kind: addon'";
    useless(source_.priority, "priority", why, "kind");
    useless(source_.starts, "starts", why, "kind");
    useless(source_.again, "again", why, "kind");
    useless(
        source_.lasts, "lasts",
        " is of add-ons alone: an account keeps its base plan until it gets another; remove it");
    if (source_.unpaid_fee.given && source_.unpaid_fee.value == "refuse")
      checks_.fault(source_.unpaid_fee.place,
                    "unpaid_fee is 'refuse', and a base plan cannot end; write suspend or debt");
  }

  void of_addon() {
    const char* const why = " is the base plan's, and has no effect in an add-on; remove it";
    useless(source_.overrun, "overrun", why);
    useless(source_.unmatched, "unmatched", why);
    useless(source_.credit_limit, "credit_limit", why);
    useless(source_.session_ttl, "session_ttl", why);
    useless(source_.valid_for, "valid_for", why);
    useless(source_.ccfh, "ccfh", why);
    useless(source_.failover, "failover", why);
    useless(source_.loan, "loan", why);
    for (const ExchangeSource& one : source_.exchange)
      checks_.fault(one.currency.place, std::string("exchange") + why);
    for (const BonusSource& bonus : source_.bonuses)
      checks_.fault(bonus.place, std::string("topup_bonus") + why);
    const bool usable = !source_.services.empty() || !source_.allowances.empty();
    if (!usable && source_.fees.empty() && source_.counters.empty())
      checks_.absent(source_.place, "allowances",
                     "add-on '" + source_.name.value +
                         "' gives and costs nothing; give it fees, allowances, services or "
                         "counters");
    if (!usable && terms_.at_first_use)
      checks_.fault(source_.starts.place,
                    "starts is 'first_use', and nothing can use an add-on without allowances and "
                    "services; add some, or write 'starts: purchase'");
  }

  const PlanSource& source_;
  const KindTable& kinds_;
  Checks& checks_;
  CompiledPlan& plan_;
  Terms& terms_;
};

}  // namespace

bool is_addon(const PlanSource& source) {
  return source.kind.value == "addon";
}

void compile_terms(const PlanSource& source, const KindTable& kinds, Checks& checks,
                   CompiledPlan& plan) {
  TermsCompiler(source, kinds, checks, plan).run();
}

}  // namespace levy::rating
