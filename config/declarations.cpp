// The keys of levyd.yaml: each declared once, with unit, bounds and prose.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// Defaults are the initialisers of options.hpp. A new option is a member there and a line here; the
// key list in keys.md and `levyd --help-config` follow by themselves.
#include <algorithm>
#include <cctype>

#include "config/limits.hpp"
#include "config/options.hpp"
#include "config/reader.hpp"

namespace levy::config {
namespace {

constexpr std::int64_t kib = 1024;
constexpr std::int64_t mib = 1024 * kib;
constexpr std::int64_t gib = 1024 * mib;
constexpr std::int64_t tib = 1024 * gib;
constexpr std::int64_t in_s = 1'000'000;  // duration bases, microseconds
constexpr std::int64_t in_ms = 1'000;
constexpr std::int64_t in_us = 1;
constexpr std::int64_t core_max = 1023;
constexpr std::int64_t path_bytes_max = 1024;
constexpr std::int64_t caller_name_bytes_max = 31;  // of a Record's `who`

const Options default_options;
const Listener default_listener;
const PeerOptions default_peer;
const app::Dialect default_dialect;

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// ---- readers of the values that are more than one scalar

void read_realms(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& diameter = static_cast<Options*>(owner)->diameter;
  if (node.type == YamlNode::Type::scalar && node.text == "any") {
    diameter.any_realm = true;
    return;
  }
  const Key element = textual("", Kind::identity, 0, {}, "");
  const auto& items = reader.read_items(node, path, "any, or a list of realms");
  for (std::size_t i = 0; i < items.size(); ++i) {
    Value value;
    if (reader.read_value(element, *items[i], item_path(path, i), value)) {
      diameter.realms_served.push_back(lower(value.text));
    }
  }
}

void read_listeners(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  read_list(reader, node, path, *listener_section(),
            static_cast<Options*>(owner)->diameter.listeners);
}

void read_peers(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  read_list(reader, node, path, *peer_section(), static_cast<Options*>(owner)->diameter.peers);
}

void read_connect(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& peer = *static_cast<PeerOptions*>(owner);
  const std::string_view form = "host:port, 192.0.2.1:3868 or [2001:db8::1]:3868";
  const std::string* text = reader.read_scalar(node, path, form);
  if (text == nullptr) return;
  const ParsedEndpoint endpoint = parse_endpoint(*text);
  if (!endpoint.ok()) {
    reader.fault(node, path, "the value " + endpoint.fault, std::string(form), "correct it");
    return;
  }
  peer.connect_host = endpoint.host;
  peer.connect_port = endpoint.port;
}

void read_dialects(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& dialects = static_cast<Options*>(owner)->diameter.dialects;
  if (node.type != YamlNode::Type::mapping) {
    reader.fault(node, path, "expected a mapping of names to dialects", "name: {keys}",
                 "write \"name:\" with its keys below it");
    return;
  }
  for (const auto& [name, value] : node.entries) {
    if (!is_name(name->text)) {
      reader.fault(*name, path, "the dialect's name is not a name",
                   "letters, digits, '-', '_', '.'", "rename it");
      continue;
    }
    app::Dialect dialect;
    std::fill(std::begin(dialect.name), std::end(dialect.name), '\0');
    name->text.copy(dialect.name, sizeof dialect.name - 1);
    reader.read_section(*dialect_section(), *value, sub_path(path, name->text), &dialect);
    if (name->text == "default") {
      dialects.front() = dialect;
    } else {
      dialects.push_back(dialect);
    }
  }
}

void read_raa_retry(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& dialect = *static_cast<app::Dialect*>(owner);
  const Key code = word("", {"3002", "5012"}, {}, "");
  const auto& items = reader.read_items(node, path, "a list of 3002 and 5012");
  dialect.raa_retry_3002 = false;
  dialect.raa_retry_5012 = false;
  for (std::size_t i = 0; i < items.size(); ++i) {
    Value value;
    if (!reader.read_value(code, *items[i], item_path(path, i), value)) continue;
    (value.number == 0 ? dialect.raa_retry_3002 : dialect.raa_retry_5012) = true;
  }
}

void read_plan_paths(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& paths = static_cast<Options*>(owner)->plan_paths;
  const Key element = textual("", Kind::path, path_bytes_max, {}, "");
  Value value;
  if (node.type == YamlNode::Type::scalar) {
    if (reader.read_value(element, node, path, value)) paths.push_back(value.text);
    return;
  }
  const auto& items = reader.read_items(node, path, "a path, or a list of paths");
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (reader.read_value(element, *items[i], item_path(path, i), value)) {
      paths.push_back(value.text);
    }
  }
}

void read_shard_cores(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& cores = static_cast<Options*>(owner)->placement.shard_cores;
  const Key element = integer("", 0, core_max, "", {}, "");
  const auto& items = reader.read_items(node, path, "a list of core numbers");
  for (std::size_t i = 0; i < items.size(); ++i) {
    Value value;
    if (reader.read_value(element, *items[i], item_path(path, i), value)) {
      cores.push_back(value.number);
    }
  }
}

void read_record_formats(Reader& reader, const YamlNode& node, const std::string& path,
                         void* owner) {
  auto& records = static_cast<Options*>(owner)->records;
  const Key format = word("", {"jsonl", "csv"}, {}, "");
  const auto& items = reader.read_items(node, path, "a list of jsonl and csv");
  records.jsonl = records.csv = false;
  for (std::size_t i = 0; i < items.size(); ++i) {
    Value value;
    if (!reader.read_value(format, *items[i], item_path(path, i), value)) continue;
    (value.number == 0 ? records.jsonl : records.csv) = true;
  }
  if (items.empty())
    reader.fault(node, path, "no format is named", "a list of jsonl and csv",
                 "name one, or remove `records`");
}

// ---- sections

#define LEVY_OPTION(path) LEVY_FIELD(Options, path)

const Section* node_section() {
  static const Section section{
      "node", "Who this daemon is.", &default_options,
      {textual("name", Kind::name, 0, LEVY_OPTION(node_name),
               "Name of this node; it is written into the journal, and another node's data "
               "directory is refused.")}};
  return &section;
}

const Section* diameter_section() {
  static const Section section{
      "diameter",
      "The Diameter side: our identity, the sockets, the peers.",
      &default_options,
      {required(textual("origin_host", Kind::identity, 0, LEVY_OPTION(diameter.origin_host),
                        "Our DiameterIdentity: Origin-Host of all that we send.")),
       required(textual("origin_realm", Kind::identity, 0, LEVY_OPTION(diameter.origin_realm),
                        "Our Origin-Realm.")),
       textual("product_name", Kind::text, 64, LEVY_OPTION(diameter.product_name),
               "Product-Name in CER and CEA."),
       integer("vendor_id", 0, 0xffffffff, "", LEVY_OPTION(diameter.vendor_id),
               "Vendor-Id in CER and CEA: our IANA enterprise number, 0 = none."),
       shaped(
           custom(
               "realms_served", "any, or a list of realms", read_realms, "the own realm",
               "Destination-Realms that we answer; others get 3003. `any` for gateways that send "
               "their own realm (Open5GS)."),
           Shape::list, "^[A-Za-z0-9._-]{1,255}$", {"any"}),
       boolean("accept_unknown", LEVY_OPTION(diameter.accept_unknown),
               "Take peers that `peers` does not list, with the dialect `default`; else they get "
               "3010 and the log names the identity to add."),
       duration("watchdog", in_s, 6, 300, LEVY_OPTION(diameter.watchdog_s),
                "Tw of RFC 3539: idle time before a DWR."),
       duration("capabilities_timeout", in_s, 1, 120, LEVY_OPTION(diameter.capabilities_timeout_s),
                "How long a new connection may take to send its CER (or our CER its CEA)."),
       duration("reconnect", in_s, 1, 3600, LEVY_OPTION(diameter.reconnect_s),
                "Tc: pause between attempts to connect to a peer that has `connect`."),
       integer("connections_max", 1, 4096, "connections", LEVY_OPTION(diameter.connections_max),
               "Connections open at once, all peers together."),
       integer("connections_per_peer_max", 1, 256, "connections",
               LEVY_OPTION(diameter.connections_per_peer_max),
               "Connections of one Origin-Host; Magma opens one per application."),
       size("receive_buffer", 32 * kib, 16 * mib, LEVY_OPTION(diameter.receive_buffer_bytes),
            "Bytes received and not yet cut into messages, per connection."),
       size("send_buffer", 32 * kib, 64 * mib, LEVY_OPTION(diameter.send_buffer_bytes),
            "Bytes waiting for the peer to read, per connection; a peer that lets it fill up is "
            "disconnected."),
       required(of_section(custom("listeners", "a list of {address, port}", read_listeners, "",
                                  "Sockets to listen on."),
                           Shape::list, listener_section)),
       of_section(custom("peers", "a list of {identity, …}", read_peers, "none",
                         "Gateways and agents that we know."),
                  Shape::list, peer_section),
       of_section(custom("dialects", "name: {keys}", read_dialects, "`default` alone",
                         "What some makes of gateway cannot take, by name; `default` may be "
                         "redefined."),
                  Shape::map, dialect_section)}};
  return &section;
}

const Section* snapshot_section() {
  static const Section section{
      "data.snapshot", "When a snapshot is taken: whichever comes first.", &default_options,
      {duration("every", in_s, 1, 7 * 86'400, LEVY_OPTION(data.snapshot_every_s),
                "Time between snapshots."),
       size("after", 64 * mib, tib, LEVY_OPTION(data.snapshot_after_bytes),
            "Journal bytes between snapshots, or the size of the last snapshot where that is more: "
            "bounds the time of recovery, and the disk: two such periods are kept (`levyd --check` "
            "prints the sum).")}};
  return &section;
}

const Section* data_section() {
  static const Section section{
      "data", "What is kept on disk, and how safely.", &default_options,
      {textual("directory", Kind::path, path_bytes_max, LEVY_OPTION(data.directory),
               "Data directory: journal, snapshots, plan versions. One daemon per directory."),
       integer("shards", 1, static_cast<std::int64_t>(limits::shards_max), "shards",
               LEVY_OPTION(data.shards),
               "Shards of a new data directory. Fixed when it is made: another number here is "
               "then refused."),
       word("durability", {"synced", "relaxed"}, LEVY_OPTION(data.durability),
            "`synced`: no answer leaves before its Record is on disk. `relaxed`: answers do not "
            "wait, and a crash loses the last writes in flight."),
       word("write_mode", {"auto", "io_uring", "thread"}, LEVY_OPTION(data.write_mode),
            "How the journal is written: `auto` takes io_uring where the kernel allows it, else a "
            "thread."),
       size("segment_size", mib, 4 * gib, LEVY_OPTION(data.segment_bytes),
            "Size of one journal segment; a multiple of 4 KiB. Two are always allocated."),
       nested("snapshot", snapshot_section)}};
  return &section;
}

const Section* capacity_section() {
  constexpr std::int64_t billion = 1'000'000'000;
  static const Section section{
      "capacity", "Sizes of the pools, all Shards together; allocated at start-up.",
      &default_options,
      {integer("accounts_max", 1, billion, "accounts", LEVY_OPTION(capacity.accounts_max),
               "Balance owners."),
       integer("identities_max", 1, billion, "identities", LEVY_OPTION(capacity.identities_max),
               "IMSI, E.164, NAI … that lead to accounts; at least one per account."),
       integer("buckets_max", 1, billion, "buckets", LEVY_OPTION(capacity.buckets_max),
               "Wallets and allowances; at least one per account."),
       integer("products_max", 1, billion, "products", LEVY_OPTION(capacity.products_max),
               "Products held: add-ons, and base plans that have fees or allowances."),
       integer("counters_max", 1, billion, "counters", LEVY_OPTION(capacity.counters_max),
               "Counters of accounts and subscribers whose plans declare some."),
       integer("sessions_max", 1, billion, "sessions", LEVY_OPTION(capacity.sessions_max),
               "Sessions open at once."),
       integer("groups_max", 1, billion, "rating groups", LEVY_OPTION(capacity.groups_max),
               "Rating groups of all open sessions; at least one per session."),
       integer("tombstones_max", 1, billion, "sessions", LEVY_OPTION(capacity.tombstones_max),
               "Ended sessions and events remembered for duplicates: at least what ends per "
               "second times `sessions.duplicate_window`. When full, the oldest ended sessions are "
               "given up for new ones (levy_tombstones_given_up_total); events never are.")}};
  return &section;
}

const Section* placement_section() {
  static const Section section{
      "placement",
      "Which core runs what.",
      &default_options,
      {word("mode", {"one_core", "spread"}, LEVY_OPTION(placement.mode),
            "`one_core`: edge, Shards and journal take turns on one thread. `spread`: a thread "
            "each, as the core keys say."),
       integer("edge_core", 0, core_max, "", LEVY_OPTION(placement.edge_core),
               "Core of the edge; with `one_core` the core of everything."),
       shaped(custom("shard_cores", "a list of core numbers", read_shard_cores, "none",
                     "Cores of the Shard Loops (`spread` only); the Shards are dealt over them."),
              Shape::list, "^[0-9]+$"),
       integer("journal_core", 0, core_max, "", LEVY_OPTION(placement.journal_core),
               "Core of the journal (`spread` only)."),
       word("idle", {"spin", "yield", "sleep"}, LEVY_OPTION(placement.idle),
            "What a Loop without work does: `spin` on a dedicated core, `yield` to other threads, "
            "`sleep` on machines that do other things."),
       duration("idle_sleep", in_us, 1, 10'000, LEVY_OPTION(placement.idle_sleep_us),
                "Length of one sleep (`idle: sleep`).")}};
  return &section;
}

const Section* sessions_section() {
  static const Section section{
      "sessions", "Lives of sessions.", &default_options,
      {duration("duplicate_window", in_s, 60, 86'400, LEVY_OPTION(sessions.duplicate_window_s),
                "How long ended sessions and events are remembered; later repeats are answered "
                "5002 and kept as disputes."),
       duration("ttl", in_s, 60, 30 * 86'400, LEVY_OPTION(sessions.ttl_s),
                "Tcc of sessions without a Validity-Time whose plan is gone; a plan has its own "
                "`session_ttl`."),
       duration("push_retry", in_s, 1, 300, LEVY_OPTION(sessions.push_retry_s),
                "Time between two tries of one RAR."),
       duration("abort_wait", in_s, 1, 3600, LEVY_OPTION(sessions.abort_wait_s),
                "How long an aborted session's CCR-T is waited for (dialect key `asr`); then it "
                "ends as a lost one."),
       integer("push_tries_max", 1, 100, "tries", LEVY_OPTION(sessions.push_tries_max),
               "Tries of one RAR before the session's gateway counts as silent."),
       duration("event_time_skew_max", in_s, 0, 30 * 86'400,
                LEVY_OPTION(sessions.event_time_skew_max_s),
                "Event-Timestamps that are further from the time of arrival are not believed: "
                "rates are then chosen by the time of arrival.")}};
  return &section;
}

void read_writers(Reader& reader, const YamlNode& node, const std::string& path, void* owner) {
  auto& writers = static_cast<Options*>(owner)->admin.http.tls.writers;
  const Key element = textual("", Kind::text, caller_name_bytes_max, {}, "");
  const auto& items = reader.read_items(node, path, "a list of common names");
  for (std::size_t i = 0; i < items.size(); ++i) {
    Value value;
    if (!reader.read_value(element, *items[i], item_path(path, i), value)) continue;
    const bool good = std::all_of(value.text.begin(), value.text.end(), [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
             std::string_view("-._@").find(c) != std::string_view::npos;
    });
    if (good) {
      writers.push_back(value.text);
    } else {
      reader.fault(*items[i], item_path(path, i), "this is no caller's name",
                   "letters, digits, '-', '.', '_', '@'", "rename the certificate");
    }
  }
}

const Section* tls_section() {
  static const Section section{
      "admin.http.tls",
      "HTTPS, and callers known by certificates. The files are read again by reload.",
      &default_options,
      {without_default(textual("certificate", Kind::path, path_bytes_max,
                               LEVY_OPTION(admin.http.tls.certificate),
                               "Our certificate and its chain (PEM). HTTPS alone is served then."),
                       "none: plain HTTP"),
       without_default(textual("key", Kind::path, path_bytes_max, LEVY_OPTION(admin.http.tls.key),
                               "Its private key (PEM, not encrypted); not for others to read."),
                       "none"),
       without_default(
           textual("client_ca", Kind::path, path_bytes_max, LEVY_OPTION(admin.http.tls.client_ca),
                   "Certificates (PEM) of who vouches for clients: a client's common "
                   "name is the caller's name, and it may read."),
           "none: clients show no certificate"),
       shaped(custom("writers", "a list of common names", read_writers, "none",
                     "Who of them may also change things, with `writes: true`."),
              Shape::list, "^[A-Za-z0-9._@-]{1,31}$")}};
  return &section;
}

const Section* http_section() {
  static const Section section{
      "admin.http",
      "Metrics, health and the control API over HTTP.",
      &default_options,
      {boolean("enabled", LEVY_OPTION(admin.http.enabled), "Serve HTTP at all."),
       textual("address", Kind::address, 0, LEVY_OPTION(admin.http.address),
               "Address to serve on. Loopback shows health, metrics and status to everybody; "
               "all else needs credentials, and another address needs them for all but health: "
               "`token_file` or `tls.client_ca`."),
       integer("port", 0, 65'535, "", LEVY_OPTION(admin.http.port), "Port; 0 = any free one."),
       boolean("writes", LEVY_OPTION(admin.http.writes),
               "Whether callers with write access may change anything over TCP; the Unix socket "
               "always allows it."),
       without_default(
           textual("token_file", Kind::path, path_bytes_max, LEVY_OPTION(admin.http.token_file),
                   "Hashes of bearer tokens, a line `NAME read|write sha256:HEX` "
                   "each (`levyctl token NAME`); not for others to read (mode 640 or "
                   "less). Read again by reload."),
           "none: no tokens"),
       boolean("plaintext_tokens", LEVY_OPTION(admin.http.plaintext_tokens),
               "Take tokens without TLS on an address that is not loopback: whoever sees the "
               "network sees them."),
       nested("tls", tls_section)}};
  return &section;
}

const Section* admin_section() {
  static const Section section{
      "admin", "The operator's doors.", &default_options,
      {textual("socket", Kind::path, 107, LEVY_OPTION(admin.socket),
               "Unix socket that levyctl talks to."),
       nested("http", http_section)}};
  return &section;
}

const Section* log_section() {
  static const Section section{
      "log", "The daemon's own log.", &default_options,
      {word("level", {"debug", "info", "warn", "error"}, LEVY_OPTION(log.level),
            "Least severity that is written."),
       word("format", {"text", "json"}, LEVY_OPTION(log.format), "One line per message."),
       without_default(textual("file", Kind::path, path_bytes_max, LEVY_OPTION(log.file),
                               "File to append to; reopened on SIGHUP."),
                       "standard error")}};
  return &section;
}

const Section* records_section() {
  static const Section section{
      "records", "Charging records (CDRs): files written behind the journal.", &default_options,
      {without_default(textual("directory", Kind::path, path_bytes_max,
                               LEVY_OPTION(records.directory),
                               "Where the files go; better another disk than the data "
                               "directory's. engine/feed/README.md describes them."),
                       "none: no records are written"),
       shaped(custom("formats", "a list of jsonl and csv", read_record_formats, "jsonl",
                     "`jsonl`: a line of JSON per record; `csv`: a row per rating group."),
              Shape::list, {}, {"jsonl", "csv"}),
       duration("rotate_every", in_s, 1, 7 * 86'400, LEVY_OPTION(records.rotate_every_s),
                "A file is closed when it is this old."),
       size("rotate_bytes", 64 * kib, tib, LEVY_OPTION(records.rotate_bytes),
            "A file is closed when it is this large."),
       duration("retention", in_s, 0, 20LL * 366 * 86'400, LEVY_OPTION(records.retention_s),
                "Closed files that are older are removed. 0 s = never."),
       size("backlog_max", mib, 64 * tib, LEVY_OPTION(records.backlog_max_bytes),
            "Journal kept for records that cannot be written: an alarm at half, at all of it new "
            "sessions stop; no charge is dropped."),
       word("identities", {"none", "join"}, LEVY_OPTION(records.identities),
            "`join`: IMSI and MSISDN are joined when a record is written. `none`: records name "
            "account and subscriber by their own ids.")}};
  return &section;
}

const Section* overload_section() {
  static const Section section{
      "overload", "Buffers, and what happens when they are full.", &default_options,
      {integer("slots", 64, 1 << 20, "messages", LEVY_OPTION(overload.slots),
               "Messages in work at once, all connections together."),
       integer("push_slots", 16, 1 << 16, "messages", LEVY_OPTION(overload.push_slots),
               "Requests of ours (RAR) in work at once, per Shard Loop."),
       integer("ring", 16, 1 << 16, "messages", LEVY_OPTION(overload.ring),
               "Length of each ring between two Loops."),
       integer("batch", 1, 256, "messages", LEVY_OPTION(overload.batch),
               "Messages a Loop takes in one turn."),
       integer("parking_max", 0, 1 << 20, "messages", LEVY_OPTION(overload.parking_max),
               "Messages that wait for a full ring before the edge sheds load: new sessions "
               "first, terminations last.")}};
  return &section;
}

const Section* memory_section() {
  static const Section section{
      "memory", "The start-up arena.", &default_options,
      {word("huge_pages", {"auto", "off"}, LEVY_OPTION(memory.huge_pages),
            "`auto`: huge pages where the kernel has them.")}};
  return &section;
}

}  // namespace

const Section* listener_section() {
  static const Section section{
      "diameter.listeners[]", "One socket.", &default_listener,
      {required(textual("address", Kind::address, 0, LEVY_FIELD(Listener, address),
                        "IPv4 or IPv6 address; 0.0.0.0 or :: for all.")),
       integer("port", 0, 65'535, "", LEVY_FIELD(Listener, port), "TCP port; 0 = any free one.")}};
  return &section;
}

const Section* peer_section() {
  static const Section section{
      "diameter.peers[]",
      "One peer.",
      &default_peer,
      {required(textual("identity", Kind::identity, 0, LEVY_FIELD(PeerOptions, identity),
                        "Its Origin-Host, compared without regard to case.")),
       without_default(textual("realm", Kind::identity, 0, LEVY_FIELD(PeerOptions, realm),
                               "Its Origin-Realm; a CER with another one is refused."),
                       "as its CER says"),
       textual("dialect", Kind::name, 0, LEVY_FIELD(PeerOptions, dialect), "Name in `dialects`."),
       boolean("relay", LEVY_FIELD(PeerOptions, relay),
               "An agent that passes on the requests of other hosts, though it may not announce "
               "the relay application: their Origin-State-Ids count, and our requests to hosts "
               "without a connection may go to it."),
       shaped(
           custom(
               "connect", "host:port", read_connect, "the peer connects to us",
               "Where we connect to, in addition to being connected to. A name is looked up once, "
               "at the start."),
           Shape::one, ":[0-9]+$")}};
  return &section;
}

const Section* dialect_section() {
  const std::vector<std::string_view> answers{"3004", "5012", "drop"};
  static const Section section{
      "diameter.dialects.<name>",
      "What a make of gateway cannot take, or says differently.",
      &default_dialect,
      {boolean("implicit_rsu", LEVY_FIELD(app::Dialect, implicit_rsu),
               "Grant without Requested-Service-Unit when the Reporting-Reason is THRESHOLD, "
               "QUOTA_EXHAUSTED, VALIDITY_TIME, RATING_CONDITION_CHANGE or "
               "FORCED_REAUTHORISATION."),
       word("no_credit_code", {"2001", "4012"}, LEVY_FIELD(app::Dialect, no_credit_code_4012),
            "Result-Code of an MSCC without credit that carries REDIRECT or RESTRICT_ACCESS "
            "(Magma wants 4012)."),
       boolean("ignore_unknown_mandatory", LEVY_FIELD(app::Dialect, ignore_unknown_mandatory),
               "Ignore unknown AVPs that have the M bit, instead of 5001."),
       boolean("triggers", LEVY_FIELD(app::Dialect, triggers),
               "Grants may name the Trigger-Types at which the gateway shall report: changes that "
               "the rates of the service ask for. Without them it reports as it is configured."),
       boolean("supersede", LEVY_FIELD(app::Dialect, supersede),
               "A new session ends an older open one of the same subscriber, service context, APN "
               "and charging id or address; false for gateways that open a session per rating "
               "group or service."),
       boolean("rar_rating_group", LEVY_FIELD(app::Dialect, rar_rating_group),
               "Rating-Group may stand in a Gy RAR."),
       boolean("tariff_time_change", LEVY_FIELD(app::Dialect, tariff_time_change),
               "A grant of octets names the next change of price (Tariff-Time-Change), and the "
               "gateway reports what was used before and after it. Without it the grant's "
               "Validity-Time ends there, which every gateway understands."),
       boolean("pools", LEVY_FIELD(app::Dialect, pools),
               "Grants of services with a `pool` name it (G-S-U-Pool-Reference): the gateway "
               "spends the session's grants of one pool as one."),
       boolean("asr", LEVY_FIELD(app::Dialect, asr),
               "An operator's abort is sent as an Abort-Session-Request, whose use the gateway "
               "reports with its CCR-T. Without it the session ends here alone, and the gateway "
               "learns it with its next request."),
       word("origin_state_id", {"trust", "ignore"},
            LEVY_FIELD(app::Dialect, ignore_origin_state_id),
            "`trust`: a raised Origin-State-Id ends the older sessions of its Origin-Host. "
            "`ignore`: for clusters whose nodes have one Origin-Host and a value each."),
       shaped(custom("raa_retry", "a list of 3002 and 5012", read_raa_retry, "none",
                     "Send a RAR again that was answered with one of these."),
              Shape::list, "^(3002|5012)$"),
       word("overload_initial", answers, LEVY_FIELD(app::Dialect, overload_initial),
            "Answer to initial requests and events under overload."),
       word("overload_update", answers, LEVY_FIELD(app::Dialect, overload_update),
            "Answer to updates under overload."),
       word("overload_termination", answers, LEVY_FIELD(app::Dialect, overload_termination),
            "Answer to terminations under overload."),
       duration("deadline", in_ms, 0, 60'000, LEVY_FIELD(app::Dialect, deadline_ms),
                "The gateway's answer timer: requests older than this are dropped before they "
                "are charged. 0 s = none."),
       duration("duplicate_window", in_s, 60, 2 * 86'400,
                LEVY_FIELD(app::Dialect, duplicate_window_s),
                "How long its ended sessions are remembered.")}};
  return &section;
}

const Section* root_section() {
  static const Section section{
      "",
      "levyd.yaml",
      &default_options,
      {nested("node", node_section), required(nested("diameter", diameter_section)),
       nested("data", data_section),
       required(shaped(
           custom("plans", "a path, or a list of paths", read_plan_paths, "",
                  "Plan files, and directories whose *.yaml and *.yml files are plan files."),
           Shape::one_or_list)),
       nested("capacity", capacity_section), nested("placement", placement_section),
       nested("sessions", sessions_section), nested("admin", admin_section),
       nested("log", log_section), nested("records", records_section),
       nested("overload", overload_section),
       nested("memory", memory_section)}};
  return &section;
}

}  // namespace levy::config
