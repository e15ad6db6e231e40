// What naive_trial reports: the plan and the message of a difference, and what was exercised.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include <sstream>

#include "tests/unit/rating/naive_trial.hpp"

namespace levy::rating::naive {
namespace {

void tell(std::ostringstream& out, const PriceSource& price) {
  if (price.free) {
    out << " free";
    return;
  }
  out << " [" << price.amount << " per " << price.per_units << " step " << price.step_units
      << " first " << price.first_units << " up to " << price.upto_units << "]";
  for (const PriceSource& further : price.further) tell(out, further);
}

void tell(std::ostringstream& out, const TariffSource& tariff) {
  if (tariff.price.given) tell(out, tariff.price.value);
  const auto field = [&](const char* name, const auto& value) {
    if (value.given) out << " " << name << " " << value.value;
  };
  field("rounding", tariff.rounding);
  field("connect_fee", tariff.connect_fee);
  field("minimum", tariff.minimum);
  field("maximum", tariff.maximum);
  field("at_maximum", tariff.at_maximum);
  field("discount", tariff.discount);
  out << "\n";
}

template <class Values>
void tell_all(std::ostringstream& out, const char* name, const Values& values) {
  if (values.empty()) return;
  out << " " << name << " (";
  for (const auto& value : values) out << " " << value.value;
  out << " )";
}

void tell(std::ostringstream& out, const ServiceSource& s) {
  out << "  service " << s.name.value << " " << s.unit.value;
  tell_all(out, "groups", s.rating_groups);
  if (s.any_rating_group.value) out << " any";
  if (s.without_rating_group.value) out << " none";
  tell_all(out, "contexts", s.contexts);
  tell_all(out, "identifiers", s.service_identifiers);
  const auto field = [&](const char* name, const auto& value) {
    if (value.given) out << " " << name << " " << value.value;
  };
  field("first", s.grant_first);
  field("default", s.grant_default);
  field("min", s.grant_min);
  field("max", s.grant_max);
  field("validity", s.validity);
  field("indivisible", s.indivisible);
  field("access", s.access);
  tell(out, static_cast<const TariffSource&>(s));
  for (const RateSource& rate : s.rates) {
    out << "    rate " << rate.name.value;
    for (const ConditionSource& condition : rate.when)
      tell_all(out, ((condition.negated ? "not " : "") + condition.attribute.value).c_str(),
               condition.values);
    tell(out, static_cast<const TariffSource&>(rate));
  }
}

}  // namespace

std::string text_of(const Catalogue& catalogue) {
  std::ostringstream out;
  const PlanSource& plan = catalogue.plans[0];
  out << "plan overrun " << plan.overrun.value << " unmatched " << plan.unmatched.value
      << " credit_limit " << plan.credit_limit.value << " zone " << plan.time_zone.value
      << " spread " << plan.boundary_spread.value << "\n";
  for (const ServiceSource& service : plan.services) tell(out, service);
  for (const TimeSource& time : catalogue.times) {
    out << "  time " << time.name.value;
    tell_all(out, "on", time.on);
    tell_all(out, "except", time.except);
    out << "\n";
  }
  tell_all(out, "holidays", catalogue.holidays);
  for (const ZoneSource& zone : catalogue.zones) {
    out << "\n  zone " << zone.name.value;
    tell_all(out, "plmns", zone.plmns);
    tell_all(out, "numbers", zone.numbers);
    tell_all(out, "places", zone.places);
  }
  out << "\n";
  return out.str();
}

std::string Trial::told(const Facts& facts, const std::vector<Units>& rows,
                        RequestType type) const {
  std::ostringstream out;
  out << "message type " << static_cast<int>(type) << " number " << request_.request_number
      << " now " << now_ << " usage time " << usage_time_ << " context " << facts.context << " apn "
      << facts.apn << " plmn " << facts.plmn << " called " << facts.called << " calling "
      << facts.calling << " characteristics " << facts.characteristics << " rat " << facts.rat
      << " role " << facts.role;
  for (const std::string& place : facts.location.places()) out << " at " << place;
  out << "\n";
  for (const Units& row : rows) {
    out << "  mscc group " << (row.rating_group ? std::to_string(*row.rating_group) : "none")
        << " identifiers";
    for (const std::uint32_t id : row.identifiers) out << " " << id;
    out << " qci " << row.qci << " reasons " << row.reasons << " requested "
        << (row.has_requested ? row.requested : -1) << " used " << (row.has_used ? row.used : -1)
        << "\n";
  }
  for (const NaiveBucket& b : account_->buckets)
    out << "  bucket unit " << static_cast<int>(b.unit) << " step " << b.step << " usable "
        << b.usable << " credits " << b.credits << " spent " << b.spent << " written off "
        << b.written_off << " reserved " << b.reserved << "\n";
  out << "  account's credit limit " << credit_limit_ << "\n";
  return out.str();
}

void Trial::count_row(const Facts& facts, const Units& units, const NaiveAnswer& answer) {
  const auto count = [&](bool holds, const std::string& what) {
    if (holds) ++counts_[what];
  };
  count(answer.reason == Reason::no_credit, "refused for want of credit");
  count(answer.is_final, "final grant");
  count(answer.service == no_service, "of no service");
  count(units.has_requested && units.requested == 0, "default grant asked for");
  count(!units.has_requested, "nothing asked for");
  if (answer.service == no_service) return;
  const ServiceSource& s = plan_.service(answer.service);
  count(units.rating_group && s.any_rating_group.value, "service that takes any group");
  count(!units.rating_group, "service without a group");
  count(!s.contexts.empty(), "service by context");
  count(!s.service_identifiers.empty(), "service by identifier");
  if (!answer.has_grant) return;
  ++counts_["grants"];
  count(answer.granted > 0 && units.requested > 0 && answer.granted < units.requested,
        "granted less than asked for");
  const int year = date_of(usage_time_ / 86'400).year;
  const std::string zone = plan_.source().time_zone.value;
  for (const std::int64_t change : {summer_begins(zone, year), summer_ends(zone, year)})
    count(change != 0 && std::abs(usage_time_ - change) < 86'400, "within a day of a DST change");
  if (answer.rate == 0) return;
  for (const ConditionSource& condition : s.rates[answer.rate - 1].when) {
    const std::string& attribute = condition.attribute.value;
    count(true, "grant by " + attribute);
    count(condition.negated, "grant by a negated condition");
    for (const auto& value : condition.values) {
      if (attribute == "time") {
        const NamedTime& time = plan_.time(value.value);
        count(time.by_holiday(usage_time_), "grant in a holiday's time");
        count(time.after_midnight(usage_time_), "grant past midnight of a night's time");
        count(condition.negated && time.excepted(usage_time_), "grant in an exception");
      }
    }
    if (condition.negated) continue;
    count(attribute == "called" &&
              plan_.zone_of_number(facts.called.substr(0, 1)) != plan_.zone_of_number(facts.called),
          "grant by a longer prefix");
    count(attribute == "plmn" &&
              plan_.zone_of_network(facts.plmn.substr(0, 3)) != plan_.zone_of_network(facts.plmn),
          "grant by a network beside its country");
  }
}

}  // namespace levy::rating::naive
