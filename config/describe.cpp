// describe: the list of all keys, made from the declarations; the sums of the options.
// Core: control. Allocates: yes. Blocks: writes to the stream it is given. Clock: none.
//
// The table in keys.md is this output; a test compares them.
#include <ostream>

#include "config/crosscheck.hpp"
#include "config/limits.hpp"
#include "config/load.hpp"
#include "config/plan_reader.hpp"

namespace levy::config {

std::string default_text(const Section& section, const Key& key) {
  if (key.required) return "required";
  if (!key.default_text.empty() || key.kind == Kind::custom) return std::string(key.default_text);
  if (key.binding.text != nullptr) return key.binding.text(section.defaults);
  if (key.binding.number == nullptr) return "";
  const std::int64_t number = key.binding.number(section.defaults);
  return number < key.min && key.kind == Kind::integer ? "none" : show_number(key, number);
}

namespace {

// Calls `visit` with every section below `section`, itself first, in the order of declaration.
template <class Visit>
void for_each_section(const Section& section, const Visit& visit) {
  visit(section);
  for (const Key& key : section.keys) {
    if (key.section != nullptr && !key.section()->repeats) for_each_section(*key.section(), visit);
  }
}

template <class Visit>
void for_each_section(const Visit& visit) {
  for_each_section(*root_section(), visit);
  for_each_section(*plan_file_section(), visit);
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

bool has_own_keys(const Section& section) {
  for (const Key& key : section.keys) {
    if (key.kind != Kind::section) return true;
  }
  return false;
}

}  // namespace

void describe(std::ostream& out) {
  for_each_section([&](const Section& section) {
    if (!has_own_keys(section)) return;
    const std::string title(section.path.empty() ? section.prose : section.path);
    out << title << (section.path.empty() ? "" : ": " + std::string(section.prose)) << "\n";
    for (const Key& key : section.keys) {
      if (key.kind == Kind::section) continue;
      out << "  " << key.name << ": " << key.prose << "\n      allowed: " << allowed_text(key)
          << "\n      default: " << default_text(section, key) << "\n";
    }
    out << "\n";
  });
}

void describe_markdown(std::ostream& out) {
  out << "| Key | Allowed | Default | Meaning |\n|---|---|---|---|\n";
  for_each_section([&](const Section& section) {
    for (const Key& key : section.keys) {
      if (key.kind == Kind::section) continue;
      out << "| `" << (section.path.empty() ? "" : std::string(section.path) + ".") << key.name
          << "` | " << escaped(allowed_text(key)) << " | " << escaped(default_text(section, key))
          << " | " << escaped(key.prose) << " |\n";
    }
  });
}

void describe_sums(const Options& options, std::ostream& out) {
  const OverloadOptions& overload = options.overload;
  constexpr auto slot_bytes = static_cast<std::int64_t>(
      limits::message_bytes_max + limits::answer_bytes_max + limits::record_bytes_max);
  const std::int64_t pushes = overload.push_slots * shard_loops(options);
  out << "slots: " << overload.slots << " x " << show_size(slot_bytes) << " = "
      << show_size(overload.slots * slot_bytes) << "; needed by parking_max, ring and batch: "
      << slots_needed(options) << "\n";
  out << "push slots: " << pushes << " x " << show_size(slot_bytes) << " = "
      << show_size(pushes * slot_bytes) << "\n";
  const DiameterOptions& diameter = options.diameter;
  out << "connection buffers: " << diameter.connections_max << " x "
      << show_size(diameter.receive_buffer_bytes + diameter.send_buffer_bytes) << " = "
      << show_size(diameter.connections_max *
                   (diameter.receive_buffer_bytes + diameter.send_buffer_bytes))
      << "\n";
}

}  // namespace levy::config
