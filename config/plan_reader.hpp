// The readers of plan files: from nodes to a rating::Catalogue. Internal to config/.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// Amounts need the unit of their service and prices the currency of their plan, wherever those
// keys stand in the mapping: the owners carry both, looked up before the mapping is read.
#pragma once

#include <string>
#include <string_view>

#include "config/reader.hpp"
#include "rating/plan_source.hpp"

namespace levy::config {

struct ServiceOwner {
  rating::ServiceSource source;
  std::string unit;      // octets, seconds, events; empty: missing or at fault
  std::string currency;  // of the plan; empty: missing or at fault
};

struct PlanOwner {
  rating::PlanSource source;
  std::string currency;
};

struct BucketKindOwner {
  rating::BucketKindSource source;
  std::string unit;  // money, octets, seconds, events; empty: missing or at fault
};

bool is_currency(std::string_view text);

const Section* on_final_section();

// Readers of the list keys; `owner` is a rating::Catalogue, a PlanOwner for services.
void read_bucket_kinds(Reader& reader, const YamlNode& node, const std::string& path, void* owner);
void read_plans(Reader& reader, const YamlNode& node, const std::string& path, void* owner);
void read_services(Reader& reader, const YamlNode& node, const std::string& path, void* owner);

// One document of a plan file into the catalogue.
void read_plan_document(Reader& reader, const YamlNode& document, rating::Catalogue& catalogue);

}  // namespace levy::config
