// The readers of plan files: from nodes to a rating::Catalogue. Internal to config/.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// Amounts need the unit of their service and prices the currency of their plan, wherever those
// keys stand in the mapping: the owners carry both, looked up before the mapping is read.
#pragma once

#include <string>
#include <string_view>

#include "config/limits.hpp"
#include "config/reader.hpp"
#include "rating/plan_source.hpp"

namespace levy::config {

struct ServiceOwner {
  rating::ServiceSource source;
  std::string unit;      // octets, seconds, events; empty: missing or at fault
  std::string currency;  // of the plan; empty: missing or at fault
};

struct RateOwner {
  rating::RateSource source;
  std::string unit;  // of the service
  std::string currency;
};

struct PlanOwner {
  rating::PlanSource source;
  std::string currency;
};

struct FeeOwner {
  rating::FeeSource source;
  std::string currency;  // of the plan
};

struct CounterOwner {
  rating::CounterSource source;
};

struct SponsorOwner {
  rating::SponsorSource source;
  std::string currency;  // of the plan
};

struct BonusOwner {
  rating::BonusSource source;
  std::string currency;  // of the plan
};

struct BucketKindOwner {
  rating::BucketKindSource source;
  std::string unit;  // money, octets, seconds, events; empty: missing or at fault
};

bool is_currency(std::string_view text);

const Section* on_final_section();

// Periods and quantities as plans write them: one form, one pattern for editors, one reader.
inline constexpr std::string_view period_form =
    "hour, day, week, month, year, or 1 to 255 of these: \"2 weeks\", \"30 days\"";
static_assert(limits::period_count_max == 255);
inline constexpr std::string_view period_pattern = "^([0-9]+ +)?(hour|day|week|month|year)s?$";
inline constexpr std::string_view quantity_pattern = "^[0-9][0-9_]*(\\.[0-9][0-9_]*)? *[A-Za-z]*$";
void read_period_into(Reader& reader, const YamlNode& node, const std::string& path,
                      rating::Placed<rating::PeriodSource>& into);
// `form`: what is allowed, for the fault.
void read_quantity_into(Reader& reader, const YamlNode& node, const std::string& path,
                        std::string_view form, rating::Placed<rating::QuantitySource>& into);
// A quantity, or a share such as "80 %".
void read_quantity_or_share(Reader& reader, const YamlNode& node, const std::string& path,
                            std::string_view form, rating::Placed<rating::QuantitySource>& quantity,
                            rating::Placed<std::int64_t>& permille);

// Readers of the list keys; `owner` is a rating::Catalogue, a PlanOwner for services.
void read_bucket_kinds(Reader& reader, const YamlNode& node, const std::string& path, void* owner);
void read_plans(Reader& reader, const YamlNode& node, const std::string& path, void* owner);
void read_services(Reader& reader, const YamlNode& node, const std::string& path, void* owner);

// Readers of `rates`, of a service, and of `times`, `zones` and `holidays`, of a plan file.
void read_rates(Reader& reader, const YamlNode& node, const std::string& path, void* owner);
void read_times(Reader& reader, const YamlNode& node, const std::string& path, void* owner);
void read_zones(Reader& reader, const YamlNode& node, const std::string& path, void* owner);
void read_holidays(Reader& reader, const YamlNode& node, const std::string& path, void* owner);

// Readers of `fees` and `allowances`, of a plan.
void read_fees(Reader& reader, const YamlNode& node, const std::string& path, void* owner);
void read_allowances(Reader& reader, const YamlNode& node, const std::string& path, void* owner);
void read_counters(Reader& reader, const YamlNode& node, const std::string& path, void* owner);
void read_sponsors(Reader& reader, const YamlNode& node, const std::string& path, void* owner);
void read_bonuses(Reader& reader, const YamlNode& node, const std::string& path, void* owner);
void read_exchange(Reader& reader, const YamlNode& node, const std::string& path, void* owner);
void read_loan(Reader& reader, const YamlNode& node, const std::string& path, void* owner);

// The keys of what holding a plan costs and gives, and of what a bucket kind pays for.
std::vector<Key> plan_terms_keys();
std::vector<Key> bucket_rule_keys();
const Section* fee_section();
const Section* allowance_section();
const Section* sponsor_section();
const Section* bonus_section();
const Section* loan_section();
const Section* counter_section();
std::vector<Key> counter_keys_of_plan();
std::vector<Key> counter_keys_of_service();
const Section* counter_when_section();
const Section* kind_when_section();

// The keys of what a service and of what a rate costs, and of the service's selection.
std::vector<Key> service_price_keys();
std::vector<Key> service_selection_keys();
const Section* rate_section();
const Section* when_section();
const Section* time_section();
const Section* zone_section();

template <class T>
void set_placed(rating::Placed<T>& field, T value, Place place) {
  field.value = std::move(value);
  field.place = std::move(place);
  field.given = true;
}

// Reads "0.80 EUR", in `currency` where that is known.
void read_amount(Reader& reader, const YamlNode& node, const std::string& path,
                 const std::string& currency, rating::Placed<std::string>& field);

// A scalar, or each item of a list, as placed text.
void read_texts(Reader& reader, const YamlNode& node, const std::string& path,
                std::string_view form, std::vector<rating::Placed<std::string>>& texts);

// The text of the mapping's key `name`, if it is one of `words` (empty list: any); else "".
std::string peek_text(const YamlNode& mapping, std::string_view name,
                      std::initializer_list<std::string_view> words = {});

// One document of a plan file into the catalogue.
void read_plan_document(Reader& reader, const YamlNode& document, rating::Catalogue& catalogue);

}  // namespace levy::config
