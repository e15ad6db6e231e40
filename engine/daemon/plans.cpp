// Plans: storing, compiling and handing out plan versions.
// Core: control. Allocates: yes. Blocks: files, and interning waits for durability. Clock: none.
#include "engine/daemon/plans.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <tuple>

#include "engine/base/currency.hpp"
#include "engine/base/hash.hpp"
#include "engine/daemon/log.hpp"

namespace levy::daemon {

namespace {

shard::NameKind kind_of(rating::NameKind kind) {
  static constexpr shard::NameKind kinds[] = {
      shard::NameKind::plan,    shard::NameKind::service, shard::NameKind::bucket_kind,
      shard::NameKind::rate,    shard::NameKind::fee,     shard::NameKind::sponsor,
      shard::NameKind::counter, shard::NameKind::level};
  return kinds[static_cast<int>(kind)];
}

std::string place_text(const rating::Place& place) {
  return place.file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) + ": ";
}

// One per line.
std::string faults_text(const rating::Compiled& compiled) {
  std::string text;
  for (const rating::CompileFault& f : compiled.faults)
    text += place_text(f.place) + f.message + "\n";
  return text;
}

// A stored version is one file: for each source a line "--- <bytes> <path>" and the text.
std::string pack(const std::vector<config::SourceText>& sources) {
  std::string out;
  for (const config::SourceText& s : sources) {
    const std::size_t slash = s.path.find_last_of('/');
    const std::string name = slash == std::string::npos ? s.path : s.path.substr(slash + 1);
    out += "--- " + std::to_string(s.text.size()) + " " + name + "\n" + s.text + "\n";
  }
  return out;
}

bool unpack(const std::string& packed, std::vector<config::SourceText>& sources) {
  std::size_t at = 0;
  while (at < packed.size()) {
    const std::size_t end = packed.find('\n', at);
    if (end == std::string::npos || packed.compare(at, 4, "--- ") != 0) return false;
    std::istringstream line(packed.substr(at + 4, end - at - 4));
    std::size_t size = 0;
    config::SourceText source;
    line >> size >> source.path;
    if (!line && source.path.empty()) return false;
    if (size > packed.size() - end - 1) return false;
    source.text = packed.substr(end + 1, size);
    sources.push_back(std::move(source));
    at = end + 1 + size + 1;
  }
  return true;
}

// Written beside, synced and renamed: a stored source is whole or not there.
std::string write_file(const std::string& path, const std::string& text) {
  const std::string temporary = path + ".new";
  const int fd = ::open(temporary.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0640);
  if (fd < 0) return "cannot write " + temporary;
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    if (n <= 0) break;
    done += static_cast<std::size_t>(n);
  }
  const bool good = done == text.size() && ::fsync(fd) == 0;
  ::close(fd);
  if (!good || std::rename(temporary.c_str(), path.c_str()) != 0) return "cannot write " + path;
  const int dir = ::open(path.substr(0, path.find_last_of('/')).c_str(), O_RDONLY | O_DIRECTORY);
  if (dir >= 0) {
    ::fsync(dir);
    ::close(dir);
  }
  return {};
}

// Copies: whoever asks for it may outlive the version.
admin::PlanInfo info_of(const rating::Catalogue& catalogue, const rating::PlanSource& source,
                        const rating::Plan& plan) {
  const rating::Terms& terms = plan.terms;
  admin::PlanInfo info{source.name.value, plan.id, plan.currency, plan.credit_limit};
  info.addon = terms.addon;
  info.has_terms = terms.any();
  info.lends = plan.loan.amount != 0;
  info.segments = rating::segments_of(catalogue, source);
  info.at_first_use = terms.at_first_use;
  for (std::uint32_t i = 0; i < plan.counter_count; ++i)
    info.counters.push_back({source.counters[i].name.value, plan.counters[i].name,
                             plan.counters[i].unit, plan.counters[i].bucket_kind != 0});
  for (std::uint32_t i = 0; i < plan.sponsor_count; ++i)
    info.sponsors.push_back({std::string(plan.sponsors[i].account), plan.sponsors[i].slice});
  if (terms.offsets == nullptr) return info;
  std::vector<admin::ZoneChange> zone;
  for (std::uint32_t i = 0; i < terms.offset_count; ++i)
    zone.push_back({terms.offsets[i].from, terms.offsets[i].seconds});
  info.zone = std::make_shared<const std::vector<admin::ZoneChange>>(std::move(zone));
  return info;
}

}  // namespace

std::string version_name(const std::vector<config::SourceText>& sources) {
  char name[17];
  std::snprintf(name, sizeof name, "%016llx",
                static_cast<unsigned long long>(stable_hash(pack(sources))));
  return name;
}

std::string check_plans(const rating::Catalogue& catalogue) {
  return faults_text(rating::compile_catalogue(
      catalogue,
      [id = std::uint16_t{0}](rating::NameKind, std::string_view) mutable { return ++id; }));
}

const Plans::Version* Plans::find(std::uint16_t version) const {
  for (const Version& v : versions_) {
    if (v.plans != nullptr && v.number == version) return &v;
  }
  return nullptr;
}

std::string Plans::store(const std::string& name, const std::vector<config::SourceText>& sources) {
  return write_file(directory_ + "/" + name + ".plan", pack(sources));
}

// Follows every `was`, and compiles with the ids that names have, or will have: the faults, one per
// line. Nothing is named yet.
std::string Plans::judge_names(const rating::Catalogue& catalogue, Renames& renames) const {
  std::string faults;
  const auto follow = [&](shard::NameKind kind, const char* what, const auto& part) {
    std::uint16_t id = doors_.find(kind, part.name.value);
    const bool known = id != 0;
    for (const rating::Placed<std::string>& former : part.was) {
      const std::uint16_t had = doors_.find(kind, former.value);
      if (had == 0 || had == id) continue;  // nobody ever held it, or followed already
      if (id == 0) {
        id = had;
        continue;
      }
      faults += place_text(former.place) + "was is '" + former.value + "', but " + what + " '" +
                part.name.value +
                "' is known beside it and accounts may hold both; remove `was`, or choose a name "
                "that was never used\n";
    }
    if (!known && id != 0) renames[{kind, part.name.value}] = id;
  };
  for (const rating::PlanSource& plan : catalogue.plans)
    follow(shard::NameKind::plan, "plan", plan);
  for (const rating::BucketKindSource& kind : catalogue.bucket_kinds)
    follow(shard::NameKind::bucket_kind, "bucket kind", kind);
  std::uint16_t unused = UINT16_MAX;  // for names that have no id yet
  const rating::Compiled trial =
      rating::compile_catalogue(catalogue, [&](rating::NameKind kind, std::string_view text) {
        const auto renamed = renames.find({kind_of(kind), std::string(text)});
        if (renamed != renames.end()) return renamed->second;
        const std::uint16_t id = doors_.find(kind_of(kind), text);
        return id != 0 ? id : unused--;
      });
  return faults_text(trial) + faults;
}

std::uint16_t Plans::take(const rating::Catalogue& catalogue,
                          const std::vector<config::SourceText>& sources, std::string& faults) {
  const std::string name = version_name(sources);
  Renames renames;
  faults = judge_names(catalogue, renames);  // before anything is named or stored
  if (faults.empty()) faults = store(name, sources);
  if (!faults.empty()) return 0;
  for (const auto& [renamed, id] : renames) {
    if (doors_.rename(renamed.first, renamed.second, id)) continue;
    faults = "the catalogue of names is full: '" + renamed.second + "' cannot be named";
    return 0;
  }
  const std::uint16_t number =
      doors_.intern(shard::NameKind::plan_version, name, stable_hash(pack(sources)));
  if (number == 0) {
    faults = "the catalogue of names is full: no further plan version can be named";
    return 0;
  }
  if (find(number) == nullptr && !compile(catalogue, number, name, faults)) return 0;
  // Of the names of one id, that of the version in force is the one that is said.
  for (const rating::PlanSource& plan : catalogue.plans)
    doors_.intern(shard::NameKind::plan, plan.name.value, 0);
  for (const rating::BucketKindSource& kind : catalogue.bucket_kinds)
    doors_.intern(shard::NameKind::bucket_kind, kind.name.value, 0);
  in_force_ = number;
  return number;
}

bool Plans::compile(const rating::Catalogue& catalogue, std::uint16_t number,
                    const std::string& name, std::string& faults) {
  Version fresh;
  fresh.number = number;
  fresh.name = name;
  rating::Compiled compiled =
      rating::compile_catalogue(catalogue, [&](rating::NameKind kind, std::string_view text) {
        return doors_.intern(kind_of(kind), text, 0);
      });
  faults += faults_text(compiled);
  if (!compiled.faults.empty()) return false;
  for (std::size_t i = 0; i < compiled.plans.size(); ++i)
    fresh.infos.push_back(info_of(catalogue, catalogue.plans[i], *compiled.plans[i]));
  for (const rating::BucketKind& k : compiled.bucket_kinds)
    fresh.kinds.push_back({k.name, k.id, k.unit, k.currency, k.priority, k.step, k.lifetime});
  fresh.plans = std::make_unique<rating::PlanVersion>(number, std::move(compiled.plans),
                                                      std::move(compiled.zones));

  const std::size_t slot = place_for_one();
  // The Shards read the table while it changes: one pointer at a time, after what it points to.
  std::atomic_ref<const rating::PlanSet*> place(table_.sets[slot]);
  if (versions_[slot].plans != nullptr) {
    place.store(nullptr, std::memory_order_release);
    doors_.barrier();  // no Shard holds the old pointer any more
  }
  versions_[slot] = std::move(fresh);
  place.store(&versions_[slot].plans->set(), std::memory_order_release);
  return true;
}

// A free place, else that of the version to drop.
std::size_t Plans::place_for_one() const {
  std::size_t slot = versions_.size();
  std::map<std::uint16_t, std::uint64_t> sessions;
  const bool full = std::all_of(versions_.begin(), versions_.end(),
                                [](const Version& v) { return v.plans != nullptr; });
  if (full) sessions = doors_.in_use();
  const auto rank = [&](const Version& v) {
    return std::pair(sessions.contains(v.number), v.number);
  };
  for (std::size_t i = 0; i < versions_.size(); ++i) {
    if (versions_[i].plans == nullptr) return i;
    // The version in force may be an old one that was loaded again: it stays.
    if (versions_[i].number == in_force_) continue;
    if (slot == versions_.size() || rank(versions_[i]) < rank(versions_[slot])) slot = i;
  }
  const std::uint16_t number = versions_[slot].number;
  if (sessions.contains(number))
    log::warn("plans", "version " + std::to_string(number) + " makes room while " +
                           std::to_string(sessions[number]) +
                           " open sessions use it: they go on under the newest");
  return slot;
}

std::string Plans::load_stored(std::vector<std::pair<std::uint16_t, std::string>> versions,
                               std::uint16_t in_force) {
  in_force_ = in_force;
  if (versions.size() > versions_.size()) {
    const auto sessions = doors_.in_use();
    const auto wanted = [&](const auto& v) {
      return v.first == in_force || sessions.contains(v.first);
    };
    std::stable_sort(versions.begin(), versions.end(), [&](const auto& a, const auto& b) {
      return std::tuple(a.first == in_force, wanted(a), a.first) >
             std::tuple(b.first == in_force, wanted(b), b.first);
    });
    versions.resize(versions_.size());
    std::sort(versions.begin(), versions.end());
  }
  for (std::size_t i = 0; i < versions.size(); ++i) {
    const std::string path = directory_ + "/" + versions[i].second + ".plan";
    std::ifstream in(path, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    std::vector<config::SourceText> sources;
    if (!in || !unpack(text.str(), sources) || version_name(sources) != versions[i].second)
      return path + ": the source of plan version " + std::to_string(versions[i].first) +
             " is missing or damaged: restore it from a backup of the data directory";
    config::LoadedCatalogue loaded = config::parse_catalogue(std::move(sources));
    std::string faults;
    if (!loaded.ok() || !compile(loaded.catalogue, versions[i].first, versions[i].second, faults))
      return path + ": a stored plan version does not compile any more: " + faults;
  }
  return {};
}

std::vector<admin::PlanInfo> Plans::infos(std::uint16_t version) const {
  const Version* v = find(version);
  return v != nullptr ? v->infos : std::vector<admin::PlanInfo>{};
}

std::vector<admin::PlanVersionInfo> Plans::versions(std::uint16_t in_force) const {
  std::vector<admin::PlanVersionInfo> list;
  for (const Version& v : versions_)
    if (v.plans != nullptr) list.push_back({v.number, v.name, v.number == in_force, true});
  return list;
}

std::vector<admin::BucketKindInfo> Plans::bucket_kinds(std::uint16_t version) const {
  const Version* v = find(version);
  return v != nullptr ? v->kinds : std::vector<admin::BucketKindInfo>{};
}

}  // namespace levy::daemon
