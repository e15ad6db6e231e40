// ShardLoop: one frame from bytes to bytes, due work, snapshot walk, counting.
// Core: shard. Allocates: at construction only. Blocks: never. Clock: read once per turn.
#include "engine/pipeline/shard_loop.hpp"

#include <cstring>
#include <new>

#include "engine/base/hash.hpp"

namespace levy::pipeline {

using metrics::Counter;
using rating::Reason;

ShardLoop::ShardLoop(const ShardLoopOptions& options, std::vector<shard::Shard*> shards,
                     Rings& rings, std::function<Time()> now, metrics::CounterBlock& counters,
                     HugePages huge_pages)
    : options_(options),
      shards_(std::move(shards)),
      rings_(rings),
      out_(*rings.shard_to_journal[options.number]),
      clock_(std::move(now)),
      counters_(counters),
      slab_(static_cast<std::uint8_t>(slab_shard_first + options.number), options.push_frames,
            huge_pages) {}

std::size_t ShardLoop::do_work() {
  const Time now = time_.advance(clock_());
  std::size_t done = 0;
  Frame* home[64];
  const std::size_t returned = rings_.journal_to_shard[options_.number]->pop(home, 64);
  for (std::size_t i = 0; i < returned; ++i) slab_.give_back(home[i]);
  // Each frame may bring its own pushes along: what is taken always fits the way out. Work is not
  // applied while the journal could not take its Record (no segment is ready).
  const bool open = rings_.admission_open.load(std::memory_order_acquire);
  const std::size_t room = out_.free_slots() / (1 + limits::pushes_max);
  done += take(*rings_.control_to_shard[options_.number], room, now);
  if (open) {
    done += take(*rings_.edge_to_shard[options_.number],
                 out_.free_slots() / (1 + limits::pushes_max), now);
    done += do_due(now, done != 0 ? 1 : options_.due_max);
  }
  if (snapshot_active_ || snapshot_.walks_wanted.load(std::memory_order_acquire) != snapshot_walks_)
    done += do_snapshot();
  counters_.add(Counter::turns);
  if (done != 0) counters_.add(Counter::busy_turns);
  if (++turns_ % 4096 == 0) count_pools();
  return done;
}

namespace {

// Control has copied as much of it there as its kind reads (OperatorRequest::bytes).
shard::OperatorRequest& operator_request(Frame& frame) {
  static_assert(sizeof(shard::OperatorRequest) <= sizeof frame.rx &&
                std::is_trivially_copyable_v<shard::OperatorRequest>);
  return *std::launder(reinterpret_cast<shard::OperatorRequest*>(frame.rx));
}

}  // namespace

// Prefetches a batch before touching it: the tables are far larger than the cache.
std::size_t ShardLoop::take(FrameRing& ring, std::size_t room, Time now) {
  Frame* frames[64];
  std::size_t want = options_.batch_max < 64 ? options_.batch_max : 64;
  if (room < want) want = room;
  const std::size_t n = ring.pop(frames, want);
  for (std::size_t i = 0; i < n; ++i) {
    if (frames[i]->home == slab_edge)
      shard_of(frames[i]->shard).prefetch(frames[i]->session_hash, frames[i]->subscriber.slot);
    else if ((frames[i]->flags & frame_operator) != 0)
      shard_of(frames[i]->shard).prefetch(operator_request(*frames[i]));
  }
  for (std::size_t i = 0; i < n; ++i) process(*frames[i], now);
  return n;
}

void ShardLoop::process(Frame& frame, Time now) {
  if (frame.home == slab_.number() && frame.flags == 0) {  // a push that went out comes home
    slab_.give_back(&frame);
    return;
  }
  if ((frame.flags & frame_operator) != 0) return process_operator(frame, now);
  if ((frame.flags & frame_push_answer) != 0) return process_push_answer(frame, now);
  process_request(frame, now);
}

// The order of a frame and its pushes is the order of their release.
void ShardLoop::hand_on(Frame& frame) {
  if (frame.record_bytes != 0) {
    counters_.add(Counter::records);
    counters_.add(Counter::record_bytes, frame.record_bytes);
    count_products();
  }
  const bool pushed = out_.try_push(&frame);
  LEVY_CHECK(pushed, out_.capacity());
}

// ---- a Credit-Control-Request --------------------------------------------------------------

// Looks in every Shard of this loop for the session: the directory knows no identity, or its Shard
// does not know the session.
bool ShardLoop::find_by_session(Frame& frame, const rating::ChargeRequest& request) {
  const auto application = static_cast<std::uint8_t>(frame.protocol);
  if (shard_of(frame.shard).knows_session(frame.session_hash, request.session_id, application))
    return true;
  for (shard::Shard* shard : shards_) {
    if (!shard->knows_session(frame.session_hash, request.session_id, application)) continue;
    frame.shard = shard->id();
    return true;
  }
  return false;
}

void ShardLoop::process_request(Frame& frame, Time now) {
  const app::Dialect& dialect = (*options_.dialects)[frame.dialect];
  if (dialect.deadline_ms != 0 &&
      micros_between(frame.received_at, now) > std::int64_t{dialect.deadline_ms} * 1000) {
    counters_.add(Counter::deadline_dropped);  // before apply: the gateway has given up on it
    return hand_on(frame);
  }
  const codec::CodecError error = app::decode_ccr(frame.request(), dialect, request_);
  if (error) {
    frame.tx_bytes = static_cast<std::uint32_t>(
        app::encode_error(frame.request(), error, options_.local, frame.tx));
    counters_.add(error.code == codec::ResultCode::missing_avp ? Counter::answers_5005
                                                               : Counter::answers_decode);
    say(LogKind::decode_refused, static_cast<std::uint32_t>(error.code), request_.session_id);
    return hand_on(frame);
  }
  if (frame.subscriber.slot == none) find_by_session(frame, request_);
  shard::ChargeContext context;
  context.now = now;
  context.session_hash = frame.session_hash;
  context.application = static_cast<std::uint8_t>(frame.protocol);
  context.last_candidate = false;
  context.identity_conflict = (frame.flags & frame_identity_conflict) != 0;
  context.subscriber = frame.subscriber.slot;
  context.other_subscriber = frame.other_subscriber;
  context.connection = std::uint64_t{frame.connection.generation} << 32 | frame.connection.index;
  context.dialect = frame.dialect;
  context.implicit_rsu = dialect.implicit_rsu;
  context.no_credit_code_4012 = dialect.no_credit_code_4012;
  context.origin_state_counts = (frame.flags & frame_origin_state) != 0;
  context.supersede = dialect.supersede;
  context.tariff_time_change = dialect.tariff_time_change;
  context.pools = dialect.pools;
  context.takes_abort = dialect.asr;
  context.duplicate_window = dialect.duplicate_window_s;
  shard_of(frame.shard).apply(request_, context, frame.record, outcome_);
  if (outcome_.not_mine) {
    const ShardId asked = frame.shard;
    if (find_by_session(frame, request_)) context.subscriber = context.other_subscriber = none;
    if (frame.shard == asked && (frame.flags & frame_last_candidate) == 0) {
      frame.flags |= frame_not_mine;
      counters_.add(Counter::not_mine);
      return hand_on(frame);
    }
    context.last_candidate = true;
    shard_of(frame.shard).apply(request_, context, frame.record, outcome_);
  }
  shard::Shard& shard = shard_of(frame.shard);
  frame.record_bytes = static_cast<std::uint32_t>(outcome_.record_bytes);
  app::Answer answer;
  answer.reason = outcome_.reason;
  answer.mscc_count = outcome_.mscc_count;
  answer.mscc = outcome_.charge.mscc.data();
  answer.plan = outcome_.plan;
  answer.has_event_result = outcome_.has_event_result;
  answer.event = outcome_.event;
  answer.triggers = dialect.triggers;
  answer.currency = outcome_.currency;
  frame.tx_bytes = static_cast<std::uint32_t>(
      app::encode_cca(frame.request(), request_, answer, options_.local, frame.tx));
  LEVY_CHECK(frame.tx_bytes != 0, frame.rx_bytes, outcome_.mscc_count);
  if ((outcome_.events & shard::event_traced) != 0) frame.flags |= frame_traced;
  count(frame, request_);
  hand_on(frame);
  send_pushes(shard);
}

// ---- pushes --------------------------------------------------------------------------------

void ShardLoop::send_pushes(shard::Shard& shard) {
  for (std::uint32_t i = 0; i < outcome_.push_count; ++i) {
    Frame* frame = slab_.take();
    if (frame == nullptr) {  // as if the gateway had not answered: tried again later
      shard.requeue_push(outcome_.pushes[i].session, time_.advance(Time{}));
      continue;
    }
    encode_push(shard, outcome_.pushes[i], *frame);
    hand_on(*frame);
  }
}

void ShardLoop::encode_push(shard::Shard& shard, const shard::Push& push, Frame& frame) {
  const shard::Session& session = shard.session(push.session);
  const shard::Host& host = shard.host(session.host);
  char session_id[limits::session_id_bytes_max + 1];
  app::ServerRequest request;
  request.abort = push.abort;
  request.session_id = {session_id, shard.copy_session_id(session, session_id)};
  request.destination_host = host.host();
  request.destination_realm = host.realm();
  request.has_rating_group =
      push.has_rating_group && (*options_.dialects)[session.dialect].rar_rating_group;
  request.rating_group = push.rating_group;
  request.end_to_end = (static_cast<std::uint32_t>(time_.advance(Time{}).seconds()) << 20) |
                       (++end_to_end_ & 0xfffffu);
  frame.flags = frame_push;
  frame.protocol = Protocol::gy;
  frame.shard = shard.id();
  frame.dialect = session.dialect;
  frame.connection = ConnectionRef{static_cast<std::uint32_t>(session.connection),
                                   static_cast<std::uint32_t>(session.connection >> 32)};
  frame.push = PushTag{push.session, static_cast<std::uint32_t>(shard.session_hash(session)),
                       push.number, 0};
  // rx: where it goes, for the edge: Origin-Host '\0' Origin-Realm '\0'.
  std::uint8_t* at = frame.rx;
  for (const std::string_view part : {host.host(), host.realm()}) {
    std::memcpy(at, part.data(), part.size());
    at += part.size();
    *at++ = 0;
  }
  frame.rx_bytes = static_cast<std::uint32_t>(at - frame.rx);
  if (shard.traced(session.account)) frame.flags |= frame_traced;
  frame.tx_bytes =
      static_cast<std::uint32_t>(app::encode_server_request(request, options_.local, frame.tx));
  LEVY_CHECK(frame.tx_bytes != 0);
}

void ShardLoop::process_push_answer(Frame& frame, Time now) {
  shard::Shard& shard = shard_of(frame.shard);
  shard::PushAnswer answer;
  answer.now = now;
  answer.session = frame.push.session;
  answer.check = frame.push.check;
  answer.number = frame.push.number;
  answer.result_code = frame.rx_bytes == 0 ? 0 : app::decode_result_code(frame.request());
  const app::Dialect& dialect = (*options_.dialects)[frame.dialect];
  answer.retry = (answer.result_code == 3002 && dialect.raa_retry_3002) ||
                 (answer.result_code == 5012 && dialect.raa_retry_5012);
  shard.apply(answer, frame.record, outcome_);
  frame.record_bytes = static_cast<std::uint32_t>(outcome_.record_bytes);
  const bool success = answer.result_code / 1000 == 2;
  counters_.add(success                   ? Counter::pushes_acked
                : answer.result_code == 0 ? Counter::pushes_timeout
                                          : Counter::pushes_failed);
  if (!success) say(LogKind::push_failed, answer.result_code, {});
  if ((outcome_.events & shard::event_session_lost) != 0) counters_.add(Counter::sessions_lost);
  hand_on(frame);
}

// ---- operators -----------------------------------------------------------------------------

void ShardLoop::process_operator(Frame& frame, Time now) {
  shard::Shard& shard = shard_of(frame.shard);
  shard::OperatorRequest& request = operator_request(frame);
  request.now = now;
  frame.tx_bytes =
      static_cast<std::uint32_t>(shard.apply(request, frame.tx, frame.record, outcome_));
  frame.record_bytes = static_cast<std::uint32_t>(outcome_.record_bytes);
  hand_on(frame);
  send_pushes(shard);
}

// ---- due work and snapshots ----------------------------------------------------------------

// Paced: beside traffic one at a time, so that a sweep over many sessions delays nobody.
std::size_t ShardLoop::do_due(Time now, std::size_t due_max) {
  std::size_t done = 0;
  for (std::size_t looked = 0; looked < 4 && done < due_max; ++looked) {
    if (slab_.free_frames() < 1 + limits::pushes_max ||
        out_.free_slots() < 2 * (1 + limits::pushes_max))
      return done;
    shard::Shard& shard = *shards_[due_shard_];
    Frame* frame = slab_.take();
    if (!shard.apply_due(now, frame->record, outcome_)) {
      slab_.give_back(frame);
      due_shard_ = (due_shard_ + 1) % shards_.size();
      continue;
    }
    ++done;
    if ((outcome_.events & shard::event_session_lost) != 0) counters_.add(Counter::sessions_lost);
    frame->shard = shard.id();
    frame->record_bytes = static_cast<std::uint32_t>(outcome_.record_bytes);
    if (frame->record_bytes == 0)
      slab_.give_back(frame);
    else
      hand_on(*frame);
    send_pushes(shard);
  }
  return done;
}

// One buffer of the walk per turn, so that answers behind it wait microseconds, not the walk.
std::size_t ShardLoop::do_snapshot() {
  if (!snapshot_active_) {
    ++snapshot_walks_;
    snapshot_active_ = true;
    snapshot_shard_ = 0;
    snapshot_cursor_ = {};
  }
  SnapshotBuffer* buffer = nullptr;
  if (snapshot_.full.free_slots() == 0 || snapshot_.empty.pop(&buffer, 1) == 0) return 0;
  buffer->last = snapshot_shard_ == shards_.size();
  buffer->chunk = {};
  for (int looks = 0; !buffer->last && buffer->chunk.count == 0 && looks < 4; ++looks) {
    shard::Shard& shard = *shards_[snapshot_shard_];
    buffer->shard = shard.id().value;
    buffer->chunk = shard.copy_slots(snapshot_cursor_, buffer->bytes);
    if (snapshot_cursor_.done()) {
      ++snapshot_shard_;
      snapshot_cursor_ = {};
      break;
    }
  }
  if (buffer->last) snapshot_active_ = false;
  snapshot_.full.try_push(buffer);
  return 1;
}

// ---- counting ------------------------------------------------------------------------------

void ShardLoop::say(LogKind kind, std::uint32_t a, std::string_view text) {
  LogEvent event;
  event.kind = kind;
  event.a = a;
  event.set_text(text);
  say(event);
}

// At most a few lines of a kind per second: a flood of refusals is in the counters.
void ShardLoop::say(LogEvent& event) {
  Said& said = said_[static_cast<std::size_t>(event.kind)];
  event.at = time_.advance(Time{});
  const std::int64_t second = event.at.seconds();
  if (said.second != second) said = Said{second, 0};
  if (++said.lines > lines_per_second_max || !log_.try_push(event))
    counters_.add(Counter::log_lost);
}

// The first at once, then one line a minute: where it happens, it happens with every new session.
void ShardLoop::say_given_up(std::uint32_t count) {
  counters_.add(Counter::tombstones_given_up, count);
  given_up_unsaid_ += count;
  const std::int64_t second = time_.advance(Time{}).seconds();
  if (second - given_up_said_ < given_up_line_seconds) return;
  given_up_said_ = second;
  say(LogKind::tombstones_given_up, given_up_unsaid_, {});
  given_up_unsaid_ = 0;
}

namespace {

// As operators write an identity; a SIP URI names its kind itself.
std::string_view prefix_of(rating::IdentityType type) {
  switch (type) {
    case rating::IdentityType::imsi:
      return "imsi:";
    case rating::IdentityType::e164:
      return "e164:";
    case rating::IdentityType::nai:
      return "nai:";
    case rating::IdentityType::private_id:
      return "private:";
    default:
      return "";
  }
}

Counter answer_counter(Reason reason) {
  switch (reason) {
    case Reason::ok:
      return Counter::answers_2001;
    case Reason::no_credit:
      return Counter::answers_4012;
    case Reason::denied:
      return Counter::answers_4010;
    case Reason::refused:
      return Counter::answers_5003;
    case Reason::rating_failed:
      return Counter::answers_5031;
    case Reason::user_unknown:
      return Counter::answers_5030;
    case Reason::unknown_session:
      return Counter::answers_5002;
    case Reason::unable_to_comply:
      return Counter::answers_5012;
    case Reason::not_applicable:
      return Counter::answers_other;
  }
  return Counter::answers_other;
}

}  // namespace

// Both identities by name: without them nobody can find the account that holds a recycled number.
void ShardLoop::say_conflict(const Frame& frame, const rating::ChargeRequest& request) {
  const bool two_accounts = outcome_.reason == Reason::user_unknown;
  LogEvent event;
  event.kind = LogKind::identity_conflict;
  event.a = two_accounts ? 5030 : 5012;
  for (const std::uint8_t wanted : {frame.known_identity, frame.other_identity}) {
    for (std::size_t i = 0; i < request.identity_count; ++i) {
      const rating::Identity& identity = request.identities[i];
      if (static_cast<std::uint8_t>(identity.type) != wanted) continue;
      if (event.text_bytes != 0) event.add_text(" and ");
      event.add_text(prefix_of(identity.type));
      event.add_text(identity.text);
    }
  }
  event.add_text(event.text_bytes != 0 ? ", session " : "session ");
  event.add_text(request.session_id);
  say(event);
}

void ShardLoop::count(const Frame& frame, const rating::ChargeRequest& request) {
  switch (request.type) {
    case rating::RequestType::initial:
      counters_.add(Counter::ccr_initial);
      break;
    case rating::RequestType::update:
      counters_.add(Counter::ccr_update);
      break;
    case rating::RequestType::termination:
      counters_.add(Counter::ccr_termination);
      break;
    case rating::RequestType::event:
      counters_.add(Counter::ccr_event);
      break;
  }
  counters_.add(answer_counter(outcome_.reason));
  if (outcome_.reason == Reason::user_unknown) counters_.add(Counter::unknown_users);
  const std::uint32_t events = outcome_.events;
  if (frame.record_bytes != 0) {
    std::int64_t charged = 0, unpaid = 0, unrated = 0;
    // Late usage is charged, though its answer (5002) has no MSCC.
    const bool late = outcome_.record_kind == shard::RecordKind::late_usage;
    const std::size_t rows = late ? rating::charged_rows(request) : outcome_.mscc_count;
    for (std::size_t i = 0; i < rows; ++i) {
      charged += outcome_.charge.mscc[i].charged;
      unpaid += outcome_.charge.mscc[i].unpaid;
      unrated += outcome_.charge.mscc[i].unrated;
    }
    counters_.add(Counter::charged, static_cast<std::uint64_t>(charged));
    counters_.add(Counter::overrun, static_cast<std::uint64_t>(unpaid));
    counters_.add(Counter::unrated_units, static_cast<std::uint64_t>(unrated));
  }
  if (events == 0) return;
  if ((events & shard::event_duplicate) != 0) counters_.add(Counter::duplicates);
  if ((events & shard::event_session_opened) != 0) counters_.add(Counter::sessions_opened);
  if ((events & shard::event_session_closed) != 0) counters_.add(Counter::sessions_closed);
  if ((events & shard::event_session_lost) != 0) counters_.add(Counter::sessions_lost);
  if ((events & shard::event_superseded) != 0) counters_.add(Counter::sessions_superseded);
  if ((events & shard::event_time_distrusted) != 0) counters_.add(Counter::event_times_distrusted);
  if ((events & shard::event_version_gone) != 0) counters_.add(Counter::plan_versions_gone);
  if ((events & shard::event_tombstones_given_up) != 0) say_given_up(outcome_.tombstones_given_up);
  if ((events & shard::event_duplicate_differs) != 0) {
    counters_.add(Counter::duplicates_different);
    say(LogKind::duplicate_differs, request.request_number, request.session_id);
  }
  if ((events & shard::event_identity_conflict) != 0) {
    counters_.add(Counter::identity_conflicts);
    say_conflict(frame, request);
  }
  if ((events & shard::event_late_usage) != 0) {
    counters_.add(Counter::late_usage);
    say(LogKind::late_usage, request.request_number, request.session_id);
  }
  if ((events & shard::event_dispute) != 0) {
    counters_.add(Counter::disputes);
    say(LogKind::dispute, request.request_number, request.session_id);
  }
  if ((events & shard::event_pool_full) != 0) say(LogKind::pool_full, frame.shard.value, {});
}

namespace {

constexpr std::uint16_t index_of(Counter counter) {
  return static_cast<std::uint16_t>(counter);
}
constexpr Counter counter_at(Counter first, std::size_t further) {
  return static_cast<Counter>(index_of(first) + further);
}

// The tables' order is that of the enumerations.
static_assert(index_of(Counter::products_refused) - index_of(Counter::products_bought) ==
              static_cast<int>(shard::ProductEvent::refused) -
                  static_cast<int>(shard::ProductEvent::bought));
static_assert(index_of(Counter::pool_capacity_account) - index_of(Counter::pool_used_account) ==
                  shard::pool_count - 1 &&
              index_of(Counter::pool_capacity_counter) - index_of(Counter::pool_capacity_account) ==
                  shard::pool_count - 2);

}  // namespace

// Of the Record just handed on, whatever made it: a charge, an operator's change, the sweep.
void ShardLoop::count_products() {
  for (std::uint32_t i = 0; i < outcome_.product_count; ++i) {
    const shard::ProductFact& fact = outcome_.products[i];
    const bool renewed = fact.event == shard::ProductEvent::renewed;
    const auto event = static_cast<std::size_t>(fact.event);
    counters_.add(counter_at(Counter::products_bought, event - 1), renewed ? fact.periods : 1);
    counters_.add(Counter::product_fees, static_cast<std::uint64_t>(fact.charged()));
  }
  counters_.add(Counter::counter_levels, outcome_.counter_count);
}

void ShardLoop::count_pools() {
  std::size_t used[shard::pool_count] = {};
  std::size_t capacity[shard::pool_count] = {};
  for (const shard::Shard* shard : shards_) {
    shard->for_each_pool_use([&](shard::PoolId id, std::size_t u, std::size_t c) {
      used[static_cast<std::size_t>(id)] += u;
      capacity[static_cast<std::size_t>(id)] += c;
    });
  }
  for (std::size_t id = 1; id < shard::pool_count; ++id) {
    counters_.set(counter_at(Counter::pool_used_account, id - 1), used[id]);
    counters_.set(counter_at(Counter::pool_capacity_account, id - 1), capacity[id]);
  }
}

}  // namespace levy::pipeline
