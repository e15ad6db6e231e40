// Files of the config tests.
#include "tests/unit/config/text_files.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace levy::config {

namespace fs = std::filesystem;

std::string repository_path(const std::string& name) {
  const fs::path here(LEVY_SOURCE_DIR "/tests/unit/config/text_files.cpp");
  return (here.parent_path() / "../../.." / name).lexically_normal().string();
}

std::string example_path(const std::string& name) {
  return repository_path("config/examples/" + name);
}

std::string read_text(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

TextFiles::TextFiles() {
  const std::string name = "levy_config_" + std::string(6, 'X');
  std::string pattern = (fs::temp_directory_path() / name).string();
  const char* made = ::mkdtemp(pattern.data());
  EXPECT_NE(made, nullptr);
  directory_ = pattern;
}

TextFiles::~TextFiles() {
  std::error_code error;
  fs::remove_all(directory_, error);
}

std::string TextFiles::write(const std::string& name, const std::string& text) const {
  const fs::path path = fs::path(directory_) / name;
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
  return path.string();
}

}  // namespace levy::config
