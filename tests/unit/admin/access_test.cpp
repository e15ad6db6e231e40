// Token files, and who may do what.
#include "engine/admin/access.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "engine/admin/api.hpp"
#include "engine/admin/routes.hpp"

namespace levy::admin {
namespace {

// SHA-256 of "one" and "two".
const std::string one = "sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";
const std::string two = "sha256:3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3";

TokenTable table_of(const std::string& text) {
  TokenTable table;
  EXPECT_EQ(TokenTable::parse(text, "tokens", table), "");
  return table;
}

std::string fault_of(const std::string& text) {
  TokenTable table;
  return TokenTable::parse(text, "tokens", table);
}

TEST(Tokens, AreFoundByTheirHash) {
  const TokenTable table =
      table_of("# who\n\n  ada  write " + one + "  # hers\r\nbob\tread\t" + two);
  ASSERT_EQ(table.size(), 2u);
  ASSERT_NE(table.find("one"), nullptr);
  EXPECT_EQ(table.find("one")->name, "ada");
  EXPECT_TRUE(table.find("one")->write);
  ASSERT_NE(table.find("two"), nullptr);
  EXPECT_EQ(table.find("two")->name, "bob");
  EXPECT_FALSE(table.find("two")->write);
  for (const char* wrong : {"", "One", "one ", "three"}) EXPECT_EQ(table.find(wrong), nullptr);
}

TEST(Tokens, ANameMayHaveTwoWhileOneReplacesTheOther) {
  EXPECT_EQ(table_of("ada write " + one + "\nada write " + two + "\n").size(), 2u);
}

TEST(Tokens, EveryFaultHasItsPlace) {
  const std::pair<std::string, std::string> rows[] = {
      {"ada write", "tokens:1:10: a line has three words"},
      {"\n\nada write " + one + " more", "tokens:3:"},
      {"a/b read " + one, "tokens:1:1: \"a/b\" is no caller's name"},
      {std::string(32, 'a') + " read " + one, "is no caller's name"},
      {"ada admin " + one, "tokens:1:5: \"admin\": the second word is read or write"},
      {"ada read " + one.substr(7), "tokens:1:10: the third word is sha256:"},
      {"ada read " + one.substr(0, one.size() - 1), "tokens:1:10:"},
      {"ada read " + one.substr(0, one.size() - 1) + "g", "tokens:1:10:"},
      {"ada read " + one + "\nbob read " + one, "tokens:2:10: this token stands here twice"},
  };
  for (const auto& [text, wanted] : rows)
    EXPECT_NE(fault_of(text).find(wanted), std::string::npos) << text << "\n" << fault_of(text);
  const std::string both = fault_of("x\ny\n");
  EXPECT_NE(both.find("tokens:1:"), std::string::npos);
  EXPECT_NE(both.find("tokens:2:"), std::string::npos) << "all faults at once";
}

TEST(Tokens, AFileThatOthersCanReadIsRefused) {
  char path[] = "/tmp/levy-tokens-......";
  std::fill(path + sizeof path - 7, path + sizeof path - 1, 'X');
  const int file = ::mkstemp(path);
  ASSERT_GE(file, 0);
  const std::string line = "ada write " + one + "\n";
  ASSERT_EQ(::write(file, line.data(), line.size()), static_cast<ssize_t>(line.size()));
  ::close(file);
  for (const mode_t mode : {0600u, 0640u, 0400u, 0644u, 0604u, 0620u, 0602u, 0601u}) {
    ASSERT_EQ(::chmod(path, mode), 0);
    TokenTable table;
    const bool good = (mode & 027u) == 0;
    EXPECT_EQ(TokenTable::read(path, table).empty(), good) << std::oct << mode;
    EXPECT_EQ(table.size(), good ? 1u : 0u);
  }
  std::remove(path);
  TokenTable table;
  EXPECT_NE(TokenTable::read(path, table).find(path), std::string::npos);
  EXPECT_NE(TokenTable::read("/tmp", table).find("this is no file"), std::string::npos);
}

TEST(Tokens, AFaultyFileLeavesTheTableInForce) {
  TokenBook none("");
  std::shared_ptr<const TokenTable> fresh;
  EXPECT_EQ(none.read(fresh), "");
  EXPECT_EQ(fresh, nullptr);
  TokenBook book("/nonexistent/tokens");
  const auto held = std::make_shared<const TokenTable>(table_of("ada write " + one));
  book.take(held);
  EXPECT_NE(book.read(fresh), "");
  EXPECT_EQ(fresh, nullptr);
  EXPECT_EQ(book.current(), held);
}

struct Row {
  const char* what;
  DoorRules rules;
  Shown shown;
  Access wanted;
  Refused refused;
  const char* caller;
};

TEST(Access, Verdicts) {
  const TokenTable tokens = table_of("ada write " + one + "\nbob read " + two);
  const DoorRules local{.local = true};
  const DoorRules loop{.loopback = true, .writes = true};
  const DoorRules still{.loopback = true};
  const DoorRules far{.writes = true, .certificates = true, .writers = {"eve"}};
  const Shown nothing, ada{{"Bearer one"}, {}}, bob{{"bearer  two "}, {}}, odd{{"Basic one"}, {}};
  const Shown wrong{{"Bearer three"}, {}}, twice{{"Bearer one", "Bearer one"}, {}};
  const Shown eve{{}, "eve"}, joe{{}, "joe"}, nameless{{}, ""};
  using enum Refused;
  const Row rows[] = {
      {"the socket needs nothing", local, nothing, Access::write, no, ""},
      {"health is open", far, wrong, Access::open, no, ""},
      {"metrics on loopback", loop, nothing, Access::monitor, no, ""},
      {"metrics elsewhere", far, nothing, Access::monitor, no_credentials, ""},
      {"metrics with a wrong token", loop, wrong, Access::monitor, bad_credentials, ""},
      {"reads on loopback", loop, nothing, Access::read, no_credentials, ""},
      {"a reader reads", far, bob, Access::read, no, "bob"},
      {"a reader does not write", far, bob, Access::write, forbidden, "bob"},
      {"a writer writes", loop, ada, Access::write, no, "ada"},
      {"where writes are off", still, ada, Access::write, writes_off, "ada"},
      {"Basic is no Bearer", loop, odd, Access::read, bad_credentials, ""},
      {"an unknown token", loop, wrong, Access::write, bad_credentials, ""},
      {"two headers", loop, twice, Access::read, bad_credentials, ""},
      {"an empty token", loop, {{"Bearer "}, {}}, Access::read, bad_credentials, ""},
      {"a certificate reads", far, joe, Access::read, no, "joe"},
      {"a certificate writes where it is named", far, eve, Access::write, no, "eve"},
      {"and not elsewhere", far, joe, Access::write, forbidden, "joe"},
      {"a certificate without a name", far, nameless, Access::read, bad_credentials, ""},
      {"a token goes before a certificate",
       far,
       {{"Bearer two"}, "eve"},
       Access::write,
       forbidden,
       "bob"},
      {"a wrong one is not made good by it",
       far,
       {{"Bearer x"}, "eve"},
       Access::read,
       bad_credentials,
       ""},
  };
  for (const Row& row : rows) {
    const Verdict verdict = judge(row.rules, &tokens, row.shown, row.wanted);
    EXPECT_EQ(verdict.refused, row.refused) << row.what;
    EXPECT_EQ(verdict.caller, row.caller) << row.what;
    EXPECT_EQ(verdict.answer.has_value(), row.refused != no) << row.what;
    if (!verdict.answer) continue;
    const bool unknown = row.refused == no_credentials || row.refused == bad_credentials;
    EXPECT_EQ(verdict.answer->status, unknown ? 401 : 403) << row.what;
  }
  EXPECT_EQ(judge(loop, nullptr, ada, Access::read).refused, bad_credentials);
}

TEST(Access, Loopback) {
  for (const char* text : {"127.0.0.1", "127.8.9.10", "::1"}) EXPECT_TRUE(is_loopback(text));
  for (const char* text : {"0.0.0.0", "10.0.0.1", "::", "128.0.0.1", "localhost", ""})
    EXPECT_FALSE(is_loopback(text)) << text;
}

TEST(Routes, NamesAreOneSegmentDecoded) {
  std::string name, allowed;
  const Route* route =
      find_route("GET", "/v1/subscribers/sip:a%2Fb%40c/sessions?x=1", name, allowed);
  ASSERT_NE(route, nullptr);
  EXPECT_EQ(route->operation, "listSessions");
  EXPECT_EQ(name, "sip:a/b@c");
  for (const char* target : {"/v1/subscribers/", "/v1/subscribers//sessions", "", "v1/status",
                             "/v1/subscribers/a/b", "/v1/subscribers/%zz", "/v1/subscribers/%4",
                             "/v1/status/", "//v1/status", "/v1/subscribers/%"}) {
    EXPECT_EQ(find_route("GET", target, name, allowed), nullptr) << target;
  }
  EXPECT_EQ(find_route("PUT", "/v1/subscribers/a", name, allowed), nullptr);
  EXPECT_EQ(allowed, "GET, DELETE");
  EXPECT_NE(find_route("HEAD", "/healthz", name, allowed), nullptr);
}

TEST(Routes, EachIsToldApart) {
  for (const Route& a : routes()) {
    EXPECT_TRUE(a.act != nullptr || a.stream != Stream::none) << a.pattern;
    EXPECT_TRUE(a.access != Access::write || a.method != "GET") << a.pattern;
    for (const Route& b : routes()) {
      if (&a == &b) continue;
      EXPECT_NE(a.operation, b.operation);
      EXPECT_FALSE(a.method == b.method && a.pattern == b.pattern) << a.pattern;
    }
  }
}

}  // namespace
}  // namespace levy::admin
