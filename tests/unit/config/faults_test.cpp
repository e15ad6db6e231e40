// Every fault of a file is reported in one run, at its line and column, with what to do.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "config/load.hpp"
#include "tests/unit/config/text_files.hpp"

namespace levy::config {
namespace {

struct Expected {
  int line;
  int column;
  const char* key;
  const char* text;  // part of the printed line
};

constexpr const char* planted = R"(node:
  nmae: levy-1
diameter:
  origin_host: "ocs levy"
  origin_realm: levy.example
  watchdog: 5 s
  watchdog: 30 s
  connections_max: 0
  connections_per_peer_max: 1e2
  receive_buffer: 64
  send_buffer: 1.5 B
  product_name:
  accept_unknown: yes
  realms_served: some
  listeners:
    - address: 127.0.0.1
      port: 65536
    - address: localhost
    - port: 3868
    - {address: 10.0.0.1, port: 3869}
    - {address: 0.0.0.0, port: 3869}
  dialects:
    magma:
      no_credit_code: 4011
      raa_retry: 3002
      overload_update: dorp
      deadline: 0.5 ms
      supersede: no
  peers:
    - identity: a.example
      dialect: magna
    - identity: A.Example
    - identity: b.example
      connect: b.example
data:
  shards: 65
  segment_size: 1025 KiB
  snapshot: {after: 1 ZiB}
plans: [plans/missing.yaml, plans/p.yaml]
capacity:
  identities_max: 99_999
placement:
  mode: spread
  edge_core: 0
  shard_cores: [0, 7]
  idle: yeild
overload: 4096
admin:
  http: {port: -1, adress: 127.0.0.1}
watchdog: 30 s
log: {level: [info]}
)";

constexpr const char* planted_plan = R"(bucket_kinds:
  - {kind: gold, unit: money}
  - {kind: bonus, unit: octets, currency: EUR}
---
plan: p
currency: euro
overrun: debit
services:
  - service: internet
    rating_groups: [1, 4294967296]
    unit: octets
    price: 0.25 EUR per 60 s
    grant: {default: 0, max: 1.5 octets}
    validity: 30
    threshold: {share: 100 %}
    on_final: redirect
    on_lost: charge
  - service: call
    rating_groups: any
    price: 0.25 EUR each
---
plan: p
currency: USD
services:
  - service: sms
    rating_groups: none
    unit: events
    price: 0.15 EUR per event
    grant: {frist: 1}
)";

const std::vector<Expected> options{
    {2, 3, "node.nmae", "did you mean \"name\"?"},
    {4, 16, "diameter.origin_host", "is not a host name; value: ocs levy"},
    {6, 13, "diameter.watchdog", "value: 5 s; allowed: 6 s to 5 min; raise it"},
    {7, 3, "watchdog", "given twice; keep one; the first is at line 6"},
    {8, 20, "diameter.connections_max", "value: 0; allowed: 1 to 4096 connections"},
    {9, 29, "diameter.connections_per_peer_max", "is not a whole number; value: 1e2"},
    {10, 19, "diameter.receive_buffer", "has no unit; units are B, kB"},
    {11, 16, "diameter.send_buffer", "is not a whole number of bytes"},
    {12, 3, "diameter.product_name", "the key has no value"},
    {13, 19, "diameter.accept_unknown", "is neither true nor false; value: yes"},
    {14, 18, "diameter.realms_served", "expected a list, found a single value"},
    {17, 13, "diameter.listeners[0].port", "allowed: 0 to 65535"},
    {18, 16, "diameter.listeners[1].address", "is not an IP address"},
    {19, 7, "diameter.listeners[2].address", "this key is missing"},
    {21, 7, "diameter.listeners[4]", "already taken by diameter.listeners[3]"},
    {24, 23, "diameter.dialects.magma.no_credit_code", "allowed: 2001, 4012"},
    {25, 18, "diameter.dialects.magma.raa_retry", "expected a list"},
    {26, 24, "diameter.dialects.magma.overload_update", "did you mean \"drop\"?"},
    {27, 17, "diameter.dialects.magma.deadline", "is not a whole number of milliseconds"},
    {28, 18, "diameter.dialects.magma.supersede", "is neither true nor false; value: no"},
    {31, 16, "diameter.peers[0].dialect", "did you mean \"magma\"?"},
    {32, 17, "diameter.peers[1].identity", "the other is diameter.peers[0]"},
    {34, 16, "diameter.peers[2].connect", "has no port"},
    {36, 11, "data.shards", "value: 65; allowed: 1 to 64 shards; lower it"},
    {37, 17, "data.segment_size", "a multiple of 4096 B"},
    {38, 21, "data.snapshot.after", "unknown unit \"ZiB\""},
    {39, 9, "plans", "there is no such file or directory"},
    {41, 19, "capacity.identities_max", "at least 100000"},
    {45, 17, "placement.shard_cores[0]", "this core is named twice"},
    {45, 20, "placement.shard_cores[1]", "no such core; value: 7; allowed: 0, 1"},
    {43, 3, "placement.journal_core", "this key is missing"},
    {46, 9, "placement.idle", "did you mean \"yield\"?"},
    {47, 11, "overload", "expected a mapping, found a single value; value: 4096"},
    {49, 16, "admin.http.port", "value: -1; allowed: 0 to 65535; raise it"},
    {49, 20, "admin.http.adress", "did you mean \"address\"?"},
    {50, 1, "watchdog", "that key belongs under diameter"},
    {51, 14, "log.level", "expected one value, found a list"},
};

const std::vector<Expected> plans{
    {2, 5, "bucket_kinds[0].currency", "a bucket of money needs its currency"},
    {3, 43, "bucket_kinds[1].currency", "only a bucket of money has a currency"},
    {6, 11, "currency", "is not a currency code; value: euro"},
    {7, 10, "overrun", "did you mean \"debt\"?"},
    {10, 24, "services[0].rating_groups[1]", "is out of bounds; value: 4294967296"},
    {12, 12, "services[0].price", "after \"per\": has an unknown unit \"s\""},
    {13, 22, "services[0].grant.default", "out of bounds; value: 0"},
    {13, 30, "services[0].grant.max", "is not a whole number of octets"},
    {14, 15, "services[0].validity", "has no unit"},
    {15, 24, "services[0].threshold.share", "allowed: 0.1 % to 99.9 %"},
    {16, 15, "services[0].on_final", "needs an address"},
    {17, 14, "services[0].on_lost", "allowed: release, charge_reserved"},
    {18, 5, "services[1].unit", "this key is missing; allowed: octets, seconds, events"},
    {20, 12, "services[1].price", "is not a price; value: 0.25 EUR each"},
    {22, 7, "plan", "this name is given twice; the first is at "},
    {28, 12, "services[0].price", "in another currency than the plan"},
    {29, 13, "services[0].grant.frist", "did you mean \"first\"?"},
};

constexpr const char* planted_product = R"(bucket_kinds:
  - {kind: a, unit: events, weights: [sms]}
  - {kind: b, unit: events, weights: {sms: heavy, call: 0.5}}
  - {kind: c, unit: events, when: {plmns: abroad}}
---
plan: p
kind: add-on
currency: EUR
priority: 32768
lasts: 0 days
fees:
  - {fee: monthly, amount: 10, every: mnth}
  - {amount: 10 USD}
allowances: 5 GB
---
plan: q
currency: EUR
allowances:
  - {allowance: a, amount: 1.5 octets, every: 2.5 days}
  - {allowance: a, amount: 0, rollover: {at_most: -1}}
  - {allowance: a, amount: 900000000000 EURO, rollover: 3}
)";

const std::vector<Expected> products{
    {2, 38, "bucket_kinds[0].weights", "the value is not a mapping"},
    {3, 44, "bucket_kinds[1].weights.sms", "not a decimal above 0; value: heavy"},
    {4, 36, "bucket_kinds[2].when.plmns", "did you mean \"plmn\"?"},
    {7, 7, "kind", "did you mean \"addon\"?"},
    {9, 11, "priority", "value: 32768; allowed: -32768 to 32767"},
    {10, 8, "lasts", "is out of bounds: 1 to 255; value: 0 days"},
    {12, 28, "fees[0].amount", "does not name a currency"},
    {12, 39, "fees[0].every", "unknown period \"mnth\""},
    {13, 5, "fees[1].fee", "this key is missing"},
    {13, 14, "fees[1].amount", "in another currency than the plan"},
    {14, 13, "allowances", "expected a list"},
    {16, 1, "services", "a base plan needs services"},
    {19, 28, "allowances[0].amount", "is not a whole number of octets"},
    {19, 47, "allowances[0].every", "does not begin with a whole number"},
    {20, 28, "allowances[1].amount", "is out of bounds: 1 to 281474976710655"},
    {20, 41, "allowances[1].rollover.periods", "this key is missing; allowed: 1 to 250"},
    {20, 51, "allowances[1].rollover.at_most", "is not a number; value: -1"},
    {21, 28, "allowances[2].amount", "unknown unit \"EURO\""},
    {21, 57, "allowances[2].rollover", "expected a mapping"},
};

const Diagnostic* find(const Diagnostics& diagnostics, const std::string& file,
                       const Expected& wanted) {
  for (const Diagnostic& item : diagnostics.items()) {
    if (item.place.file == file && item.place.line == wanted.line &&
        item.place.column == wanted.column && item.key == wanted.key) {
      return &item;
    }
  }
  return nullptr;
}

void expect_faults(const Diagnostics& diagnostics, const std::string& file,
                   const std::vector<Expected>& expected) {
  for (const Expected& wanted : expected) {
    const Diagnostic* found = find(diagnostics, file, wanted);
    ASSERT_NE(found, nullptr) << wanted.line << ":" << wanted.column << " " << wanted.key;
    EXPECT_NE(to_string(*found).find(wanted.text), std::string::npos)
        << to_string(*found) << "\nlacks: " << wanted.text;
  }
}

TEST(Faults, AllInOneRunWithPlaces) {
  TextFiles files;
  const std::string path = files.write("levyd.yaml", planted);
  const std::string plan = files.write("plans/p.yaml", planted_plan);
  const Loaded loaded = load(path, Machine{{0, 1}});
  expect_faults(loaded.diagnostics, path, options);
  expect_faults(loaded.diagnostics, plan, plans);
  std::ostringstream all;
  loaded.diagnostics.print(all);
  EXPECT_EQ(loaded.diagnostics.count(), options.size() + plans.size()) << all.str();
  EXPECT_TRUE(std::is_sorted(loaded.diagnostics.items().begin(), loaded.diagnostics.items().end(),
                             [](const Diagnostic& a, const Diagnostic& b) {
                               return a.place.file == b.place.file && a.place.line < b.place.line;
                             }));
}

struct HttpRow {
  std::string http;   // what stands below `http:`
  Expected expected;  // line 1 is its first
};

TEST(Faults, OfTheHttpDoor) {
  const std::string head =
      "diameter: {origin_host: a.example, origin_realm: example, accept_unknown: true,\n"
      "  listeners: [{address: 127.0.0.1}]}\nplans: p.yaml\nadmin:\n  http:\n";
  const HttpRow rows[] = {
      {"    address: 0.0.0.0\n", {1, 14, "admin.http.address", "there are no credentials"}},
      {"    address: 192.0.2.1\n    writes: true\n",
       {2, 13, "admin.http.writes", "nobody could write"}},
      {"    writes: true\n", {1, 13, "admin.http.writes", "nobody could write"}},
      {"    address: \"::\"\n    token_file: t\n",
       {2, 17, "admin.http.token_file", "tokens would cross the network in clear"}},
      {"    tls: {certificate: c}\n", {1, 24, "admin.http.tls.certificate", "it needs `key`"}},
      {"    tls: {key: k}\n", {1, 16, "admin.http.tls.key", "it needs `certificate`"}},
      {"    tls: {client_ca: k}\n", {1, 22, "admin.http.tls.client_ca", "it needs `certificate`"}},
      {"    tls: {writers: [ada]}\n", {1, 20, "admin.http.tls.writers", "it needs `client_ca`"}},
      {"    tls: {writers: [a/b]}\n",
       {1, 21, "admin.http.tls.writers[0]", "this is no caller's name"}},
  };
  TextFiles files;
  for (const HttpRow& row : rows) {
    const std::string path = files.write("levyd.yaml", head + row.http);
    Expected expected = row.expected;
    expected.line += 5;
    expect_faults(load(path, Machine{{0, 1}}).diagnostics, path, {expected});
  }
  const char* good[] = {
      "    writes: false\n",
      "    token_file: t\n    writes: true\n",
      "    address: 0.0.0.0\n    token_file: t\n    plaintext_tokens: true\n",
      "    address: \"::\"\n    token_file: t\n    tls: {certificate: c, key: k}\n",
      "    address: 10.0.0.1\n    writes: true\n    tls: {certificate: c, key: k, client_ca: a,"
      " writers: [ada]}\n",
      "    enabled: false\n    address: 0.0.0.0\n"};
  for (const char* text : good) {
    const Loaded loaded = load(files.write("levyd.yaml", head + text), Machine{{0, 1}});
    for (const Diagnostic& item : loaded.diagnostics.items())
      EXPECT_EQ(item.key.find("admin"), std::string::npos) << to_string(item);
  }
}

TEST(Faults, OfProducts) {
  TextFiles files;
  const std::string plan = files.write("p.yaml", planted_product);
  const LoadedCatalogue loaded = load_catalogue({plan});
  expect_faults(loaded.diagnostics, plan, products);
  std::ostringstream all;
  loaded.diagnostics.print(all);
  EXPECT_EQ(loaded.diagnostics.count(), products.size()) << all.str();
}

TEST(Faults, NearestKeyOnlyWhenNear) {
  const std::vector<std::string_view> keys{"watchdog", "connections_max", "peers"};
  EXPECT_EQ(nearest("watchdgo", keys), "watchdog");
  EXPECT_EQ(nearest("conections_max", keys), "connections_max");
  EXPECT_EQ(nearest("pears", keys), "peers");
  EXPECT_EQ(nearest("balance", keys), "");
  EXPECT_EQ(nearest("", keys), "");
  EXPECT_EQ(nearest(std::string(10'000, 'w'), keys), "");
}

TEST(Faults, MissingFilesAndDirectories) {
  TextFiles files;
  EXPECT_NE(to_string(load(files.directory() + "/none.yaml").diagnostics.items().at(0))
                .find("there is no such file"),
            std::string::npos);
  EXPECT_NE(to_string(load(files.directory()).diagnostics.items().at(0)).find("not a regular file"),
            std::string::npos);
  EXPECT_EQ(load(files.write("empty.yaml", "# nothing\n")).diagnostics.count(), 1u);
  files.write("plans/readme.txt", "no plan");
  const LoadedCatalogue none = load_catalogue({files.directory() + "/plans"});
  EXPECT_NE(to_string(none.diagnostics.items().at(0)).find("has no plan file"), std::string::npos);
  const std::string twice = files.write("plans/a.yaml", "plans: []\n");
  const LoadedCatalogue both = load_catalogue({files.directory() + "/plans", twice});
  EXPECT_NE(to_string(both.diagnostics.items().at(0)).find("named twice"), std::string::npos);
}

TEST(Faults, ManyFaultsAreCountedAndBounded) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "unknown" + std::to_string(i) + ": 1\n";
  TextFiles files;
  const Loaded loaded = load(files.write("levyd.yaml", text));
  EXPECT_GE(loaded.diagnostics.count(), 5000u);
  EXPECT_EQ(loaded.diagnostics.items().size(), Diagnostics::shown_max);
  std::ostringstream all;
  loaded.diagnostics.print(all);
  EXPECT_NE(all.str().find("more faults that are not shown"), std::string::npos);
}

}  // namespace
}  // namespace levy::config
