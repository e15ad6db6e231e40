// Micro benchmark of the decision: one CCR-U from bytes to answer and Record, in ns.
// Core: benchmark. Allocates: at start-up. Blocks: never. Clock: Google Benchmark's.
//
// `whole`: decode, duplicate check, session, charge, encode and Record for one update after the
// other, each session in turn; the argument is how many sessions there are (1: hot in cache; many:
// each one is a walk through cold memory, one message at a time). `apply`: the same without decode
// and encode. The plan is a price per step with an allowance bucket before the wallet.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>

#include "diameter/app/gy.hpp"
#include "engine/base/hash.hpp"
#include "engine/shard/shard.hpp"
#include "rating/compile/compile.hpp"
#include "tests/support/messages.hpp"

namespace levy::shard {
namespace {

constexpr std::uint64_t usage = 1000;

std::string imsi_of(std::int64_t i) {
  std::string n = std::to_string(i);
  return "00101" + std::string(10 - n.size(), '0') + n;
}
std::string session_of(std::int64_t i) {
  return "pgw01.bench.example;1795342048;" + imsi_of(i);
}

// One Shard with `sessions` subscribers, each with an open session and a grant.
class World {
 public:
  explicit World(std::int64_t sessions) : count_(sessions) {
    const auto n = static_cast<std::size_t>(sessions);
    Capacity c;
    c.accounts = c.subscribers = c.sessions = c.groups = n + 16;
    c.buckets = 2 * n + 16;
    c.verdicts = 9 * n + 64;
    shard_ = std::make_unique<Shard>(ShardId{0}, c, Options{}, HugePages::automatic, scratch_);
    make_plan();
    shard_->set_plans(&set_, 1);
    record_.resize(limits::record_bytes_max);
    answer_.resize(limits::answer_bytes_max);
    for (std::int64_t i = 0; i < sessions; ++i) subscribe(i);
    for (std::int64_t i = 0; i < sessions; ++i) run(i, 1, 0);
  }

  // A CCR-I (number 0) or CCR-U of session i through the whole decision.
  void run(std::int64_t i, int type, std::uint32_t number) {
    prepare(i, type, number);
    whole(i);
  }
  void prepare(std::int64_t i, int type, std::uint32_t number) {
    auto ccr =
        type == 1 ? test::Ccr::initial(session_of(i)) : test::Ccr::update(session_of(i), number);
    auto mscc = test::Mscc(1).rsu(usage);
    if (type != 1) mscc.usu(usage);
    message_ = ccr.imsi(imsi_of(i)).mscc(mscc).bytes();
  }
  void whole(std::int64_t i) {
    const codec::CodecError error = app::decode_ccr(message_, dialect_, request_);
    LEVY_CHECK(!error, static_cast<int>(error.code));
    decide(i);
    app::Answer answer;
    answer.reason = outcome_.reason;
    answer.mscc_count = outcome_.mscc_count;
    answer.mscc = outcome_.charge.mscc.data();
    answer.plan = outcome_.plan;
    const std::size_t bytes =
        app::encode_cca(message_, request_, answer, local_, answer_);
    LEVY_CHECK(bytes != 0 && outcome_.reason == rating::Reason::ok && outcome_.record_bytes != 0);
  }
  void decide(std::int64_t i) {
    ChargeContext context;
    now_.micros += 10;
    context.now = now_;
    context.session_hash = hash_bytes(request_.session_id, context.application);
    context.subscriber = static_cast<Slot>(i);
    shard_->apply(request_, context, record_, outcome_);
  }
  rating::ChargeRequest& request() { return request_; }
  const Outcome& outcome() const { return outcome_; }
  test::Bytes& message() { return message_; }
  std::int64_t count() const { return count_; }
  const app::Dialect& dialect() const { return dialect_; }

 private:
  void make_plan() {
    rating::Catalogue catalogue;
    rating::PlanSource plan;
    plan.name = {"bench", {}, true};
    plan.currency = {"EUR", {}, true};
    rating::ServiceSource service;
    service.name = {"internet", {}, true};
    service.any_rating_group = {true, {}, true};
    service.unit = {"octets", {}, true};
    service.price = {rating::PriceSource{"0.25", 1'500'000, 0, false}, {}, true};
    plan.services.push_back(service);
    catalogue.plans.push_back(plan);
    rating::Compiled compiled = rating::compile_catalogue(
        catalogue, [](rating::NameKind kind, std::string_view) -> std::uint16_t {
          return static_cast<std::uint16_t>(1 + static_cast<int>(kind));
        });
    LEVY_CHECK(compiled.faults.empty());
    plan_id_ = compiled.plans[0]->id;
    version_ = std::make_unique<rating::PlanVersion>(std::uint16_t{1}, std::move(compiled.plans));
    set_ = &version_->set();
  }
  void subscribe(std::int64_t i) {
    OperatorRequest r;
    r.kind = OperatorKind::create_account;
    r.now = now_;
    r.plan = plan_id_;
    r.currency = 978;
    r.amount = 1'000'000'000'000;
    const std::string name = "a" + std::to_string(i);
    name.copy(r.account_name, sizeof r.account_name - 1);
    shard_->apply(r, answer_, record_, outcome_);
    r.kind = OperatorKind::create_bucket;
    r.bucket_kind = 9;
    r.unit = rating::Unit::octets;
    r.priority = 5;
    r.amount = 1'000'000'000'000;
    shard_->apply(r, answer_, record_, outcome_);
    r.kind = OperatorKind::create_subscriber;
    r.identity_count = 1;
    r.identities[0].type = rating::IdentityType::imsi;
    const std::string imsi = imsi_of(i);
    r.identities[0].size = static_cast<std::uint8_t>(imsi.size());
    imsi.copy(r.identities[0].text, imsi.size());
    shard_->apply(r, answer_, record_, outcome_);
    LEVY_CHECK(outcome_.record_bytes != 0, i);
  }

  std::int64_t count_;
  Scratch scratch_;
  std::unique_ptr<Shard> shard_;
  std::uint16_t plan_id_ = 0;
  std::unique_ptr<rating::PlanVersion> version_;
  const rating::PlanSet* set_ = nullptr;
  Time now_ = Time::from_seconds(1'800'000'000);
  app::Dialect dialect_;
  app::LocalIdentity local_{"ocs.levy.example", "levy.example", 1};
  test::Bytes message_;
  std::vector<std::uint8_t> record_, answer_;
  rating::ChargeRequest request_;
  Outcome outcome_;
};

// Where the value of CC-Request-Number stands, to be patched in place.
std::size_t number_at(const test::Bytes& message) {
  static const std::uint8_t head[] = {0, 0, 1, 0x9f, 0x40, 0, 0, 12};
  const auto at = std::search(message.begin(), message.end(), std::begin(head), std::end(head));
  LEVY_CHECK(at != message.end());
  return static_cast<std::size_t>(at - message.begin()) + sizeof head;
}

void run(benchmark::State& state, bool whole) {
  static std::unique_ptr<World> world;
  if (world == nullptr || world->count() != state.range(0)) {
    world.reset();
    world = std::make_unique<World>(state.range(0));
  }
  // The messages are made ahead: what is measured is Levy's work.
  const std::int64_t sessions = world->count();
  static std::uint32_t number = 0;
  const std::int64_t batch = std::min<std::int64_t>(sessions, 4096);
  std::vector<test::Bytes> messages;
  std::vector<std::size_t> number_places;
  std::uint64_t seed = 1;
  std::vector<std::int64_t> who;
  for (std::int64_t i = 0; i < batch; ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    const auto pick = (seed >> 33) % static_cast<std::uint64_t>(sessions);
    who.push_back(static_cast<std::int64_t>(pick));
    world->prepare(who.back(), 2, 1);
    messages.push_back(world->message());
    number_places.push_back(number_at(messages.back()));
  }
  std::size_t at = 0;
  std::uint64_t record_bytes = 0, count = 0;
  for (auto _ : state) {
    test::Bytes& m = messages[at];
    codec::store32(m.data() + number_places[at], ++number);  // rising: gaps are accepted
    world->message().swap(m);
    if (whole) {
      world->whole(who[at]);
    } else {
      app::decode_ccr(world->message(), world->dialect(), world->request());
      const auto begin = std::chrono::steady_clock::now();
      world->decide(who[at]);
      state.SetIterationTime(
          std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
    world->message().swap(m);
    record_bytes += world->outcome().record_bytes;
    ++count;
    at = at + 1 == messages.size() ? 0 : at + 1;
  }
  state.counters["record_bytes"] = static_cast<double>(record_bytes) / static_cast<double>(count);
}

void whole(benchmark::State& state) {
  run(state, true);
}
void apply(benchmark::State& state) {
  run(state, false);
}

BENCHMARK(whole)->Arg(1)->Arg(100'000)->ArgName("sessions");
BENCHMARK(apply)->Arg(1)->Arg(100'000)->ArgName("sessions")->UseManualTime();

}  // namespace
}  // namespace levy::shard

BENCHMARK_MAIN();
