// Shard: what operators say of an account beside its money: segments and a list of numbers, which
// plans' conditions read.
// Core: shard. Allocates: never. Blocks: never. Clock: in the command.
#include <algorithm>

#include "engine/shard/pools.hpp"
#include "rating/facts.hpp"

namespace levy::shard {

using Result = OperatorResult;

static_assert(limits::friends_per_account_max * sizeof(std::uint64_t) <= sizeof(Text::bytes));

std::uint32_t segment_key(std::string_view name) {
  return rating::segment_key(name);
}

std::uint64_t number_key(std::string_view digits) {
  return rating::number_key(digits);
}

std::size_t number_digits(std::uint64_t key, char* into) {
  return rating::number_digits(key, into);
}

// Prices may be others now: open sessions are asked to come again.
void Shard::set_segment(Operation& op) {
  const OperatorRequest& r = op.request;
  if (r.name[0] == 0) {
    op.reply.result = Result::invalid;
    return;
  }
  const std::uint32_t key = rating::segment_key(r.name);
  auto& segments = edit(accounts_, op.account).segments;
  const auto held = std::find(segments.begin(), segments.end(), key);
  if ((held == segments.end()) == r.flag) {
    op.reply.result = Result::unchanged;
    return;
  }
  const auto place = r.flag ? held : std::find(segments.begin(), segments.end(), 0u);
  if (place == segments.end()) {
    op.reply.result = Result::full;
    return;
  }
  *place = r.flag ? 0 : key;
  wake_sessions(op.account, false, r.now, op.outcome);
}

// The list lies in one Text, which is there as long as a number is on it.
void Shard::set_friend(Operation& op) {
  const OperatorRequest& r = op.request;
  const std::uint64_t key = rating::number_key(r.name);
  if (key == 0) {
    op.reply.result = Result::invalid;
    return;
  }
  Account& account = edit(accounts_, op.account);
  std::array<std::uint64_t, limits::friends_per_account_max> numbers;
  std::size_t count = 0;
  if (account.friends != none) {
    count = texts_[account.friends].size / sizeof key;
    std::memcpy(numbers.data(), texts_[account.friends].bytes, count * sizeof key);
  }
  const auto end = numbers.begin() + static_cast<std::ptrdiff_t>(count);
  const auto held = std::find(numbers.begin(), end, key);
  if ((held == end) == r.flag) {
    op.reply.result = Result::unchanged;
    return;
  }
  if (r.flag) {
    *held = numbers[--count];
  } else if (count == numbers.size()) {
    op.reply.result = Result::full;
    return;
  } else {
    numbers[count++] = key;
  }
  if (count == 0) {
    release(texts_, account.friends);
    account.friends = none;
    return;
  }
  if (account.friends == none) {
    account.friends = take(texts_);
    if (account.friends == none) {
      op.reply.result = Result::full;
      return;
    }
    texts_[account.friends].in_use = 1;
  }
  Text& text = edit(texts_, account.friends);
  text.size = static_cast<std::uint16_t>(count * sizeof key);
  std::memcpy(text.bytes, numbers.data(), text.size);
}

}  // namespace levy::shard
