// Control: what people see: log lines, peers, traces, status.
// Core: control. Allocates: yes. Blocks: on disk and locks. Clock: system.
#include <cstring>
#include <nlohmann/json.hpp>

#include "engine/clock.hpp"
#include "engine/daemon/control.hpp"
#include "engine/daemon/log.hpp"
#include "engine/version.hpp"

namespace levy::daemon {

using pipeline::LogEvent;
using pipeline::LogKind;

void Control::drain_logs() {
  LogEvent event;
  while (parts_.edge_log->pop(&event, 1) == 1) write_log(event);
  for (pipeline::ShardLoop* loop : parts_.shard_loops) {
    while (loop->log().pop(&event, 1) == 1) write_log(event);
  }
  peer::Event peer_event;
  while (parts_.peer_events->pop(&peer_event, 1) == 1) on_peer_event(peer_event);
}

void Control::write_log(const LogEvent& event) {
  const std::string text(event.view());
  const std::string a = std::to_string(event.a);
  switch (event.kind) {
    case LogKind::identity_conflict:
      return log::warn("identity_conflict",
                       text + (event.a == 5030
                                   ? ": two identities of one request belong to two accounts, "
                                     "answered 5030; a recycled number? see levyctl subscriber show"
                                   : ": the Session-Id is in use for another account, answered " +
                                         a));
    case LogKind::duplicate_differs:
      return log::warn("duplicate_differs",
                       "session " + text + " request " + a +
                           ": a repeat carries other units than the first; the first counts");
    case LogKind::pool_full:
      return log::error("capacity", "shard " + a +
                                        ": a table is full, the request was answered 5012; raise "
                                        "`capacity` (metrics: levy_pool_used)");
    case LogKind::decode_refused:
      return log::debug("decode_refused",
                        "answered " + a + (text.empty() ? "" : ", session " + text));
    case LogKind::push_failed:
      return log::info("push", event.a == 0 ? "no answer to a RAR" : "RAR answered " + a);
    case LogKind::unroutable_push:
      return log::warn("push", "no open connection towards " + text + ": the RAR is tried again");
    case LogKind::dispute:
      return log::warn("dispute",
                       "session " + text + " request " + a +
                           ": usage of a session that is unknown, or was charged when it was "
                           "lost, was kept on record and not charged");
    case LogKind::late_usage:
      return log::info("late_usage",
                       "session " + text + " request " + a +
                           ": usage after the session's end was charged once and answered 5002");
    case LogKind::connections_refused:
      if (event.a != 0)
        log::error("connections", a + " connections were refused, the system had no means (" +
                                      std::strerror(event.detail) +
                                      "): raise its limits (LimitNOFILE of the unit)");
      if (event.b != 0)
        log::warn("connections", std::to_string(event.b) +
                                     " connections were closed at once: "
                                     "`diameter.connections_max` is reached");
      return;
    case LogKind::tombstones_given_up:
      return log::warn("capacity",
                       a + " ended sessions were forgotten before their time to make room: repeats "
                           "of their requests will be answered 5002 and kept as disputes; raise "
                           "`capacity.tombstones_max`");
    case LogKind::none:
      return;
  }
}

void Control::on_peer_event(const peer::Event& event) {
  using peer::EventKind;
  const std::string host(event.origin_host.view());
  const std::string what = std::string(peer::name(event.kind)) + (host.empty() ? "" : " " + host);
  const std::uint64_t connection =
      std::uint64_t{event.connection.generation} << 32 | event.connection.index;
  switch (event.kind) {
    case EventKind::peer_up: {
      const std::lock_guard lock(peers_mutex_);
      PeerRow& row = peers_[host];
      row.host = host;
      row.realm = std::string(event.origin_realm.view());
      if (row.connections++ == 0) row.since = event.at;
      connection_peers_[connection] = host;
      log::info("peer", what);
      return;
    }
    case EventKind::peer_down: {
      const std::lock_guard lock(peers_mutex_);
      const auto row = peers_.find(host);
      if (row != peers_.end() && --row->second.connections <= 0) peers_.erase(row);
      connection_peers_.erase(connection);
      log::info("peer", what);
      return;
    }
    case EventKind::unknown_peer:
      return log::warn("peer", "refused " + host + " (3010): to let it in, add `- identity: " +
                                   host + "` to `diameter.peers`, or set `accept_unknown: true`");
    case EventKind::origin_state_raised:
      log::info("peer", what + " restarted: its older sessions are ended");
      return host_restarted(event);
    default:
      return log::info(
          "peer", what +
                      (event.code != codec::ResultCode::none
                           ? " code " + std::to_string(static_cast<std::uint32_t>(event.code))
                           : std::string()) +
                      (event.error != 0 ? " errno " + std::to_string(event.error) : std::string()));
  }
}

// Every Shard ends the sessions it has of that host, paced.
void Control::host_restarted(const peer::Event& event) {
  shard::OperatorRequest request;
  request.kind = shard::OperatorKind::host_restarted;
  const std::string_view host = event.origin_host.view();
  if (host.size() >= sizeof request.host) return;
  std::memcpy(request.host, host.data(), host.size());
  request.origin_state_id = event.value_new;
  for (std::uint32_t s = 0; s < parts_.map.shards; ++s)
    enqueue(
        ShardId{static_cast<std::uint8_t>(s)}, request,
        [](const shard::OperatorReply&, std::span<const std::uint8_t>, Lsn) {}, 1 << 20);
}

void Control::pass_traces() {
  pipeline::TraceBuffer* buffer = nullptr;
  while (parts_.trace_full->pop(&buffer, 1) == 1) {
    TraceItem item;
    item.at = buffer->at;
    item.from_gateway = buffer->from_gateway;
    item.message.assign(buffer->message, buffer->message + buffer->bytes);
    {
      const std::lock_guard lock(peers_mutex_);
      const auto peer = connection_peers_.find(std::uint64_t{buffer->connection.generation} << 32 |
                                               buffer->connection.index);
      if (peer != connection_peers_.end()) item.peer = peer->second;
    }
    parts_.trace_empty->try_push(buffer);
    const std::lock_guard lock(trace_mutex_);
    tracers_.remove_if([&](const auto& on_item) { return !on_item(item); });
  }
}

bool Control::trace(std::vector<Directory::Found> subscribers,
                    std::function<bool(const TraceItem&)> on_item) {
  const std::lock_guard lock(trace_mutex_);
  if (on_item && tracers_.size() >= 16) return false;
  parts_.traced->set(subscribers);
  if (!on_item) {  // the API runs one trace at a time: its end is the end of all
    tracers_.clear();
    return true;
  }
  tracers_.push_back(std::move(on_item));
  return true;
}

std::string Control::status_json() {
  using metrics::Counter;
  const Time now = SystemClock().now();
  nlohmann::json j;
  j["version"] = version_text;
  j["node"] = parts_.node_name;
  j["origin_host"] = parts_.origin_host;
  j["listeners"] = parts_.listeners;
  j["ready"] = ready_.load();
  j["uptime_seconds"] = micros_between(started_, now) / 1'000'000;
  j["plan_version"] = version_.load();
  const auto get = [&](Counter c) { return metrics::combined(parts_.counters, c); };
  j["journal"] = {{"mode", parts_.journal_mode},
                  {"durable_lsn", get(Counter::durable_lsn)},
                  {"appended_lsn", get(Counter::appended_lsn)},
                  {"snapshots", get(Counter::snapshots)},
                  {"snapshot_age_seconds", get(Counter::snapshot_age)}};
  j["subscribers"] = get(Counter::pool_used_subscriber);
  j["accounts"] = get(Counter::pool_used_account);
  j["sessions_kept"] = get(Counter::pool_used_session);
  j["answers_2001"] = get(Counter::answers_2001);
  j["duplicates"] = get(Counter::duplicates);
  j["connections"] = get(Counter::connections);
  j["peers"] = nlohmann::json::array();
  const std::lock_guard lock(peers_mutex_);
  for (const auto& [host, row] : peers_)
    j["peers"].push_back({{"host", host},
                          {"realm", row.realm},
                          {"connections", row.connections},
                          {"up_seconds", micros_between(row.since, now) / 1'000'000}});
  return j.dump();
}

}  // namespace levy::daemon
