// compile_zones: networks, numbers and places of all zones as prefix tables.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// Internal to rating/compile.
#pragma once

#include <memory>

#include "rating/compile/checks.hpp"

namespace levy::rating {

// Null where the catalogue names no zone. The index of a zone in the catalogue is its number.
std::unique_ptr<CompiledZones> compile_zones(const Catalogue& catalogue, Checks& checks);

}  // namespace levy::rating
