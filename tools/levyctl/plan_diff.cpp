// Two catalogues, part by part (see plan_diff.hpp).
// Core: none. Allocates: yes. Blocks: never. Clock: none.
//
// Every part becomes a list of (key, words); parts are paired by name and their lists compared.
#include "tools/levyctl/plan_diff.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "tools/levyctl/plan_words.hpp"

namespace levyctl {

namespace {

using rating::Placed;
using Keys = std::vector<std::pair<std::string, std::string>>;
using Texts = std::vector<Placed<std::string>>;

std::string or_default(const Placed<std::string>& field, const std::string& otherwise) {
  return field.given ? field.value : otherwise;
}

std::string money_text(const Placed<std::string>& field, const std::string& currency) {
  const std::string amount = field.given ? decimal_text(field.value) : "0";
  return amount == "0" ? "0" : amount + " " + currency;
}

std::string seconds_or(const Placed<std::int64_t>& field, const std::string& otherwise) {
  return field.given ? seconds_text(field.value) : otherwise;
}

std::string units_or(const Placed<std::int64_t>& field, const std::string& unit,
                     const std::string& otherwise) {
  return field.given ? units_text(field.value, unit) : otherwise;
}

std::string permille_or(const Placed<std::int64_t>& field, const std::string& otherwise) {
  return field.given ? permille_text(field.value) : otherwise;
}

void add_tariff(const rating::TariffSource& tariff, const std::string& unit,
                const std::string& currency, Keys& keys) {
  keys.emplace_back("price", price_text(tariff.price, unit, currency));
  keys.emplace_back("rounding", or_default(tariff.rounding, "up"));
  keys.emplace_back("decimals", std::to_string(tariff.decimals.given ? tariff.decimals.value : 6));
  keys.emplace_back("connect_fee", money_text(tariff.connect_fee, currency));
  keys.emplace_back("minimum", money_text(tariff.minimum, currency));
  keys.emplace_back("maximum",
                    tariff.maximum.given ? money_text(tariff.maximum, currency) : "no bound");
  keys.emplace_back("at_maximum", or_default(tariff.at_maximum, "free"));
  keys.emplace_back("discount", permille_or(tariff.discount, "none"));
  keys.emplace_back("pass", or_default(tariff.pass, "none"));
}

std::string groups_text(const rating::ServiceSource& service) {
  std::set<std::uint32_t> numbers;
  for (const auto& group : service.rating_groups) numbers.insert(group.value);
  std::vector<std::string> texts;
  for (const std::uint32_t number : numbers) texts.push_back(std::to_string(number));
  if (service.any_rating_group.given) texts.push_back("any");
  if (service.without_rating_group.given) texts.push_back("none");
  return joined(texts, ", ");
}

std::string set_text(const Texts& texts, const std::string& otherwise) {
  std::set<std::string> sorted;
  for (const auto& text : texts) sorted.insert(text.value);
  return sorted.empty() ? otherwise : joined({sorted.begin(), sorted.end()}, ", ");
}

std::string identifiers_text(const rating::ServiceSource& service) {
  std::set<std::uint32_t> sorted;
  for (const auto& identifier : service.service_identifiers) sorted.insert(identifier.value);
  std::vector<std::string> texts;
  for (const std::uint32_t number : sorted) texts.push_back(std::to_string(number));
  return texts.empty() ? "any" : joined(texts, ", ");
}

Keys keys_of(const rating::ServiceSource& s, const std::string& currency) {
  const std::string& unit = s.unit.value;
  const bool events = unit == "events";
  Keys keys{{"rating_groups", groups_text(s)},
            {"context", set_text(s.contexts, "any")},
            {"service_identifiers", identifiers_text(s)},
            {"unit", unit},
            {"access", or_default(s.access, "open")}};
  add_tariff(s, unit, currency, keys);
  keys.emplace_back("tax", permille_or(s.tax, "0 %"));
  keys.emplace_back("grant.first", units_or(s.grant_first, unit, "as grant.default"));
  keys.emplace_back("grant.default", units_or(s.grant_default, unit, "the usual"));
  keys.emplace_back("grant.min", units_or(s.grant_min, unit, "none"));
  keys.emplace_back("grant.max", units_or(s.grant_max, unit, "no bound"));
  keys.emplace_back("validity", seconds_or(s.validity, "not sent"));
  keys.emplace_back("quota_holding_time", seconds_or(s.quota_holding_time, "not sent"));
  keys.emplace_back("octets.up", permille_or(s.up_permille, "100 %"));
  keys.emplace_back("octets.down", permille_or(s.down_permille, "100 %"));
  keys.emplace_back("accumulate", or_default(s.accumulate, "none"));
  keys.emplace_back("tiers", or_default(s.tiers, "stepped"));
  keys.emplace_back("sponsor", or_default(s.sponsor, "none"));
  keys.emplace_back("pool", or_default(s.pool, "none"));
  keys.emplace_back("retry_after", seconds_or(s.retry_after, "not sent"));
  keys.emplace_back("threshold.share", permille_or(s.threshold_permille, "none"));
  keys.emplace_back("threshold.at_most", units_or(s.threshold_units, unit, "none"));
  keys.emplace_back("low_credit_share", permille_or(s.low_credit_permille, "100 %"));
  const bool whole = s.indivisible.given ? s.indivisible.value : events;
  keys.emplace_back("in_grace", s.in_grace.value ? "true" : "false");
  keys.emplace_back("indivisible", whole ? "true" : "false");
  const std::string to = s.redirect_to.given ? " to " + s.redirect_to.value : "";
  keys.emplace_back("on_final", or_default(s.on_final, "terminate") + to);
  const std::string lost = s.lost_units.given ? " " + units_text(s.lost_units.value, unit) : "";
  keys.emplace_back("on_lost", or_default(s.on_lost, "release") + lost);
  keys.emplace_back("on_new_version",
                    or_default(s.on_new_version, unit == "octets" ? "next_report" : "pin"));
  return keys;
}

// Of which unit a bucket kind is; empty: there is no such kind.
std::string unit_of(const rating::Catalogue& catalogue, const std::string& kind) {
  for (const rating::BucketKindSource& known : catalogue.bucket_kinds)
    if (known.name.value == kind) return known.unit.value;
  return {};
}

Keys keys_of(const rating::PlanSource& plan) {
  return {{"kind", or_default(plan.kind, "base")},
          {"priority", std::to_string(plan.priority.value)},
          {"starts", or_default(plan.starts, "purchase")},
          {"lasts", plan.lasts.given ? period_text(plan.lasts.value) : "until it is ended"},
          {"again", or_default(plan.again, "add")},
          {"currency", plan.currency.value},
          {"overrun", or_default(plan.overrun, "debt")},
          {"unmatched", or_default(plan.unmatched, "the usual")},
          {"credit_limit", money_text(plan.credit_limit, plan.currency.value)},
          {"session_ttl", seconds_or(plan.session_ttl, "1 d")},
          {"valid_for", seconds_or(plan.valid_for, "for ever")},
          {"topup_extends", seconds_or(plan.topup_extends, "valid_for")},
          {"grace", seconds_or(plan.grace, "0 s")},
          {"time_zone", or_default(plan.time_zone, "UTC")},
          {"boundary_spread", seconds_or(plan.boundary_spread, "0 s")},
          {"fee_tax", permille_or(plan.fee_tax, "0 %")},
          {"tax_is", or_default(plan.tax_is, "included")},
          {"unpaid_fee", or_default(plan.unpaid_fee, "debt")},
          {"allowances_after", or_default(plan.allowances_after, "expire")},
          {"periods", or_default(plan.periods, "anniversary")},
          {"prorate", plan.prorate.value ? "true" : "false"}};
}

Keys keys_of(const rating::CounterSource& counter) {
  const std::string unit = counter.counts.value;
  std::vector<std::string> levels;
  for (const rating::LevelSource& level : counter.levels)
    levels.push_back(level.name.value + " at " +
                     (level.at_permille.given ? permille_text(level.at_permille.value)
                                              : quantity_text(level.at.value, unit)));
  return {{"counts", counter.bucket.given ? "bucket " + counter.bucket.value : unit},
          {"services", set_text(counter.services, "all")},
          {"when", counter.when.empty() ? "always" : conditions_text(counter.when)},
          {"per", or_default(counter.per, "account")},
          {"every", counter.every.given ? every_text(counter.every) : "never"},
          {"limit", counter.limit.given ? quantity_text(counter.limit.value, unit) : "none"},
          {"levels", levels.empty() ? "none" : joined(levels, ", ")}};
}

Keys keys_of(const rating::FeeSource& fee, const std::string& currency) {
  return {{"amount", money_text(fee.amount, currency)}, {"every", every_text(fee.every)}};
}

Keys keys_of(const rating::AllowanceSource& allowance, const std::string& unit) {
  std::string rollover = "none";
  if (allowance.rollover.given) {
    rollover = count_text(static_cast<std::size_t>(allowance.rollover.value), "period");
    if (allowance.rollover_max.given)
      rollover += ", at most " + quantity_text(allowance.rollover_max.value, unit);
    rollover += ", used " + or_default(allowance.rollover_use, "first");
  }
  return {{"amount", quantity_text(allowance.amount.value, unit)},
          {"per", or_default(allowance.per, "account")},
          {"rollover", rollover}};
}

std::string weights_text(const rating::BucketKindSource& kind) {
  std::vector<std::string> texts;
  for (const rating::WeightSource& weight : kind.weights)
    texts.push_back(weight.service.value + " " + decimal_text(weight.weight.value));
  std::sort(texts.begin(), texts.end());
  return texts.empty() ? "none" : joined(texts, ", ");
}

Keys keys_of(const rating::BucketKindSource& kind) {
  return {{"unit", kind.unit.value},
          {"currency", or_default(kind.currency, "none")},
          {"priority", std::to_string(kind.priority.value)},
          {"step", units_or(kind.step, kind.unit.value, units_text(1, kind.unit.value))},
          {"lifetime", seconds_or(kind.lifetime, "none")},
          {"services", set_text(kind.services, "all")},
          {"weights", weights_text(kind)},
          {"when", kind.when.empty() ? "always" : conditions_text(kind.when)}};
}

Keys keys_of(const rating::TimeSource& time) {
  return {{"on", set_text(time.on, "never")}, {"except", set_text(time.except, "none")}};
}

template <class Part>
const std::string& name_of(const Part& part) {
  return part.name.value;
}

struct Named {
  Placed<std::string> name;
  const rating::AllowanceSource* source;
};

class Comparison {
 public:
  std::vector<Difference> run(const rating::Catalogue& a, const rating::Catalogue& b) {
    pair("plan ", a.plans, b.plans, [&](const std::string& what, const auto& x, const auto& y) {
      compare(what, keys_of(x), keys_of(y));
      pair(what + ", fee ", x.fees, y.fees, [&](const auto& fee, const auto& f, const auto& g) {
        compare(fee, keys_of(f, x.currency.value), keys_of(g, y.currency.value));
      });
      pair(what + ", counter ", x.counters, y.counters,
           [&](const auto& counter, const auto& c, const auto& d) {
             compare(counter, keys_of(c), keys_of(d));
           });
      pair(what + ", sponsor ", x.sponsors, y.sponsors,
           [&](const auto& sponsor, const auto& c, const auto& d) {
             compare(sponsor, {{"slice", c.slice.given ? c.slice.value : "the usual"}},
                     {{"slice", d.slice.given ? d.slice.value : "the usual"}});
           });
      allowances(what, a, b, x, y);
      services(what, x, y);
    });
    const auto by_keys = [&](const std::string& what, const auto& x, const auto& y) {
      compare(what, keys_of(x), keys_of(y));
    };
    pair("bucket kind ", a.bucket_kinds, b.bucket_kinds, by_keys);
    pair("time ", a.times, b.times, by_keys);
    pair("zone ", a.zones, b.zones, [&](const std::string& what, const auto& x, const auto& y) {
      members(what, "plmns", x.plmns, y.plmns);
      members(what, "numbers", x.numbers, y.numbers);
      members(what, "places", x.places, y.places);
    });
    members("holidays", "dates", a.holidays, b.holidays);
    return std::move(found_);
  }

 private:
  // Calls both(what, a's, b's) for each name that stands in both lists; the others are differences.
  template <class Part, class Both>
  void pair(const std::string& what, const std::vector<Part>& a, const std::vector<Part>& b,
            const Both& both) {
    std::set<const Part*> paired;
    for (const Part& part : a) {
      const std::string whole = what + name_of(part);
      const auto other = std::find_if(
          b.begin(), b.end(), [&](const Part& one) { return is_called(one, name_of(part)); });
      if (other == b.end()) {
        found_.push_back({whole, "removed", "", "", ""});
        continue;
      }
      paired.insert(&*other);
      if (name_of(*other) != name_of(part))
        found_.push_back({whole, "changed", "name", name_of(part), name_of(*other)});
      both(whole, part, *other);
    }
    for (const Part& part : b)
      if (!paired.contains(&part)) found_.push_back({what + name_of(part), "added", "", "", ""});
  }

  void compare(const std::string& what, const Keys& a, const Keys& b) {
    for (std::size_t i = 0; i < a.size(); ++i)
      if (a[i].second != b[i].second)
        found_.push_back({what, "changed", a[i].first, a[i].second, b[i].second});
  }

  // A kind may be given once and every month: these are two.
  void allowances(const std::string& plan, const rating::Catalogue& all_a,
                  const rating::Catalogue& all_b, const rating::PlanSource& a,
                  const rating::PlanSource& b) {
    const auto named = [](const rating::PlanSource& from) {
      std::vector<Named> list;
      for (const rating::AllowanceSource& one : from.allowances)
        list.emplace_back(Named{one.kind, &one}).name.value += " " + every_text(one.every);
      return list;
    };
    pair(plan + ", allowance ", named(a), named(b),
         [&](const std::string& what, const Named& x, const Named& y) {
           compare(what, keys_of(*x.source, unit_of(all_a, x.source->kind.value)),
                   keys_of(*y.source, unit_of(all_b, y.source->kind.value)));
         });
  }

  void services(const std::string& plan, const rating::PlanSource& a, const rating::PlanSource& b) {
    pair(plan + ", service ", a.services, b.services,
         [&](const std::string& what, const auto& x, const auto& y) {
           compare(what, keys_of(x, a.currency.value), keys_of(y, b.currency.value));
           rates(what, x, y, a.currency.value, b.currency.value);
         });
  }

  // Rates are tried in order, so their order is one of their properties.
  void rates(const std::string& service, const rating::ServiceSource& a,
             const rating::ServiceSource& b, const std::string& currency_a,
             const std::string& currency_b) {
    std::vector<std::string> order_a, order_b;
    pair(service + ", rate ", a.rates, b.rates,
         [&](const std::string& what, const auto& x, const auto& y) {
           Keys keys_a{{"when", conditions_text(x.when)}, {"access", or_default(x.access, "open")}};
           Keys keys_b{{"when", conditions_text(y.when)}, {"access", or_default(y.access, "open")}};
           add_tariff(x, a.unit.value, currency_a, keys_a);
           add_tariff(y, b.unit.value, currency_b, keys_b);
           compare(what, keys_a, keys_b);
           order_a.push_back(x.name.value);
         });
    for (const rating::RateSource& rate : b.rates)
      if (std::find(order_a.begin(), order_a.end(), rate.name.value) != order_a.end())
        order_b.push_back(rate.name.value);
    if (order_a != order_b)
      found_.push_back(
          {service, "changed", "order of rates", joined(order_a, ", "), joined(order_b, ", ")});
  }

  // Lists may be long: what came and what went, the first few of each.
  void members(const std::string& what, const std::string& key, const Texts& a, const Texts& b) {
    std::set<std::string> in_a, in_b;
    for (const auto& text : a) in_a.insert(text.value);
    for (const auto& text : b) in_b.insert(text.value);
    std::vector<std::string> gone, come;
    std::set_difference(in_a.begin(), in_a.end(), in_b.begin(), in_b.end(),
                        std::back_inserter(gone));
    std::set_difference(in_b.begin(), in_b.end(), in_a.begin(), in_a.end(),
                        std::back_inserter(come));
    if (gone.empty() && come.empty()) return;
    found_.push_back({what, "changed", key, some_of("without", gone), some_of("with", come)});
  }

  static std::string some_of(const std::string& word, std::vector<std::string> texts) {
    constexpr std::size_t shown_max = 8;
    if (texts.empty()) return word + " nothing";
    const std::size_t count = texts.size();
    std::string more;
    if (count > shown_max) {
      texts.resize(shown_max);
      more = " and " + std::to_string(count - shown_max) + " more";
    }
    return word + " " + joined(texts, ", ") + more;
  }

  std::vector<Difference> found_;
};

}  // namespace

std::vector<Difference> differences(const rating::Catalogue& before,
                                    const rating::Catalogue& after) {
  return Comparison().run(before, after);
}

std::string to_text(const Difference& d) {
  if (d.change != "changed") return d.what + ": " + d.change;
  return d.what + ": " + d.key + " " + d.before + " -> " + d.after;
}

}  // namespace levyctl
