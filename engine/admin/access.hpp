// Who may do what at a door: the token file, and the verdict on one request.
// Core: admin threads. Allocates: yes. Blocks: reads a file. Clock: none.
//
// Of a token only its SHA-256 is kept; all of them are compared, each in constant time. Whoever
// opens the Unix socket is an operator; over TCP a caller has a name, from its token or from its
// client certificate.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/admin/request.hpp"

namespace levy::admin {

enum class Access : std::uint8_t {
  open,     // health: anybody
  monitor,  // no subscriber's facts: without credentials on loopback
  read,
  write,
};
// The value of a hex digit; -1: it is none.
int nibble(char c);

std::string_view access_text(Access access);

// A caller's name: 1 to 31 letters, digits, "-._@".
bool is_caller_name(std::string_view name);

class TokenTable {
 public:
  struct Entry {
    std::string name;
    bool write = false;
    std::array<std::uint8_t, 32> sha256{};
  };

  // Lines `NAME read|write sha256:HEX`; "#" begins a comment. Returns all faults, a line
  // `path:line:column: …` each, or nothing.
  static std::string parse(std::string_view text, const std::string& path, TokenTable& table);
  // The same of a file, which others than its owner and group must not be able to read, nor
  // others than its owner to write.
  static std::string read(const std::string& path, TokenTable& table);

  // null: there is no such token.
  const Entry* find(std::string_view token) const;
  std::size_t size() const { return entries_.size(); }

 private:
  std::vector<Entry> entries_;
};

// The table in force; a reload puts another in its place.
class TokenBook {
 public:
  explicit TokenBook(std::string path) : path_(std::move(path)) {}

  // Reads the file; nothing changes before take(). Returns its faults. Without a path: nothing.
  std::string read(std::shared_ptr<const TokenTable>& fresh) const;
  void take(std::shared_ptr<const TokenTable> fresh);
  std::shared_ptr<const TokenTable> current() const;  // null: there is no file

 private:
  const std::string path_;
  mutable std::mutex mutex_;
  std::shared_ptr<const TokenTable> table_;
};

// What a door asks for.
struct DoorRules {
  bool local = false;  // the Unix socket: everything is allowed
  bool loopback = false;
  bool writes = false;
  bool certificates = false;           // clients may show one
  std::vector<std::string> writers{};  // names in certificates that may write
};

// What a request shows.
struct Shown {
  std::vector<std::string> authorization{};  // its header fields
  std::optional<std::string> certificate{};  // of a client that the CA vouches for: its CN, or
                                             // nothing where that is no caller's name
};

enum class Refused : std::uint8_t { no, no_credentials, bad_credentials, forbidden, writes_off };
struct Verdict {
  Refused refused = Refused::no;
  std::string caller;            // empty: not known, or nobody
  std::optional<Answer> answer;  // of the refusal
};
Verdict judge(const DoorRules& rules, const TokenTable* tokens, const Shown& shown, Access wanted);

}  // namespace levy::admin
