// The counters of all blocks as Prometheus text exposition: the only door to prometheus-cpp.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// Every row of counter_table appears on every call, zero or not, so that rates and alerts exist
// before the first event.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/metrics/counters.hpp"

namespace levy::metrics {

// One number over all blocks, by the counter's Combine.
std::uint64_t combined(std::span<const CounterBlock* const> blocks, Counter counter);

// A number that lies in no block: per peer, per Shard, build information. A gauge.
struct ExtraGauge {
  std::string name;  // without "levy_"; rows of one name stand together
  std::string help;
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;
};

// Content type "text/plain; version=0.0.4".
std::string exposition(std::span<const CounterBlock* const> blocks,
                       std::span<const ExtraGauge> extra = {});

}  // namespace levy::metrics
