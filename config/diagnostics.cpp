// Diagnostics: collecting, ordering and printing faults; nearest known word.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// A word longer than 64 bytes has no neighbour: the edit distance is quadratic.
#include "config/diagnostics.hpp"

#include <algorithm>
#include <array>
#include <ostream>
#include <tuple>
#include <utility>

namespace levy::config {
namespace {

constexpr std::size_t word_bytes_max = 64;

// Optimal string alignment distance: insert, remove, replace, swap of neighbours cost one each.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  using Row = std::array<std::size_t, word_bytes_max + 1>;
  Row before_last{}, last{}, row{};
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = last[j - 1] + (a[i - 1] != b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    before_last = last;
    last = row;
  }
  return last[b.size()];
}

}  // namespace

std::string to_string(const Diagnostic& diagnostic) {
  std::string out = diagnostic.place.file.empty() ? "configuration" : diagnostic.place.file;
  if (diagnostic.place.line > 0) {
    out += ":" + std::to_string(diagnostic.place.line) + ":" +
           std::to_string(diagnostic.place.column);
  }
  out += ": ";
  if (!diagnostic.key.empty()) out += diagnostic.key + ": ";
  out += diagnostic.problem;
  if (!diagnostic.value.empty()) out += "; value: " + diagnostic.value;
  if (!diagnostic.allowed.empty()) out += "; allowed: " + diagnostic.allowed;
  if (!diagnostic.advice.empty()) out += "; " + diagnostic.advice;
  return out;
}

void Diagnostics::add(Diagnostic diagnostic) {
  ++count_;
  if (items_.size() < shown_max) items_.push_back(std::move(diagnostic));
}

void Diagnostics::append(Diagnostics other) {
  count_ += other.count_;
  for (Diagnostic& item : other.items_) {
    if (items_.size() < shown_max) items_.push_back(std::move(item));
  }
}

void Diagnostics::sort() {
  std::stable_sort(items_.begin(), items_.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return std::tie(a.place.file, a.place.line, a.place.column) <
           std::tie(b.place.file, b.place.line, b.place.column);
  });
}

void Diagnostics::print(std::ostream& out) const {
  for (const Diagnostic& item : items_) out << to_string(item) << '\n';
  if (count_ > items_.size()) {
    out << "and " << count_ - items_.size() << " more faults that are not shown\n";
  }
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known) {
  if (word.empty() || word.size() > word_bytes_max) return {};
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string_view candidate : known) {
    if (candidate.size() > word_bytes_max) continue;
    const std::size_t distance = edit_distance(word, candidate);
    // Never propose a word of which nothing is left.
    if (distance < best_distance && distance < std::max(word.size(), candidate.size())) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string shown_value(std::string_view text, std::size_t bytes_max) {
  const bool cut = text.size() > bytes_max;
  std::size_t keep = cut ? bytes_max : text.size();
  // A cut never splits a UTF-8 sequence.
  while (cut && keep > 0 && (static_cast<unsigned char>(text[keep]) & 0xc0) == 0x80) --keep;
  std::string out(text.substr(0, keep));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  if (cut) out += "…";
  return out;
}

}  // namespace levy::config
