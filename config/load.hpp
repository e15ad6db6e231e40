// config::load: levyd.yaml and its plan files, checked, or every fault in them. The door of config.
// Core: control. Allocates: yes. Blocks: reads files. Clock: none.
//
// Throws nothing. Where `diagnostics.ok()` is false the other members hold what could be read and
// must not be used to run. Paths in a file are relative to the directory of that file.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "config/diagnostics.hpp"
#include "config/options.hpp"
#include "rating/plan_source.hpp"

namespace levy::config {

// A plan file as it was read: the canonical source that the data directory keeps.
struct SourceText {
  std::string path;
  std::string text;
};

struct Loaded {
  Options options;
  rating::Catalogue catalogue;
  std::vector<SourceText> sources;  // the plan files, in the order read
  Diagnostics diagnostics;
  bool ok() const { return diagnostics.ok(); }
};

struct LoadedCatalogue {
  rating::Catalogue catalogue;
  std::vector<SourceText> sources;
  Diagnostics diagnostics;
  bool ok() const { return diagnostics.ok(); }
};

// The machine that the placement is checked against.
struct Machine {
  std::vector<int> cores;  // that this process may run on
};
Machine this_machine();

Loaded load(const std::string& path);
Loaded load(const std::string& path, const Machine& machine);

// For a reload: plan files and directories, as Options::plan_paths holds them.
LoadedCatalogue load_catalogue(const std::vector<std::string>& paths);
// From texts that were kept (SourceText): for recovery.
LoadedCatalogue parse_catalogue(std::vector<SourceText> sources);

// Every key with its bounds, default and meaning, from the declarations; as text and as Markdown.
void describe(std::ostream& out);
void describe_markdown(std::ostream& out);

// The same as a JSON Schema (draft 2020-12), for editors.
enum class SchemaOf : unsigned char { options, plan_file };
void describe_schema(SchemaOf what, std::ostream& out);

// What the options add up to, for `levyd --check`: "memory of slots: 80 MiB = 2048 x 40 KiB".
void describe_sums(const Options& options, std::ostream& out);

}  // namespace levy::config
