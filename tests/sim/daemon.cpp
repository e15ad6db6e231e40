// Daemon: how the parts are joined; after engine/daemon/daemon.cpp, part by part.
// Core: the simulator's only thread. Allocates: yes. Blocks: on snapshot files. Clock: the world's.
#include "tests/sim/daemon.hpp"

#include <algorithm>
#include <cstring>

namespace levy::sim {

using metrics::Counter;
using shard::OperatorKind;
using shard::OperatorReply;
using shard::OperatorRequest;

Daemon::Daemon(Machine& machine, const DaemonSettings& settings, Random& random)
    : machine_(machine), settings_(settings), random_(random), dialects_(2) {
  map_.shards = settings.shards;
  map_.loops = settings.loops;
  dialects_[1].raa_retry_3002 = true;
}

Daemon::~Daemon() = default;

// ---- start -----------------------------------------------------------------------------------

void Daemon::make_shards() {
  shards_.clear();
  scratch_.clear();
  for (std::uint32_t i = 0; i < map_.loops; ++i)
    scratch_.push_back(std::make_unique<shard::Scratch>());
  for (std::uint32_t s = 0; s < map_.shards; ++s) {
    const ShardId id{static_cast<std::uint8_t>(s)};
    shards_.push_back(std::make_unique<shard::Shard>(id, settings_.capacity, settings_.options,
                                                     HugePages::off, *scratch_[map_.loop_of(id)]));
  }
}

std::string Daemon::start(const rating::PlanSet* const* sets, std::uint32_t set_count) {
  make_shards();
  recovered_ = daemon::recover(
      machine_.disk, machine_.snapshot_path, node_id, segment_bytes,
      [this](std::uint8_t s) -> shard::Shard& { return *shards_[s]; }, map_.shards,
      [this] { make_shards(); });
  if (!recovered_.failure.empty()) return recovered_.failure;
  for (auto& s : shards_) {
    s->rebuild(machine_.now());
    s->set_plans(sets, set_count);
  }
  make_directory();
  journal::KeeperOptions keep;
  keep.segment_bytes = segment_bytes;
  keep.step_bytes = segment_bytes / 2;
  keeper_ = std::make_unique<journal::SegmentKeeper>(machine_.disk, supply_, keep,
                                                     recovered_.segments, recovered_.next_sequence);
  journal::JournalOptions how;
  how.relaxed = settings_.relaxed;
  how.in_flight_max = random_.between(1, 4);
  how.write_bytes_max = 64 * 1024;
  journal_ =
      std::make_unique<journal::Journal<SimDisk>>(machine_.disk, supply_, recovered_.start, how);
  make_pipeline();
  return {};
}

void Daemon::make_directory() {
  directory_ = std::make_unique<Directory>(256, HugePages::off);
  for (auto& s : shards_) {
    const auto put = [&](rating::IdentityType type, std::string_view text, Slot slot) {
      publish(type, text, s->id(), slot);
    };
    s->for_each_identity(put, [&](std::string_view name, Slot slot) {
      put(rating::IdentityType::account_name, name, slot);
    });
  }
}

void Daemon::make_pipeline() {
  const std::size_t control_slots = 4;
  const std::size_t all =
      settings_.frames + control_slots + settings_.push_frames * map_.loops + 8;
  rings_ = std::make_unique<pipeline::Rings>(map_.loops, settings_.ring, all);
  counters_ = std::make_unique<metrics::CounterBlock[]>(2 + map_.loops);
  transport_ = std::make_unique<test::SimTransport>(machine_.network, 12);
  peer_settings_.node.origin_host.assign("levy.example.org");
  peer_settings_.node.origin_realm.assign("example.org");
  peer_settings_.accept_unknown = true;
  peer_settings_.unknown_dialect = static_cast<std::uint16_t>(random_.below(2));
  edge::NativeEdgeOptions e;
  e.connections_max = 12;
  e.receive_buffer_bytes = e.send_buffer_bytes = 32 * 1024;
  e.messages_per_turn_max = static_cast<std::uint32_t>(random_.between(1, 8));
  e.hosts_max = 8;
  e.seed = random_.next();
  edge_ = std::make_unique<edge::NativeEdge<test::SimTransport>>(*transport_, peer_settings_, e);

  const app::LocalIdentity local{"levy.example.org", "example.org", 1};
  for (std::uint32_t i = 0; i < map_.loops; ++i) {
    pipeline::ShardLoopOptions o;
    o.number = i;
    o.map = map_;
    o.push_frames = settings_.push_frames;
    o.batch_max = random_.between(1, 4);
    o.due_max = random_.between(1, 4);
    o.dialects = &dialects_;
    o.local = local;
    std::vector<shard::Shard*> mine;
    for (std::uint32_t s = i; s < map_.shards; s += map_.loops) mine.push_back(shards_[s].get());
    shard_loops_.push_back(std::make_unique<pipeline::ShardLoop>(
        o, std::move(mine), *rings_, machine_.now, counters_[2 + i], HugePages::off));
  }
  journal_loop_ = std::make_unique<pipeline::JournalLoop<SimDisk>>(*journal_, *rings_, all,
                                                                   counters_[1]);
  pipeline::EdgeLoopOptions o;
  o.map = map_;
  o.frames = settings_.frames;
  o.frames_all = all;
  o.parking_max = random_.between(2, 8);
  o.pushes_max = 16;
  o.push_timeout_us = 2'000'000;
  o.trace_buffers = 1;
  o.session_hints = 64;
  o.any_realm = true;
  o.dialects = &dialects_;
  o.local = local;
  edge_loop_ = std::make_unique<pipeline::EdgeLoop<edge::NativeEdge<test::SimTransport>>>(
      o, *edge_, *rings_, *directory_, machine_.now, counters_[0], HugePages::off);

  slab_ = std::make_unique<pipeline::Slab>(pipeline::slab_control, control_slots, HugePages::off);
  under_way_.resize(control_slots);
  writer_ = std::make_unique<journal::SnapshotWriter>(machine_.snapshot_path, node_id);
  for (auto& loop : shard_loops_) {
    for (int i = 0; i < 2; ++i) {
      buffers_.push_back(std::make_unique<pipeline::SnapshotBuffer>());
      loop->snapshot().empty.try_push(buffers_.back().get());
    }
  }
  if (const journal::Failure f =
          journal::snapshot_needs_from(machine_.snapshot_path, node_id, needed_from_))
    throw Violation("snapshots cannot be listed: " + f.text);
}

// ---- end -------------------------------------------------------------------------------------

bool Daemon::idle() const {
  std::size_t waiting = rings_->journal_to_edge.used_slots() + queue_.size();
  for (std::size_t i = 0; i < shard_loops_.size(); ++i)
    waiting += rings_->edge_to_shard[i]->used_slots() + rings_->control_to_shard[i]->used_slots() +
               rings_->shard_to_journal[i]->used_slots();
  return waiting == 0 && slab_->free_frames() == slab_->capacity() && journal_loop_->idle() &&
         counters_[0].get(Counter::parked) == 0;
}

void Daemon::kill(bool reset_connections) {
  pump_ = nullptr;
  under_way_.clear();
  queue_.clear();
  if (transport_) transport_->power_off(reset_connections);
}

std::vector<const shard::Shard*> Daemon::shards() const {
  std::vector<const shard::Shard*> out;
  for (const auto& s : shards_) out.push_back(s.get());
  return out;
}

std::uint64_t Daemon::pushes_acked() const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < shard_loops_.size(); ++i)
    sum += counters_[2 + i].get(Counter::pushes_acked);
  return sum;
}

// ---- control ---------------------------------------------------------------------------------

void Daemon::turn_control() {
  take_replies();
  send_queued();
  pipeline::LogEvent event;
  while (edge_loop_->log().pop(&event, 1) == 1) {
  }
  for (auto& loop : shard_loops_) {
    while (loop->log().pop(&event, 1) == 1) {
    }
  }
  watch_peers();
  // A full disk is no violation: the next turn tries again, and admission stops meanwhile.
  (void)keeper_->turn(settings_.keep_all_segments ? Lsn{1}
                                                  : std::min(needed_from_, settings_.keep_from));
  snapshot_turn();
}

void Daemon::enqueue(ShardId shard, const OperatorRequest& request, Done done) {
  queue_.push_back(Pending{shard, request, std::move(done)});
}

void Daemon::send_queued() {
  while (slab_->free_frames() != 0 && !queue_.empty()) {
    pipeline::FrameRing& ring = *rings_->control_to_shard[map_.loop_of(queue_.front().shard)];
    if (ring.free_slots() == 0) return;
    Frame* frame = slab_->take();
    frame->flags = frame_operator;
    frame->shard = queue_.front().shard;
    std::memcpy(frame->rx, &queue_.front().request, sizeof(OperatorRequest));
    frame->rx_bytes = sizeof(OperatorRequest);
    under_way_[frame->index] = std::move(queue_.front().done);
    queue_.pop_front();
    ring.try_push(frame);
  }
}

void Daemon::take_replies() {
  Frame* frame = nullptr;
  while (rings_->journal_to_control.pop(&frame, 1) == 1) {
    OperatorReply reply;
    std::memcpy(static_cast<void*>(&reply), frame->tx, sizeof reply);
    const Done done = std::move(under_way_[frame->index]);
    under_way_[frame->index] = nullptr;
    done(reply, {frame->tx + sizeof reply, frame->tx_bytes - sizeof reply}, frame->lsn);
    slab_->give_back(frame);
  }
}

// A gateway that restarted: every Shard ends what it had of it.
void Daemon::watch_peers() {
  peer::Event event;
  while (edge_loop_->peer_events().pop(&event, 1) == 1) {
    if (event.kind != peer::EventKind::origin_state_raised) continue;
    OperatorRequest request;
    request.kind = OperatorKind::host_restarted;
    const std::string_view host = event.origin_host.view();
    std::memcpy(request.host, host.data(), host.size());
    request.origin_state_id = event.value_new;
    for (std::uint32_t s = 0; s < map_.shards; ++s)
      enqueue(ShardId{static_cast<std::uint8_t>(s)}, request,
              [](const OperatorReply&, std::span<const std::uint8_t>, Lsn) {});
  }
}

admin::CallResult Daemon::call(ShardId shard, const OperatorRequest& request) {
  auto result = std::make_shared<admin::CallResult>();
  auto answered = std::make_shared<bool>(false);
  result->reply.result = shard::OperatorResult::busy;
  enqueue(shard, request,
          [result, answered](const OperatorReply& reply, std::span<const std::uint8_t> payload,
                             Lsn) {
            *result = {reply, {payload.begin(), payload.end()}};
            *answered = true;
          });
  while (!*answered && pump_ && pump_()) {
  }
  return *result;
}

bool Daemon::submit(ShardId shard, const OperatorRequest& request,
                    std::function<void(const OperatorReply&)> done) {
  if (queue_.size() >= 8) return false;
  enqueue(shard, request,
          [done = std::move(done)](const OperatorReply& reply, std::span<const std::uint8_t>,
                                   Lsn) { done(reply); });
  return true;
}

std::optional<Directory::Found> Daemon::find(rating::IdentityType type, std::string_view text) {
  const auto found = directory_->find(Directory::key(static_cast<std::uint8_t>(type), text));
  if (found.slot == none) return std::nullopt;
  return found;
}

bool Daemon::publish(rating::IdentityType type, std::string_view text, ShardId shard, Slot slot) {
  return directory_->put(Directory::key(static_cast<std::uint8_t>(type), text), shard, slot);
}

void Daemon::withdraw(rating::IdentityType type, std::string_view text) {
  directory_->erase(Directory::key(static_cast<std::uint8_t>(type), text));
}

// ---- snapshots, after engine/daemon/control_snapshot.cpp --------------------------------------

void Daemon::snapshot_turn() {
  if (walk_ == Walk::idle && snapshot_wanted_) begin_snapshot();
  else if (walk_ == Walk::walking) take_buffers();
  else if (walk_ == Walk::ending && barriers_left_ == 0) end_snapshot();
}

void Daemon::begin_snapshot() {
  snapshot_wanted_ = false;
  const Lsn start{counters_[1].get(Counter::durable_lsn) + 1};
  const journal::Failure failure = writer_->begin(start);
  require(!failure, "a snapshot cannot begin: " + failure.text);
  walks_left_ = shard_loops_.size();
  for (auto& loop : shard_loops_)
    loop->snapshot().walks_wanted.fetch_add(1, std::memory_order_release);
  walk_ = Walk::walking;
}

void Daemon::take_buffers() {
  for (auto& loop : shard_loops_) {
    pipeline::SnapshotBuffer* b = nullptr;
    while (loop->snapshot().full.pop(&b, 1) == 1) {
      if (b->last) --walks_left_;
      if (b->chunk.count != 0) {
        journal::SnapshotChunk chunk;
        chunk.shard = b->shard;
        chunk.pool = b->chunk.pool;
        chunk.first_slot = b->chunk.first;
        chunk.slot_bytes = b->chunk.slot_bytes;
        chunk.bytes = std::as_bytes(
            std::span(b->bytes, std::size_t{b->chunk.count} * b->chunk.slot_bytes));
        const journal::Failure failure = writer_->add(chunk);
        require(!failure, "a snapshot cannot be written: " + failure.text);
      }
      loop->snapshot().empty.try_push(b);
    }
  }
  if (walks_left_ != 0) return;
  walk_ = Walk::ending;
  walk_end_ = Lsn{0};
  barriers_left_ = map_.loops;
  for (std::uint32_t loop = 0; loop < map_.loops; ++loop) {
    OperatorRequest read;
    read.kind = OperatorKind::list_mail;
    enqueue(ShardId{static_cast<std::uint8_t>(loop)}, read,
            [this](const OperatorReply&, std::span<const std::uint8_t>, Lsn lsn) {
              walk_end_ = std::max(walk_end_, lsn);
              --barriers_left_;
            });
  }
}

void Daemon::end_snapshot() {
  journal::Failure failure = writer_->finish(walk_end_, {});
  require(!failure, "a snapshot cannot be finished: " + failure.text);
  failure = journal::snapshot_needs_from(machine_.snapshot_path, node_id, needed_from_);
  require(!failure, "snapshots cannot be listed: " + failure.text);
  walk_ = Walk::idle;
  ++snapshots_;
}

}  // namespace levy::sim
