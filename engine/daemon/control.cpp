// Control: requests to the Shards and back, the directory, segments.
// Core: control (run) and admin threads (the ControlDoor). Allocates: yes. Blocks: on disk and
// locks, never the corridor. Clock: system.
#include "engine/daemon/control.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <future>
#include <utility>

#include "engine/clock.hpp"
#include "engine/daemon/log.hpp"

namespace levy::daemon {

using shard::OperatorKind;
using shard::OperatorReply;
using shard::OperatorRequest;
using shard::OperatorResult;

// An Errand of its own for whoever brings a function.
struct Control::FunctionErrand final : admin::Errand {
  void on_done(const OperatorReply& reply, std::span<const std::uint8_t> payload,
               Lsn lsn) override {
    const std::unique_ptr<FunctionErrand> self(this);
    done(reply, payload, lsn);
  }
  Done done;
};

Control::Control(const ControlParts& parts)
    : parts_(parts),
      slab_(pipeline::slab_control, parts.frames, HugePages::off),
      under_way_(parts.frames),
      snapshot_writer_(parts.snapshot_directory, parts.node_id) {
  started_ = SystemClock().now();
  snapshot_at_ = started_;
  for (std::size_t i = 0; i < parts_.shard_loops.size() * 8; ++i) {
    snapshot_buffers_.push_back(std::make_unique<pipeline::SnapshotBuffer>());
    parts_.shard_loops[i % parts_.shard_loops.size()]->snapshot().empty.try_push(
        snapshot_buffers_.back().get());
  }
  const journal::Failure failure =
      journal::snapshot_needs_from(parts_.snapshot_directory, parts_.node_id, needed_from_);
  if (failure) log::warn("snapshot", failure.text);
  std::vector<journal::SnapshotInfo> known;
  std::vector<std::string> rejected;
  (void)journal::SnapshotReader(parts_.snapshot_directory, parts_.node_id).list(known, rejected);
  if (!known.empty()) snapshot_bytes_ = known.front().bytes;
}

Control::~Control() {
  if (thread_.joinable()) stop();
}

void Control::start() {
  thread_ = std::thread([this] { run(); });
}

void Control::stop() {
  {
    const std::lock_guard lock(queue_mutex_);
    closed_ = true;
  }
  stopping_.store(true);
  queue_news_.notify_all();
  if (thread_.joinable()) thread_.join();
  const OperatorReply busy{OperatorResult::busy};
  std::deque<admin::Errand*> left;
  {
    const std::lock_guard lock(queue_mutex_);
    left.swap(queue_);
  }
  for (admin::Errand* errand : sending_) errand->on_done(busy, {}, Lsn{});
  sending_.clear();
  for (admin::Errand* errand : left) errand->on_done(busy, {}, Lsn{});
  for (admin::Errand*& errand : under_way_) {
    if (errand != nullptr) errand->on_done(busy, {}, Lsn{});
    errand = nullptr;
  }
}

void Control::run() {
  while (!stopping_.load()) {
    std::size_t done = take_replies();
    done += send_queued();
    drain_logs();
    pass_traces();
    keep_segments();
    snapshot_turn();
    if (done != 0) continue;
    // What waits for frames or rings waits for answers, and nobody announces those.
    const bool blocked = !sending_.empty();
    const auto nap = std::chrono::microseconds(slab_.free_frames() < parts_.frames ? 100 : 500);
    std::unique_lock lock(queue_mutex_);
    queue_news_.wait_for(lock, nap,
                         [&] { return stopping_.load() || (!blocked && !queue_.empty()); });
  }
  take_replies();
  drain_logs();
}

// ---- requests ------------------------------------------------------------------------------

bool Control::enqueue(ShardId shard, const OperatorRequest& request, Done done,
                      std::size_t queue_max) {
  auto errand = std::make_unique<FunctionErrand>();
  errand->shard = shard;
  errand->request = request;
  errand->done = std::move(done);
  admin::Errand* const one[] = {errand.get()};
  if (enqueue(one, queue_max) == 0) return false;
  (void)errand.release();  // on_done() ends it
  return true;
}

std::size_t Control::enqueue(std::span<admin::Errand* const> errands, std::size_t queue_max) {
  std::size_t taken = 0;
  bool news = false;
  {
    const std::lock_guard lock(queue_mutex_);
    if (closed_ || queue_.size() >= queue_max) return 0;
    news = queue_.empty();  // the others were announced with the first
    taken = std::min(errands.size(), queue_max - queue_.size());
    queue_.insert(queue_.end(), errands.begin(), errands.begin() + static_cast<long>(taken));
  }
  if (news) queue_news_.notify_one();
  return taken;
}

std::size_t Control::send_queued() {
  std::size_t sent = 0;
  for (; slab_.free_frames() != 0; ++sent) {
    if (sending_.empty()) {  // the whole queue under one lock
      const std::lock_guard lock(queue_mutex_);
      sending_.swap(queue_);
    }
    if (sending_.empty()) return sent;
    admin::Errand& next = *sending_.front();
    pipeline::FrameRing& ring = *parts_.rings->control_to_shard[parts_.map.loop_of(next.shard)];
    if (ring.free_slots() == 0) return sent;
    Frame* frame = slab_.take();
    frame->flags = frame_operator;
    frame->shard = next.shard;
    frame->rx_bytes = static_cast<std::uint32_t>(next.request.bytes());
    std::memcpy(frame->rx, &next.request, frame->rx_bytes);
    under_way_[frame->index] = &next;
    sending_.pop_front();
    const bool pushed = ring.try_push(frame);
    LEVY_CHECK(pushed);
  }
  return sent;
}

std::size_t Control::take_replies() {
  constexpr std::size_t batches_max = 16;  // then the log and the segments have their turn
  Frame* frames[64];
  std::size_t taken = 0;
  for (std::size_t batch = 0; batch < batches_max; ++batch) {
    const std::size_t n = parts_.rings->journal_to_control.pop(frames, 64);
    for (std::size_t i = 0; i < n; ++i) under_way_[frames[i]->index]->before_done();
    for (std::size_t i = 0; i < n; ++i) {
      Frame& frame = *frames[i];
      OperatorReply reply;
      std::memcpy(static_cast<void*>(&reply), frame.tx, sizeof reply);
      admin::Errand* errand = std::exchange(under_way_[frame.index], nullptr);
      errand->on_done(reply, {frame.tx + sizeof reply, frame.tx_bytes - sizeof reply}, frame.lsn);
      slab_.give_back(&frame);
    }
    taken += n;
    if (n < 64) break;
  }
  return taken;
}

admin::CallResult Control::call(ShardId shard, const OperatorRequest& request) {
  std::promise<admin::CallResult> promise;
  auto result = promise.get_future();
  const bool taken = enqueue(
      shard, request,
      [&promise](const OperatorReply& reply, std::span<const std::uint8_t> payload, Lsn) {
        promise.set_value({reply, {payload.begin(), payload.end()}});
      },
      1 << 20);
  if (!taken) {
    admin::CallResult busy;
    busy.reply.result = OperatorResult::busy;
    return busy;
  }
  return result.get();
}

bool Control::submit(ShardId shard, const OperatorRequest& request,
                     std::function<void(const OperatorReply&)> done) {
  return enqueue(
      shard, request,
      [done = std::move(done)](const OperatorReply& reply, std::span<const std::uint8_t>, Lsn) {
        done(reply);
      },
      parts_.frames * 2);
}

std::size_t Control::submit_batch(std::span<admin::Errand* const> errands) {
  return errands.empty() ? 0 : enqueue(errands, parts_.frames * 2);
}

Lsn Control::barrier() {
  std::uint64_t highest = 0;
  for (std::uint32_t loop = 0; loop < parts_.map.loops; ++loop) {
    std::promise<std::uint64_t> promise;
    auto lsn = promise.get_future();
    OperatorRequest read;
    read.kind = OperatorKind::list_mail;
    const bool taken = enqueue(
        ShardId{static_cast<std::uint8_t>(loop)}, read,
        [&promise](const OperatorReply&, std::span<const std::uint8_t>, Lsn at) {
          promise.set_value(at.value);
        },
        1 << 20);
    if (taken) highest = std::max(highest, lsn.get());
  }
  return Lsn{highest};
}

// ---- the rest of the door ------------------------------------------------------------------

std::optional<Directory::Found> Control::find(rating::IdentityType type, std::string_view text) {
  const auto found = parts_.directory->find(Directory::key(static_cast<std::uint8_t>(type), text));
  if (found.slot == none) return std::nullopt;
  return found;
}

void Control::expect(rating::IdentityType type, std::string_view text) {
  parts_.directory->prefetch(Directory::key(static_cast<std::uint8_t>(type), text));
}

bool Control::publish(rating::IdentityType type, std::string_view text, ShardId shard, Slot slot) {
  const std::lock_guard lock(directory_mutex_);
  const std::uint64_t key = Directory::key(static_cast<std::uint8_t>(type), text);
  const Directory::Found held = parts_.directory->find(key);
  // An identity has one owner: whoever would be the second is told, and undoes what it made.
  if (held.slot != none && (held.shard != shard || held.slot != slot)) return false;
  return parts_.directory->put(key, shard, slot);
}

void Control::withdraw(rating::IdentityType type, std::string_view text) {
  const std::lock_guard lock(directory_mutex_);
  parts_.directory->erase(Directory::key(static_cast<std::uint8_t>(type), text));
}

std::vector<admin::PlanInfo> Control::plans() {
  const std::lock_guard lock(plans_mutex_);
  return plans_ != nullptr ? plans_->infos(version_.load()) : std::vector<admin::PlanInfo>{};
}

std::vector<admin::BucketKindInfo> Control::bucket_kinds() {
  const std::lock_guard lock(plans_mutex_);
  return plans_ != nullptr ? plans_->bucket_kinds(version_.load())
                           : std::vector<admin::BucketKindInfo>{};
}

std::vector<admin::PlanVersionInfo> Control::plan_versions() {
  const std::lock_guard lock(plans_mutex_);
  return plans_ != nullptr ? plans_->versions(version_.load())
                           : std::vector<admin::PlanVersionInfo>{};
}

void Control::add_name(std::uint16_t id, std::string text) {
  const std::lock_guard lock(names_mutex_);
  std::string& name = names_[id];
  const bool renamed = !name.empty() && name != text;
  name = std::move(text);
  if (renamed) names_edition_.fetch_add(1, std::memory_order_release);
}

std::string Control::name_of(std::uint16_t id) {
  const std::lock_guard lock(names_mutex_);
  const auto found = names_.find(id);
  return found != names_.end() ? found->second : std::string();
}

std::string Control::reload(std::string_view who, std::string_view why) {
  const std::lock_guard lock(plans_mutex_);
  log::info("reload", "asked by " + std::string(who.empty() ? "nobody named" : who) +
                          (why.empty() ? "" : ": " + std::string(why)));
  std::string faults = reload_ ? reload_() : std::string("the daemon is still starting");
  if (!faults.empty()) log::warn("reload", "refused, nothing has changed: " + faults);
  return faults;
}

std::string Control::metrics_text() {
  const double uptime = static_cast<double>(micros_between(started_, SystemClock().now())) / 1e6;
  const std::vector<metrics::ExtraGauge> extra = {
      {"uptime_seconds", "Seconds since the daemon started", {}, uptime},
      {"plan_version", "Version of the plans in force", {}, static_cast<double>(version_.load())},
      {"directory_identities",
       "Identities in the directory",
       {},
       static_cast<double>(parts_.directory->used())},
  };
  return metrics::exposition(parts_.counters, extra);
}

// ---- segments ------------------------------------------------------------------------------

void Control::keep_segments() {
  parts_.own_counters->set(metrics::Counter::segments_ready, parts_.supply->ready.used_slots());
  // On a full disk each try makes, removes and syncs a file: ten of them a second are enough.
  constexpr std::int64_t retry_us = 100'000;
  const Time now = SystemClock().now();
  if (!keeper_failure_.empty() && micros_between(keeper_tried_, now) < retry_us) return;
  keeper_tried_ = now;
  Lsn needed_from = needed_from_;
  if (records_ != nullptr) needed_from = std::min(needed_from, records_->needed_from());
  const journal::Failure failure = parts_.keeper->turn(needed_from);
  if (failure.text == keeper_failure_) return;  // said once, not two thousand times a second
  keeper_failure_ = failure.text;
  if (failure)
    log::error("journal", "cannot prepare the next segment: " + failure.text +
                              "; new work stops when the current one is half full");
  else
    log::info("journal", "segments can be prepared again");
}

}  // namespace levy::daemon
