// Operators: make the accounts, top up with keys, move money between Shards, suspend, reauthorize
// and abort; each asks again after a crash until it is told that it is done.
// Core: the simulator's only thread. Allocates: yes. Blocks: never. Clock: none.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/sim/daemon.hpp"
#include "tests/sim/gateway.hpp"

namespace levy::sim {

class Operators {
 public:
  Operators(Field& field, std::uint32_t shards);

  // `calls`: may use the daemon's blocking calls (money between Shards).
  void turn(Daemon& daemon, std::vector<std::unique_ptr<Gateway>>& gateways, bool finishing,
            bool calls);
  // The daemon died: what was asked of it may or may not have been done.
  void on_crash();
  bool finished() const;
  std::uint64_t transfers() const { return transfers_; }

 private:
  struct Wish {
    std::size_t operation = 0;
    shard::OperatorRequest request;
    ShardId shard{};
    std::size_t subscriber = 0;  // of a creation
    bool under_way = false;
    bool keyed = false;
  };
  Wish& add(const Operation& operation, shard::OperatorKind kind);
  void ask(Daemon& daemon, const std::shared_ptr<Wish>& wish);
  void on_reply(Daemon& daemon, const std::shared_ptr<Wish>& wish,
                const shard::OperatorReply& reply);
  void invent(std::vector<std::unique_ptr<Gateway>>& gateways);
  void invent_product(Operation op, std::uint64_t what);
  void transfer(Daemon& daemon);
  const Field::Subscriber* some_ready();

  Field& field_;
  std::vector<std::shared_ptr<Wish>> wishes_;
  std::uint32_t shards_;
  std::uint64_t transfers_ = 0;
  std::int64_t cents_ = 0;  // makes every amount a different one
};

}  // namespace levy::sim
