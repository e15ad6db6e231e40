// Shard: operators' reads of accounts and sessions, page by page.
// Core: shard. Allocates: never. Blocks: never. Clock: none.
//
// A page ends before the first item that does not fit; the reply's cursor says where to go on.
// Nothing is ever cut or left out.
#include "engine/shard/pools.hpp"

namespace levy::shard {

namespace {

// Appends one struct to the payload; false when it does not fit.
template <class T>
bool append(std::span<std::uint8_t> payload, OperatorReply& reply, const T& item) {
  if (payload.size() - reply.payload_bytes < sizeof item) return false;
  std::memcpy(payload.data() + reply.payload_bytes, &item, sizeof item);
  reply.payload_bytes += static_cast<std::uint32_t>(sizeof item);
  return true;
}

OperatorIdentity identity_of(const Text& text) {
  OperatorIdentity identity;
  identity.type = static_cast<rating::IdentityType>(text.type);
  identity.size = static_cast<std::uint8_t>(text.size);
  std::memcpy(identity.text, text.bytes, identity.size);
  return identity;
}

}  // namespace

// The cursor counts subscribers, then identities, then buckets. The first page keeps room for the
// products behind them: they are few, and whoever reads on must not see half of them.
void Shard::show_account(Operation& op) {
  const Account& account = accounts_[op.account];
  ShowHeader header;
  for (Slot s = account.first_session; s != none; s = sessions_[s].next)
    header.session_count += sessions_[s].state == SessionState::open;
  if (account.friends != none) {
    const Text& text = texts_[account.friends];
    header.friend_count = static_cast<std::uint32_t>(text.size / sizeof header.friends[0]);
    std::memcpy(header.friends.data(), text.bytes, text.size);
  }
  const bool first_page = op.request.cursor == 0;
  for (Slot p = account.first_product; p != none && first_page; p = products_[p].next)
    ++header.product_count;
  for (Slot c = account.first_counter; c != none && first_page; c = counters_[c].next)
    ++header.counter_count;
  const auto room = op.payload.first(op.payload.size() - header.product_count * sizeof(Product) -
                                     header.counter_count * sizeof(CounterShown));
  append(room, op.reply, header);
  append(room, op.reply, account);
  std::uint32_t at = 0;
  op.reply.id = none;
  const auto put = [&](const auto& item, std::uint32_t& count) {
    if (at++ < op.request.cursor || op.reply.id != none) return;
    if (append(room, op.reply, item))
      ++count;
    else
      op.reply.id = at - 1;
  };
  for (Slot s = account.first_subscriber; s != none; s = subscribers_[s].next)
    put(subscribers_[s], header.subscriber_count);
  for (Slot s = account.first_subscriber; s != none; s = subscribers_[s].next) {
    for (Slot t = subscribers_[s].other; t != none; t = texts_[t].next)
      put(identity_of(texts_[t]), header.identity_count);
  }
  for (Slot b = account.first_bucket; b != none; b = buckets_[b].next)
    put(buckets_[b], header.bucket_count);
  for (Slot p = account.first_product; p != none && first_page; p = products_[p].next)
    append(op.payload, op.reply, products_[p]);
  for (Slot c = account.first_counter; c != none && first_page; c = counters_[c].next)
    append(op.payload, op.reply, shown(account, counters_[c], op.request.now));
  std::memcpy(op.payload.data(), &header, sizeof header);
  op.reply.payload_items = 1;
}

CounterShown Shard::shown(const Account& account, const rating::Counter& counter, Time now) const {
  CounterShown item;
  item.counter = counter;
  item.value = counter.value;
  if (counter.subscriber != none) {
    const Subscriber& subscriber = subscribers_[counter.subscriber];
    item.imsi = subscriber.imsi != 0 ? subscriber.imsi : subscriber.e164;
  }
  const rating::Plan* plan = nullptr;
  PlanList list;
  list_plans(account, list);
  const rating::CounterRule* rule = rule_of(list, counter.name, plan);
  if (rule == nullptr) return item;
  const rating::Standing standing = standing_of(account, counter, *rule, now);
  item.value = standing.value;
  item.credited = standing.credited;
  item.limit = rule->limit;
  item.declared = true;
  item.of_bucket = rule->bucket_kind != 0;
  return item;
}

// The cursor counts sessions.
void Shard::list_sessions(Operation& op) {
  std::uint32_t at = 0;
  op.reply.id = none;
  for (Slot s = accounts_[op.account].first_session; s != none; s = sessions_[s].next, ++at) {
    if (at < op.request.cursor) continue;
    if (append_session(op, s)) continue;
    op.reply.id = at;
    return;
  }
}

void Shard::show_session(Operation& op) {
  append(op.payload, op.reply, accounts_[op.account]);
  if (!append_session(op, op.session)) op.reply.result = OperatorResult::full;
}

// false: it does not fit.
bool Shard::append_session(Operation& op, Slot slot) {
  SessionRow row;
  row.session = slot;
  row.state = sessions_[slot];
  for (Slot g = row.state.first_group; g != none; g = groups_[g].next) ++row.group_count;
  if (op.payload.size() - op.reply.payload_bytes < sizeof row + row.group_count * sizeof(GroupRow))
    return false;
  if (row.state.id_tail != none) {
    const Text& tail = texts_[row.state.id_tail];
    row.id_tail_bytes = tail.size;
    std::memcpy(row.id_tail, tail.bytes, tail.size);
  }
  append(op.payload, op.reply, row);
  for (Slot g = row.state.first_group; g != none; g = groups_[g].next) append_group(op, g);
  ++op.reply.payload_items;
  return true;
}

void Shard::append_group(Operation& op, Slot slot) {
  GroupRow row;
  row.group = groups_[slot];
  for (std::size_t i = 0; i < row.purses.size(); ++i) {
    const rating::Reservation& part = row.group.reservations[i];
    if (part.amount == 0) continue;
    const rating::Bucket& bucket = buckets_[part.bucket];
    row.purses[i] = {bucket.kind, bucket.currency, bucket.unit, {}};
  }
  append(op.payload, op.reply, row);
}

// The products and what precedes them, and one more item, fit the first page.
static_assert(sizeof(OperatorReply) + sizeof(ShowHeader) + sizeof(Account) +
                  limits::products_per_account_max * sizeof(Product) +
                  limits::counters_per_account_max * sizeof(CounterShown) +
                  sizeof(OperatorIdentity) <=
              limits::answer_bytes_max);
// Both must fit a page alone.
static_assert(sizeof(OperatorReply) + sizeof(Account) + sizeof(SessionRow) +
                  limits::groups_per_session_max * sizeof(GroupRow) <=
              limits::answer_bytes_max);

}  // namespace levy::shard
