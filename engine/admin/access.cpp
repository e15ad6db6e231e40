// Tokens, callers, verdicts (see access.hpp).
// Core: admin threads. Allocates: yes. Blocks: reads a file. Clock: none.
#include "engine/admin/access.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace levy::admin {

namespace {

constexpr std::size_t file_bytes_max = 1 << 20;
constexpr std::string_view form = "NAME read|write sha256:HEX, as `levyctl token NAME` prints it";

bool parse_digest(std::string_view text, std::array<std::uint8_t, 32>& into) {
  constexpr std::string_view prefix = "sha256:";
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  if (text.size() != 2 * into.size()) return false;
  for (std::size_t i = 0; i < into.size(); ++i) {
    const int high = nibble(text[2 * i]), low = nibble(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    into[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

struct Word {
  std::string_view text;
  std::size_t column = 0;  // from 1
};

std::vector<Word> words_of(std::string_view line) {
  std::vector<Word> words;
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t begin = line.find_first_not_of(" \t\r", at);
    if (begin == std::string_view::npos || line[begin] == '#') break;
    const std::size_t end = std::min(line.find_first_of(" \t\r", begin), line.size());
    words.push_back({line.substr(begin, end - begin), begin + 1});
    at = end;
  }
  return words;
}

// Empty, or what is wrong and (`column`) where.
std::string entry_of(const std::vector<Word>& words, TokenTable::Entry& entry,
                     std::size_t& column) {
  column = words[0].column;
  if (!is_caller_name(words[0].text)) {
    return "\"" + std::string(words[0].text) +
           "\" is no caller's name: 1 to 31 letters, digits, \"-\", \".\", \"_\", \"@\"";
  }
  entry.name = words[0].text;
  if (words.size() != 3) {
    column = words.size() > 3 ? words[3].column : words.back().column + words.back().text.size();
    return "a line has three words: " + std::string(form);
  }
  column = words[1].column;
  if (words[1].text != "read" && words[1].text != "write")
    return "\"" + std::string(words[1].text) + "\": the second word is read or write";
  entry.write = words[1].text == "write";
  column = words[2].column;
  if (!parse_digest(words[2].text, entry.sha256))
    return "the third word is sha256: and 64 hex digits; `levyctl token NAME` prints it";
  return {};
}

// The whole file, or why not.
std::string read_whole(const std::string& path, std::string& text) {
  const auto failed = [&] { return path + ": " + std::strerror(errno) + "\n"; };
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return failed();
  struct stat status {};
  std::string why;
  if (::fstat(file, &status) != 0) {
    why = failed();
  } else if (!S_ISREG(status.st_mode)) {
    why = path + ": this is no file\n";
  } else if ((status.st_mode & (S_IRWXO | S_IWGRP)) != 0) {
    why = path + ": others may read or change it: chmod 640 " + path + "\n";
  } else if (static_cast<std::size_t>(status.st_size) > file_bytes_max) {
    why = path + ": longer than 1 MiB\n";
  }
  char part[4096];
  while (why.empty()) {
    const ssize_t size = ::read(file, part, sizeof part);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) why = failed();
    if (size <= 0) break;
    text.append(part, static_cast<std::size_t>(size));
    if (text.size() > file_bytes_max) why = path + ": longer than 1 MiB\n";
  }
  ::close(file);
  return why;
}

// "Bearer TOKEN" -> TOKEN; empty: it is none.
std::string_view bearer(std::string_view header) {
  constexpr std::string_view scheme = "bearer ";
  if (header.size() <= scheme.size()) return {};
  for (std::size_t i = 0; i < scheme.size(); ++i) {
    const char c = header[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != scheme[i]) return {};
  }
  header.remove_prefix(std::min(header.find_first_not_of(' ', scheme.size()), header.size()));
  const std::size_t last = header.find_last_not_of(' ');
  return last == std::string_view::npos ? std::string_view{} : header.substr(0, last + 1);
}

Verdict refuse(Refused why, int status, std::string_view word, std::string_view detail,
               std::string_view hint, std::string caller = {}) {
  return {why, std::move(caller), error_answer(status, word, detail, hint)};
}

// Its name and whether it may write, or the refusal.
std::optional<Verdict> known_caller(const DoorRules& rules, const TokenTable* tokens,
                                    const Shown& shown, std::string& name, bool& writes) {
  if (shown.authorization.size() > 1) {
    return refuse(Refused::bad_credentials, 401, "bad_credentials",
                  "more than one Authorization header", "send one: Authorization: Bearer TOKEN");
  }
  if (!shown.authorization.empty()) {
    const std::string_view token = bearer(shown.authorization.front());
    const TokenTable::Entry* entry =
        token.empty() || tokens == nullptr ? nullptr : tokens->find(token);
    if (entry == nullptr) {
      return refuse(Refused::bad_credentials, 401, "bad_credentials",
                    token.empty() ? "the Authorization header has no Bearer token"
                                  : "the token is not known here",
                    "`levyctl token NAME` makes one; admin.http.token_file keeps its hash");
    }
    name = entry->name;
    writes = entry->write;
    return std::nullopt;
  }
  if (!shown.certificate) {
    const bool possible = tokens != nullptr || rules.certificates;
    return refuse(Refused::no_credentials, 401, "no_credentials",
                  "this needs a token or a client certificate",
                  possible ? "send Authorization: Bearer TOKEN"
                           : "use the Unix socket, or configure admin.http.token_file");
  }
  if (shown.certificate->empty()) {
    return refuse(Refused::bad_credentials, 401, "bad_credentials",
                  "the certificate's common name is no caller's name",
                  "1 to 31 letters, digits, \"-\", \".\", \"_\", \"@\"");
  }
  name = *shown.certificate;
  writes = std::find(rules.writers.begin(), rules.writers.end(), name) != rules.writers.end();
  return std::nullopt;
}

}  // namespace

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string_view access_text(Access access) {
  switch (access) {
    case Access::open:
      return "open";
    case Access::monitor:
      return "monitor";
    case Access::read:
      return "read";
    case Access::write:
      return "write";
  }
  return "?";
}

bool is_caller_name(std::string_view name) {
  constexpr std::size_t bytes_max = sizeof(shard::OperatorRequest::who) - 1;
  return !name.empty() && name.size() <= bytes_max &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '.' || c == '_' || c == '@';
         });
}

std::string TokenTable::parse(std::string_view text, const std::string& path, TokenTable& table) {
  std::string faults;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::vector<Word> words = words_of(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (words.empty()) continue;
    Entry entry;
    std::size_t column = 0;
    std::string why = entry_of(words, entry, column);
    const bool twice =
        why.empty() && std::any_of(table.entries_.begin(), table.entries_.end(),
                                   [&](const Entry& e) { return e.sha256 == entry.sha256; });
    if (twice) why = "this token stands here twice: remove one of its lines";
    if (why.empty()) {
      table.entries_.push_back(std::move(entry));
      continue;
    }
    faults += path + ":" + std::to_string(number) + ":" + std::to_string(column) + ": " + why;
    faults += "\n";
  }
  return faults;
}

std::string TokenTable::read(const std::string& path, TokenTable& table) {
  std::string text;
  if (const std::string why = read_whole(path, text); !why.empty()) return why;
  return parse(text, path, table);
}

const TokenTable::Entry* TokenTable::find(std::string_view token) const {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest.data());
  const Entry* found = nullptr;
  for (const Entry& entry : entries_) {
    if (CRYPTO_memcmp(entry.sha256.data(), digest.data(), digest.size()) == 0) found = &entry;
  }
  return found;
}

std::string TokenBook::read(std::shared_ptr<const TokenTable>& fresh) const {
  if (path_.empty()) return {};
  const auto table = std::make_shared<TokenTable>();
  std::string faults = TokenTable::read(path_, *table);
  if (faults.empty()) fresh = table;
  return faults;
}

void TokenBook::take(std::shared_ptr<const TokenTable> fresh) {
  const std::lock_guard lock(mutex_);
  table_ = std::move(fresh);
}

std::shared_ptr<const TokenTable> TokenBook::current() const {
  const std::lock_guard lock(mutex_);
  return table_;
}

Verdict judge(const DoorRules& rules, const TokenTable* tokens, const Shown& shown, Access wanted) {
  if (rules.local || wanted == Access::open) return {};
  const bool shows = !shown.authorization.empty() || shown.certificate.has_value();
  if (wanted == Access::monitor && rules.loopback && !shows) return {};
  std::string name;
  bool may_write = false;
  if (auto refusal = known_caller(rules, tokens, shown, name, may_write)) return *refusal;
  if (wanted != Access::write) return {Refused::no, std::move(name), std::nullopt};
  if (!may_write) {
    return refuse(Refused::forbidden, 403, "forbidden", "\"" + name + "\" may read, not change",
                  shown.authorization.empty() ? "admin.http.tls.writers names who may"
                                              : "its line in the token file says read",
                  name);
  }
  if (!rules.writes) {
    return refuse(Refused::writes_off, 403, "forbidden", "nothing is changed over TCP here",
                  "use the Unix socket, or say admin.http.writes: true", name);
  }
  return {Refused::no, std::move(name), std::nullopt};
}

}  // namespace levy::admin
