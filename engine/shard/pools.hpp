// How the Shard's own files reach its pools: edit, take, release by type, and walks over all pools.
// Core: shard. Allocates: never. Blocks: never. Clock: none. Private to engine/shard/*.cpp.
#pragma once

#include "engine/shard/shard.hpp"

namespace levy::shard {

// Whether the MSCC asks for a use that is to come; what a report consumed was granted before.
bool asks_for_use(const rating::ChargeRequest& request, const rating::MsccRequest& mscc);

template <class T>
struct PoolIdOf;
template <>
struct PoolIdOf<ShardState> {
  static constexpr PoolId value = PoolId::shard_state;
};
template <>
struct PoolIdOf<Account> {
  static constexpr PoolId value = PoolId::account;
};
template <>
struct PoolIdOf<rating::Bucket> {
  static constexpr PoolId value = PoolId::bucket;
};
template <>
struct PoolIdOf<Subscriber> {
  static constexpr PoolId value = PoolId::subscriber;
};
template <>
struct PoolIdOf<Session> {
  static constexpr PoolId value = PoolId::session;
};
template <>
struct PoolIdOf<rating::Group> {
  static constexpr PoolId value = PoolId::group;
};
template <>
struct PoolIdOf<Verdict> {
  static constexpr PoolId value = PoolId::verdict;
};
template <>
struct PoolIdOf<Text> {
  static constexpr PoolId value = PoolId::text;
};
template <>
struct PoolIdOf<Host> {
  static constexpr PoolId value = PoolId::host;
};
template <>
struct PoolIdOf<Mail> {
  static constexpr PoolId value = PoolId::mail;
};
template <>
struct PoolIdOf<RequestKey> {
  static constexpr PoolId value = PoolId::request_key;
};
template <>
struct PoolIdOf<Product> {
  static constexpr PoolId value = PoolId::product;
};
template <>
struct PoolIdOf<Name> {
  static constexpr PoolId value = PoolId::name;
};
template <>
struct PoolIdOf<rating::Counter> {
  static constexpr PoolId value = PoolId::counter;
};

template <class T>
T& Shard::edit(Pool<T>& pool, Slot slot) {
  return transaction_.edit(PoolIdOf<T>::value, pool, slot);
}
template <class T>
Slot Shard::take(Pool<T>& pool) {
  return transaction_.take(PoolIdOf<T>::value, pool);
}
template <class T>
Slot Shard::take_in_need(Pool<T>& pool, const TombstoneList& list, Slot except) {
  Slot slot = take(pool);
  while (slot == none && give_up_oldest(list, except)) slot = take(pool);
  return slot;
}
template <class T>
void Shard::release(Pool<T>& pool, Slot slot) {
  transaction_.release(PoolIdOf<T>::value, pool, slot);
}

// f(PoolId, pool) for every pool, in PoolId order.
template <class F>
void Shard::for_each_pool(F&& f) {
  f(PoolId::shard_state, states_);
  f(PoolId::account, accounts_);
  f(PoolId::bucket, buckets_);
  f(PoolId::subscriber, subscribers_);
  f(PoolId::session, sessions_);
  f(PoolId::group, groups_);
  f(PoolId::verdict, verdicts_);
  f(PoolId::text, texts_);
  f(PoolId::host, hosts_);
  f(PoolId::mail, mails_);
  f(PoolId::request_key, request_keys_);
  f(PoolId::name, names_);
  f(PoolId::product, products_);
  f(PoolId::counter, counters_);
}
template <class F>
void Shard::for_each_pool(F&& f) const {
  const_cast<Shard*>(this)->for_each_pool([&](PoolId id, const auto& pool) { f(id, pool); });
}

}  // namespace levy::shard
