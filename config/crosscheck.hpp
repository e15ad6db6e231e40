// Cross-checks: options that are each within their bounds but do not agree with each other.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// Internal to config/. Also completes what follows from other values (dialect indexes, the own
// realm among those served).
#pragma once

#include "config/load.hpp"
#include "config/reader.hpp"

namespace levy::config {

void crosscheck(Options& options, const Machine& machine, Reader& reader);

// A plan or a bucket kind that stands twice, in one file or in several.
void crosscheck(const rating::Catalogue& catalogue, Diagnostics& diagnostics);

// Shard Loops that the placement runs.
std::int64_t shard_loops(const Options& options);
// Slots that can be away from the edge's slab at once: parked, in rings, in a batch in work.
std::int64_t slots_needed(const Options& options);

}  // namespace levy::config
