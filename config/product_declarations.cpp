// The keys of plan files that make plans products: fees, allowances, periods; what bucket kinds
// pay for.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// An allowance names a bucket kind, whose unit may stand in another file: amounts are read with the
// unit that they name, and rating/compile judges whether the kind has it.
#include <algorithm>
#include <iterator>

#include "config/limits.hpp"
#include "config/plan_reader.hpp"

namespace levy::config {
namespace {

using rating::AllowanceSource;
using rating::Placed;

const PlanOwner default_plan;
const FeeOwner default_fee;
const SponsorOwner default_sponsor;
const BonusOwner default_bonus;
const AllowanceSource default_allowance;
const BucketKindOwner default_bucket_kind;

constexpr std::string_view quantity_form =
    "an amount of the kind's unit: 10 GB, 90 min, 100 events, 2 EUR";
constexpr std::string_view money_pattern = "^[0-9][0-9_]*(\\.[0-9][0-9_]*)? *[A-Z]{3}$";
constexpr std::string_view gives_form =
    "an amount: 2 EUR, 1 GB; or a share of the top-up: 10 %";
constexpr std::string_view gives_pattern = "^[0-9][0-9_]*(\\.[0-9][0-9_]*)? *([A-Za-z]*|%)$";
constexpr std::string_view weight_form =
    "a mapping of services to decimals above 0: {sms: 1, voice: 0.02}";

// Into the member that Access finds in an Owner.
template <class Owner, auto Access>
void read_period(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  read_period_into(reader, node, path, Access(*static_cast<Owner*>(owner)));
}

#define LEVY_PERIOD(Owner, path) \
  (&read_period<Owner, [](Owner & owner) -> auto& { return owner.path; }>)

template <auto Access>
void read_quantity(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  read_quantity_into(reader, node, path, quantity_form,
                     Access(*static_cast<AllowanceSource*>(owner)));
}

#define LEVY_QUANTITY(path) \
  (&read_quantity<[](AllowanceSource & allowance) -> auto& { return allowance.path; }>)

void read_fee_amount(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& fee = *static_cast<FeeOwner*>(owner);
  read_amount(reader, node, path, fee.currency, fee.source.amount);
}

void read_slice(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& sponsor = *static_cast<SponsorOwner*>(owner);
  read_amount(reader, node, path, sponsor.currency, sponsor.source.slice);
}

void read_from(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& bonus = *static_cast<BonusOwner*>(owner);
  read_amount(reader, node, path, bonus.currency, bonus.source.from);
}

void read_gives(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  rating::BonusSource& bonus = static_cast<BonusOwner*>(owner)->source;
  read_quantity_or_share(reader, node, path, gives_form, bonus.gives, bonus.gives_permille);
}

template <auto Access>
void read_of_loan(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& plan = *static_cast<PlanOwner*>(owner);
  read_amount(reader, node, path, plan.currency, Access(plan.source.loan.value));
}

#define LEVY_LOAN(member) \
  (&read_of_loan<[](rating::LoanSource & loan) -> auto& { return loan.member; }>)

void read_kind_services(Reader& reader, const YamlNode& node, const std::string& path,
                        void* owner) {
  read_texts(reader, node, path, "a name or a list of names",
             static_cast<BucketKindOwner*>(owner)->source.services);
}

void read_kind_when(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  reader.read_section(*kind_when_section(), node, path, owner);
}

void read_weights(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  if (node.type != YamlNode::Type::mapping) {
    reader.fault(node, path, "the value is not a mapping", std::string(weight_form),
                 "write the weight of each service behind its name");
    return;
  }
  for (const auto& [key, value] : node.entries) {
    const std::string weight_path = sub_path(path, key->text);
    const std::string* text = reader.read_scalar(*value, weight_path, weight_form);
    if (text == nullptr) continue;
    if (!is_decimal(*text, false)) {
      reader.fault(*value, weight_path, "the value is not a decimal above 0",
                   std::string(weight_form), "correct it");
      continue;
    }
    std::string digits;
    std::copy_if(text->begin(), text->end(), std::back_inserter(digits),
                 [](char c) { return c != '_'; });
    rating::WeightSource weight;
    set_placed(weight.service, key->text, reader.place(*key));
    set_placed(weight.weight, std::move(digits), reader.place(*value));
    static_cast<BucketKindOwner*>(owner)->source.weights.push_back(std::move(weight));
  }
}

const Section* rollover_section() {
  static const Section section{
      "plans[].allowances[].rollover",
      "What becomes of what is left at the end of a period.",
      &default_allowance,
      {required(integer("periods", 1, limits::rollover_periods_max, "",
                        LEVY_FIELD(AllowanceSource, rollover),
                        "Further periods that what is left lives on.")),
       shaped(custom("at_most", quantity_form, LEVY_QUANTITY(rollover_max), "no bound",
                     "Carried at most, all former periods together."),
              Shape::one, quantity_pattern),
       without_default(word("use", {"first", "last"}, LEVY_FIELD(AllowanceSource, rollover_use),
                            "Whether what was carried is used before or after the period's own."),
                       "first")}};
  return &section;
}

// How a product begins, goes on and ends.
std::vector<Key> course_keys() {
  return {
      without_default(word("kind", {"base", "addon"}, LEVY_FIELD(PlanOwner, source.kind),
                           "An account has one base plan and any number of add-ons."),
                      "base"),
      without_default(
          integer(
              "priority", -32'768, 32'767, "", LEVY_FIELD(PlanOwner, source.priority),
              "Of an add-on: the services of the highest are asked first, the base plan's last."),
          "0"),
      without_default(
          word("starts", {"purchase", "first_use"}, LEVY_FIELD(PlanOwner, source.starts),
               "Of an add-on: `first_use`: with the first use that it could pay for "
               "or that its services price."),
          "purchase"),
      shaped(custom("lasts", period_form, LEVY_PERIOD(PlanOwner, source.lasts), "until it is ended",
                    "Of an add-on: from its start to its end."),
             Shape::one, period_pattern),
      without_default(
          word("again", {"add", "queue", "refuse"}, LEVY_FIELD(PlanOwner, source.again),
               "Of an add-on, bought while one is held: a second one beside it, one that starts "
               "when it ends, or none."),
          "add"),
  };
}

}  // namespace

const Section* fee_section() {
  static const Section section{
      "plans[].fees[]",
      "What the plan costs beside usage; the main wallet pays it.",
      &default_fee,
      {required(textual("fee", Kind::name, 0, LEVY_FIELD(FeeOwner, source.name),
                        "Name of the fee, in records.")),
       required(shaped(custom("amount", "\"<amount> <currency>\"", read_fee_amount, "",
                              "In the plan's currency, above 0."),
                       Shape::one, money_pattern)),
       shaped(
           custom("every", period_form, LEVY_PERIOD(FeeOwner, source.every), "once, at the start",
                  "Due at the start of each period; a plan has at most 4 different ones."),
           Shape::one, period_pattern)}};
  static_assert(limits::cycles_per_plan_max == 4);
  return &section;
}

const Section* sponsor_section() {
  static const Section section{
      "plans[].sponsors[]",
      "Another account, which pays for services of this plan that name it.",
      &default_sponsor,
      {required(textual("sponsor", Kind::text, 20, LEVY_FIELD(SponsorOwner, source.name),
                        "Name of the account. Where there is none, its services are not granted.")),
       shaped(custom("slice", "\"<amount> <currency>\"", read_slice, "10 of the currency",
                     "What every Shard beside the account's own holds of it in advance: an account "
                     "`NAME#SHARD`, filled again when half of it is used."),
              Shape::one, money_pattern)}};
  static_assert(limits::account_name_bytes_max - 3 == 20);
  return &section;
}

const Section* bonus_section() {
  static const Section section{
      "plans[].topup_bonus[]",
      "What a top-up of at least so much gives beside itself; of several, that of the highest.",
      &default_bonus,
      {required(shaped(custom("from", "\"<amount> <currency>\"", read_from, "",
                              "Top-ups of at least so much, in the plan's currency."),
                       Shape::one, money_pattern)),
       required(shaped(custom("gives", gives_form, read_gives, "", "How much it gives."),
                       Shape::one, gives_pattern)),
       without_default(textual("kind", Kind::name, 0, LEVY_FIELD(BonusOwner, source.kind),
                               "Into a bucket of this kind, with its `lifetime`."),
                       "the wallet")}};
  return &section;
}

const Section* loan_section() {
  static const Section section{
      "plans[].loan",
      "An advance that an account may ask for while it owes none; top-ups pay it back first.",
      &default_plan,
      {required(shaped(custom("amount", "\"<amount> <currency>\"", LEVY_LOAN(amount), "",
                              "What is put into the wallet."),
                       Shape::one, money_pattern)),
       shaped(custom("fee", "\"<amount> <currency>\"", LEVY_LOAN(fee), "0",
                     "Taken from it at once."),
              Shape::one, money_pattern),
       shaped(custom("when_below", "\"<amount> <currency>\"", LEVY_LOAN(when_below), "`amount`",
                     "Only for who has less than that free."),
              Shape::one, money_pattern)}};
  return &section;
}

const Section* allowance_section() {
  static const Section section{
      "plans[].allowances[]",
      "Units or money that the plan gives.",
      &default_allowance,
      {required(textual("allowance", Kind::name, 0, LEVY_FIELD(AllowanceSource, kind),
                        "The bucket kind of what is given.")),
       required(shaped(custom("amount", quantity_form, LEVY_QUANTITY(amount), "",
                              "How much; money in the plan's currency."),
                       Shape::one, quantity_pattern)),
       shaped(
           custom("every", period_form, LEVY_PERIOD(AllowanceSource, every), "once, at the start",
                  "Given at the start of each period, and ends with it. Once: ends after the "
                  "kind's `lifetime`, else with the product."),
           Shape::one, period_pattern),
       without_default(
           word("per", {"account", "subscriber"}, LEVY_FIELD(AllowanceSource, per),
                "One bucket for all subscribers of the account, or one of its own for each, also "
                "for those that join later."),
           "account"),
       nested("rollover", rollover_section)}};
  return &section;
}

std::vector<Key> plan_terms_keys() {
  std::vector<Key> keys = course_keys();
  keys.push_back(of_section(
      custom("fees", "a list of at most 16 fees", read_fees, "none", "What it costs beside usage."),
      Shape::list, fee_section));
  keys.push_back(without_default(
      Key{"fee_tax", Kind::permille, 0, 1000, "Rate of the tax on its fees; records state it.",
          LEVY_FIELD(PlanOwner, source.fee_tax)},
      "0 %"));
  keys.push_back(without_default(
      word("tax_is", {"included", "added"}, LEVY_FIELD(PlanOwner, source.tax_is),
           "Whether its prices and fees, as written, include their tax, or it comes on top: "
           "exactly on prices, rounded to 0.000001 half up on single amounts."),
      "included"));
  keys.push_back(without_default(
      word("unpaid_fee", {"debt", "refuse", "suspend"}, LEVY_FIELD(PlanOwner, source.unpaid_fee),
           "A fee beyond what the wallet and its credit limit can pay: the wallet goes below, the "
           "product is not sold or ends, or it gives nothing until the fee can be paid."),
      "debt"));
  keys.push_back(of_section(custom("allowances", "a list of at most 16 allowances", read_allowances,
                                   "none", "What it gives."),
                            Shape::list, allowance_section));
  static_assert(limits::fees_per_plan_max == 16 && limits::allowances_per_plan_max == 16);
  keys.push_back(of_section(custom("sponsors", "a list of at most 8 sponsors", read_sponsors,
                                   "none", "Accounts that pay for services in the users' place."),
                            Shape::list, sponsor_section));
  static_assert(limits::sponsors_per_plan_max == 8);
  keys.push_back(of_section(custom("topup_bonus", "a list of at most 8 bonuses", read_bonuses,
                                   "none", "Of a base plan: what top-ups give beside themselves."),
                            Shape::list, bonus_section));
  static_assert(limits::bonuses_per_plan_max == 8);
  keys.push_back(shaped(
      custom("exchange", "{currency: decimal}", read_exchange, "none: each currency its own wallet",
             "Of a base plan: what a unit of another currency is worth in the plan's. Money that "
             "is free in a wallet of it goes into the plan's wallet at top-ups and when the "
             "account takes the plan, rounded down to 0.000001."),
      Shape::map, "^[0-9][0-9_]*(\\.[0-9][0-9_]*)?$"));
  keys.push_back(of_section(custom("loan", "{amount, fee, when_below}", read_loan, "none",
                                   "Of a base plan: an emergency advance (`balance loan`)."),
                            Shape::one, loan_section));
  keys.push_back(without_default(
      word("allowances_after", {"expire", "keep"}, LEVY_FIELD(PlanOwner, source.allowances_after),
           "When the product ends, what is left of them ends with it, "
           "or at its own end."),
      "expire"));
  keys.push_back(without_default(
      word("periods", {"anniversary", "calendar"}, LEVY_FIELD(PlanOwner, source.periods),
           "What `every` counts from: the start of the product, or the calendar's hour, day, week "
           "(Monday), month or year; then the first period ends with the running one."),
      "anniversary"));
  keys.push_back(without_default(
      boolean(
          "prorate", LEVY_FIELD(PlanOwner, source.prorate),
          "Fees and allowances of the first calendar period by its share of time, rounded down; "
          "else in full."),
      "false"));
  return keys;
}

std::vector<Key> bucket_rule_keys() {
  return {
      shaped(custom("services", "a name or a list of names of services, of any plan",
                    read_kind_services, "all of its unit, or that have a price",
                    "It pays for these alone."),
             Shape::one_or_list, "^[A-Za-z0-9._-]{1,63}$"),
      shaped(custom("weights", weight_form, read_weights, "none",
                    "Of units: it pays for these services alone, with so many units of the bucket "
                    "for each unit of the service, whose unit may be another one."),
             Shape::map, "^[0-9][0-9_]*(\\.[0-9][0-9_]*)?$"),
      of_section(custom("when", "conditions as a rate's `when` has them", read_kind_when, "always",
                        "It pays under these conditions alone."),
                 Shape::one, kind_when_section),
  };
}

}  // namespace levy::config
