// The import's window of lines under way (see import.hpp).
// Core: one admin thread, completions on the control thread. Allocates: yes. Blocks: for room.
// Clock: steady, for waits.
#include "engine/admin/import.hpp"

#include <algorithm>
#include <bit>
#include <chrono>

#include "engine/admin/date.hpp"
#include "engine/base/hash.hpp"

namespace levy::admin {

using shard::OperatorKind;
using shard::OperatorResult;

namespace {
constexpr std::size_t keys_max = 5;
}

// A line under way, and its present Command.
struct Import::Row final : Errand {
  explicit Row(Import& whole) : import(whole) {}
  void on_done(const shard::OperatorReply& reply, std::span<const std::uint8_t>, Lsn) override {
    import.on_done(this, reply);
  }

  void before_done() override { import.expect(*this); }

  Import& import;
  std::uint64_t line = 0;
  std::string text;                      // what `values` points into
  RowValues values;
  Slot index = 0;                        // in rows_
  std::array<std::uint64_t, keys_max> keys{};  // of the account and the identities
  std::uint32_t key_count = 0;
  std::vector<Row*> waiting;             // lines that want one of our keys
  Slot account = none;
  Step step = Step::account;
  Slot owner = none;                     // subscriber that the directory says has an identity,
  RowIdentity owner_by;                  // this one
  std::uint32_t bucket = 0;              // Step::bucket: which
  std::uint32_t product = 0;             // Step::product: which
  std::uint8_t undo = 0;                 // Step::undo: identities to take away, a bit each
  Slot undo_subscriber = none;
  std::string undo_why;
  std::uint32_t busy_count = 0;
  bool existed = false, created = false, updated = false, locked = false;
};

namespace {

constexpr std::size_t lines_per_pump = 64;  // lines are started, Commands sent, replies taken so
constexpr std::size_t wake_batch_max = 256;

constexpr std::uint32_t busy_max = 2000;  // tries of one Command, a millisecond apart at least

// Turns, of a millisecond at least, in which the door took nothing while nothing was under way.
constexpr std::uint32_t refused_turns_max = 30'000;

void put_identities(const RowValues& values, shard::OperatorRequest& request) {
  request.identity_count = static_cast<std::uint8_t>(values.identity_count);
  for (std::uint32_t i = 0; i < values.identity_count; ++i) {
    put_identity(request.identities[i], values.identities[i].type, values.identities[i].text);
  }
}

shard::OperatorBucket bucket_of(const RowBucket& bucket, std::uint16_t currency) {
  shard::OperatorBucket made;
  made.own = bucket.own;
  if (bucket.kind == nullptr) {  // a wallet
    made.currency = currency;
    made.amount = bucket.amount;
    return made;
  }
  made.kind = bucket.kind->id;
  made.unit = bucket.kind->unit;
  made.currency = bucket.kind->currency;
  made.priority = bucket.kind->priority;
  made.step = bucket.kind->step;
  made.amount = bucket.amount;
  if (bucket.kind->lifetime != 0) made.ends_at = unix_now() + bucket.kind->lifetime;
  return made;
}

void put_account(const RowValues& values, shard::OperatorRequest& request) {
  request.kind = OperatorKind::create_account;
  request.plan = values.plan;
  request.currency = values.currency;
  request.amount = values.wallet;
  request.credit_limit = values.credit_limit;
  request.status = values.status;
  request.starts_at = values.plan_starts_at;
  request.flag = values.plan_starts_at != 0;
  request.bucket_count = static_cast<std::uint8_t>(values.bucket_count);
  for (std::uint32_t i = 0; i < values.bucket_count; ++i) {
    request.buckets[i] = bucket_of(values.buckets[i], values.currency);
  }
  put_identities(values, request);
}

std::uint64_t key_of(rating::IdentityType type, std::string_view text) {
  return hash_bytes(text, static_cast<std::uint64_t>(type));
}

}  // namespace

Import::Import(ControlDoor& door, const ImportOptions& options, ImportProgress& progress)
    : door_(door), options_(options), progress_(progress), names_(door),
      locks_(options.window * keys_max, HugePages::off) {
  names_.currency = options.currency;
  for (auto* counter : {&progress.lines, &progress.created, &progress.updated, &progress.unchanged,
                        &progress.failed}) {
    *counter = 0;
  }
  progress.running = true;
  header_read_ = options.json_lines;
  for (std::size_t i = 0; i < options.window; ++i) {
    rows_.push_back(std::make_unique<Row>(*this));
    rows_.back()->index = static_cast<Slot>(i);
    free_rows_.push_back(rows_.back().get());
  }
}

Import::~Import() {
  while (free_rows_.size() < rows_.size()) pump(true);
  progress_.running = false;
}

void Import::take_line(std::string_view line) {
  ++line_number_;
  if (line_number_ == 1 && line.substr(0, 3) == "\xef\xbb\xbf") line.remove_prefix(3);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (line.empty()) return;
  if (!header_read_) {
    refusal_ = header_.read(line);
    header_read_ = refusal_.empty();
    stopped_ = !header_read_;
    return;
  }
  progress_.lines.fetch_add(1, std::memory_order_relaxed);
  if (line.size() > line_bytes_max) return record_error(line_number_, "longer than 16 KiB");
  while (free_rows_.empty()) pump(true);
  if (stopped_) return;  // by a line before this one
  Row& row = *free_rows_.back();
  row.line = line_number_;
  row.text.assign(line);
  row.values = RowValues{};
  RowTexts texts{};
  std::string why = options_.json_lines ? cut_json(row.text, texts)
                                        : std::string(header_.cut(row.text, texts));
  if (why.empty()) why = row_values(texts, names_, row.values);
  if (!why.empty()) return record_error(row.line, std::move(why));
  free_rows_.pop_back();
  row.key_count = 0;
  row.keys[row.key_count++] = key_of(rating::IdentityType::account_name, row.values.account);
  for (std::uint32_t i = 0; i < row.values.identity_count; ++i) {
    row.keys[row.key_count++] =
        key_of(row.values.identities[i].type, row.values.identities[i].text);
  }
  row.busy_count = row.bucket = row.product = 0;
  row.created = row.updated = false;
  expect(row);
  rows_read_.push_back(&row);
  // With stop_on_error no line is read before the one before it was looked at.
  if (options_.stop_on_error) start_read();
  else if (rows_read_.size() >= lines_per_pump) return pump(false);
  if (ready_.size() >= lines_per_pump) pump(false);
}

// The directory's entries that placing or publishing it will touch.
void Import::expect(const Row& row) {
  door_.expect(rating::IdentityType::account_name, row.values.account);
  for (std::uint32_t i = 0; i < row.values.identity_count; ++i) {
    door_.expect(row.values.identities[i].type, row.values.identities[i].text);
  }
}

// ---- one line ------------------------------------------------------------------------------

// Takes all keys or none; without them the row waits behind the holder of the first one missing.
bool Import::lock(Row& row) {
  for (std::uint32_t i = 0; i < row.key_count; ++i) {
    const Slot found = locks_.find(row.keys[i], [&](Slot s) {
      return rows_[s / keys_max]->keys[s % keys_max] == row.keys[i];
    });
    if (found == none) continue;
    rows_[found / keys_max]->waiting.push_back(&row);
    return false;
  }
  for (Slot i = 0; i < row.key_count; ++i) {
    locks_.insert(row.keys[i], row.index * static_cast<Slot>(keys_max) + i);
  }
  row.locked = true;
  return true;
}

void Import::unlock(Row& row) {
  for (Slot i = 0; i < row.key_count && row.locked; ++i) {
    locks_.erase(row.keys[i], row.index * static_cast<Slot>(keys_max) + i);
  }
  row.locked = false;
}

void Import::start_read() {
  for (Row* row : rows_read_) start(*row);
  rows_read_.clear();
}

void Import::start(Row& row) {
  if (!lock(row) || !place(row)) return;
  row.step = Step::account;
  // What Step::account makes is there; with a key the Shard says whether the same request made it.
  if (row.existed && options_.key.empty())
    next(row);
  else make_ready(row);
}

bool Import::place(Row& row) {
  const auto found = door_.find(rating::IdentityType::account_name, row.values.account);
  row.existed = found && found->slot != none;
  row.shard = row.existed ? found->shard : home_shard(door_, row.values.account);
  row.account = row.existed ? found->slot : none;
  if (!row.existed && row.values.plan == 0) {
    fail(row, "a new account needs a plan");
    return false;
  }
  row.owner = none;
  for (std::uint32_t i = 0; i < row.values.identity_count; ++i) {
    const RowIdentity& identity = row.values.identities[i];
    const auto owner = door_.find(identity.type, identity.text);
    if (!owner || owner->slot == none) continue;
    const std::string name = std::string(identity_type_text(identity.type)) + " \"" +
                             std::string(identity.text) + "\": ";
    // A new account cannot own it; of an account of the same Shard, Step::owner asks.
    if (!row.existed || owner->shard != row.shard) {
      fail(row, name + "it belongs to another account");
      return false;
    }
    if (row.owner != none && row.owner != owner->slot) {
      fail(row, name + "the line's identities belong to different subscribers");
      return false;
    }
    row.owner = owner->slot;
    row.owner_by = identity;
  }
  return true;
}

// Moves the row to its next step that has something to do, or ends it.
void Import::next(Row& row) {
  const RowValues& values = row.values;
  if (row.step == Step::bucket && row.bucket + 1 < values.bucket_count) {
    ++row.bucket;
    return make_ready(row);
  }
  if (row.step == Step::product && row.product + 1 < values.product_count) {
    ++row.product;
    return make_ready(row);
  }
  while (row.step != Step::product) {
    row.step = static_cast<Step>(static_cast<int>(row.step) + 1);
    const bool wanted =
        (row.step == Step::owner && row.owner != none) ||
        (row.step == Step::wallet && row.existed && options_.set_balance && values.has_wallet) ||
        (row.step == Step::bucket && values.bucket_count > 0 && row.existed) ||
        (row.step == Step::subscriber && values.identity_count > 0 && row.existed) ||
        (row.step == Step::product && values.product_count > 0);
    if (wanted) return make_ready(row);
  }
  finish_row(row);
}

void Import::build(Row& row) const {
  const RowValues& values = row.values;
  shard::OperatorRequest& request = row.request;
  request = shard::OperatorRequest{};
  put_text(request.account_name, values.account);
  put_text(request.who, options_.who);
  put_text(request.why, options_.why);
  put_key(row, request);
  request.account = row.account;
  switch (row.step) {
    case Step::owner:
      request = shard::OperatorRequest{};
      request.kind = OperatorKind::show_account;
      request.subscriber = row.owner;
      request.identity_count = 1;
      put_identity(request.identities[0], row.owner_by.type, row.owner_by.text);
      break;
    case Step::account:
      put_account(values, request);
      break;
    case Step::wallet:
      request.kind = OperatorKind::set_wallet;
      request.currency = values.currency;
      request.amount = values.wallet;
      break;
    case Step::bucket: {
      const RowBucket& wanted = values.buckets[row.bucket];
      const shard::OperatorBucket bucket = bucket_of(wanted, values.currency);
      request.kind = OperatorKind::create_bucket;
      request.bucket_kind = bucket.kind;
      request.unit = bucket.unit;
      request.currency = bucket.currency;
      request.priority = bucket.priority;
      request.step = bucket.step;
      request.amount = bucket.amount;
      request.ends_at = bucket.ends_at;
      request.own = bucket.own;
      if (bucket.own) {
        request.identity_count = 1;
        put_identity(request.identities[0], values.identities[0].type, values.identities[0].text);
      }
      break;
    }
    case Step::subscriber:
      request.kind = OperatorKind::create_subscriber;
      put_identities(values, request);
      break;
    case Step::product: {
      const RowProduct& product = values.products[row.product];
      request.kind = OperatorKind::buy_product;
      request.plan = product.plan->id;
      request.starts_at = product.starts_at;
      request.flag = product.starts_at != 0;
      // With a date the Shard compares the dates: the account may hold another one of the plan.
      if (!request.flag) request.cursor = shard::OperatorRequest::unless_held;
      break;
    }
    case Step::undo: {
      const bool whole = row.owner == none;  // it was made by this line
      const RowIdentity& identity =
          values.identities[whole ? 0 : static_cast<unsigned>(std::countr_zero(row.undo))];
      request.kind = whole ? OperatorKind::delete_subscriber : OperatorKind::change_identity;
      request.subscriber = row.undo_subscriber;
      request.identity_count = 1;
      put_identity(request.identities[0], identity.type, identity.text);
      break;
    }
  }
}

// The first Command has the key itself, each further one a key made of it: a Shard keeps one
// request to a key. What undoes a Command is none of the request's.
void Import::put_key(const Row& row, shard::OperatorRequest& request) const {
  if (options_.key.empty() || row.step == Step::undo) return;
  if (row.step == Step::account) {
    put_text(request.request_key, options_.key);
    return;
  }
  const std::uint32_t item = row.step == Step::bucket    ? row.bucket
                             : row.step == Step::product ? row.product
                                                         : 0;
  put_text(request.request_key, std::to_string(stable_hash(options_.key)) + "/" +
                                    std::to_string(static_cast<int>(row.step)) + "/" +
                                    std::to_string(item));
  if (row.step != Step::bucket) return;
  // Without what the clock adds: a repeat has the same digest.
  const RowBucket& bucket = row.values.buckets[row.bucket];
  request.digest = stable_hash("bucket|" + std::to_string(bucket.kind ? bucket.kind->id : 0) + "|" +
                               std::to_string(bucket.amount) + (bucket.own ? "|own" : "|"));
}

void Import::make_ready(Row& row) {
  build(row);
  ready_.push_back(&row);
}

void Import::submit_ready() {
  const std::size_t taken = door_.submit_batch(ready_);
  ready_.erase(ready_.begin(), ready_.begin() + static_cast<long>(taken));
  submitted_ += taken;
}

// Control thread: what the Command made is durable, so it may be found from here on.
void Import::on_done(Row* row, const shard::OperatorReply& reply) {
  std::uint8_t fresh = 0;
  const bool published = refused(reply.result) || publish(*row, reply, fresh);
  const std::lock_guard lock(completed_mutex_);
  completed_.push_back({row, reply.result, reply.account, reply.subscriber, fresh, published});
  if (waiting_ && completed_.size() >= wake_at_) completed_ready_.notify_one();
}

// All that the Command made, or nothing of it. `fresh`: the identities that were not there before.
bool Import::publish(const Row& row, const shard::OperatorReply& reply, std::uint8_t& fresh) {
  const RowValues& values = row.values;
  if (row.step == Step::account && !door_.publish(rating::IdentityType::account_name,
                                                  values.account, row.shard, reply.account)) {
    return false;
  }
  // A subscriber just made: an entry that leads to its slot is older than it, and none of its own.
  const bool made = row.step == Step::account && reply.result == OperatorResult::ok;
  if (!made && row.step != Step::subscriber) return true;
  for (std::uint32_t i = 0; i < values.identity_count; ++i) {
    const RowIdentity& identity = values.identities[i];
    if (!made) {
      const auto found = door_.find(identity.type, identity.text);
      if (found && found->shard == row.shard && found->slot == reply.subscriber) continue;
    }
    fresh = static_cast<std::uint8_t>(fresh | 1u << i);
    if (door_.publish(identity.type, identity.text, row.shard, reply.subscriber)) continue;
    for (std::uint32_t j = 0; j < i; ++j) {
      if ((fresh & 1u << j) != 0) {
        door_.withdraw(values.identities[j].type, values.identities[j].text);
      }
    }
    // The ones not reached are not published either, unless they were so before.
    for (std::uint32_t j = i + 1; j < values.identity_count; ++j) {
      const auto other = door_.find(values.identities[j].type, values.identities[j].text);
      if (!other || other->shard != row.shard || other->slot != reply.subscriber) {
        fresh = static_cast<std::uint8_t>(fresh | 1u << j);
      }
    }
    return false;
  }
  return true;
}

// What was made durable but may not be found is taken away again.
void Import::begin_undo(Row& row, const Completion& completion) {
  row.undo_why = "the directory is full: raise the capacity";
  for (std::uint32_t i = 0; i < row.values.identity_count; ++i) {
    const RowIdentity& identity = row.values.identities[i];
    const auto found = door_.find(identity.type, identity.text);
    if (!found || (found->shard == row.shard && found->slot == completion.subscriber)) continue;
    row.undo_why = std::string(identity_type_text(identity.type)) + " \"" +
                   std::string(identity.text) + "\": it belongs to another account";
  }
  row.undo = completion.fresh;
  row.undo_subscriber = completion.subscriber;
  row.step = Step::undo;
  next_undo(row);
}

void Import::next_undo(Row& row) {
  if (row.undo == 0) return fail(row, std::move(row.undo_why));
  make_ready(row);
}

void Import::on_completion(const Completion& completion) {
  Row& row = *completion.row;
  --submitted_;
  if (completion.result == OperatorResult::busy && ++row.busy_count < busy_max) {
    return ready_.push_back(&row);  // the same Command again
  }
  if (row.step == Step::owner) {
    // not_found: the entry is older than its subscriber's end.
    if (completion.result == OperatorResult::not_found) row.owner = none;
    else if (completion.account != row.account) {
      return fail(row, "an identity of the line belongs to another account");
    }
    return next(row);
  }
  if (row.step == Step::undo) {
    if (refused(completion.result)) return fail(row, row.undo_why + "; it was not undone");
    row.undo = row.owner == none ? std::uint8_t{0}
                                 : static_cast<std::uint8_t>(row.undo & (row.undo - 1u));
    return next_undo(row);
  }
  if (refused(completion.result)) return fail(row, refusal_text(row, completion.result));
  if (!completion.published) return begin_undo(row, completion);
  if (row.step == Step::account) row.account = completion.account;
  if (completion.result == OperatorResult::ok) {
    const bool makes =
        row.step == Step::account || (row.step == Step::subscriber && row.owner == none);
    (makes ? row.created : row.updated) = true;
  } else if (row.step == Step::account) {
    row.existed = true;  // by a Record that the directory does not know
  }
  next(row);
}

std::string Import::refusal_text(const Row& row, OperatorResult result) const {
  std::string what;
  switch (row.step) {
    case Step::account: what = "account"; break;
    case Step::owner: what = "identity"; break;
    case Step::wallet: what = "wallet"; break;
    case Step::bucket:
      what = row.values.buckets[row.bucket].kind == nullptr
                 ? std::string("own wallet")
                 : "bucket " + row.values.buckets[row.bucket].kind->name;
      break;
    case Step::product:
      what = "product " + row.values.products[row.product].plan->name;
      break;
    case Step::subscriber:
    case Step::undo: what = "subscriber"; break;
  }
  switch (result) {
    case OperatorResult::exists: return what + ": an identity belongs to another account";
    case OperatorResult::full: return what + ": a pool is full: raise the capacity";
    case OperatorResult::invalid: return what + ": a value is out of its bounds";
    case OperatorResult::insufficient:
      return what + ": its fees cannot be paid";
    case OperatorResult::key_reused:
      return what + ": " + std::string(key_reused_text);
    default: return what + ": " + std::string(result_text(result));
  }
}

void Import::fail(Row& row, std::string why) {
  record_error(row.line, std::move(why));
  row.created = row.updated = false;
  unlock(row);
  std::vector<Row*> waiting;
  waiting.swap(row.waiting);
  free_rows_.push_back(&row);
  for (Row* other : waiting) start(*other);
}

void Import::record_error(std::uint64_t line, std::string why) {
  progress_.failed.fetch_add(1, std::memory_order_relaxed);
  if (errors_.size() < errors_max) errors_.push_back({line, std::move(why)});
  if (options_.stop_on_error) stopped_ = true;
}

void Import::finish_row(Row& row) {
  auto& counter = row.created   ? progress_.created
                  : row.updated ? progress_.updated
                                : progress_.unchanged;
  counter.fetch_add(1, std::memory_order_relaxed);
  unlock(row);
  std::vector<Row*> waiting;
  waiting.swap(row.waiting);
  free_rows_.push_back(&row);
  for (Row* other : waiting) start(*other);
}

// ---- the window ----------------------------------------------------------------------------

void Import::pump(bool wait) {
  start_read();
  submit_ready();
  {
    std::unique_lock lock(completed_mutex_);
    if (wait && completed_.empty()) {
      // With nothing submitted the door is full of others' Commands: only time helps.
      wake_at_ = std::clamp<std::size_t>(submitted_ / 4, 1, wake_batch_max);
      waiting_ = true;
      completed_ready_.wait_for(lock, std::chrono::milliseconds(submitted_ > 0 ? 20 : 1),
                                [&] { return completed_.size() >= wake_at_; });
      waiting_ = false;
    }
    refused_turns_ = submitted_ > 0 || ready_.empty() ? 0 : refused_turns_ + 1;
    taken_.swap(completed_);
  }
  if (refused_turns_ > refused_turns_max) {
    Row& row = static_cast<Row&>(*ready_.front());
    ready_.erase(ready_.begin());
    return fail(row, "the daemon takes no Commands");
  }
  bool only_busy = !taken_.empty();
  for (const Completion& completion : taken_) {
    only_busy &= completion.result == OperatorResult::busy;
    on_completion(completion);
  }
  taken_.clear();
  if (only_busy) {
    std::unique_lock lock(completed_mutex_);
    completed_ready_.wait_for(lock, std::chrono::milliseconds(1), [] { return false; });
  }
}

}  // namespace levy::admin
