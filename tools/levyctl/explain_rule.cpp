// Rules and their arithmetic (see explain_rule.hpp). The amounts are rating's own, price_of(); the
// steps in words are taken from the same compiled price.
// Core: none. Allocates: yes. Blocks: never. Clock: in the records.
#include "tools/levyctl/explain_rule.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "rating/quote.hpp"
#include "tools/levyctl/plan_words.hpp"

namespace levyctl {

namespace {

using levy::Int128;

bool find_service(const PlanFiles& files, std::size_t plan, const std::string& name, Rule& rule) {
  const auto& services = files.catalogue().plans[plan].services;
  const auto found = std::find_if(
      services.begin(), services.end(),
      [&](const rating::ServiceSource& service) { return service.name.value == name; });
  if (found == services.end()) return false;
  rule.plan = &files.catalogue().plans[plan];
  rule.compiled = files.compiled.plans[plan].get();
  rule.service = static_cast<std::size_t>(found - services.begin());
  return true;
}

// Where the rule that the plans have under the record's names is not the one that it means.
std::string difference(const Rule& rule, const GroupLine& line) {
  const rating::ServiceSource& service = rule.service_source();
  const std::string of = "service " + service.name.value + " of plan " + rule.plan->name.value;
  if (service.unit.value != line.unit)
    return fmt::format("{} counts {} in the plans, {} in the record", of, service.unit.value,
                       line.unit);
  if (line.rate > service.rates.size())
    return fmt::format("{} has {} in the plans, and rate {} in the record", of,
                       count_text(service.rates.size(), "rate"), line.rate);
  const std::string name = line.rate == 0 ? "" : service.rates[line.rate - 1].name.value;
  if (name != line.rate_name)
    return fmt::format("rate {} of {} is '{}' in the plans, '{}' in the record", line.rate, of,
                       name, line.rate_name);
  if (service.tax.value != line.tax_permille)
    return fmt::format("{} has {} tax in the plans, {} in the record", of,
                       permille_text(service.tax.value), permille_text(line.tax_permille));
  return {};
}

// num / den micros as money, exact where 12 decimals are enough: "0.003", "0.333333333333…".
std::string ratio_text(Int128 num, Int128 den) {
  den *= 1'000'000;
  std::string text = fmt::format("{}.", static_cast<std::int64_t>(num / den));
  Int128 rest = num % den;
  int decimals = 0;
  for (; decimals < 12 && (rest != 0 || decimals < 2); ++decimals) {
    rest *= 10;
    text += static_cast<char>('0' + static_cast<int>(rest / den));
    rest %= den;
  }
  return rest == 0 ? text : text + "…";
}

const char* rounding_word(levy::Rounding rounding) {
  static constexpr const char* words[] = {"up", "down", "half up", "half even"};
  return words[static_cast<int>(rounding)];
}

// One condition, as the facts meet it; `unknown`: nobody can say.
std::string met_text(const rating::ConditionSource& condition, const RecordLine& grant,
                     const GroupKey& key, bool holds, bool& unknown) {
  const std::string& attribute = condition.attribute.value;
  std::vector<std::string> values;
  for (const auto& value : condition.values) values.push_back(value.value);
  bool kept = true;
  const std::string fact = fact_text(grant, key, attribute, kept);
  unknown = !kept;
  if (!kept) return attribute + " is not in the record";
  const std::string is = holds != condition.negated ? " is " : " is not ";
  if (attribute == "time") return attribute + is + joined(values, " or ");
  if (fact.empty()) return attribute + " is not in the request";
  const bool zone = attribute == "plmn" || attribute == "location" || attribute == "called";
  return attribute + " " + fact + is + (zone ? "in " : "") + joined(values, " or ");
}

}  // namespace

const rating::TariffSource& Rule::tariff() const {
  if (rate == 0) return service_source();
  return service_source().rates[rate - 1];
}

const rating::Price& Rule::price() const {
  const rating::Service& of = compiled->services[service];
  return rate == 0 ? of.price : compiled->own_rates[of.first_rate + rate - 1].price;
}

Rule find_rule(const PlanFiles& files, const std::string& plan, const GroupLine& line) {
  Rule rule;
  rule.rate = line.rate;
  const auto& plans = files.catalogue().plans;
  bool known = false, found = false;
  for (std::size_t i = 0; i < plans.size() && !found; ++i) {
    if (plans[i].name.value != plan) continue;
    known = true;
    found = find_service(files, i, line.service, rule);
  }
  for (std::size_t i = 0; i < plans.size() && !found; ++i)
    found = plans[i].kind.value == "addon" && find_service(files, i, line.service, rule);
  if (!found)
    rule.note =
        known ? fmt::format("neither plan {} nor an add-on has service {}", plan, line.service)
              : fmt::format("plan {} is not among them", plan);
  else
    rule.note = difference(rule, line);
  return rule;
}

RuleWhy why_rule(const PlanFiles& files, const Rule& rule, const RecordLine& grant,
                 const GroupKey& key, std::int64_t skew) {
  RuleWhy out;
  Message message;
  fill_message(grant, key, message);
  rating::QuoteQuestion question;
  question.plan = rule.compiled;
  question.zones = files.compiled.zones.get();
  question.request = &message.request;
  const levy::Time at = usage_time(grant, skew);
  const rating::ServiceSource& source = rule.service_source();
  const rating::Service& service = rule.compiled->services[rule.service];
  const std::size_t end = rule.rate == 0 ? source.rates.size() : rule.rate;
  for (std::size_t r = 0; r < end; ++r) {
    const bool taken = rule.rate == r + 1;
    const std::uint32_t first = rule.compiled->own_rates[service.first_rate + r].first_condition;
    std::string failed, open;
    for (std::size_t c = 0; c < source.rates[r].when.size(); ++c) {
      const bool holds =
          rating::condition_holds(question, at, rule.compiled->own_conditions[first + c]);
      bool unknown = false;
      const std::string text = met_text(source.rates[r].when[c], grant, key, holds, unknown);
      if (taken && (holds || unknown)) out.because.push_back(text);
      if (unknown) open = text;
      if (!unknown && !holds && failed.empty()) failed = text;
    }
    const std::string& name = source.rates[r].name.value;
    if (!open.empty() && failed.empty()) out.unknown.push_back(name + " (" + open + ")");
    if (taken && !failed.empty()) out.contradiction = name + " does not hold: " + failed;
    if (!taken && !failed.empty()) out.not_taken.push_back(name + " (" + failed + ")");
    if (!taken && failed.empty() && open.empty()) out.contradiction = name + " holds before it";
  }
  return out;
}

PriceSteps price_steps(const rating::Price& price, std::int64_t total, const std::string& unit,
                       const std::string& currency) {
  PriceSteps out;
  out.micros = rating::price_of(price, total);
  if (price.free || price.none || total == 0) {
    out.text = price.free ? "free" : price.none ? "no price" : "nothing";
    return out;
  }
  std::vector<std::string> parts;
  Int128 exact = 0;
  for (std::uint32_t k = 0; k <= price.further_tiers; ++k) {
    const rating::Tier tier =
        k == 0 ? rating::Tier{0, price.numerator, price.step, 0} : price.tiers[k - 1];
    if (total <= tier.from) break;
    const std::int64_t end = k < price.further_tiers ? std::min(price.tiers[k].from, total) : total;
    const std::int64_t steps = (end - tier.from + tier.step - 1) / tier.step;
    const Int128 each = Int128{tier.step} * tier.numerator;
    exact += each * steps;
    parts.push_back(
        fmt::format("{} of {} x {} {}", count_text(static_cast<std::size_t>(steps), "step"),
                    units_text(tier.step, unit), ratio_text(each, price.denominator), currency));
  }
  const std::string sum = ratio_text(exact, price.denominator);
  out.text = fmt::format("{} = {} {}", joined(parts, " + "), sum, currency);
  const std::string micros = micros_text(out.micros);
  if (micros == sum) return out;
  const bool bound =
      out.micros == price.minimum || (price.maximum != 0 && out.micros == price.maximum);
  const Int128 off = exact - Int128{out.micros} * price.denominator;
  const Int128 one = Int128{price.denominator} * price.quantum;
  const bool near = off < one && -off < one;
  if (bound && !near)
    out.text += fmt::format(", {} {} {}", out.micros == price.minimum ? "at least" : "at most",
                            micros, currency);
  else
    out.text += fmt::format(", rounded {} {} {}", rounding_word(price.rounding), micros, currency);
  return out;
}

RuleSum rule_sum(const Rule& rule, const GroupHistory& history, const GroupLine& line) {
  RuleSum sum;
  const rating::Price& price = rule.price();
  const std::string& currency = rule.plan->currency.value;
  sum.before = history.total;
  sum.after = history.total + line.used - line.used_by_buckets;
  sum.price_before = price_steps(price, sum.before, line.unit, currency);
  sum.price_after = price_steps(price, sum.after, line.unit, currency);
  if (line.used == 0 || price.free || price.none) return sum;
  sum.fee = history.connected ? 0 : price.connect_fee;
  sum.charged = sum.price_after.micros - sum.price_before.micros + sum.fee;
  return sum;
}

}  // namespace levyctl
