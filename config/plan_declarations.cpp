// The keys of plan files: plans, services, bucket kinds; each declared once.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// What is read here becomes rating::PlanSource with a place for every value; what the values mean
// together (overlapping rating groups, a price that overflows) is rating/compile's to judge.
#include <algorithm>

#include "config/limits.hpp"
#include "config/plan_reader.hpp"

namespace levy::config {
namespace {

using rating::BucketKindSource;
using rating::Placed;
using rating::ServiceSource;

constexpr std::int64_t in_s = 1'000'000;  // duration base, microseconds
constexpr std::int64_t day_s = 86'400;
constexpr std::string_view units_pattern =
    "^[0-9][0-9_]*(\\.[0-9][0-9_]*)? *(octets?|B|[kMGT]B|[KMGT]iB|s|seconds?|min|h|d|events?)?$";
constexpr std::string_view units_form =
    "1 to 281474976710655 units: octets (1500000, 1.5 MB, 1 GiB), seconds (60, 2 min) or events";

template <class T>
void set(Placed<T>& field, T value, Place place) {
  field.value = std::move(value);
  field.place = std::move(place);
  field.given = true;
}

// Parses by the service's unit; where that is at fault, by any unit, so that the other faults of
// the service still come out.
Parsed parse_by_unit(const std::string& text, const std::string& unit) {
  if (!unit.empty()) return parse_units(text, unit);
  Parsed parsed;
  for (const std::string_view guess : {"octets", "seconds", "events"}) {
    parsed = parse_units(text, guess);
    if (parsed.ok()) break;
  }
  return parsed;
}

// Reads `node` as 1..max units into `field`.
void read_units(Reader& reader, const YamlNode& node, const std::string& path,
                const std::string& unit, std::int64_t max, Placed<std::int64_t>& field) {
  const std::string* text = reader.read_scalar(node, path, units_form);
  if (text == nullptr) return;
  const Parsed parsed = parse_by_unit(*text, unit);
  if (!parsed.ok()) {
    reader.fault(node, path, "the value " + parsed.fault, std::string(units_form), "correct it");
  } else if (parsed.number < 1 || parsed.number > max) {
    reader.fault(node, path, "the value is out of bounds",
                 "1 to " + std::to_string(max) + " " + unit,
                 parsed.number < 1 ? "raise it" : "lower it");
  } else {
    set(field, parsed.number, reader.place(node));
  }
}

// Reads units of the service into its member that `Access` finds.
template <auto Access>
void read_service_units(Reader& reader, const YamlNode& node, const std::string& path,
                        void* owner) {
  auto& service = *static_cast<ServiceOwner*>(owner);
  read_units(reader, node, path, service.unit, limits::units_max, Access(service.source));
}

void read_rating_group(Reader& reader, const YamlNode& node, const std::string& path,
                       ServiceSource& source) {
  const std::string_view form = "any, none, or a list of these and of 0 to 4294967295";
  const std::string* text = reader.read_scalar(node, path, form);
  if (text == nullptr) return;
  if (*text == "any") return set(source.any_rating_group, true, reader.place(node));
  if (*text == "none") return set(source.without_rating_group, true, reader.place(node));
  const Parsed parsed = parse_integer(*text);
  if (!parsed.ok() || parsed.number < 0 || parsed.number > 0xffffffff) {
    reader.fault(node, path,
                 parsed.ok() ? "the value is out of bounds" : "the value " + parsed.fault,
                 std::string(form), "correct it");
    return;
  }
  Placed<std::uint32_t> group;
  set(group, static_cast<std::uint32_t>(parsed.number), reader.place(node));
  source.rating_groups.push_back(std::move(group));
}

void read_rating_groups(Reader& reader, const YamlNode& node, const std::string& path,
                        void* owner) {
  ServiceSource& source = static_cast<ServiceOwner*>(owner)->source;
  if (node.type == YamlNode::Type::scalar) {
    return read_rating_group(reader, node, path, source);
  }
  const auto& items = reader.read_items(node, path, "any, none, or a list");
  for (std::size_t i = 0; i < items.size(); ++i) {
    read_rating_group(reader, *items[i], item_path(path, i), source);
  }
}

void read_on_final(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  ServiceSource& source = static_cast<ServiceOwner*>(owner)->source;
  if (node.type == YamlNode::Type::mapping) {
    reader.read_section(*on_final_section(), node, path, owner);
    if (source.on_final.value == "redirect" && !source.redirect_to.given) {
      reader.fault(node, path, "the action redirect needs an address", "1 to 127 bytes",
                   "add \"to: <address>\"");
    } else if (source.on_final.given && source.on_final.value != "redirect" &&
               source.redirect_to.given) {
      reader.fault(node, path, "only the action redirect has an address", "",
                   "remove `to`, or write \"action: redirect\"");
    }
    for (const auto* texts : {&source.filter_ids, &source.filter_rules}) {
      if (texts->empty() || !source.on_final.given || source.on_final.value == "restrict_access")
        continue;
      reader.fault(node, path, "only the action restrict_access has filter_ids and rules", "",
                   "remove them, or write \"action: restrict_access\"");
    }
    return;
  }
  const Key action = word("", {"terminate", "restrict_access"}, {}, "");
  if (node.type == YamlNode::Type::scalar && node.text == "redirect") {
    reader.fault(node, path, "the action redirect needs an address", allowed_text(action),
                 "write \"on_final: {action: redirect, to: <address>}\"");
    return;
  }
  Value value;
  if (reader.read_value(action, node, path, value)) {
    set(source.on_final, value.text, value.place);
  }
}

template <auto Access>
void read_restrictions(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  read_texts(reader, node, path, "a text or a list of texts",
             Access(static_cast<ServiceOwner*>(owner)->source));
}

void read_on_lost(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& service = *static_cast<ServiceOwner*>(owner);
  constexpr std::string_view form = "release, charge_reserved, or \"charge <units>\"";
  constexpr std::string_view charge = "charge ";
  const std::string* text = reader.read_scalar(node, path, form);
  if (text == nullptr) return;
  if (*text == "release" || *text == "charge_reserved") {
    return set(service.source.on_lost, *text, reader.place(node));
  }
  if (!text->starts_with(charge)) {
    reader.fault(node, path, "the value is none of the words known here", std::string(form),
                 "correct it");
    return;
  }
  const Parsed parsed = parse_by_unit(std::string(trim(text->substr(charge.size()))), service.unit);
  if (!parsed.ok() || parsed.number < 1 || parsed.number > limits::units_max) {
    reader.fault(node, path,
                 parsed.ok() ? "the value is out of bounds" : "the value " + parsed.fault,
                 std::string(form), "correct it");
    return;
  }
  set(service.source.on_lost, std::string("charge"), reader.place(node));
  set(service.source.lost_units, parsed.number, reader.place(node));
}

void read_credit_limit(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& plan = *static_cast<PlanOwner*>(owner);
  constexpr std::string_view form = "an amount in the plan's currency, e.g. 10.00";
  const std::string* text = reader.read_scalar(node, path, form);
  if (text == nullptr) return;
  if (!is_decimal(*text, false)) {
    reader.fault(node, path, "the value is not an amount of 0 or more", std::string(form),
                 "correct it");
    return;
  }
  std::string digits;
  std::copy_if(text->begin(), text->end(), std::back_inserter(digits),
               [](char c) { return c != '_'; });
  set(plan.source.credit_limit, std::move(digits), reader.place(node));
}

void read_currency(Reader& reader, const YamlNode& node, const std::string& path,
                   Placed<std::string>& field) {
  const std::string_view form = "three capital letters of ISO 4217, e.g. EUR";
  const std::string* text = reader.read_scalar(node, path, form);
  if (text == nullptr) return;
  if (!is_currency(*text)) {
    reader.fault(node, path, "the value is not a currency code", std::string(form), "correct it");
    return;
  }
  set(field, *text, reader.place(node));
}

void read_plan_currency(Reader& reader, const YamlNode& node, const std::string& path,
                        void* owner) {
  read_currency(reader, node, path, static_cast<PlanOwner*>(owner)->source.currency);
}

void read_kind_currency(Reader& reader, const YamlNode& node, const std::string& path,
                        void* owner) {
  read_currency(reader, node, path, static_cast<BucketKindOwner*>(owner)->source.currency);
}

void read_kind_step(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& kind = *static_cast<BucketKindOwner*>(owner);
  if (kind.unit == "money") {
    reader.fault(node, path, "a bucket of money has no step", "", "remove it");
    return;
  }
  read_units(reader, node, path, kind.unit, 0xffffffff, kind.source.step);
}

const ServiceOwner default_service;
const PlanOwner default_plan;
const BucketKindOwner default_bucket_kind;

#define LEVY_SERVICE(path) LEVY_FIELD(ServiceOwner, source.path)

#define LEVY_UNITS(path) \
  (&read_service_units<[](ServiceSource & source) -> auto& { return source.path; }>)

const Section* octets_section() {
  static const Section section{
      "plans[].services[].octets",
      "What octets count for, by direction: the price and grants are of the dearer one.",
      &default_service,
      {without_default(Key{"up", Kind::permille, 0, 1000,
                           "CC-Input-Octets, from the user. Each report's sum is rounded up to "
                           "whole octets; what has no direction counts in full.",
                           LEVY_SERVICE(up_permille)},
                       "100 %"),
       without_default(Key{"down", Kind::permille, 0, 1000, "CC-Output-Octets, to the user.",
                           LEVY_SERVICE(down_permille)},
                       "100 %")}};
  return &section;
}

const Section* grant_section() {
  static const Section section{
      "plans[].services[].grant",
      "Sizes of grants, in the service's unit.",
      &default_service,
      {shaped(custom("first", units_form, LEVY_UNITS(grant_first), "`default`",
                     "The first grant of a group whose request names no amount."),
              Shape::one, units_pattern),
       shaped(custom("default", units_form, LEVY_UNITS(grant_default),
                     "one price step; 10 MB, 60 s or 1 event where that is a single "
                     "unit, or there is no price",
                     "Later grants whose request names no amount."),
              Shape::one, units_pattern),
       shaped(custom("min", units_form, LEVY_UNITS(grant_min), "none",
                     "Smaller requests are raised to it."),
              Shape::one, units_pattern),
       shaped(custom("max", units_form, LEVY_UNITS(grant_max), "no bound",
                     "Larger requests are lowered to it."),
              Shape::one, units_pattern)}};
  return &section;
}

const Section* threshold_section() {
  static const Section section{
      "plans[].services[].threshold",
      "Remaining quota at which the gateway reports (Volume-, Time- or Unit-Quota-Threshold).",
      &default_service,
      {without_default(Key{"share", Kind::permille, 1, 999, "Share of the grant.",
                           LEVY_SERVICE(threshold_permille)},
                       "none"),
       shaped(custom("at_most", units_form, LEVY_UNITS(threshold_units), "none",
                     "Ceiling of the share; alone it is the threshold itself."),
              Shape::one, units_pattern)}};
  return &section;
}

// The keys of a service that say what it is and what it costs.
std::vector<Key> service_tariff_keys() {
  return {
      required(textual("service", Kind::name, 0, LEVY_SERVICE(name), "Name of the service.")),
      required(
          shaped(custom("rating_groups", "any, none, or a list of these and of numbers",
                        read_rating_groups, "",
                        "Rating-Groups it prices. `any`: all that no other service names; `none`: "
                        "requests without a Rating-Group."),
                 Shape::one_or_list, "^(any|none|[0-9][0-9_]*)$")),
      required(word("unit", {"octets", "seconds", "events"}, LEVY_SERVICE(unit),
                    "What is counted; other units of a report are ignored.")),
      without_default(
          word("access", {"open", "barred", "refused", "not_applicable"}, LEVY_SERVICE(access),
               "`barred`: 4010; `refused`: 5003; `not_applicable`: no credit control, "
               "4011 where nothing else is asked for, else free."),
          "open"),
  };
}

// The keys of a service that shape its grants.
std::vector<Key> service_grant_keys() {
  return {
      nested("grant", grant_section),
      without_default(duration("validity", in_s, 1, 30 * day_s, LEVY_SERVICE(validity),
                               "Validity-Time of each grant."),
                      "not sent"),
      without_default(duration("quota_holding_time", in_s, 1, 65'535,
                               LEVY_SERVICE(quota_holding_time), "Quota-Holding-Time."),
                      "not sent"),
      nested("threshold", threshold_section),
      without_default(Key{"low_credit_share", Kind::permille, 1, 1000,
                          "The largest share of the free credit that one group may reserve, so "
                          "that the first group does not take the last credit.",
                          LEVY_SERVICE(low_credit_permille)},
                      "100 %"),
      without_default(
          boolean("indivisible", LEVY_SERVICE(indivisible), "All that is asked for, or 4012."),
          "true for events, else false"),
      without_default(duration("retry_after", in_s, 1, 30 * day_s, LEVY_SERVICE(retry_after),
                               "Validity-Time in the answer to a group that is denied (4010, 4012) "
                               "without final units: when its gateway may ask again."),
                      "not sent"),
      nested("octets", octets_section),
      without_default(textual("sponsor", Kind::text, 20, LEVY_SERVICE(sponsor),
                              "One of the plan's `sponsors` pays, and the user's account never."),
                      "none"),
      without_default(boolean("in_grace", LEVY_SERVICE(in_grace),
                              "Granted also in the account's grace period."),
                      "false"),
      of_section(
          custom("on_final", "terminate, restrict_access, or {action, to, filter_ids, rules}",
                 read_on_final, "terminate", "Final-Unit-Action of the last grant."),
          Shape::one, on_final_section, {"terminate", "restrict_access"}),
      shaped(custom("on_lost", "release, charge_reserved, or \"charge <units>\"", read_on_lost,
                    "release", "What becomes of a reservation when the session is lost."),
             Shape::one, "^(release|charge_reserved|charge +[0-9].*)$"),
      without_default(
          textual("pool", Kind::text, limits::name_bytes_max, LEVY_SERVICE(pool),
                  "Services of one pool share the money that one session's grants reserve, where "
                  "the gateway's dialect says `pools`: what one does not use serves another. Every "
                  "unit must cost the same."),
          "each grant is its service's own"),
      without_default(
          word("on_new_version", {"pin", "next_report", "reauthorize"},
               LEVY_SERVICE(on_new_version),
               "Under which plan version an open session goes on after a reload: that of its "
               "group's first grant, or the newest from its next report on; reauthorize: the "
               "newest, and its gateway is asked to report at once. The version of the group's "
               "grant says which."),
          "next_report for octets, else pin"),
  };
}

template <class Owner>
void read_was(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  read_texts(reader, node, path, "a name or a list of names",
             static_cast<Owner*>(owner)->source.was);
}

template <class Owner>
Key was_key() {
  return shaped(custom("was", "a name or a list of names", &read_was<Owner>, "none",
                       "Names that it had: what accounts hold under them is of this name now."),
                Shape::one_or_list, "^[A-Za-z0-9._-]{1,63}$");
}

// The keys of a plan that are of its sessions and of the account that has it.
std::vector<Key> plan_keys() {
  return {
      required(textual("plan", Kind::name, 0, LEVY_FIELD(PlanOwner, source.name),
                       "Name of the plan; accounts name it.")),
      was_key<PlanOwner>(),
      required(shaped(custom("currency", "three capital letters of ISO 4217", read_plan_currency,
                             "", "Currency of its prices and of the main wallet."),
                      Shape::one, "^[A-Z]{3}$")),
      without_default(word("overrun", {"debt", "write_off"}, LEVY_FIELD(PlanOwner, source.overrun),
                           "Usage that the account cannot pay: the main wallet goes negative, or "
                           "the unpaid part is written off."),
                      "debt"),
      without_default(
          word("unmatched", {"5031", "4010", "rate_as"}, LEVY_FIELD(PlanOwner, source.unmatched),
               "Rating-Groups that no service names: a Result-Code, or the price of "
               "the service with `rating_groups: any`."),
          "rate_as where a service takes any, else 5031"),
      shaped(custom("credit_limit", "a decimal amount, 0 or more", read_credit_limit, "0",
                    "How far below zero the main wallet may be reserved."),
             Shape::one, "^[0-9][0-9_]*(\\.[0-9][0-9_]*)?$"),
      without_default(
          duration("session_ttl", in_s, 60, 30 * day_s, LEVY_FIELD(PlanOwner, source.session_ttl),
                   "Tcc of sessions without a Validity-Time."),
          "1 d"),
      without_default(
          duration("valid_for", in_s, 60, 18'300 * day_s, LEVY_FIELD(PlanOwner, source.valid_for),
                   "How long an account is valid after it has taken the plan."),
          "for ever"),
      without_default(
          duration("topup_extends", in_s, 60, 18'300 * day_s,
                   LEVY_FIELD(PlanOwner, source.topup_extends),
                   "A top-up makes the account valid for at least this long from then on."),
          "`valid_for`"),
      without_default(
          duration("grace", in_s, 0, 18'300 * day_s, LEVY_FIELD(PlanOwner, source.grace),
                   "After that time only services with `in_grace` are granted for so long; then "
                   "none is (4010) until a top-up. The balance is kept, usage is charged."),
          "0 s"),
      without_default(textual("time_zone", Kind::text, 64, LEVY_FIELD(PlanOwner, source.time_zone),
                              "Time zone of its `times` and periods: a name of the IANA database."),
                      "UTC"),
      without_default(
          duration("boundary_spread", in_s, 0, 3'600, LEVY_FIELD(PlanOwner, source.boundary_spread),
                   "Grants that end because prices change end spread over this time "
                   "after the change, so that not all gateways report at once."),
          "0 s"),
      without_default(word("ccfh", {"terminate", "continue", "retry_and_terminate"},
                           LEVY_FIELD(PlanOwner, source.ccfh),
                           "Credit-Control-Failure-Handling of its sessions: what the gateway "
                           "does when nobody answers."),
                      "not sent"),
      without_default(boolean("failover", LEVY_FIELD(PlanOwner, source.failover),
                              "CC-Session-Failover of its sessions: whether the gateway may go on "
                              "with another server."),
                      "not sent")};
}

std::vector<Key> bucket_kind_keys() {
  return {required(textual("kind", Kind::name, 0, LEVY_FIELD(BucketKindOwner, source.name),
                           "Name of the kind.")),
          was_key<BucketKindOwner>(),
          required(word("unit", {"money", "octets", "seconds", "events"},
                        LEVY_FIELD(BucketKindOwner, source.unit), "What such a bucket holds.")),
          shaped(custom("currency", "three capital letters of ISO 4217", read_kind_currency, "",
                        "Of money, and then required."),
                 Shape::one, "^[A-Z]{3}$"),
          without_default(
              integer("priority", -32'768, 32'767, "", LEVY_FIELD(BucketKindOwner, source.priority),
                      "Higher is used first; the main wallet has 0."),
              "0"),
          shaped(custom("step", units_form, read_kind_step, "1", "Units are taken in whole steps."),
                 Shape::one, units_pattern),
          without_default(duration("lifetime", in_s, 1, 18'300 * day_s,
                                   LEVY_FIELD(BucketKindOwner, source.lifetime),
                                   "From the credit to the end of the bucket."),
                          "none: it does not end")};
}

}  // namespace

bool is_currency(std::string_view text) {
  return text.size() == 3 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

const Section* on_final_section() {
  static const Section section{
      "plans[].services[].on_final",
      "The final action with its address.",
      &default_service,
      {required(word("action", {"terminate", "redirect", "restrict_access"}, LEVY_SERVICE(on_final),
                     "Final-Unit-Action.")),
       without_default(textual("to", Kind::text, 127, LEVY_SERVICE(redirect_to),
                               "Redirect-Server-Address: a URL, a SIP URI or an IP address."),
                       "none; redirect needs it"),
       shaped(
           custom("filter_ids", "a name or a list of names",
                  &read_restrictions<[](ServiceSource & s) -> auto& { return s.filter_ids; }>,
                  "none", "Filter-Ids of what restrict_access leaves open, known to the gateway."),
           Shape::one_or_list),
       shaped(custom("rules", "an IPFilterRule or a list: \"permit out ip from 10.0.0.1 to any\"",
                     &read_restrictions<[](ServiceSource & s) -> auto& { return s.filter_rules; }>,
                     "none",
                     "Restriction-Filter-Rules of restrict_access; with `filter_ids` at most 8, "
                     "and 256 bytes as sent."),
              Shape::one_or_list, "^(permit|deny) (in|out) ")}};
  return &section;
}

const Section* service_section() {
  static const Section section = [] {
    Section made{"plans[].services[]", "One service of a plan.", &default_service,
                 service_tariff_keys()};
    for (Key& key : service_selection_keys()) made.keys.push_back(std::move(key));
    for (Key& key : service_price_keys()) made.keys.push_back(std::move(key));
    for (Key& key : counter_keys_of_service()) made.keys.push_back(std::move(key));
    for (Key& key : service_grant_keys()) made.keys.push_back(std::move(key));
    return made;
  }();
  return &section;
}

const Section* plan_section() {
  static const Section section = [] {
    Section made{"plans[]", "One plan; a document that begins with `plan:` is one, too.",
                 &default_plan, plan_keys()};
    for (Key& key : plan_terms_keys()) made.keys.push_back(std::move(key));
    for (Key& key : counter_keys_of_plan()) made.keys.push_back(std::move(key));
    made.keys.push_back(of_section(
        custom("services", "a list of services", read_services, "required of a base plan",
               "What the plan prices; an add-on's are asked before the base plan's."),
        Shape::list, service_section));
    return made;
  }();
  return &section;
}

const Section* bucket_kind_section() {
  static const Section section = [] {
    Section made{"bucket_kinds[]",
                 "A kind of bucket that imports, top-ups and allowances may name.",
                 &default_bucket_kind, bucket_kind_keys()};
    for (Key& key : bucket_rule_keys()) made.keys.push_back(std::move(key));
    return made;
  }();
  return &section;
}

const Section* plan_file_section() {
  static const Section section{
      "",
      "a plan file",
      &default_plan,
      {of_section(custom("bucket_kinds", "a list of bucket kinds", read_bucket_kinds, "none",
                         "Kinds of bucket, for all plans."),
                  Shape::list, bucket_kind_section),
       of_section(custom("times", "a list of times", read_times, "none",
                         "Named periods, for the rates of all plans and for bucket kinds."),
                  Shape::list, time_section),
       of_section(custom("zones", "a list of zones", read_zones, "none",
                         "Named networks, numbers and places, for the same."),
                  Shape::list, zone_section),
       shaped(custom("holidays", "a list of dates: 2026-12-25, or 12-25 for every year",
                     read_holidays, "none", "Days that the word `holidays` of a time means."),
              Shape::one_or_list, "^([0-9]{4}-)?[0-9]{2}-[0-9]{2}$"),
       of_section(custom("plans", "a list of plans", read_plans, "none", "The plans of this file."),
                  Shape::list, plan_section)}};
  return &section;
}

}  // namespace levy::config
