// What the edge does with requests that it cannot or may not take: too late, too many, stopping.
// Core: test. Allocates: yes. Blocks: never. Clock: set by the test.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/unit/pipeline/corridor.hpp"

namespace levy::pipeline {
namespace {

using app::OverloadAnswer;
using Codes = std::vector<std::uint32_t>;

constexpr std::int64_t second = 1'000'000;

// ---- deadlines -----------------------------------------------------------------------------

CorridorOptions with_deadline(std::size_t frames) {
  CorridorOptions options;
  options.frames = frames;
  options.dialect.deadline_ms = 3000;
  return options;
}

// The disk stands still, every slot is lent: the request ages in the receive buffer.
TEST(Deadline, WaitingForASlotCounts) {
  Corridor corridor(with_deadline(1));
  corridor.send(initial("gw;1"));
  corridor.turn_all();
  ASSERT_EQ(corridor.results(), Codes{2001});
  const shard::Totals before = corridor.totals();

  corridor.disk.stalled = true;
  corridor.send(initial("gw;2"));
  corridor.turn_all();
  corridor.send(update("gw;1", 700));
  corridor.turn_all();
  EXPECT_TRUE(corridor.results().empty());
  corridor.pass_time(3 * second + 1000);
  corridor.disk.stalled = false;
  corridor.turn_all();
  EXPECT_EQ(corridor.results(), Codes{2001});  // gw;2, which was applied before the stall
  EXPECT_EQ(corridor.count(Counter::deadline_dropped), 1u);
  EXPECT_EQ(corridor.totals().spent, before.spent);
  EXPECT_EQ(corridor.count(Counter::ccr_update), 0u);

  // Sent again, it is young, and charged once.
  corridor.send(update("gw;1", 700));
  corridor.turn_all();
  EXPECT_EQ(corridor.results(), Codes{2001});
  EXPECT_EQ(corridor.totals().spent, before.spent + 700);
}

TEST(Deadline, AShortStallDropsNothing) {
  Corridor corridor(with_deadline(1));
  corridor.disk.stalled = true;
  corridor.send(initial("gw;1"));
  corridor.turn_all();
  corridor.send(update("gw;1", 700));
  corridor.turn_all();
  corridor.pass_time(3 * second);
  corridor.disk.stalled = false;
  corridor.turn_all();
  EXPECT_EQ(corridor.results(), (Codes{2001, 2001}));
  EXPECT_EQ(corridor.count(Counter::deadline_dropped), 0u);
  EXPECT_EQ(corridor.totals().spent, 700);
}

// In a ring or parked: the same clock.
TEST(Deadline, WaitingForTheShardCounts) {
  CorridorOptions options = with_deadline(64);
  Corridor corridor(options);
  for (int i = 0; i < 10; ++i) corridor.send(initial("gw;" + std::to_string(i)));
  corridor.turn_edge();
  ASSERT_NE(corridor.count(Counter::parked), 0u);
  corridor.pass_time(4 * second);
  corridor.turn_all(20);
  EXPECT_TRUE(corridor.results().empty());
  EXPECT_EQ(corridor.count(Counter::deadline_dropped), 10u);
  EXPECT_EQ(corridor.totals().reserved, 0);
}

// ---- shedding ------------------------------------------------------------------------------

// Nobody empties the ring (8): it is filled, then `parked` frames wait before the edge (8 at most).
void fill(Corridor& corridor, std::size_t ring, std::size_t parked) {
  for (std::size_t i = 0; i < ring + parked; ++i)
    corridor.send(termination("full;" + std::to_string(i), 1));
  corridor.turn_edge();
  ASSERT_EQ(corridor.count(Counter::parked), parked);
}

TEST(Shed, NewSessionsFirstTerminationsLast) {
  Corridor corridor({});
  fill(corridor, 8, 3);
  corridor.send(initial("gw;1"));  // the fourth: half of parking_max
  corridor.turn_edge();
  EXPECT_EQ(corridor.count(Counter::parked), 4u);

  corridor.send(initial("gw;2"));
  corridor.send(update("gw;3", 1));
  corridor.send(termination("gw;4", 1));
  corridor.turn_edge();
  EXPECT_EQ(corridor.results(), Codes{3004});  // the initial one alone
  EXPECT_EQ(corridor.count(Counter::shed_initial), 1u);
  EXPECT_EQ(corridor.count(Counter::parked), 6u);

  corridor.send(update("gw;5", 1));  // three quarters wait: updates go as well
  corridor.send(termination("gw;6", 1));
  corridor.send(termination("gw;7", 1));
  corridor.turn_edge();
  EXPECT_EQ(corridor.results(), Codes{3004});
  EXPECT_EQ(corridor.count(Counter::shed_update), 1u);
  EXPECT_EQ(corridor.count(Counter::shed_termination), 0u);
  EXPECT_EQ(corridor.count(Counter::parked), 8u);

  corridor.send(termination("gw;8", 1));  // full
  corridor.turn_edge();
  EXPECT_EQ(corridor.results(), Codes{3004});
  EXPECT_EQ(corridor.count(Counter::shed_termination), 1u);

  // What was taken is answered, and new sessions are welcome again.
  corridor.turn_all(40);
  EXPECT_EQ(corridor.results().size(), 16u);
  corridor.send(initial("gw;9"));
  corridor.turn_all();
  EXPECT_EQ(corridor.results(), Codes{2001});
}

TEST(Shed, TheDialectChoosesTheAnswer) {
  struct Row {
    OverloadAnswer how;
    Codes codes;
    Counter counted;
  };
  const Row rows[] = {{OverloadAnswer::too_busy_3004, {3004}, Counter::answers_3004},
                      {OverloadAnswer::unable_to_comply_5012, {5012}, Counter::answers_5012},
                      {OverloadAnswer::drop, {}, Counter::answers_3004}};
  for (const Row& row : rows) {
    for (int type = 1; type <= 3; ++type) {
      CorridorOptions options;
      // The others must not matter.
      const auto other = row.how == OverloadAnswer::drop ? OverloadAnswer::too_busy_3004
                                                         : OverloadAnswer::drop;
      options.dialect.overload_initial = type == 1 ? row.how : other;
      options.dialect.overload_update = type == 2 ? row.how : other;
      options.dialect.overload_termination = type == 3 ? row.how : other;
      Corridor corridor(options);
      fill(corridor, 8, 8);
      corridor.send(type == 1   ? initial("gw;1")
                    : type == 2 ? update("gw;1", 1)
                                : termination("gw;1", 1));
      corridor.turn_edge();
      const std::vector<test::Parsed> came = corridor.received();
      ASSERT_EQ(came.size(), row.codes.size()) << type;
      if (!came.empty()) {
        EXPECT_EQ(came[0].result_code(), row.codes[0]);
        EXPECT_EQ(came[0].error(), row.codes[0] == 3004);
      }
      EXPECT_EQ(corridor.count(row.counted), row.codes.size());
      EXPECT_EQ(corridor.count(Counter::shed_initial) + corridor.count(Counter::shed_update) +
                    corridor.count(Counter::shed_termination),
                1u);
    }
  }
}

TEST(Shed, WatchdogsAreAnsweredBesides) {
  Corridor corridor({});
  fill(corridor, 8, 8);
  corridor.send(test::dwr("gw.example.org", "example.org"));
  corridor.turn_edge();
  EXPECT_EQ(corridor.results(), Codes{2001});
}

// ---- stopping ------------------------------------------------------------------------------

TEST(Drain, RequestsGetTheDialectsAnswer) {
  CorridorOptions options;
  options.dialect.overload_initial = OverloadAnswer::unable_to_comply_5012;
  options.dialect.overload_update = OverloadAnswer::drop;
  Corridor corridor(options);
  corridor.edge_loop->ask_drain();
  corridor.turn_edge();
  const std::vector<test::Parsed> goodbye = corridor.received();
  ASSERT_EQ(goodbye.size(), 1u);
  EXPECT_EQ(goodbye[0].command, 282u);
  corridor.send(initial("gw;1"));
  corridor.send(update("gw;2", 1));
  corridor.send(termination("gw;3", 1));
  corridor.turn_all();
  EXPECT_EQ(corridor.results(), (Codes{5012, 3004}));
  EXPECT_EQ(corridor.count(Counter::shed_update), 1u);
  EXPECT_EQ(corridor.count(Counter::ccr_initial), 0u);
}

// ---- traces of what no Shard sees ----------------------------------------------------------

std::vector<std::uint32_t> traced_results(Corridor& corridor) {
  std::vector<std::uint32_t> found;
  TraceBuffer* buffer = nullptr;
  while (corridor.edge_loop->trace_full().pop(&buffer, 1) == 1) {
    const test::Parsed message =
        test::parse(Bytes(buffer->message, buffer->message + buffer->bytes));
    EXPECT_EQ(buffer->from_gateway, message.request());
    found.push_back(message.request() ? 0 : message.result_code());
    corridor.edge_loop->trace_empty().try_push(buffer);
  }
  return found;
}

TEST(Trace, RefusedAtTheEdgeOrByTheDecoder) {
  CorridorOptions options;
  options.dialect.overload_update = OverloadAnswer::drop;
  Corridor corridor(options);
  const auto other_realm = Ccr::initial("gw;1").imsi(subscriber_imsi).with([](Ccr& c) {
    c.destination_realm = "elsewhere.example.org";
  });
  const auto no_number = Ccr::update("gw;2", 1).imsi(subscriber_imsi).with([](Ccr& c) {
    c.number.reset();
  });
  corridor.send(other_realm.bytes());
  corridor.turn_all();
  EXPECT_EQ(corridor.results(), Codes{3003});
  EXPECT_TRUE(traced_results(corridor).empty());

  const Directory::Found subscriber = corridor.subscriber();
  corridor.edge_loop->traced().set({&subscriber, 1});
  corridor.send(other_realm.bytes());
  corridor.send(no_number.bytes());
  corridor.send(Ccr::initial("gw;3").imsi("001010000000009").mscc(Mscc(1).rsu(1)).bytes());
  corridor.turn_all();
  EXPECT_EQ(corridor.results(), (Codes{3003, 5005, 5030}));
  EXPECT_EQ(traced_results(corridor), (Codes{0, 3003, 0, 5005}));

  fill(corridor, 8, 8);
  EXPECT_TRUE(traced_results(corridor).empty());
  corridor.send(initial("gw;4"));
  corridor.send(update("gw;5", 1));  // dropped: there is no answer to show
  corridor.turn_edge();
  EXPECT_EQ(traced_results(corridor), (Codes{0, 3004, 0}));
}

TEST(Trace, DroppedForItsDeadline) {
  Corridor corridor(with_deadline(8));
  const Directory::Found subscriber = corridor.subscriber();
  corridor.edge_loop->traced().set({&subscriber, 1});
  corridor.send(initial("gw;1"));
  corridor.turn_edge();
  corridor.pass_time(4 * second);
  corridor.turn_all();
  EXPECT_EQ(traced_results(corridor), Codes{0});
}

// ---- connections that came to nothing ------------------------------------------------------

TEST(Refusals, AreCountedAndSaidNowAndThen) {
  Corridor corridor({});
  LogEvent event;
  ASSERT_EQ(corridor.edge_loop->log().pop(&event, 1), 0u);
  corridor.transport.set_refusals({2, 3, EMFILE});
  corridor.turn_edge();
  corridor.transport.set_refusals({2, 5, EMFILE});
  corridor.turn_edge();
  EXPECT_EQ(corridor.count(Counter::refused_full), 2u);
  EXPECT_EQ(corridor.count(Counter::refused_failed), 5u);
  ASSERT_EQ(corridor.edge_loop->log().pop(&event, 1), 1u);
  EXPECT_EQ(event.kind, LogKind::connections_refused);
  EXPECT_EQ(event.a, 3u);
  EXPECT_EQ(event.b, 2u);
  EXPECT_EQ(event.detail, EMFILE);
  EXPECT_EQ(corridor.edge_loop->log().pop(&event, 1), 0u);
  corridor.pass_time(11 * second);
  corridor.turn_edge();
  ASSERT_EQ(corridor.edge_loop->log().pop(&event, 1), 1u);
  EXPECT_EQ(event.a, 2u);
  EXPECT_EQ(event.b, 0u);
}

}  // namespace
}  // namespace levy::pipeline
