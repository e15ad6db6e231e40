// config::load: files -> trees -> Options and Catalogue, and every fault on the way.
// Core: control. Allocates: yes. Blocks: reads files. Clock: none.
//
// Only regular files are opened, so that a FIFO in a plan directory cannot hang the daemon, and
// none beyond yaml_bytes_max is read. The two declared owners of file reading are here.
#include "config/load.hpp"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <utility>

#include "config/crosscheck.hpp"
#include "config/limits.hpp"
#include "config/plan_reader.hpp"

namespace levy::config {
namespace {

namespace fs = std::filesystem;

void file_fault(const std::string& path, std::string problem, std::string advice,
                Diagnostics& diagnostics) {
  diagnostics.add({{path, 0, 0}, "", "", std::move(problem), "", std::move(advice)});
}

// The whole file; false: a fault was reported.
bool read_file(const std::string& path, std::string& text, Diagnostics& diagnostics) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) {
    file_fault(path, "there is no such file", "correct the path, or create it", diagnostics);
    return false;
  }
  if (!fs::is_regular_file(status)) {
    file_fault(path, "not a regular file", "name a file", diagnostics);
    return false;
  }
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    file_fault(path, std::string("cannot be opened: ") + std::strerror(errno),
               "check its permissions", diagnostics);
    return false;
  }
  text.resize(yaml_bytes_max + 1);
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (stream.bad()) {
    file_fault(path, "could not be read to its end", "check the disk", diagnostics);
    return false;
  }
  if (text.size() > yaml_bytes_max) {
    file_fault(path, "the file is larger than " + std::to_string(yaml_bytes_max) + " bytes",
               "split it; `plans` takes several files", diagnostics);
    return false;
  }
  return true;
}

bool is_yaml_name(const fs::path& path) {
  return path.extension() == ".yaml" || path.extension() == ".yml";
}

// The plan files of a directory, by name.
void list_directory(const std::string& path, std::vector<std::string>& files, const Place& named_at,
                    Diagnostics& diagnostics) {
  std::error_code error;
  std::vector<std::string> found;
  fs::directory_iterator entry(path, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (is_yaml_name(entry->path())) found.push_back(entry->path().string());
  }
  if (error) {
    diagnostics.add({named_at, "plans", path, "the directory cannot be read: " + error.message(),
                     "", "check its permissions"});
    return;
  }
  if (found.empty()) {
    diagnostics.add({named_at, "plans", path, "the directory has no plan file",
                     "files *.yaml and *.yml", "add one, or correct the path"});
  }
  std::sort(found.begin(), found.end());
  files.insert(files.end(), found.begin(), found.end());
}

// Reads all plan files that `paths` name; `named_at[i]` is where paths[i] stands.
std::vector<SourceText> read_sources(const std::vector<std::string>& paths,
                                     const std::vector<Place>& named_at,
                                     Diagnostics& diagnostics) {
  std::vector<std::string> files;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    std::error_code error;
    if (fs::is_directory(paths[i], error)) {
      list_directory(paths[i], files, named_at[i], diagnostics);
    } else if (!fs::exists(paths[i], error)) {
      diagnostics.add({named_at[i], "plans", paths[i], "there is no such file or directory", "",
                       "correct the path, or create it"});
    } else {
      files.push_back(paths[i]);
    }
  }
  std::vector<SourceText> sources;
  std::set<std::string> seen;
  for (const std::string& file : files) {
    std::error_code error;
    const fs::path canonical = fs::canonical(file, error);
    if (!seen.insert(error ? file : canonical.string()).second) {
      file_fault(file, "this plan file is named twice", "name it once in `plans`", diagnostics);
      continue;
    }
    SourceText source{file, {}};
    if (read_file(file, source.text, diagnostics)) sources.push_back(std::move(source));
  }
  return sources;
}

void parse_sources(const std::vector<SourceText>& sources, rating::Catalogue& catalogue,
                   Diagnostics& diagnostics) {
  for (const SourceText& source : sources) {
    const std::size_t faults = diagnostics.count();
    const YamlTree tree = parse_yaml(source.path, source.text, diagnostics);
    Reader reader(source.path, fs::path(source.path).parent_path(), diagnostics);
    bool has_content = false;
    for (const YamlNode* document : tree.documents) {
      if (document->type == YamlNode::Type::null) continue;  // only comments
      has_content = true;
      read_plan_document(reader, *document, catalogue);
    }
    if (!has_content && diagnostics.count() == faults) {
      file_fault(source.path, "the file is empty", "begin with \"plan:\", or remove the file",
                 diagnostics);
    }
  }
  crosscheck(catalogue, diagnostics);
}

// The options themselves, without plans.
void read_options(const std::string& path, const std::string& text, const Machine& machine,
                  Loaded& loaded, std::vector<Place>& plans_at) {
  Diagnostics& diagnostics = loaded.diagnostics;
  const YamlTree tree = parse_yaml(path, text, diagnostics);
  const fs::path directory = fs::path(path).parent_path();
  Reader reader(path, directory, diagnostics);
  Options& options = loaded.options;
  options.data.directory = reader.join(options.data.directory);
  options.admin.socket = reader.join(options.admin.socket);
  if (tree.documents.empty()) {
    if (diagnostics.ok()) file_fault(path, "the file is empty", "see config/examples", diagnostics);
    return;
  }
  if (tree.documents.size() > 1) {
    reader.fault(*tree.documents[1], "", "a second document has no meaning here", "",
                 "remove the \"---\" and what follows");
  }
  reader.read_section(*root_section(), *tree.documents.front(), "", &options);
  crosscheck(options, machine, reader);
  const bool is_list = options.plan_paths.size() > 1 || reader.given("plans[0]");
  for (std::size_t i = 0; i < options.plan_paths.size(); ++i) {
    plans_at.push_back(reader.place_of(is_list ? item_path("plans", i) : "plans"));
  }
}

}  // namespace

Machine this_machine() {
  Machine machine;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return machine;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &set)) machine.cores.push_back(core);
  }
  return machine;
}

Loaded load(const std::string& path) { return load(path, this_machine()); }

Loaded load(const std::string& path, const Machine& machine) {
  Loaded loaded;
  std::string text;
  if (!read_file(path, text, loaded.diagnostics)) return loaded;
  std::vector<Place> plans_at;
  read_options(path, text, machine, loaded, plans_at);
  loaded.sources = read_sources(loaded.options.plan_paths, plans_at, loaded.diagnostics);
  parse_sources(loaded.sources, loaded.catalogue, loaded.diagnostics);
  loaded.diagnostics.sort();
  return loaded;
}

LoadedCatalogue load_catalogue(const std::vector<std::string>& paths) {
  LoadedCatalogue loaded;
  std::vector<Place> named_at;
  for (const std::string& path : paths) named_at.push_back({path, 0, 0});
  loaded.sources = read_sources(paths, named_at, loaded.diagnostics);
  parse_sources(loaded.sources, loaded.catalogue, loaded.diagnostics);
  loaded.diagnostics.sort();
  return loaded;
}

LoadedCatalogue parse_catalogue(std::vector<SourceText> sources) {
  LoadedCatalogue loaded;
  loaded.sources = std::move(sources);
  parse_sources(loaded.sources, loaded.catalogue, loaded.diagnostics);
  loaded.diagnostics.sort();
  return loaded;
}

}  // namespace levy::config
