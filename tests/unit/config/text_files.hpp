// Where the test's files are: the examples in the tree, and a directory of its own for the rest.
#pragma once

#include <string>

namespace levy::config {

// config/examples/<name>, found from this source file's own place.
std::string example_path(const std::string& name);
std::string repository_path(const std::string& name);
std::string read_text(const std::string& path);

// A directory that is removed with the object.
class TextFiles {
 public:
  TextFiles();
  ~TextFiles();
  TextFiles(const TextFiles&) = delete;
  TextFiles& operator=(const TextFiles&) = delete;
  // Writes a file below the directory and returns its path.
  std::string write(const std::string& name, const std::string& text) const;
  const std::string& directory() const { return directory_; }

 private:
  std::string directory_;
};

}  // namespace levy::config
