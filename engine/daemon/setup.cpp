// Options turned into the settings of each part.
// Core: control at start-up. Allocates: yes. Blocks: never. Clock: none.
#include "engine/daemon/setup.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <random>

namespace levy::daemon {

namespace {

std::size_t share(std::int64_t total, std::uint32_t shards) {
  const double mean = static_cast<double>(total) / shards;
  return static_cast<std::size_t>(mean + 6.0 * std::sqrt(mean) + 16.0);
}

}  // namespace

shard::Capacity shard_capacity(const config::Options& options, std::uint32_t shards,
                               std::uint32_t number) {
  const config::CapacityOptions& c = options.capacity;
  shard::Capacity s;
  s.accounts = share(c.accounts_max, shards);
  s.subscribers = share(c.identities_max, shards);
  s.buckets = share(c.buckets_max, shards);
  s.products = share(c.products_max, shards);
  s.counters = share(c.counters_max, shards);
  s.sessions = share(c.sessions_max + c.tombstones_max, shards);
  s.groups = share(c.groups_max, shards);
  // Open sessions keep up to 8 verdicts, tombstones those they ended with (commonly 2 to 4), and
  // each has a row per rating group.
  const std::int64_t rows = std::max<std::int64_t>(1, c.groups_max / c.sessions_max);
  s.verdicts = share((c.sessions_max * 8 + c.tombstones_max * 4) * rows, shards);
  s.texts = share(c.identities_max / 8 + c.sessions_max / 8, shards);
  s.hosts = std::max<std::size_t>(256, static_cast<std::size_t>(options.diameter.connections_max));
  s.mails = 256;
  s.request_keys = share(c.accounts_max / 16 + 65536, shards);
  s.names = number == 0 ? 8192 : 0;
  return s;
}

transport::TcpOptions transport_options(const config::Options& options) {
  transport::TcpOptions t;
  for (const config::Listener& l : options.diameter.listeners)
    t.listeners.push_back({l.address, static_cast<std::uint16_t>(l.port)});
  for (const config::PeerOptions& p : options.diameter.peers) {
    if (!p.connect_host.empty())
      t.targets.push_back({p.connect_host, static_cast<std::uint16_t>(p.connect_port)});
  }
  t.connections_max = static_cast<std::uint32_t>(options.diameter.connections_max);
  return t;
}

peer::Settings peer_settings(const config::Options& options, std::vector<peer::PeerConfig>& peers,
                             std::uint32_t origin_state_id) {
  const config::DiameterOptions& d = options.diameter;
  std::uint32_t target = 0;
  for (const config::PeerOptions& p : d.peers) {
    peer::PeerConfig c;
    c.origin_host.assign(p.identity);
    c.origin_realm.assign(p.realm);
    c.dialect = static_cast<std::uint16_t>(p.dialect_index);
    c.relay = p.relay;
    c.origin_state_counts = !d.dialects[p.dialect_index].ignore_origin_state_id;
    if (!p.connect_host.empty()) c.target = target++;
    peers.push_back(c);
  }
  peer::Settings s;
  s.node.origin_host.assign(d.origin_host);
  s.node.origin_realm.assign(d.origin_realm);
  s.node.product_name.assign(d.product_name);
  s.node.vendor_id = static_cast<std::uint32_t>(d.vendor_id);
  s.node.origin_state_id = origin_state_id;
  s.timers.tw_s = static_cast<std::uint32_t>(d.watchdog_s);
  s.timers.cer_s = static_cast<std::uint32_t>(d.capabilities_timeout_s);
  s.timers.cea_s = static_cast<std::uint32_t>(d.capabilities_timeout_s);
  s.timers.tc_s = static_cast<std::uint32_t>(d.reconnect_s);
  s.peers = peers;
  s.accept_unknown = d.accept_unknown;
  s.unknown_origin_state_counts = !d.dialects.front().ignore_origin_state_id;
  s.connections_per_host_max = static_cast<std::uint32_t>(d.connections_per_peer_max);
  return s;
}

admin::HttpDoor http_door(const config::HttpOptions& options) {
  admin::HttpDoor door;
  if (!options.enabled) return door;
  door.address = options.address;
  door.port = options.port != 0 ? static_cast<int>(options.port) : -1;
  door.writes = options.writes;
  door.token_file = options.token_file;
  door.plaintext_tokens = options.plaintext_tokens;
  door.tls = {options.tls.certificate, options.tls.key, options.tls.client_ca, options.tls.writers};
  return door;
}

edge::NativeEdgeOptions edge_options(const config::Options& options) {
  edge::NativeEdgeOptions e;
  e.connections_max = static_cast<std::uint32_t>(options.diameter.connections_max);
  e.receive_buffer_bytes = static_cast<std::size_t>(options.diameter.receive_buffer_bytes);
  e.send_buffer_bytes = static_cast<std::size_t>(options.diameter.send_buffer_bytes);
  e.seed = std::random_device{}();
  return e;
}

std::string raise_descriptor_limit(const config::Options& options) {
  // Standard streams, log, journal segments, snapshots, epoll and io_uring; most of it is for
  // connections of the control API.
  constexpr rlim_t ours = 128;
  const rlim_t needed = static_cast<rlim_t>(options.diameter.connections_max) +
                        options.diameter.listeners.size() + ours;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return std::string("getrlimit(RLIMIT_NOFILE): ") + std::strerror(errno);
  if (limit.rlim_max < needed)
    return "diameter.connections_max: " + std::to_string(options.diameter.connections_max) +
           " connections need " + std::to_string(needed) +
           " open files, but the hard limit of this process is " + std::to_string(limit.rlim_max) +
           ": raise it (LimitNOFILE= of the systemd unit, ulimit -Hn) or lower connections_max";
  if (limit.rlim_cur == limit.rlim_max) return {};
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
    return std::string("setrlimit(RLIMIT_NOFILE): ") + std::strerror(errno);
  return {};
}

}  // namespace levy::daemon
