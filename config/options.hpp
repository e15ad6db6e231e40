// Options: everything levyd.yaml can say, as plain values with their defaults.
// Core: control (read by all parts at start-up). Allocates: yes. Blocks: never. Clock: none.
//
// The default of an option stands here; its key, unit, bounds and prose stand beside it in
// declarations.cpp, and `describe()` prints both. Values that came through config::load() are
// within their bounds and agree with each other. Paths are already joined to the directory of the
// file that named them. The unit is the suffix: _s seconds, _ms, _us, _bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "diameter/app/dialect.hpp"

namespace levy::config {

enum class Durability : std::uint8_t { synced, relaxed };
enum class WriteMode : std::uint8_t { automatic, io_uring, thread };
enum class PlacementMode : std::uint8_t { one_core, spread };
enum class Idle : std::uint8_t { spin, yield, sleep };
enum class LogLevel : std::uint8_t { debug, info, warn, error };
enum class LogFormat : std::uint8_t { text, json };
enum class RecordIdentities : std::uint8_t { none, join };
enum class HugePages : std::uint8_t { automatic, off };

struct Listener {
  std::string address;       // IPv4 or IPv6 literal
  std::int64_t port = 3868;  // 0 = any free port
};

struct PeerOptions {
  std::string identity;             // its Origin-Host
  std::string realm;                // its Origin-Realm; empty = whatever its CER says
  std::string dialect = "default";  // name in `dialects`
  std::size_t dialect_index = 0;    // of that name in DiameterOptions::dialects
  bool relay = false;               // passes on requests of others, announced or not
  std::string connect_host;         // empty = the peer connects to us
  std::int64_t connect_port = 0;
};

struct DiameterOptions {
  std::string origin_host;   // required
  std::string origin_realm;  // required
  std::string product_name = "Levy";
  std::int64_t vendor_id = 0;
  bool any_realm = false;                  // realms_served: any
  std::vector<std::string> realms_served;  // lower case; always holds the own realm first
  bool accept_unknown = false;
  std::int64_t watchdog_s = 30;
  std::int64_t capabilities_timeout_s = 10;
  std::int64_t reconnect_s = 30;
  std::int64_t connections_max = 256;
  std::int64_t connections_per_peer_max = 8;
  std::int64_t receive_buffer_bytes = 256 * 1024;
  std::int64_t send_buffer_bytes = 256 * 1024;
  std::vector<Listener> listeners;
  std::vector<PeerOptions> peers;
  std::vector<app::Dialect> dialects{app::Dialect{}};  // [0] is "default"
};

struct StoreOptions {
  std::string directory = "data";
  std::int64_t shards = 64;
  Durability durability = Durability::synced;
  WriteMode write_mode = WriteMode::automatic;
  std::int64_t segment_bytes = 64 * 1024 * 1024;
  std::int64_t snapshot_every_s = 15 * 60;
  std::int64_t snapshot_after_bytes = 1024LL * 1024 * 1024;
};

struct CapacityOptions {
  std::int64_t accounts_max = 100'000;
  std::int64_t identities_max = 200'000;
  std::int64_t buckets_max = 300'000;
  std::int64_t products_max = 100'000;
  std::int64_t counters_max = 100'000;
  std::int64_t sessions_max = 100'000;
  std::int64_t groups_max = 200'000;
  std::int64_t tombstones_max = 200'000;
};

struct PlacementOptions {
  PlacementMode mode = PlacementMode::one_core;
  std::int64_t edge_core = -1;            // -1 = not pinned; the only core of one_core
  std::vector<std::int64_t> shard_cores;  // spread: one shard loop each
  std::int64_t journal_core = -1;
  Idle idle = Idle::yield;
  std::int64_t idle_sleep_us = 50;
};

struct SessionOptions {
  std::int64_t duplicate_window_s = 900;
  std::int64_t ttl_s = 86'400;
  std::int64_t push_retry_s = 5;
  std::int64_t push_tries_max = 3;
  std::int64_t abort_wait_s = 60;
  std::int64_t event_time_skew_max_s = 3600;
};

struct TlsOptions {
  std::string certificate;  // empty = plain HTTP
  std::string key;
  std::string client_ca;  // empty = no client certificates
  std::vector<std::string> writers;
};

struct HttpOptions {
  bool enabled = true;
  std::string address = "127.0.0.1";
  std::int64_t port = 9091;
  bool writes = false;
  std::string token_file;  // empty = no tokens
  bool plaintext_tokens = false;
  TlsOptions tls;
};

struct AdminOptions {
  std::string socket = "levyd.sock";  // at most 107 bytes, the bound of sun_path
  HttpOptions http;
};

struct LogOptions {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
  std::string file;  // empty = standard error
};

struct RecordsOptions {
  std::string directory;  // empty = no charging records are written
  bool jsonl = true;
  bool csv = false;
  std::int64_t rotate_every_s = 3600;
  std::int64_t rotate_bytes = 64 * 1024 * 1024;
  std::int64_t retention_s = 0;  // 0 = files are never removed
  std::int64_t backlog_max_bytes = 4LL * 1024 * 1024 * 1024;
  RecordIdentities identities = RecordIdentities::none;
};

struct OverloadOptions {
  std::int64_t slots = 2048;
  std::int64_t push_slots = 256;
  std::int64_t ring = 512;
  std::int64_t batch = 64;
  std::int64_t parking_max = 512;
};

struct MemoryOptions {
  HugePages huge_pages = HugePages::automatic;
};

struct Options {
  std::string node_name = "levy-1";
  DiameterOptions diameter;
  StoreOptions data;
  std::vector<std::string> plan_paths;  // files and directories as `plans` names them, joined
  CapacityOptions capacity;
  PlacementOptions placement;
  SessionOptions sessions;
  AdminOptions admin;
  LogOptions log;
  RecordsOptions records;
  OverloadOptions overload;
  MemoryOptions memory;
};

}  // namespace levy::config
