// Corridor: the three Loops over a simulated network, one Shard with one subscriber, and a disk
// that finishes its writes only when the test lets it.
// Core: the test's. Allocates: yes. Blocks: never. Clock: set by the test.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "diameter/edge/native_edge.hpp"
#include "engine/journal/segment_supply.hpp"
#include "engine/pipeline/edge_loop.hpp"
#include "engine/pipeline/journal_loop.hpp"
#include "engine/pipeline/shard_loop.hpp"
#include "tests/support/messages.hpp"
#include "tests/support/parse.hpp"
#include "tests/support/sim_transport.hpp"

namespace levy::pipeline {

using metrics::Counter;
using test::Bytes;
using test::Ccr;
using test::Mscc;

inline constexpr std::string_view subscriber_imsi = "001010000000001";

// A Storage whose writes wait while `stalled`.
class StallingDisk {
 public:
  bool submit(std::uint32_t, std::uint64_t, std::span<const std::byte>, std::uint64_t tag) {
    waiting_.push_back(tag);
    return true;
  }
  std::size_t poll(StorageCompletion* completions, std::size_t count_max) {
    std::size_t count = 0;
    for (; !stalled && count < count_max && !waiting_.empty(); ++count) {
      completions[count] = {waiting_.front(), 0};
      waiting_.erase(waiting_.begin());
    }
    return count;
  }
  bool stalled = false;

 private:
  std::vector<std::uint64_t> waiting_;
};
static_assert(Storage<StallingDisk>);

struct CorridorOptions {
  std::size_t frames = 64;
  std::size_t ring = 8;
  std::size_t parking_max = 8;
  app::Dialect dialect;
};

class Corridor {
 public:
  using Edge = edge::NativeEdge<test::SimTransport>;

  explicit Corridor(const CorridorOptions& options) : dialects_{options.dialect} {
    network_.set_now(Time::from_seconds(1'700'000'000));
    settings_.node.origin_host.assign("levy.example.org");
    settings_.node.origin_realm.assign("levy.example.org");
    settings_.accept_unknown = true;
    edge::NativeEdgeOptions n;
    n.connections_max = 8;
    edge_ = std::make_unique<Edge>(transport, settings_, n);
    make_shard();
    const app::LocalIdentity local{"levy.example.org", "levy.example.org", 1};
    const std::size_t all = options.frames + 16;
    rings_ = std::make_unique<Rings>(1, options.ring, all);
    ShardLoopOptions s;
    s.push_frames = 8;
    s.dialects = &dialects_;
    s.local = local;
    const auto now = [this] { return network_.now(); };
    shard_loop = std::make_unique<ShardLoop>(s, std::vector{shard_.get()}, *rings_, now,
                                             counters_[1], HugePages::off);
    journal_ = std::make_unique<journal::Journal<StallingDisk>>(
        disk, supply_, journal::JournalStart{7, 1, Lsn{1}, 0, {1, 1, 1 << 20}, 4096},
        journal::JournalOptions{});
    journal_loop =
        std::make_unique<JournalLoop<StallingDisk>>(*journal_, *rings_, all, counters_[2]);
    EdgeLoopOptions e;
    e.frames = options.frames;
    e.frames_all = all;
    e.parking_max = options.parking_max;
    e.pushes_max = 16;
    e.session_hints = 64;
    e.realms = {"levy.example.org"};
    e.dialects = &dialects_;
    e.local = local;
    edge_loop = std::make_unique<EdgeLoop<Edge>>(e, *edge_, *rings_, directory_, now, counters_[0],
                                                 HugePages::off);
    open();
  }

  void pass_time(std::int64_t micros) { network_.set_now(Time{network_.now().micros + micros}); }
  void turn_edge(int turns = 3) {
    for (int i = 0; i < turns; ++i) edge_loop->do_work();
  }
  void turn_all(int turns = 10) {
    for (int i = 0; i < turns; ++i) {
      edge_loop->do_work();
      shard_loop->do_work();
      journal_loop->do_work();
    }
  }
  void send(const Bytes& message) {
    ASSERT_EQ(client_.send(message), static_cast<std::ptrdiff_t>(message.size()));
  }
  // What came since the last call; requests of Levy's are among them.
  std::vector<test::Parsed> received() {
    client_.receive(bytes_);
    std::vector<test::Parsed> messages;
    for (std::size_t at = 0; bytes_.size() >= at + 20; at = 0) {
      const std::size_t size = std::size_t{bytes_[1]} << 16 | bytes_[2] << 8 | bytes_[3];
      if (bytes_.size() < size) break;
      const auto end = bytes_.begin() + static_cast<std::ptrdiff_t>(size);
      messages.push_back(test::parse(Bytes(bytes_.begin(), end)));
      bytes_.erase(bytes_.begin(), end);
    }
    return messages;
  }
  // Result-Codes of the answers since the last call.
  std::vector<std::uint32_t> results() {
    std::vector<std::uint32_t> codes;
    for (const test::Parsed& message : received()) {
      if (!message.request()) codes.push_back(message.result_code());
    }
    return codes;
  }
  std::uint64_t count(Counter counter) const {
    std::uint64_t sum = 0;
    for (const metrics::CounterBlock& block : counters_) sum += block.get(counter);
    return sum;
  }
  shard::Totals totals() const { return shard_->totals(); }
  Directory::Found subscriber() const {
    return directory_.find(Directory::key(static_cast<std::uint8_t>(rating::IdentityType::imsi),
                                          subscriber_imsi));
  }

  StallingDisk disk;
  test::SimNetwork network_{1};
  test::SimTransport transport{network_, 8};
  std::unique_ptr<ShardLoop> shard_loop;
  std::unique_ptr<JournalLoop<StallingDisk>> journal_loop;
  std::unique_ptr<EdgeLoop<Edge>> edge_loop;

 private:
  // Rating group 1: one micro per octet.
  void make_shard() {
    plan_.id = 1;
    plan_.currency = 978;
    rating::Service& service = plan_.services[plan_.service_count];
    service.unit = rating::Unit::octets;
    service.price.numerator = 1;
    service.grant_first = service.grant_default = 1000;
    plan_.entries[plan_.entry_count++] = {1, plan_.service_count++};
    shard_ = std::make_unique<shard::Shard>(ShardId{0}, shard::Capacity{}, shard::Options{},
                                            HugePages::off, scratch_);
    shard_->set_plans(sets_, 1);
    shard::OperatorRequest r;
    r.kind = shard::OperatorKind::switch_plan;
    r.plan_version = 1;
    operate(r);
    r = {};
    r.kind = shard::OperatorKind::create_account;
    std::strcpy(r.account_name, "a");
    r.plan = 1;
    r.currency = 978;
    r.amount = 100'000'000;
    operate(r);
    r = {};
    r.kind = shard::OperatorKind::create_subscriber;
    std::strcpy(r.account_name, "a");
    r.identity_count = 1;
    r.identities[0].type = rating::IdentityType::imsi;
    r.identities[0].size = static_cast<std::uint8_t>(subscriber_imsi.size());
    std::memcpy(r.identities[0].text, subscriber_imsi.data(), subscriber_imsi.size());
    const Slot slot = operate(r).subscriber;
    directory_.put(Directory::key(static_cast<std::uint8_t>(rating::IdentityType::imsi),
                                  subscriber_imsi),
                   ShardId{0}, slot);
  }
  shard::OperatorReply operate(shard::OperatorRequest& r) {
    r.now = network_.now();
    Bytes reply(limits::answer_bytes_max), record(limits::record_bytes_max);
    const auto outcome = std::make_unique<shard::Outcome>();
    shard_->apply(r, reply, record, *outcome);
    shard::OperatorReply out;
    std::memcpy(static_cast<void*>(&out), reply.data(), sizeof out);
    EXPECT_EQ(out.result, shard::OperatorResult::ok);
    return out;
  }
  void open() {
    ASSERT_TRUE(client_.connect(transport.listener()));
    turn_edge();
    send(test::Cer{}.bytes());
    turn_edge();
    ASSERT_EQ(results(), std::vector<std::uint32_t>{2001});
  }

  std::vector<app::Dialect> dialects_;
  peer::Settings settings_;
  std::unique_ptr<Edge> edge_;
  rating::Plan plan_;
  const rating::Plan* plans_[2] = {nullptr, &plan_};
  rating::PlanSet set_{1, plans_, 2};
  const rating::PlanSet* sets_[1] = {&set_};
  shard::Scratch scratch_;
  std::unique_ptr<shard::Shard> shard_;
  Directory directory_{64, HugePages::off};
  std::unique_ptr<Rings> rings_;
  metrics::CounterBlock counters_[3];
  journal::SegmentSupply supply_;
  std::unique_ptr<journal::Journal<StallingDisk>> journal_;
  test::SimClient client_{network_};
  Bytes bytes_;
};

// Requests of the one subscriber.
inline Bytes initial(std::string_view session) {
  return Ccr::initial(session).imsi(subscriber_imsi).mscc(Mscc(1).rsu(1000)).bytes();
}
inline Bytes update(std::string_view session, std::uint64_t used, std::uint32_t number = 1) {
  Ccr ccr = Ccr::update(session, number).imsi(subscriber_imsi);
  return ccr.mscc(Mscc(1).rsu(1000).usu(used)).bytes();
}
inline Bytes termination(std::string_view session, std::uint64_t used) {
  return Ccr::termination(session, 2).imsi(subscriber_imsi).mscc(Mscc(1).usu(used)).bytes();
}

}  // namespace levy::pipeline
