// ProductsHistory: the Shard's account against the model's.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include <algorithm>
#include <cstring>

#include "tests/unit/shard/products_history.hpp"

namespace levy::shard::model {

using rating::MovementKind;

namespace {

bool of_fees(const ProductFact& fact) {
  return fact.event != ProductEvent::suspended && fact.event != ProductEvent::refused;
}

void add(rating::Bucket& sums, const rating::Movement& m) {
  switch (m.kind) {
    case MovementKind::credit:
      sums.credits += m.amount;
      break;
    case MovementKind::expire:
      sums.credits -= m.amount;
      break;
    case MovementKind::spend:
      sums.spent += m.amount;
      break;
    case MovementKind::write_off:
      sums.written_off += m.amount;
      break;
    case MovementKind::reserve:
      sums.reserved += m.amount;
      break;
    case MovementKind::release:
      sums.reserved -= m.amount;
      break;
    default:
      sums.in_transit += m.amount;
      break;
  }
}

bool is_main_wallet(const rating::Bucket& b) {
  return (b.flags & rating::bucket_main_wallet) != 0;
}

std::string words_of(const rating::Bucket& b) {
  return say("kind ", b.kind, " of ", b.product, ": free ", b.free(), " reserved ", b.reserved,
             " ends ", b.ends_at, " rolled ", static_cast<int>(b.rolled), " rank ",
             static_cast<int>(b.rank));
}

std::string words_of(const Bucket& b) {
  return say("kind ", b.kind, " of ", b.product, ": free ", b.free, " reserved ", b.reserved,
             " ends ", b.ends_at, " rolled ", static_cast<int>(b.rolled), " rank ", b.rank);
}

}  // namespace

template <class T>
std::map<Slot, T> History::slots_of(PoolId pool) const {
  std::map<Slot, T> found;
  alignas(64) std::uint8_t bytes[8192];
  SnapshotCursor cursor{static_cast<std::uint8_t>(pool), 0};
  while (cursor.pool == static_cast<std::uint8_t>(pool)) {
    const SnapshotChunk chunk = shard_->copy_slots(cursor, bytes);
    for (std::uint32_t i = 0; i < chunk.count; ++i) {
      T item;
      std::memcpy(static_cast<void*>(&item), bytes + i * sizeof(T), sizeof(T));
      found.emplace(chunk.first + i, item);
    }
  }
  return found;
}
template std::map<Slot, Account> History::slots_of<Account>(PoolId) const;

// What of a Record is charging's, what is the products'.
void History::keep_record() {
  if (outcome_->record_bytes == 0) return;
  journal_.emplace_back(record_.begin(),
                        record_.begin() + static_cast<std::ptrdiff_t>(outcome_->record_bytes));
  RecordView view;
  if (!read_record(journal_.back(), view)) return fail("a Record cannot be read");
  for (const ProductFact& fact : view.products) {
    note(say("  product ", fact.number, " of plan ", fact.plan, ": event ",
             static_cast<int>(fact.event), " at ", fact.at, ", fee ", fact.fee));
    if (of_fees(fact)) fees_named_ += fact.fee;
  }
  for (const rating::Movement& m : view.movements) {
    add(sums_[m.bucket], m);
    const bool charging =
        m.mscc != 0xff || m.kind == MovementKind::reserve || m.kind == MovementKind::release;
    if (charging)
      charged_.push_back(m);
    else if (m.kind == MovementKind::spend)
      fees_ += m.amount;
  }
}

// The model's bucket of a slot, known before or new since.
Bucket* History::bucket_of(Slot slot, const Pools& after) {
  const auto known = ids_.find(slot);
  const auto real = after.find(slot);
  for (Bucket& b : model_->buckets()) {
    if (known == ids_.end() || b.id != known->second) continue;
    // The slot may be another's since.
    if (real == after.end() || b.rolled == real->second.rolled || !b.usable(now_s())) return &b;
  }
  if (real == after.end()) return nullptr;
  for (const bool same_end : {true, false}) {
    for (Bucket& b : model_->buckets()) {
      const bool taken =
          std::any_of(ids_.begin(), ids_.end(), [&](const auto& i) { return i.second == b.id; });
      if (taken || b.kind != real->second.kind || b.product != real->second.product) continue;
      if (b.rolled != real->second.rolled) continue;
      if (same_end && b.ends_at != real->second.ends_at) continue;
      ids_[slot] = b.id;
      return &b;
    }
  }
  return nullptr;
}

// What was carried is used before, or after, the period's own.
void History::check_order(const Bucket& used) {
  for (const Bucket& b : model_->buckets()) {
    if (b.product != used.product || b.kind != used.kind || b.rank >= used.rank) continue;
    if (b.product == 0) continue;  // of several that have ended and left theirs
    if (b.unit != rating::Unit::money && b.usable(now_s()) && b.free >= 10)
      fail(say("reserved from [", words_of(used), "] before [", words_of(b), "]"));
  }
}

void History::take_movements(const Pools& after) {
  for (const rating::Movement& m : charged_) {
    const bool main = m.bucket == wallet_slot_;
    Bucket* b = main ? nullptr : bucket_of(m.bucket, after);
    if (!main && b == nullptr) return fail(say("charging moves slot ", m.bucket, ", unknown"));
    std::int64_t& free = main ? model_->wallet() : b->free;
    std::int64_t& reserved = main ? wallet_reserved_ : b->reserved;
    if (m.kind == MovementKind::reserve) {
      if (model_->base_suspended()) fail("a grant though the base plan is suspended");
      if (!main && !b->usable(now_s())) fail("reserved from an ended bucket: " + words_of(*b));
      if (!main && b->free < m.amount) fail("reserved more than is free: " + words_of(*b));
      if (!main) check_order(*b);
    }
    const std::int64_t by = m.kind == MovementKind::release ? -m.amount : m.amount;
    if (m.kind == MovementKind::reserve || m.kind == MovementKind::release)
      free -= by, reserved += by;
    else if (m.kind == MovementKind::spend)
      free -= m.amount;
    else
      fail(say("charging made a movement of kind ", static_cast<int>(m.kind)));
  }
  charged_.clear();
}

void History::check_sums(const Pools& after) {
  for (auto i = sums_.begin(); i != sums_.end();) {
    const auto real = after.find(i->first);
    const rating::Bucket is = real == after.end() ? rating::Bucket{} : real->second;
    const rating::Bucket& sums = i->second;
    const bool same = is.credits == sums.credits && is.spent == sums.spent &&
                      is.written_off == sums.written_off && is.reserved == sums.reserved &&
                      is.in_transit == sums.in_transit;
    if (real == after.end()) {
      if (sums.free() != 0 || sums.reserved != 0)
        fail(say("slot ", i->first, " went with ", sums.free(), " free by its movements"));
      i = sums_.erase(i);
      continue;
    }
    if (!same) fail(say("slot ", i->first, ": its movements are not its sums"));
    ++i;
  }
  for (const auto& [slot, bucket] : after)
    if (bucket.credits != 0 && !sums_.contains(slot)) fail("a bucket without movements");
}

void History::compare() {
  const auto accounts = slots_of<Account>(PoolId::account);
  if (accounts.empty()) return fail("no account");
  const std::uint32_t due = accounts.begin()->second.settle_at;
  const auto after = slots_of<rating::Bucket>(PoolId::bucket);
  for (const auto& [slot, bucket] : after)
    if (is_main_wallet(bucket)) wallet_slot_ = slot;
  take_movements(after);
  check_sums(after);
  if (shard_->totals().law_violations != 0) fail("the law does not hold");
  // Time has passed and nobody has looked.
  if (due != 0 && due <= now_s()) {
    if (!model_->anything_due(now_s())) fail("something is due, the model knows nothing of it");
    return;
  }
  const auto products = slots_of<shard::Product>(PoolId::product);
  if (model_->anything_due(now_s())) return fail("the Shard knows nothing of what is due");
  compare_products(products);
  compare_buckets(after, products);
  if (fees_ != model_->fees() || fees_ != fees_named_)
    fail(say("fees: spent ", fees_, ", named ", fees_named_, ", model ", model_->fees()));
  const auto wallet = after.find(wallet_slot_);
  if (wallet != after.end() && wallet->second.free() != model_->wallet())
    fail(say("wallet ", wallet->second.free(), ", model ", model_->wallet()));
}

void History::compare_products(const std::map<Slot, shard::Product>& products) {
  std::map<std::uint16_t, shard::Product> real;
  for (const auto& [slot, p] : products) real[p.number] = p;
  for (const auto& [number, p] : real)
    if (!model_->products().contains(number))
      fail(say("product ", number, " of plan ", p.plan, " should not be"));
  for (const auto& [number, p] : model_->products()) {
    const auto found = real.find(number);
    if (found == real.end()) {
      fail(say("product ", number, " of plan ", p.plan, " is not there"));
      continue;
    }
    const shard::Product& is = found->second;
    const auto differs = [&](const char* what, std::uint32_t there, std::uint32_t here) {
      if (there != here)
        fail(
            say("product ", number, " of plan ", p.plan, ": ", what, " ", there, ", model ", here));
    };
    differs("plan", is.plan, p.plan);
    differs("state", static_cast<std::uint32_t>(is.state), static_cast<std::uint32_t>(p.state));
    if (p.state != State::waiting) differs("ends", is.ends_at, p.ends_at);
    if (p.started) differs("starts", is.starts_at, p.starts_at);
    if (p.state != State::active) continue;
    for (const Product::Cycle& c : p.cycles) {
      std::uint32_t at = 0;
      for (const shard::Product::Due& d : is.due)
        if (d.unit == static_cast<std::uint32_t>(c.period.unit) && d.count == c.period.count)
          at = d.at;
      differs("next period", at, c.at);
    }
  }
}

void History::compare_buckets(const Pools& real, const std::map<Slot, shard::Product>& products) {
  // Until when a bucket of a product that expires with it can be used.
  std::map<std::uint16_t, std::uint32_t> until;
  for (const auto& [slot, p] : products)
    if (p.ends_at != 0 && !model_->terms(p.plan).keeps_allowances) until[p.number] = p.ends_at;
  const auto ends = [&](auto b) {
    const auto bound = until.find(b.product);
    if (bound != until.end() && (b.ends_at == 0 || b.ends_at > bound->second))
      b.ends_at = bound->second;
    return b;
  };
  std::vector<Bucket*> left;
  for (Bucket& b : model_->buckets())
    if ((b.usable(now_s()) && b.free != 0) || b.reserved != 0) left.push_back(&b);
  std::map<Slot, std::uint32_t> ids;
  for (const auto& [slot, raw] : real) {
    if (slot == wallet_slot_) continue;
    const rating::Bucket is = ends(raw);
    const bool usable = is.ends_at == 0 || is.ends_at > now_s();
    if (is.reserved == 0 && (!usable || is.free() == 0)) continue;
    const auto match = std::find_if(left.begin(), left.end(), [&](const Bucket* m) {
      const Bucket b = ends(*m);
      if (b.kind != is.kind || b.unit != is.unit || b.reserved != is.reserved) return false;
      if (!usable) return !b.usable(now_s());  // only what is reserved of it matters
      return b.product == is.product && b.rolled == is.rolled && b.rank == is.rank &&
             b.free == is.free() && b.ends_at == is.ends_at;
    });
    if (match == left.end()) {
      std::string model;
      for (const Bucket* b : left) model += " [" + words_of(*b) + "]";
      fail("bucket [" + words_of(raw) + "] is not the model's:" + model);
      continue;
    }
    ids[slot] = (*match)->id;
    left.erase(match);
  }
  for (const Bucket* b : left) fail("no bucket [" + words_of(*b) + "]");
  // Empty ones keep their slots: a bucket may come to something again by a release.
  for (const auto& [slot, id] : ids_)
    if (real.contains(slot) && !ids.contains(slot)) ids[slot] = id;
  ids_ = std::move(ids);
}

}  // namespace levy::shard::model
