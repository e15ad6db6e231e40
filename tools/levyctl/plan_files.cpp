// Faults of reading and of compiling, joined (see plan_files.hpp).
// Core: none. Allocates: yes. Blocks: reads files. Clock: none.
//
// What was refused while reading is not there for the compiler: that it is absent is then no fault
// of its own, and left out.
#include "tools/levyctl/plan_files.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace levyctl {

namespace {

using levy::config::Place;

// Where the parts of the files begin: a line belongs to the last part that began at or before it.
class Parts {
 public:
  explicit Parts(const rating::Catalogue& catalogue) {
    for (const rating::PlanSource& plan : catalogue.plans) {
      add(plan.place);
      for (const rating::FeeSource& fee : plan.fees) add(fee.place);
      for (const rating::AllowanceSource& allowance : plan.allowances) add(allowance.place);
      for (const rating::ServiceSource& service : plan.services) {
        add(service.name.place);
        for (const rating::RateSource& rate : service.rates) add(rate.place);
      }
    }
    for (const auto& kind : catalogue.bucket_kinds) add(kind.name.place);
    for (const auto& time : catalogue.times) add(time.name.place);
    for (const auto& zone : catalogue.zones) add(zone.name.place);
  }

  std::pair<std::string, int> of(const Place& place) const {
    const auto file = lines_.find(place.file);
    if (file == lines_.end()) return {place.file, 0};
    const auto after = file->second.upper_bound(place.line);
    return {place.file, after == file->second.begin() ? 0 : *std::prev(after)};
  }

 private:
  void add(const Place& place) { lines_[place.file].insert(place.line); }
  std::map<std::string, std::set<int>> lines_;
};

// Whether the path "services[0].rates[1].price" has a part of this name.
bool names(const std::string& path, std::string_view name) {
  for (std::size_t at = path.find(name); at != path.npos; at = path.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    const bool begins = at == 0 || path[at - 1] == '.';
    if (begins && (end == path.size() || path[end] == '.' || path[end] == '[')) return true;
  }
  return false;
}

void add_compile_faults(PlanFiles& files) {
  const Parts parts(files.catalogue());
  std::map<std::pair<std::string, int>, std::vector<std::string>> refused;  // keys, by part
  std::set<std::tuple<std::string, int, int>> taken;
  for (const Diagnostic& fault : files.faults) {
    refused[parts.of(fault.place)].push_back(fault.key);
    taken.insert({fault.place.file, fault.place.line, fault.place.column});
  }
  for (const rating::CompileFault& fault : files.compiled.faults) {
    const Place& place = fault.place;
    if (taken.contains({place.file, place.line, place.column})) continue;
    const auto& keys = refused[parts.of(place)];
    if (!fault.absent_key.empty() &&
        std::any_of(keys.begin(), keys.end(),
                    [&](const std::string& key) { return names(key, fault.absent_key); }))
      continue;
    files.faults.push_back({place, "", "", fault.message, "", ""});
    ++files.fault_count;
  }
}

}  // namespace

PlanFiles read_plan_files(const std::vector<std::string>& paths) {
  PlanFiles files;
  files.loaded = levy::config::load_catalogue(paths);
  files.faults = files.loaded.diagnostics.items();
  files.fault_count = files.loaded.diagnostics.count();
  std::map<std::pair<rating::NameKind, std::string>, std::uint16_t> ids;
  const auto intern = [&](rating::NameKind kind, std::string_view name) {
    const auto next = static_cast<std::uint16_t>(ids.size() + 1);
    return ids.try_emplace({kind, std::string(name)}, next).first->second;
  };
  files.compiled = rating::compile_catalogue(files.catalogue(), intern);
  add_compile_faults(files);
  std::stable_sort(files.faults.begin(), files.faults.end(),
                   [](const Diagnostic& a, const Diagnostic& b) {
                     return std::tie(a.place.file, a.place.line, a.place.column) <
                            std::tie(b.place.file, b.place.line, b.place.column);
                   });
  return files;
}

std::string faults_text(const PlanFiles& files) {
  std::string out;
  for (const Diagnostic& fault : files.faults) out += to_string(fault) + "\n";
  if (files.fault_count > files.faults.size())
    out += "and " + std::to_string(files.fault_count - files.faults.size()) +
           " more faults that are not shown\n";
  return out;
}

}  // namespace levyctl
