// Prometheus text exposition of the counters (see prometheus.hpp).
// Core: control. Allocates: yes. Blocks: never. Clock: none.
#include "engine/metrics/prometheus.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>

namespace levy::metrics {

namespace {

prometheus::MetricFamily make_family(std::string_view name, std::string_view help, Kind kind) {
  prometheus::MetricFamily family;
  family.name = "levy_" + std::string(name);
  family.help = std::string(help);
  family.type =
      kind == Kind::counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
  return family;
}

}  // namespace

std::uint64_t combined(std::span<const CounterBlock* const> blocks, Counter counter) {
  std::uint64_t result = 0;
  for (const CounterBlock* block : blocks) {
    const std::uint64_t cell = block->get(counter);
    result = info(counter).combine == Combine::max ? std::max(result, cell) : result + cell;
  }
  return result;
}

std::string exposition(std::span<const CounterBlock* const> blocks,
                       std::span<const ExtraGauge> extra) {
  std::vector<prometheus::MetricFamily> families;
  for (std::size_t i = 0; i < counter_count; ++i) {
    const CounterInfo& row = counter_table[i];
    if (i == 0 || row.family != counter_table[i - 1].family) {
      families.push_back(make_family(row.family, row.help, row.kind));
    }
    prometheus::ClientMetric metric;
    if (!row.label.empty()) {
      prometheus::ClientMetric::Label label;
      label.name = std::string(row.label);
      label.value = std::string(row.value);
      metric.label.push_back(std::move(label));
    }
    const double value = static_cast<double>(combined(blocks, static_cast<Counter>(i)));
    if (row.kind == Kind::counter)
      metric.counter.value = value;
    else
      metric.gauge.value = value;
    families.back().metric.push_back(std::move(metric));
  }
  for (std::size_t i = 0; i < extra.size(); ++i) {
    if (i == 0 || extra[i].name != extra[i - 1].name) {
      families.push_back(make_family(extra[i].name, extra[i].help, Kind::gauge));
    }
    prometheus::ClientMetric metric;
    for (const auto& [name, value] : extra[i].labels) {
      prometheus::ClientMetric::Label label;
      label.name = name;
      label.value = value;
      metric.label.push_back(std::move(label));
    }
    metric.gauge.value = extra[i].value;
    families.back().metric.push_back(std::move(metric));
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace levy::metrics
