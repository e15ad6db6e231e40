// Shard: how sessions leave it: tombstones whose time has come, and those given up before.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
//
// Where a request finds a pool empty, the oldest ended sessions make room in the same Record, so
// that duplicates of long ago never refuse what is new. Their slots become free for the same apply
// (Transaction::take); what lies beside the images (index, lists) follows once the Record stands.
#include <algorithm>

#include "engine/shard/pools.hpp"

namespace levy::shard {

namespace {

// Bytes of one whole slot in the images.
template <class T>
constexpr std::size_t image_bytes = sizeof(ImageHeader) + sizeof(T);

// The largest Record of a charge that gives nothing up: a first interrogation of 16 MSCC that
// supersedes a session of 32 groups, settles every product and moves every bucket of the account.
constexpr std::size_t charge_bytes_max =
    sizeof(RecordHeader) + sizeof(ChargeFacts) +
    (2 * limits::mscc_max + limits::groups_per_session_max) * sizeof(MsccFact) +
    limits::movements_max * sizeof(rating::Movement) + bucket_facts_max * sizeof(BucketFact) +
    Outcome::product_facts_max * sizeof(ProductFact) +
    limits::counters_per_account_max *
        (sizeof(CounterFact) + image_bytes<rating::Counter>)+limits::products_per_account_max *
        image_bytes<Product> +
    limits::session_id_bytes_max + limits::diameter_identity_bytes_max +
    limits::account_name_bytes_max + 2 * fact_bytes_max + 8 + image_bytes<ShardState> +
    image_bytes<Account> +
    (limits::buckets_per_account_max + limits::grants_per_settlement_max +
     limits::sponsor_wallets_max) *
        image_bytes<rating::Bucket> +
    3 * image_bytes<Session> + image_bytes<Host> + image_bytes<Text> +
    (limits::groups_per_session_max + limits::mscc_max + 1) * image_bytes<rating::Group> +
    (2 * limits::mscc_max + 1) * image_bytes<Verdict>;

// One tombstone besides its verdicts and its text: itself, and one word each of its neighbours.
constexpr std::size_t tombstone_bytes = image_bytes<Session> + 2 * (sizeof(ImageHeader) + 8);

// What the tombstones of one Record may fill: the largest single one always fits.
constexpr std::size_t give_up_bytes_max = 11 * 1024;
static_assert(tombstone_bytes + image_bytes<Text> +
                  limits::verdicts_per_session_max * limits::mscc_max * image_bytes<Verdict> <=
              give_up_bytes_max);
static_assert(charge_bytes_max + Shard::freed_max * sizeof(Slot) + give_up_bytes_max <=
              limits::record_bytes_max);

}  // namespace

// Frees the oldest tombstone of `list`, but never `except`; false: there is none, or the Record has
// no room for more.
bool Shard::give_up_oldest(const TombstoneList& list, Slot except) {
  Slot slot = list.front();
  if (slot != none && slot == except) slot = list.next(slot);
  if (slot == none) return false;
  const Session& session = sessions_[slot];
  std::size_t bytes = tombstone_bytes;
  if (session.id_tail != none) bytes += image_bytes<Text>;
  for (Slot v = session.first_verdict; v != none; v = verdicts_[v].next) {
    for (Slot row = v; row != none; row = verdicts_[row].more) bytes += image_bytes<Verdict>;
  }
  if (freed_count_ == freed_max || given_up_bytes_ + bytes > give_up_bytes_max) return false;
  given_up_bytes_ += bytes;
  free_session(slot);
  return true;
}

// The session leaves its account and every pool. Until the Record stands, or is rolled back, the
// Shard remembers what it must forget.
void Shard::free_session(Slot slot) {
  Session& session = edit(sessions_, slot);
  LEVY_CHECK(freed_count_ < freed_max, freed_count_);
  freed_[freed_count_++] = Freed{session_hash(session), slot};
  ended_.remove(slot);
  ended_long_.remove(slot);
  if (session.previous != none)
    edit(sessions_, session.previous).next = session.next;
  else
    edit(accounts_, session.account).first_session = session.next;
  if (session.next != none) edit(sessions_, session.next).previous = session.previous;
  for (Slot v = session.first_verdict; v != none;) {
    const Slot next = verdicts_[v].next;
    release_verdict_chain(v);
    v = next;
  }
  if (session.id_tail != none) release(texts_, session.id_tail);
  release(sessions_, slot);
}

// The Record stands: nothing finds the freed sessions any more, and those that ended may be given
// up from the next apply on. A freed slot may be another session's already, its deadline armed.
void Shard::settle_tombstones() {
  for (std::uint32_t i = 0; i < freed_count_; ++i) {
    const Slot slot = freed_[i].slot;
    session_index_.erase(freed_[i].hash, slot);
    if (!sessions_[slot].live()) timers_.cancel(slot);
    const bool queued = runtime_[slot].push_queued;  // its entry stays in the queue: one per slot
    runtime_[slot] = Runtime{};
    runtime_[slot].push_queued = queued;
  }
  for (std::uint32_t i = 0; i < ended_now_count_; ++i) {
    forget_bearer(ended_now_[i]);
    list_tombstone(ended_now_[i]);
  }
  freed_count_ = ended_now_count_ = 0;
  given_up_bytes_ = 0;
}

// Rolled back: they are there as before, and still the oldest; none has ended.
void Shard::keep_tombstones() {
  while (freed_count_ != 0) {
    const Slot slot = freed_[--freed_count_].slot;
    ended_.push_front(slot);
    if (sessions_[slot].id_tail != none) ended_long_.push_front(slot);
  }
  ended_now_count_ = 0;
  given_up_bytes_ = 0;
}

void Shard::note_tombstone(Slot slot) {
  if (!may_give_up(sessions_[slot])) return;
  LEVY_CHECK(ended_now_count_ < ended_max, ended_now_count_);
  ended_now_[ended_now_count_++] = slot;
}

void Shard::list_tombstone(Slot slot) {
  ended_.push_back(slot);
  if (sessions_[slot].id_tail != none) ended_long_.push_back(slot);
}

// After recovery: by deadline, which is the order of their ends but for windows of dialects. The
// queue of pushes is empty yet: its places serve for sorting, as nothing may be allocated.
void Shard::list_tombstones() {
  ended_.clear();
  ended_long_.clear();
  Slot* const begin = push_queue_.data();
  Slot* end = begin;
  for (Slot s = 0; s < sessions_.capacity(); ++s) {
    if (may_give_up(sessions_[s])) *end++ = s;
  }
  std::sort(begin, end, [this](Slot a, Slot b) {
    const std::uint32_t first = sessions_[a].deadline, second = sessions_[b].deadline;
    return first != second ? first < second : a < b;
  });
  for (Slot* s = begin; s != end; ++s) list_tombstone(*s);
}

}  // namespace levy::shard
