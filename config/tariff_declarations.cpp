// The keys of plan files that say what something costs, and when: prices, rates and their
// conditions, times, zones, holidays.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// Texts of times, zones and values of conditions are judged by rating/compile, which knows what
// they become; what stands here is their place and shape.
#include <algorithm>

#include "config/limits.hpp"
#include "config/plan_reader.hpp"

namespace levy::config {
namespace {

using rating::Placed;

const ServiceOwner default_service;
const RateOwner default_rate;
const BucketKindOwner default_bucket_kind;
const CounterOwner default_counter;
const rating::TimeSource default_time;
const rating::ZoneSource default_zone;

constexpr std::string_view price_form =
    "free, or e.g. \"0.25 EUR per 1.5 MB\", \"0.05 EUR per 60 s, step 1 s, first 60 s\", \"0.15 "
    "EUR per event\", or a list of such, each but the last with \"up to <units>\"";

#define LEVY_AMOUNT "[0-9][0-9_]*(\\.[0-9][0-9_]*)? *[A-Z]{3}"
constexpr std::string_view money_pattern = "^" LEVY_AMOUNT "$";
constexpr std::string_view price_pattern =
    "^(free|" LEVY_AMOUNT " per [^,]+(, (step|first|up to) [^,]+)*)$";

// One tier; false: a fault was reported.
template <class Owner>
bool read_tier(Reader& reader, const YamlNode& node, const std::string& path, const Owner& owner,
               rating::PriceSource& price) {
  const std::string* text = reader.read_scalar(node, path, price_form);
  if (text == nullptr) return false;
  ParsedPrice parsed;
  for (const std::string_view unit : {"octets", "seconds", "events"}) {
    if (!owner.unit.empty() && owner.unit != unit) continue;
    parsed = parse_price(*text, unit);
    if (parsed.ok()) break;
  }
  if (!parsed.ok()) {
    reader.fault(node, path, "the value " + parsed.fault, std::string(price_form), "correct it");
    return false;
  }
  if (!parsed.currency.empty() && !owner.currency.empty() && parsed.currency != owner.currency) {
    reader.fault(node, path, "the price is in another currency than the plan", owner.currency,
                 "state it in " + owner.currency);
    return false;
  }
  price = std::move(parsed.price);
  return true;
}

template <class Owner>
void read_price(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& to = *static_cast<Owner*>(owner);
  rating::PriceSource price;
  if (node.type == YamlNode::Type::scalar) {
    if (!read_tier(reader, node, path, to, price)) return;
    return set_placed(to.source.price, std::move(price), reader.place(node));
  }
  const auto& items = reader.read_items(node, path, price_form);
  bool good = !items.empty();
  for (std::size_t i = 0; i < items.size(); ++i) {
    rating::PriceSource tier;
    good &= read_tier(reader, *items[i], item_path(path, i), to, tier);
    if (i == 0)
      price = std::move(tier);
    else
      price.further.push_back(std::move(tier));
  }
  if (good) set_placed(to.source.price, std::move(price), reader.place(node));
}

// "0.80 EUR" in the plan's currency, into the member that Access finds.
template <class Owner, auto Access>
void read_money(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& to = *static_cast<Owner*>(owner);
  read_amount(reader, node, path, to.currency, Access(to.source));
}

#define LEVY_MONEY(Owner, path) \
  (&read_money<Owner, [](rating::TariffSource & source) -> auto& { return source.path; }>)

// The keys that a service and a rate share.
template <class Owner>
std::vector<Key> price_keys() {
  constexpr std::string_view money = "\"<amount> <currency>\"";
  return {
      shaped(
          custom("price", price_form, &read_price<Owner>, "none: unit buckets alone pay",
                 "An exact price; every started step is charged in full, and the step is the `per` "
                 "amount where it is not given. A list: tiers of a session's use."),
          Shape::one_or_list, price_pattern),
      without_default(word("rounding", {"up", "down", "half_up", "half_even"},
                           LEVY_FIELD(Owner, source.rounding),
                           "How a running total is rounded, to 0.000001 of the currency or to "
                           "`decimals`."),
                      "up"),
      without_default(integer("decimals", 0, 6, "", LEVY_FIELD(Owner, source.decimals),
                              "To how many decimals of the currency it is rounded."),
                      "6"),
      shaped(custom("connect_fee", money, LEVY_MONEY(Owner, connect_fee), "0",
                    "Due once per session and rating group, with the first unit used, also where a "
                    "bucket "
                    "pays for the units."),
             Shape::one, money_pattern),
      shaped(custom("minimum", money, LEVY_MONEY(Owner, minimum), "0",
                    "The least that a session's use at this price costs, beside the fee."),
             Shape::one, money_pattern),
      shaped(custom("maximum", money, LEVY_MONEY(Owner, maximum), "no bound",
                    "The most that a session's use at this price costs, beside the fee."),
             Shape::one, money_pattern),
      without_default(word("at_maximum", {"free", "stop"}, LEVY_FIELD(Owner, source.at_maximum),
                           "`free`: what follows costs nothing; `stop`: nothing more is granted."),
                      "free"),
      without_default(Key{"discount", Kind::permille, 1, 1000, "Taken off the price, exactly.",
                          LEVY_FIELD(Owner, source.discount)},
                      "none"),
      without_default(
          textual("pass", Kind::text, limits::name_bytes_max, LEVY_FIELD(Owner, source.pass),
                  "An add-on that a use under this price buys, unless one is held or its fees "
                  "cannot be paid: a day pass. The price is that of use without one."),
          "none"),
  };
}

// Its name is the last part of the path.
template <class Owner, bool negated>
void read_condition(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  rating::ConditionSource condition;
  set_placed(condition.attribute, path.substr(path.rfind('.') + 1), reader.place(node));
  condition.negated = negated;
  read_texts(reader, node, path, "a value or a list of values", condition.values);
  static_cast<Owner*>(owner)->source.when.push_back(std::move(condition));
}

void read_contexts(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  read_texts(reader, node, path, "data, voice, sms, mms, other, or a list of these",
             static_cast<ServiceOwner*>(owner)->source.contexts);
}

void read_service_identifiers(Reader& reader, const YamlNode& node, const std::string& path,
                              void* owner) {
  constexpr std::string_view form = "0 to 4294967295, or a list of such";
  std::vector<Placed<std::string>> texts;
  read_texts(reader, node, path, form, texts);
  for (const Placed<std::string>& text : texts) {
    const Parsed parsed = parse_integer(text.value);
    if (!parsed.ok() || parsed.number < 0 || parsed.number > 0xffffffff) {
      reader.diagnostics().add(
          {text.place, path, text.value,
           parsed.ok() ? "the value is out of bounds" : "the value " + parsed.fault,
           std::string(form), "correct it"});
      continue;
    }
    Placed<std::uint32_t> identifier;
    set_placed(identifier, static_cast<std::uint32_t>(parsed.number), text.place);
    static_cast<ServiceOwner*>(owner)->source.service_identifiers.push_back(identifier);
  }
}

template <auto Access>
void read_zone_list(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  read_texts(reader, node, path, "a list, or one text with white space between its items",
             Access(*static_cast<rating::ZoneSource*>(owner)));
}

template <auto Access>
void read_time_list(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  read_texts(reader, node, path, "a period or a list of periods",
             Access(*static_cast<rating::TimeSource*>(owner)));
}

// Splits texts that hold several items: a block of 200,000 prefixes is one scalar.
void split_texts(std::vector<Placed<std::string>>& texts) {
  std::vector<Placed<std::string>> items;
  for (const Placed<std::string>& text : texts) {
    const std::string& all = text.value;
    for (std::size_t at = 0; at < all.size();) {
      const std::size_t begin = all.find_first_not_of(" \t\r\n", at);
      if (begin == std::string::npos) break;
      const std::size_t end = std::min(all.find_first_of(" \t\r\n", begin), all.size());
      items.push_back({all.substr(begin, end - begin), text.place, true});
      at = end;
    }
  }
  texts.swap(items);
}

}  // namespace

void read_amount(Reader& reader, const YamlNode& node, const std::string& path,
                 const std::string& currency, Placed<std::string>& field) {
  constexpr std::string_view form = "an amount with its currency, e.g. 0.80 EUR";
  const std::string* text = reader.read_scalar(node, path, form);
  if (text == nullptr) return;
  ParsedAmount parsed = parse_money(*text);
  if (!parsed.ok()) {
    reader.fault(node, path, "the value " + parsed.fault, std::string(form), "correct it");
  } else if (!currency.empty() && parsed.currency != currency) {
    reader.fault(node, path, "the amount is in another currency than the plan", currency,
                 "state it in " + currency);
  } else {
    set_placed(field, std::move(parsed.amount), reader.place(node));
  }
}

void read_texts(Reader& reader, const YamlNode& node, const std::string& path,
                std::string_view form, std::vector<Placed<std::string>>& texts) {
  const auto take = [&](const YamlNode& item, const std::string& item_at) {
    const std::string* text = reader.read_scalar(item, item_at, form);
    if (text == nullptr) return;
    set_placed(texts.emplace_back(), *text, reader.place(item));
  };
  if (node.type == YamlNode::Type::scalar) return take(node, path);
  const auto& items = reader.read_items(node, path, form);
  for (std::size_t i = 0; i < items.size(); ++i) take(*items[i], item_path(path, i));
}

void read_rates(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& service = *static_cast<ServiceOwner*>(owner);
  const auto& items = reader.read_items(node, path, "a list of rates");
  for (std::size_t i = 0; i < items.size(); ++i) {
    RateOwner rate;
    rate.unit = service.unit;
    rate.currency = service.currency;
    rate.source.place = reader.place(*items[i]);
    for (auto* text : {&rate.source.name, &rate.source.rounding, &rate.source.connect_fee,
                       &rate.source.minimum, &rate.source.maximum, &rate.source.at_maximum})
      text->place = rate.source.place;
    rate.source.price.place = rate.source.discount.place = rate.source.place;
    reader.read_section(*rate_section(), *items[i], item_path(path, i), &rate);
    service.source.rates.push_back(std::move(rate.source));
  }
}

void read_times(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& times = static_cast<rating::Catalogue*>(owner)->times;
  const std::size_t before = times.size();
  read_list(reader, node, path, *time_section(), times);
  for (std::size_t i = before; i < times.size(); ++i)
    if (!times[i].name.given) times[i].name.place = reader.place(node);
}

void read_zones(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& zones = static_cast<rating::Catalogue*>(owner)->zones;
  const std::size_t before = zones.size();
  read_list(reader, node, path, *zone_section(), zones);
  for (std::size_t i = before; i < zones.size(); ++i) {
    if (!zones[i].name.given) zones[i].name.place = reader.place(node);
    split_texts(zones[i].plmns);
    split_texts(zones[i].numbers);
  }
}

void read_holidays(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  read_texts(reader, node, path, "a date or a list of dates",
             static_cast<rating::Catalogue*>(owner)->holidays);
}

std::vector<Key> service_price_keys() {
  std::vector<Key> keys = price_keys<ServiceOwner>();
  keys.push_back(of_section(
      custom("rates", "a list of rates", read_rates, "none",
             "Prices under conditions: the first whose `when` holds is taken, where none does the "
             "service's own. A grant keeps its rate until it is reported."),
      Shape::list, rate_section));
  keys.push_back(
      without_default(word("unpriced", {"4012", "5031"}, LEVY_FIELD(ServiceOwner, source.unpriced),
                           "Result-Code where no rate holds, the service has no price "
                           "of its own and no bucket pays, e.g. unknown destinations."),
                      "4012"));
  keys.push_back(without_default(Key{"tax", Kind::permille, 0, 1000,
                                     "Rate of the tax on its prices (see the plan's `tax_is`); "
                                     "records state it.",
                                     LEVY_FIELD(ServiceOwner, source.tax)},
                                 "0 %"));
  return keys;
}

std::vector<Key> service_selection_keys() {
  return {
      shaped(
          custom("context", "data, voice, sms, mms, other, or a list of these", read_contexts,
                 "any",
                 "Kinds of Service-Context-Id: 32251 data, 32260 and 32276 voice, 32274 sms, 32270 "
                 "mms."),
          Shape::one_or_list, {}, {"data", "voice", "sms", "mms", "other"}),
      shaped(
          custom("service_identifiers", "0 to 4294967295, or a list of at most 4",
                 read_service_identifiers, "any",
                 "The MSCC names one of these; such a service goes before one that asks for none."),
          Shape::one_or_list, "^[0-9][0-9_]*$"),
  };
}

namespace {

// One condition; rating/compile judges its values.
template <class Owner, bool negated>
Key condition(std::string_view name, std::string_view form, std::string_view prose,
              std::string_view pattern = {}, std::vector<std::string_view> words = {}) {
  return shaped(custom(name, form, &read_condition<Owner, negated>, "not asked for", prose),
                Shape::one_or_list, pattern, std::move(words));
}

// Of a rate or of a bucket kind.
template <class Owner, bool negated>
std::vector<Key> condition_keys() {
  return {
      condition<Owner, negated>("time", "names of times", "It is one of these."),
      condition<Owner, negated>("apn", "names",
                                "Called-Station-Id, without case and operator's suffix."),
      condition<Owner, negated>(
          "rat", "utran, geran, wlan, gan, hspa, eutran, virtual, nb_iot, lte_m, nr, or 0 to 255",
          "3GPP-RAT-Type."),
      condition<Owner, negated>("plmn", "names of zones",
                                "The serving network is in one of these."),
      condition<Owner, negated>("location", "names of zones",
                                "3GPP-User-Location-Info is in one of these."),
      condition<Owner, negated>("called", "names of zones",
                                "The called number, or a message's recipient."),
      condition<Owner, negated>("calling", "names of zones", "The calling number."),
      condition<Owner, negated>("characteristics", "4 hexadecimal digits",
                                "3GPP-Charging-Characteristics.", "^[0-9A-Fa-f]{4}$"),
      condition<Owner, negated>("qci", "1 to 255", "QoS-Class-Identifier of the MSCC.",
                                "^[0-9]{1,3}$"),
      condition<Owner, negated>("role", "originating, terminating", "Role-Of-Node.", {},
                                {"originating", "terminating"}),
      condition<Owner, negated>("service_identifier", "0 to 4294967295",
                                "The MSCC names one of these.", "^[0-9]{1,10}$"),
      condition<Owner, negated>("segment", "names",
                                "The account is in one of these (`subscriber segment`)."),
      condition<Owner, negated>("friends", "called, calling",
                                "That number is on the account's list (`subscriber friend`).", {},
                                {"called", "calling"}),
  };
}

const Section* when_not_section() {
  static const Section section{"plans[].services[].rates[].when.not",
                               "Conditions that must not hold.", &default_rate,
                               condition_keys<RateOwner, true>(), true};
  return &section;
}

const Section* counter_when_not_section() {
  static const Section section{"plans[].counters[].when.not", "Conditions that must not hold.",
                               &default_counter, condition_keys<CounterOwner, true>(), true};
  return &section;
}

const Section* kind_when_not_section() {
  static const Section section{"bucket_kinds[].when.not", "Conditions that must not hold.",
                               &default_bucket_kind, condition_keys<BucketKindOwner, true>(), true};
  return &section;
}

}  // namespace

const Section* kind_when_section() {
  static const Section section = [] {
    Section made{"bucket_kinds[].when", "Conditions; all must hold.", &default_bucket_kind,
                 condition_keys<BucketKindOwner, false>(), true};
    made.keys.push_back(nested("not", kind_when_not_section));
    return made;
  }();
  return &section;
}

const Section* counter_when_section() {
  static const Section section = [] {
    Section made{"plans[].counters[].when", "Conditions; all must hold.", &default_counter,
                 condition_keys<CounterOwner, false>(), true};
    made.keys.push_back(nested("not", counter_when_not_section));
    return made;
  }();
  return &section;
}

const Section* when_section() {
  static const Section section = [] {
    Section made{"plans[].services[].rates[].when", "Conditions; all must hold.", &default_rate,
                 condition_keys<RateOwner, false>()};
    made.keys.push_back(nested("not", when_not_section));
    return made;
  }();
  return &section;
}

const Section* rate_section() {
  static const Section section = [] {
    Section made{"plans[].services[].rates[]", "A price under conditions.", &default_rate, {}};
    made.keys.push_back(required(textual("rate", Kind::name, 0, LEVY_FIELD(RateOwner, source.name),
                                         "Name of the rate, in records and explanations.")));
    made.keys.push_back(required(nested("when", when_section)));
    for (Key& key : price_keys<RateOwner>()) {
      if (key.name == "price") key.default_text = "required where `access` is open";
      made.keys.push_back(std::move(key));
    }
    made.keys.push_back(without_default(
        word("access", {"open", "barred", "refused"}, LEVY_FIELD(RateOwner, source.access),
             "Under these conditions `barred`: 4010; `refused`: 5003."),
        "open"));
    return made;
  }();
  return &section;
}

const Section* time_section() {
  static const Section section{
      "times[]",
      "A named period, in the time zone of the plan that asks for it.",
      &default_time,
      {required(textual("time", Kind::name, 0, LEVY_FIELD(rating::TimeSource, name),
                        "Name of the period.")),
       required(shaped(
           custom("on",
                  "a period or a list: \"Mo-Fr 08:00-20:00\", \"23:00-06:00\", "
                  "\"holidays\", \"2026-12-24..2026-12-26 18:00-24:00\"",
                  &read_time_list<[](rating::TimeSource & time) -> auto& { return time.on; }>, "",
                  "The period is on in any of these."),
           Shape::one_or_list)),
       shaped(
           custom("except", "as `on`",
                  &read_time_list<[](rating::TimeSource & time) -> auto& { return time.except; }>,
                  "none", "And off in all of these."),
           Shape::one_or_list)}};
  return &section;
}

const Section* zone_section() {
  static const Section section{
      "zones[]",
      "A named set of networks, numbers and places.",
      &default_zone,
      {required(textual("zone", Kind::name, 0, LEVY_FIELD(rating::ZoneSource, name),
                        "Name of the zone.")),
       shaped(custom("plmns", "a list of MCC (262) or MCC and MNC (26201)",
                     &read_zone_list<[](rating::ZoneSource & zone) -> auto& { return zone.plmns; }>,
                     "none", "Serving networks; the longest entry of all zones counts."),
              Shape::one_or_list, "^[0-9\\s]+$"),
       shaped(
           custom("numbers",
                  "a list of prefixes without '+', or a text with white space between them",
                  &read_zone_list<[](rating::ZoneSource & zone) -> auto& { return zone.numbers; }>,
                  "none", "Called and calling numbers; the longest prefix of all zones counts."),
           Shape::one_or_list, "^[0-9\\s]+$"),
       shaped(
           custom("places",
                  "a list of \"tai MCC-MNC-TAC\", \"ecgi MCC-MNC-CELL\", \"ncgi "
                  "MCC-MNC-CELL\", \"cgi MCC-MNC-LAC-CI\", \"sai MCC-MNC-LAC-SAC\"",
                  &read_zone_list<[](rating::ZoneSource & zone) -> auto& { return zone.places; }>,
                  "none", "Places of 3GPP-User-Location-Info; a cell goes before its area."),
           Shape::one_or_list, "^(tai|ecgi|ncgi|cgi|sai) [0-9-]+$")}};
  return &section;
}

}  // namespace levy::config
