// Plan files: the mappings behind `plans`, `services` and `bucket_kinds`.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// A value that is not given has the place of its enclosing mapping, so that rating/compile can
// always point somewhere.
#include "config/plan_reader.hpp"

#include <utility>

#include "config/limits.hpp"

namespace levy::config {

std::string peek_text(const YamlNode& mapping, std::string_view name,
                      std::initializer_list<std::string_view> words) {
  for (const auto& [key, value] : mapping.entries) {
    if (key->text != name || value->type != YamlNode::Type::scalar) continue;
    if (words.size() == 0) return value->text;
    for (const std::string_view word : words) {
      if (value->text == word) return value->text;
    }
  }
  return {};
}

namespace {

bool has_key(const YamlNode& mapping, std::string_view name) {
  for (const auto& entry : mapping.entries) {
    if (entry.first->text == name) return true;
  }
  return false;
}

template <class... Fields>
void enclose(const Place& place, Fields&... fields) {
  ((fields.place = place), ...);
}

void read_plan(Reader& reader, const YamlNode& node, const std::string& path,
               rating::Catalogue& catalogue) {
  PlanOwner owner;
  rating::PlanSource& plan = owner.source;
  plan.place = reader.place(node);
  enclose(plan.place, plan.name, plan.currency, plan.overrun, plan.unmatched, plan.credit_limit,
          plan.session_ttl, plan.valid_for, plan.topup_extends, plan.grace, plan.time_zone,
          plan.boundary_spread, plan.ccfh, plan.failover, plan.kind, plan.priority, plan.starts,
          plan.lasts, plan.periods, plan.prorate, plan.unpaid_fee, plan.again,
          plan.allowances_after, plan.fee_tax);
  owner.currency = peek_text(node, "currency");
  if (!is_currency(owner.currency)) owner.currency.clear();
  reader.read_section(*plan_section(), node, path, &owner);
  const bool is_mapping = node.type == YamlNode::Type::mapping;
  const bool may_be_addon = has_key(node, "kind") && plan.kind.value != "base";
  if (is_mapping && !has_key(node, "services") && !may_be_addon)
    reader.fault(node, sub_path(path, "services"), "this key is missing", "a list of services",
                 "a base plan needs services; only `kind: addon` may be without");
  if (catalogue.plans.size() < limits::plans_max) {
    catalogue.plans.push_back(std::move(plan));
  } else {
    reader.fault(node, path, "there are too many plans",
                 "at most " + std::to_string(limits::plans_max), "remove plans");
  }
}

template <class Source, class Read>
void read_of_plan(Reader& reader, const YamlNode& node, const std::string& path,
                  std::string_view what, std::vector<Source>& list, const Read& read) {
  const std::string form = "a list of " + std::string(what);
  const auto& items = reader.read_items(node, path, form);
  for (std::size_t i = 0; i < items.size(); ++i) {
    Source source;
    source.place = reader.place(*items[i]);
    read(*items[i], item_path(path, i), source);
    list.push_back(std::move(source));
  }
}

}  // namespace

void read_period_into(Reader& reader, const YamlNode& node, const std::string& path,
                      rating::Placed<rating::PeriodSource>& into) {
  const std::string* text = reader.read_scalar(node, path, period_form);
  if (text == nullptr) return;
  ParsedPeriod parsed = parse_period(*text);
  if (parsed.ok())
    set_placed(into, std::move(parsed.period), reader.place(node));
  else
    reader.fault(node, path, "the value " + parsed.fault, std::string(period_form), "correct it");
}

void read_quantity_into(Reader& reader, const YamlNode& node, const std::string& path,
                        std::string_view form, rating::Placed<rating::QuantitySource>& into) {
  const std::string* text = reader.read_scalar(node, path, form);
  if (text == nullptr) return;
  ParsedQuantity parsed = parse_quantity(*text);
  if (parsed.ok())
    set_placed(into, std::move(parsed.quantity), reader.place(node));
  else
    reader.fault(node, path, "the value " + parsed.fault, std::string(form), "correct it");
}

void read_quantity_or_share(Reader& reader, const YamlNode& node, const std::string& path,
                            std::string_view form, rating::Placed<rating::QuantitySource>& quantity,
                            rating::Placed<std::int64_t>& permille) {
  const std::string* text = reader.read_scalar(node, path, form);
  if (text == nullptr) return;
  if (text->find('%') == std::string::npos) {
    read_quantity_into(reader, node, path, form, quantity);
    return;
  }
  const Parsed parsed = parse_permille(*text);
  if (parsed.ok())
    set_placed(permille, parsed.number, reader.place(node));
  else
    reader.fault(node, path, "the value " + parsed.fault, std::string(form), "correct it");
}

void read_fees(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& plan = *static_cast<PlanOwner*>(owner);
  read_of_plan(reader, node, path, "fees", plan.source.fees,
               [&](const YamlNode& item, const std::string& at, rating::FeeSource& source) {
                 FeeOwner fee{{}, plan.currency};
                 enclose(source.place, fee.source.name, fee.source.amount, fee.source.every,
                         fee.source);
                 reader.read_section(*fee_section(), item, at, &fee);
                 source = std::move(fee.source);
               });
}

void read_allowances(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& plan = *static_cast<PlanOwner*>(owner);
  read_of_plan(reader, node, path, "allowances", plan.source.allowances,
               [&](const YamlNode& item, const std::string& at, rating::AllowanceSource& source) {
                 enclose(source.place, source.kind, source.amount, source.every, source.rollover,
                         source.rollover_max, source.rollover_use);
                 reader.read_section(*allowance_section(), item, at, &source);
               });
}

void read_counters(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& plan = *static_cast<PlanOwner*>(owner);
  read_of_plan(reader, node, path, "counters", plan.source.counters,
               [&](const YamlNode& item, const std::string& at, rating::CounterSource& source) {
                 CounterOwner counter;
                 enclose(source.place, counter.source.name, counter.source.counts,
                         counter.source.bucket, counter.source.per, counter.source.every,
                         counter.source.limit, counter.source);
                 reader.read_section(*counter_section(), item, at, &counter);
                 source = std::move(counter.source);
               });
}

void read_sponsors(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& plan = *static_cast<PlanOwner*>(owner);
  read_of_plan(reader, node, path, "sponsors", plan.source.sponsors,
               [&](const YamlNode& item, const std::string& at, rating::SponsorSource& source) {
                 SponsorOwner sponsor{{}, plan.currency};
                 enclose(source.place, sponsor.source.name, sponsor.source.slice, sponsor.source);
                 reader.read_section(*sponsor_section(), item, at, &sponsor);
                 source = std::move(sponsor.source);
               });
}

void read_bonuses(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& plan = *static_cast<PlanOwner*>(owner);
  read_of_plan(reader, node, path, "bonuses", plan.source.bonuses,
               [&](const YamlNode& item, const std::string& at, rating::BonusSource& source) {
                 BonusOwner bonus{{}, plan.currency};
                 enclose(source.place, bonus.source.from, bonus.source.gives,
                         bonus.source.gives_permille, bonus.source.kind, bonus.source);
                 reader.read_section(*bonus_section(), item, at, &bonus);
                 source = std::move(bonus.source);
               });
}

void read_exchange(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  constexpr std::string_view form = "a mapping of currencies to decimals: {USD: 0.92}";
  if (node.type != YamlNode::Type::mapping) {
    reader.fault(node, path, "the value is not a mapping", std::string(form),
                 "write what one unit is worth behind its currency");
    return;
  }
  for (const auto& [key, value] : node.entries) {
    const std::string* text = reader.read_scalar(*value, sub_path(path, key->text), form);
    if (text == nullptr) continue;
    rating::ExchangeSource source;
    set_placed(source.currency, key->text, reader.place(*key));
    set_placed(source.worth, *text, reader.place(*value));
    static_cast<PlanOwner*>(owner)->source.exchange.push_back(std::move(source));
  }
}

void read_loan(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& plan = *static_cast<PlanOwner*>(owner);
  rating::LoanSource& loan = plan.source.loan.value;
  plan.source.loan.place = reader.place(node);
  plan.source.loan.given = true;
  enclose(plan.source.loan.place, loan.amount, loan.fee, loan.when_below);
  reader.read_section(*loan_section(), node, path, owner);
}

void read_services(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& plan = *static_cast<PlanOwner*>(owner);
  const auto& items = reader.read_items(node, path, "a list of services");
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i == limits::services_per_plan_max) {
      reader.fault(*items[i], item_path(path, i), "the plan has too many services",
                   "at most " + std::to_string(limits::services_per_plan_max), "remove services");
      return;
    }
    ServiceOwner service;
    rating::ServiceSource& s = service.source;
    enclose(reader.place(*items[i]), s.name, s.any_rating_group, s.without_rating_group, s.unit,
            s.price, s.rounding, s.grant_first, s.grant_default, s.grant_min, s.grant_max,
            s.validity, s.quota_holding_time, s.threshold_permille, s.threshold_units,
            s.low_credit_permille, s.indivisible, s.access, s.on_final, s.redirect_to, s.on_lost,
            s.lost_units, s.connect_fee, s.minimum, s.maximum, s.at_maximum, s.discount, s.tax,
            s.unpriced, s.on_new_version, s.pool, s.up_permille, s.down_permille, s.retry_after,
            s.sponsor, s.accumulate, s.tiers);
    service.unit = peek_text(*items[i], "unit", {"octets", "seconds", "events"});
    service.currency = plan.currency;
    reader.read_section(*service_section(), *items[i], item_path(path, i), &service);
    plan.source.services.push_back(std::move(s));
  }
}

void read_plans(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  const auto& items = reader.read_items(node, path, "a list of plans");
  for (std::size_t i = 0; i < items.size(); ++i) {
    read_plan(reader, *items[i], item_path(path, i), *static_cast<rating::Catalogue*>(owner));
  }
}

void read_bucket_kinds(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  const auto& items = reader.read_items(node, path, "a list of bucket kinds");
  for (std::size_t i = 0; i < items.size(); ++i) {
    BucketKindOwner kind;
    rating::BucketKindSource& k = kind.source;
    enclose(reader.place(*items[i]), k.name, k.unit, k.currency, k.priority, k.step, k.lifetime);
    kind.unit = peek_text(*items[i], "unit", {"money", "octets", "seconds", "events"});
    const std::string kind_path = item_path(path, i);
    reader.read_section(*bucket_kind_section(), *items[i], kind_path, &kind);
    if (kind.unit == "money" && !has_key(*items[i], "currency")) {
      reader.fault(*items[i], sub_path(kind_path, "currency"), "this key is missing",
                   "three capital letters of ISO 4217", "a bucket of money needs its currency");
    } else if (!kind.unit.empty() && kind.unit != "money" && k.currency.given) {
      reader.diagnostics().add({k.currency.place, sub_path(kind_path, "currency"), k.currency.value,
                                "only a bucket of money has a currency", "", "remove it"});
    }
    static_cast<rating::Catalogue*>(owner)->bucket_kinds.push_back(std::move(k));
  }
}

void read_plan_document(Reader& reader, const YamlNode& document, rating::Catalogue& catalogue) {
  for (const auto& [key, value] : document.entries) {
    if (key->text == "plan") return read_plan(reader, document, "", catalogue);
  }
  reader.read_section(*plan_file_section(), document, "", &catalogue);
}

}  // namespace levy::config
