// The keys of plan files that count use: counters, their limits and levels, prices that run over
// them.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// Amounts are read with the unit that they name; rating/compile judges whether the counter has it.
#include "config/limits.hpp"
#include "config/plan_reader.hpp"

namespace levy::config {
namespace {

using rating::CounterSource;
using rating::LevelSource;

const CounterOwner default_counter;
const LevelSource default_level;
const ServiceOwner default_service;

constexpr std::string_view quantity_form =
    "an amount of what is counted: 10 GB, 90 min, 100 events, 2 EUR";
constexpr std::string_view level_form =
    "a share such as 80 %, of the limit or of what the buckets were credited; or an amount";
constexpr std::string_view level_pattern = "^[0-9][0-9_]*(\\.[0-9][0-9_]*)? *([A-Za-z]*|%)$";

void read_limit(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  read_quantity_into(reader, node, path, quantity_form,
                     static_cast<CounterOwner*>(owner)->source.limit);
}

void read_at(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& level = *static_cast<LevelSource*>(owner);
  read_quantity_or_share(reader, node, path, level_form, level.at, level.at_permille);
}

void read_every(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  read_period_into(reader, node, path, static_cast<CounterOwner*>(owner)->source.every);
}

void read_counted(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  read_texts(reader, node, path, "a name or a list of names",
             static_cast<CounterOwner*>(owner)->source.services);
}

void read_when(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  reader.read_section(*counter_when_section(), node, path, owner);
}

const Section* level_section() {
  static const Section section{
      "plans[].counters[].levels[]",
      "A level of the counter: reached at that much and kept beyond it, until the next one. Its "
      "changes stand in the records.",
      &default_level,
      {required(
           textual("level", Kind::name, 0, LEVY_FIELD(LevelSource, name), "Name of the level.")),
       required(shaped(custom("at", level_form, read_at, "", "Where it begins."), Shape::one,
                       level_pattern))}};
  return &section;
}

void read_levels(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& counter = static_cast<CounterOwner*>(owner)->source;
  const auto& items = reader.read_items(node, path, "a list of levels");
  for (std::size_t i = 0; i < items.size(); ++i) {
    LevelSource level;
    level.place = reader.place(*items[i]);
    level.name.place = level.at.place = level.at_permille.place = level.place;
    reader.read_section(*level_section(), *items[i], item_path(path, i), &level);
    counter.levels.push_back(std::move(level));
  }
}

}  // namespace

const Section* counter_section() {
  static const Section section{
      "plans[].counters[]",
      "A sum of use, of each account that holds the plan; another plan that declares the same name "
      "goes on counting.",
      &default_counter,
      {required(textual("counter", Kind::name, 0, LEVY_FIELD(CounterOwner, source.name),
                        "Name of the counter.")),
       without_default(word("counts", {"octets", "seconds", "events", "money"},
                            LEVY_FIELD(CounterOwner, source.counts),
                            "What is added up: units used, whoever pays for them; money: what use "
                            "is charged, fees of products left out."),
                       "required without `bucket`"),
       without_default(textual("bucket", Kind::name, 0, LEVY_FIELD(CounterOwner, source.bucket),
                               "Instead: how much is used of what the account's running buckets of "
                               "this kind were credited."),
                       "none"),
       shaped(custom("services", "a name or a list of names of services, of any plan", read_counted,
                     "all of its unit", "Their use alone is counted."),
              Shape::one_or_list, "^[A-Za-z0-9._-]{1,63}$"),
       of_section(custom("when", "conditions as a rate's `when` has them", read_when, "always",
                         "Use under these conditions alone is counted."),
                  Shape::one, counter_when_section),
       without_default(
           word("per", {"account", "subscriber"}, LEVY_FIELD(CounterOwner, source.per),
                "One for the account, or one for each of its subscribers; an account has at "
                "most 32 of all."),
           "account"),
       shaped(custom("every", period_form, read_every, "never",
                     "It begins anew with each period; these count as the plan's `periods` say."),
              Shape::one, period_pattern),
       shaped(custom("limit", quantity_form, read_limit, "none",
                     "No grant goes beyond: the last one is final, then 4012. Use is counted all "
                     "the same."),
              Shape::one, quantity_pattern),
       of_section(custom("levels", "a list of at most 8 levels", read_levels, "none",
                         "Where records, and policies, take notice."),
                  Shape::list, level_section)}};
  static_assert(limits::levels_per_counter_max == 8);
  return &section;
}

std::vector<Key> counter_keys_of_plan() {
  static_assert(limits::counters_per_plan_max == 16);
  return {of_section(custom("counters", "a list of at most 16 counters", read_counters, "none",
                            "What is counted of its accounts' use."),
                     Shape::list, counter_section)};
}

std::vector<Key> counter_keys_of_service() {
  return {without_default(
              textual("accumulate", Kind::name, 0, LEVY_FIELD(ServiceOwner, source.accumulate),
                      "A counter of the plan, of all use of this service: its sum is the running "
                      "total that prices and tiers count, in place of the session's."),
              "none"),
          without_default(
              word("tiers", {"stepped", "whole"}, LEVY_FIELD(ServiceOwner, source.tiers),
                   "`whole`: a report is priced wholly in the tier where the total stands before."),
              "stepped")};
}

}  // namespace levy::config
