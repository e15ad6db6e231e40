// Names of base plans and of add-ons, each where it belongs.
// Core: admin threads. Allocates: yes. Blocks: never. Clock: none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/admin/fields.hpp"

namespace levy::admin {

// " a b c" of the plans that are (or are not) add-ons; " none" where there is none.
std::string names_text(const std::vector<PlanInfo>& plans, bool addons);

// The base plan of that name; null, and a fault that lists the known ones: there is none, or an
// add-on is called so. The pointer is into `plans`.
const PlanInfo* find_base(const std::vector<PlanInfo>& plans, std::string_view name,
                          Fields& fields);
const PlanInfo* find_base(std::vector<PlanInfo>&&, std::string_view, Fields&) = delete;

// The add-on of that name, likewise.
const PlanInfo* find_addon(const std::vector<PlanInfo>& plans, std::string_view name,
                           Fields& fields);

}  // namespace levy::admin
