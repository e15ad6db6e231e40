// Plans: the versions of the catalogue that Shards may read, kept by hash in the data directory.
// Core: control. Allocates: yes. Blocks: files, and interning waits for durability. Clock: none.
//
// A version's canonical source is stored before any Shard hears of it, so that a restart finds the
// plan that a journaled grant names. At most limits::plan_versions_max are live: a further one
// takes the place of the oldest that no open session uses; where all are used, of the oldest.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/load.hpp"
#include "engine/admin/control_door.hpp"
#include "rating/compile/compile.hpp"

namespace levy::daemon {

// What Shards read: pointers to the live versions, null where there is none.
struct PlanTable {
  std::array<const rating::PlanSet*, limits::plan_versions_max> sets{};
};

class Plans {
 public:
  // intern(kind, text, digest) -> id through Shard 0; 0 = the catalogue of names is full.
  using Intern = std::function<std::uint16_t(shard::NameKind, std::string_view, std::uint64_t)>;
  // find(kind, text) -> its id, 0 = nobody has used the name.
  using Find = std::function<std::uint16_t(shard::NameKind, std::string_view)>;
  // rename(kind, text, id): a name that nobody has used is a newer one of that id from now on.
  using Rename = std::function<bool(shard::NameKind, std::string_view, std::uint16_t)>;
  // Waits until every Shard loop has passed a command: nobody reads what was taken out before.
  using Barrier = std::function<void()>;

  // Open sessions by the version of their grants: asked when a version has to make room.
  using InUse = std::function<std::map<std::uint16_t, std::uint64_t>()>;

  struct Doors {
    Intern intern;
    Find find;
    Rename rename;
    Barrier barrier;
    InUse in_use;
  };

  Plans(std::string directory, Doors doors)
      : directory_(std::move(directory)), doors_(std::move(doors)) {}

  // Compiles a catalogue; when it is new, stores its source and makes it a version. Returns the
  // version, 0 with `faults` filled when it has faults. Does not switch any Shard.
  std::uint16_t take(const rating::Catalogue& catalogue,
                     const std::vector<config::SourceText>& sources, std::string& faults);
  // A restart: of the stored versions (ascending) the one in force, those in use and the newest, as
  // many as are kept. Empty, or why a stored version cannot be read.
  std::string load_stored(std::vector<std::pair<std::uint16_t, std::string>> versions,
                          std::uint16_t in_force);

  const PlanTable& table() const { return table_; }
  std::vector<admin::PlanInfo> infos(std::uint16_t version) const;
  std::vector<admin::BucketKindInfo> bucket_kinds(std::uint16_t version) const;
  std::vector<admin::PlanVersionInfo> versions(std::uint16_t in_force) const;

 private:
  struct Version {
    std::uint16_t number = 0;
    std::string name;
    std::unique_ptr<rating::PlanVersion> plans;
    std::vector<admin::PlanInfo> infos;
    std::vector<admin::BucketKindInfo> kinds;
  };
  std::string store(const std::string& name, const std::vector<config::SourceText>& sources);
  bool compile(const rating::Catalogue& catalogue, std::uint16_t number, const std::string& name,
               std::string& faults);
  // What `was` makes of names that nobody has used: (kind, name) -> id.
  using Renames = std::map<std::pair<shard::NameKind, std::string>, std::uint16_t>;
  std::string judge_names(const rating::Catalogue& catalogue, Renames& renames) const;
  std::size_t place_for_one() const;
  const Version* find(std::uint16_t version) const;

  std::string directory_;
  Doors doors_;
  PlanTable table_;
  std::uint16_t in_force_ = 0;  // taken last
  std::array<Version, limits::plan_versions_max> versions_;
};

// All faults that compiling finds, one per line; empty: none. Stores and names nothing.
std::string check_plans(const rating::Catalogue& catalogue);

// The name of a version: the hash of its canonical source, 16 hex digits.
std::string version_name(const std::vector<config::SourceText>& sources);

}  // namespace levy::daemon
