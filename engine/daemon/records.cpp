// Records: see records.hpp.
// Core: feed (run), control (everything else). Allocates: yes. Blocks: on the records' disk; never
// the corridor. Clock: system.
#include "engine/daemon/records.hpp"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "config/values.hpp"
#include "engine/clock.hpp"
#include "engine/daemon/log.hpp"

namespace levy::daemon {

using metrics::Counter;
using std::chrono::milliseconds;

namespace {

constexpr auto nap = milliseconds(50);
constexpr std::int64_t identities_for_us = 60'000'000;  // a SIM may be swapped
constexpr auto finish_for = std::chrono::seconds(20);

feed::FeedOptions feed_options(const RecordsParts& parts) {
  feed::FeedOptions f;
  f.join_identities = parts.options.identities == config::RecordIdentities::join;
  f.restate_bytes = parts.segment_bytes;
  feed::SinkOptions sink;
  sink.directory = parts.options.directory;
  sink.node = parts.node_name;
  sink.rotate_every_s = parts.options.rotate_every_s;
  sink.rotate_bytes = parts.options.rotate_bytes;
  sink.retention_s = parts.options.retention_s;
  for (const auto& [wanted, format] : {std::pair{parts.options.jsonl, feed::Format::jsonl},
                                       std::pair{parts.options.csv, feed::Format::csv}}) {
    sink.format = format;
    if (wanted) f.sinks.push_back(sink);
  }
  return f;
}

}  // namespace

Records::Records(const RecordsParts& parts) : parts_(parts), segments_(parts.journal_directory) {
  feed_ = std::make_unique<feed::Feed>(feed_options(parts_), segments_, parts_.node_id, *this);
}

Records::~Records() {
  stop();
}

void Records::stop() {
  stopping_.store(true);
  news_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::string Records::open(Lsn durable) {
  std::vector<std::string> notes;
  journal::Failure failure = feed_->open(durable, SystemClock().now(), notes);
  for (const std::string& note : notes) log::error("records", note);
  if (!failure) failure = feed_->bytes_ahead(owed_);
  if (failure) return "records: " + failure.text;
  needed_from_.store(feed_->needed_from().value);
  return {};
}

void Records::start(admin::ControlDoor& control) {
  control_ = &control;
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "levy-feed");
}

void Records::run() {
  while (!stopping_.load()) {
    if (turn()) continue;
    std::unique_lock lock(mutex_);
    news_.wait_for(lock, nap, [this] { return stopping_.load(); });
  }
}

bool Records::turn() {
  // Before `durable`: what is sealed by then and not durable yet only makes the backlog larger.
  const std::uint64_t sealed = parts_.journal->get(Counter::journal_bytes);
  const Lsn durable{parts_.journal->get(Counter::proven_lsn)};
  const bool more = feed_->turn(durable, SystemClock().now());
  if (feed_->next() > durable) {
    owed_ = 0;
    sealed_at_ = sealed;
    read_at_ = feed_->bytes_read();
  }
  const std::uint64_t grown = owed_ + (sealed - sealed_at_);
  const std::uint64_t read = feed_->bytes_read() - read_at_;
  const std::uint64_t backlog = grown > read ? grown - read : 0;
  needed_from_.store(feed_->needed_from().value, std::memory_order_release);
  parts_.own->set(Counter::records_written, feed_->records());
  parts_.own->set(Counter::records_lsn, feed_->next().value - 1);
  parts_.own->set(Counter::records_backlog, backlog);
  parts_.own->set(Counter::records_failing, feed_->failure().empty() ? 0 : 1);
  if (feed_->failure() != failure_) {
    failure_ = feed_->failure();
    if (failure_.empty())
      log::info("records", "charging records are written again");
    else
      log::error("records", "charging records cannot be written: " + failure_ +
                                "; charging goes on, the journal keeps them");
  }
  watch(backlog);
  return more;
}

// Half of records.backlog_max is an alarm; at all of it new sessions stop, until it is half again.
void Records::watch(std::uint64_t backlog) {
  const auto most = static_cast<std::uint64_t>(parts_.options.backlog_max_bytes);
  const std::string behind = std::to_string(backlog / 1024) + " KiB of journal wait for the "
                             "charging records, records.backlog_max is " +
                             config::show_size(parts_.options.backlog_max_bytes);
  if (backlog >= most / 2 && !half_) log::error("records", "half full: " + behind);
  if (backlog < most / 2 && half_) log::info("records", "below half again: " + behind);
  half_ = backlog >= most / 2;
  const bool full = backlog >= most || (full_ && half_);
  if (full == full_) return;
  full_ = full;
  parts_.sessions_open->store(!full, std::memory_order_release);
  parts_.own->set(Counter::records_stop_sessions, full ? 1 : 0);
  if (full)
    log::error("records", "new sessions stop: " + behind +
                              "; make room for the records, open sessions are charged on");
  else
    log::info("records", "new sessions are taken again: " + behind);
}

void Records::finish() {
  const Lsn durable{parts_.journal->get(Counter::proven_lsn)};
  const auto until = std::chrono::steady_clock::now() + finish_for;
  while (thread_.joinable() && std::chrono::steady_clock::now() < until &&
         parts_.own->get(Counter::records_lsn) < durable.value &&
         parts_.own->get(Counter::records_failing) == 0)
    std::this_thread::sleep_for(milliseconds(5));
  stop();
  feed_->settle();
  if (feed_->next() <= durable)
    log::warn("records", "charging records from LSN " + std::to_string(feed_->next().value) +
                             " on are written after the next start");
}

// ---- names ---------------------------------------------------------------------------------

std::string Records::name_of(std::uint16_t id) {
  return control_->name_of(id);
}

bool Records::identities_of(ShardId shard, std::string_view account, Slot subscriber,
                            feed::Identities& identities) {
  const Time now = SystemClock().now();
  if (identities_.size() > cached_max || micros_between(identities_at_, now) > identities_for_us) {
    identities_.clear();
    identities_at_ = now;
  }
  const std::uint64_t key = std::uint64_t{shard.value} << 32 | subscriber;
  auto found = identities_.find(key);
  if (found == identities_.end()) {
    if (!ask_identities(shard, account)) return false;
    found = identities_.try_emplace(key).first;  // empty: it is gone, and forgotten
  }
  identities = found->second;
  return true;
}

// Every subscriber of the account; false: nobody answers at present.
bool Records::ask_identities(ShardId shard, std::string_view account) {
  shard::OperatorRequest request;
  request.kind = shard::OperatorKind::show_account;
  if (account.size() >= sizeof request.account_name) return true;
  std::memcpy(request.account_name, account.data(), account.size());
  Slot slot = none;
  for (bool first = true; request.cursor != none; first = false) {
    const admin::CallResult page = control_->call(shard, request);
    if (page.reply.result == shard::OperatorResult::busy) return false;
    if (page.reply.result != shard::OperatorResult::ok) return true;
    shard::ShowHeader header;
    shard::Account state;
    const std::uint8_t* at = page.payload.data();
    std::memcpy(&header, at, sizeof header);
    std::memcpy(static_cast<void*>(&state), at + sizeof header, sizeof state);
    at += sizeof header + sizeof state;
    if (first) slot = state.first_subscriber;
    for (std::uint32_t i = 0; i < header.subscriber_count; ++i) {
      shard::Subscriber one;
      std::memcpy(static_cast<void*>(&one), at + i * sizeof one, sizeof one);
      char digits[16];
      feed::Identities& of = identities_[std::uint64_t{shard.value} << 32 | slot];
      of.imsi.assign(digits, shard::unpack_digits(one.imsi, digits));
      of.msisdn.assign(digits, shard::unpack_digits(one.e164, digits));
      slot = one.next;
    }
    if (header.subscriber_count == 0 || slot == none) break;
    request.cursor = page.reply.id;
  }
  return true;
}

}  // namespace levy::daemon
