// The charging vectors (design/charging.md groups A, B, C, D, F) at the level of charge().
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include "tests/unit/rating/scene.hpp"

namespace levy::rating {
namespace {

constexpr std::int64_t none_granted = 0;

// One message and what stands after it; `session` 0 unless two share the credit.
struct Step {
  char type;  // I, U, T
  std::int64_t requested, used;
  Reason reason;
  std::int64_t grant;  // units, 0 = no Granted-Service-Unit
  bool is_final;
  std::int64_t balance, reserved;  // micros
  int session = 0;
};

struct Vector {
  const char* name;
  bool voice;
  std::int64_t start;
  Overrun overrun;
  std::vector<Step> steps;
};

void run(const Vector& vector) {
  SCOPED_TRACE(vector.name);
  Scene scene(vector.voice ? voice_a() : data_a(), vector.start);
  scene.plan->overrun = vector.overrun;
  for (std::size_t i = 0; i < vector.steps.size(); ++i) {
    SCOPED_TRACE(i);
    const Step& step = vector.steps[i];
    const RequestType type = step.type == 'I'   ? RequestType::initial
                             : step.type == 'U' ? RequestType::update
                                                : RequestType::termination;
    const MsccOutcome& o =
        scene.send(step.session, type, {{1, step.requested, step.used, 0}}).mscc[0];
    EXPECT_EQ(o.reason, step.reason);
    EXPECT_EQ(o.granted, step.grant);
    EXPECT_EQ(granted(o), step.grant != 0);
    EXPECT_EQ(final(o), step.is_final);
    EXPECT_EQ(scene.balance(), step.balance);
    EXPECT_EQ(scene.reserved(), step.reserved);
  }
}

constexpr auto ok = Reason::ok;
constexpr auto broke = Reason::no_credit;
constexpr auto debt = Overrun::debt;
constexpr auto write_off = Overrun::write_off;
constexpr std::int64_t q = 250'000;  // the price of one step of DATA-A and VOICE-A

const std::vector<Vector> table{
    {"V-01", false, q, debt, {{'I', step_a, absent, ok, step_a, true, 0, q}}},
    {"V-02", false, q - 1, debt, {{'I', step_a, absent, broke, 0, false, q - 1, 0}}},
    {"V-03",
     false,
     q,
     debt,
     {{'I', step_a, absent, ok, step_a, true, 0, q},
      {'I', step_a, absent, broke, 0, false, 0, q, 1}}},
    {"V-04", false, 10 * q, debt, {{'I', 400'000, absent, ok, step_a, false, 9 * q, q}}},
    {"V-08", false, -100'500'000, debt, {{'I', 0, absent, broke, 0, false, -100'500'000, 0}}},
    {"V-09",
     false,
     8 * q,
     debt,
     {{'I', step_a, absent, ok, step_a, false, 7 * q, q},
      {'U', step_a, absent, ok, step_a, false, 7 * q, q}}},
    {"V-11",
     false,
     q,
     debt,
     {{'I', step_a, absent, ok, step_a, true, 0, q},
      {'U', step_a, absent, ok, step_a, true, 0, q}}},
    {"V-12",
     false,
     400'000,
     debt,
     {{'I', 900'000, absent, ok, step_a, true, 150'000, q},
      {'U', 3'000'000, absent, ok, step_a, true, 150'000, q}}},
    {"V-14",
     false,
     2 * q,
     debt,
     {{'I', 0, absent, ok, step_a, false, q, q}, {'U', 0, step_a, ok, step_a, true, 0, q}}},
    {"V-15 debt",
     false,
     q,
     debt,
     {{'I', step_a, absent, ok, step_a, true, 0, q}, {'U', 0, 1'500'001, broke, 0, false, -q, 0}}},
    {"V-15 write_off",
     false,
     q,
     write_off,
     {{'I', step_a, absent, ok, step_a, true, 0, q},
      {'U', 0, 1'500'001, broke, 0, false, 0, 0},
      {'U', 0, 0, broke, 0, false, 0, 0}}},
    {"V-20",
     false,
     400'000,
     debt,
     {{'I', 0, absent, ok, step_a, true, 150'000, q},
      {'U', 0, 2'000'000, broke, 0, false, -100'000, 0},
      {'T', absent, 700'000, ok, 0, false, -100'000, 0}}},
    {"V-21 debt",
     true,
     2 * q,
     debt,
     {{'I', 0, absent, ok, 60, false, q, q}, {'U', 0, 150, broke, 0, false, -q, 0}}},
    {"V-21 write_off",
     true,
     2 * q,
     write_off,
     {{'I', 0, absent, ok, 60, false, q, q}, {'U', 0, 150, broke, 0, false, 0, 0}}},
    {"V-24",
     true,
     2'100'000,
     debt,
     {{'I', 0, absent, ok, 60, false, 1'850'000, q},
      {'U', 0, 61, ok, 119, false, 1'350'000, q},
      {'T', absent, 59, ok, 0, false, 1'600'000, 0}}},
    {"V-24 second",
     true,
     2'100'000,
     debt,
     {{'I', 0, absent, ok, 60, false, 1'850'000, q},
      {'U', 0, 50, ok, 70, false, 1'600'000, q},
      {'T', absent, 80, ok, 0, false, 1'350'000, 0}}},
    {"V-94 without the repeat",
     false,
     1'000'000,
     debt,
     {{'I', step_a, absent, ok, step_a, false, 750'000, q},
      {'U', step_a, step_a, ok, step_a, false, 500'000, q}}},
    {"V-99",
     false,
     q,
     debt,
     {{'I', step_a, absent, ok, step_a, true, 0, q}, {'U', step_a, step_a, broke, 0, false, 0, 0}}},
};

TEST(Vectors, Table) {
  for (const Vector& vector : table) run(vector);
}

TEST(Vectors, V06ExpiredBucketIsRemoved) {
  Scene scene(data_a(), 0);
  Bucket& old = scene.money(100'000'000);
  old.ends_at = static_cast<std::uint32_t>(scene.now - 30 * 86400);
  EXPECT_EQ(scene.initial(0).reason, Reason::no_credit);
  const std::vector<Bucket> before(scene.buckets.begin(), scene.buckets.end());
  scene.result = ChargeResult{};
  AccountView account = scene.view();
  EXPECT_TRUE(bucket_ended(old, Time::from_seconds(scene.now)));
  expire_buckets(account, Time::from_seconds(scene.now), scene.result);
  scene.verify(before);
  ASSERT_EQ(scene.result.movement_count, 1u);
  EXPECT_EQ(scene.result.movements[0].kind, MovementKind::expire);
  EXPECT_EQ(old.credits, 0);
}

TEST(Vectors, V07ExpiredBucketPaysItsOwnReservationOnly) {
  Scene scene(plan_of({{1, data_a()}}));
  Bucket& b1 = scene.money(1'500'000, false, 1);
  scene.money(900'000);
  scene.money(0, true);
  EXPECT_EQ(scene.update(absent, 2 * step_a, 0).granted, 2 * step_a);  // S0: 0.5 of B1
  EXPECT_EQ(b1.reserved, 500'000);
  b1.ends_at = static_cast<std::uint32_t>(scene.now - 30 * 86400);
  EXPECT_EQ(scene.initial(800'000, 1).granted, step_a);
  EXPECT_EQ(scene.buckets[1].free(), 650'000);
  EXPECT_EQ(b1.free(), 1'000'000);
  EXPECT_EQ(b1.reserved, 500'000);
  EXPECT_FALSE(bucket_ended(b1, Time::from_seconds(scene.now)));
  // S0's report: its grant's own money pays, the remainder is released and expires.
  scene.terminate(step_a, 0);
  EXPECT_EQ(b1.spent, 250'000);
  EXPECT_EQ(b1.reserved, 0);
  AccountView account = scene.view();
  expire_buckets(account, Time::from_seconds(scene.now), scene.result);
  EXPECT_EQ(b1.free(), 0);
}

TEST(Vectors, V15WriteOffStandsInTheRecord) {
  Scene scene(data_a(), q);
  scene.plan->overrun = write_off;
  scene.initial(step_a);
  const MsccOutcome& o = scene.update(1'500'001, 0);
  EXPECT_EQ(o.charged, 2 * q);
  EXPECT_EQ(o.unpaid, q);
  EXPECT_EQ(scene.buckets[0].written_off, q);
}

TEST(Vectors, V22UnitBucketIsExact) {
  Scene scene(data_a(), 0);
  Bucket& bucket = scene.units(Unit::octets, 6'000'000);
  const auto left = [&] { return bucket.credits - bucket.spent; };
  EXPECT_EQ(scene.initial(1'000'000, 1).granted, 1'000'000);
  scene.terminate(400'000, 1);
  EXPECT_EQ(left(), 5'600'000);
  EXPECT_EQ(scene.initial(1'500'000, 2).granted, 1'500'000);
  EXPECT_EQ(scene.update(600'000, 1'500'000, 2).granted, 1'500'000);
  scene.terminate(500'000, 2);
  EXPECT_EQ(left(), 4'500'000);
  EXPECT_EQ(scene.reserved(), 0);
  EXPECT_EQ(scene.balance(), 0);
}

TEST(Vectors, V25ReserveUseNothingClose) {
  Scene scene(service_of(Unit::seconds, price_per(10'000'000, 60), 60), 100'000'000);
  EXPECT_EQ(scene.initial(60).granted, 60);
  scene.terminate(absent);
  EXPECT_EQ(scene.balance(), 100'000'000);
}

TEST(Vectors, V29TerminationWithoutMscc) {
  Scene scene(
      plan_of({{6400, service_of(Unit::octets, price_per(990'000'000, 100'000'000), 10'000'000)}}));
  scene.money(20'000'000'000, true);
  Bucket& allowance = scene.units(Unit::octets, 150'000'000);
  const auto reason = [&](RequestType type, std::int64_t requested, std::int64_t used) {
    return scene.send(0, type, {{6400, requested, used, 0}}).mscc[0].reason;
  };
  EXPECT_EQ(reason(RequestType::initial, 0, absent), ok);
  EXPECT_EQ(reason(RequestType::update, 0, 300'000'000), ok);
  EXPECT_EQ(reason(RequestType::update, 0, 15'000'000), ok);
  scene.send(0, RequestType::termination, {});
  scene.release(0);
  EXPECT_EQ(scene.reserved(), 0);
  EXPECT_EQ(scene.balance(), 18'020'000'000);
  EXPECT_EQ(allowance.spent, 150'000'000);
}

TEST(Vectors, V30TwoGroupsFinalAtSessionLevel) {
  Scene scene(plan_of({{32, data_a()}, {65, data_a()}, {72, data_a()}}));
  scene.money(10'000'000, true);
  scene.send(0, RequestType::initial, {{32, 0}});
  scene.send(0, RequestType::initial, {{72, 0}});
  scene.send(0, RequestType::update, {{32, 0, 1000}});
  scene.send(0, RequestType::update, {{65, 0}});
  EXPECT_EQ(scene.reserved(), 3 * q);  // one step of each: 32 asks beyond its paid remainder
  scene.release(0);
  EXPECT_EQ(scene.reserved(), 0);
}

TEST(Vectors, V33UnknownDestination) {
  Scene scene(plan_of({{3, service_of(Unit::seconds, price_per(400'000, 300), 300)}}));
  scene.money(1'000'000'000, true);
  EXPECT_EQ(scene.send(0, RequestType::initial, {{9, 0}}).mscc[0].reason, Reason::rating_failed);
  EXPECT_EQ(scene.send(0, RequestType::initial, {{3, 0}}).mscc[0].granted, 300);
  EXPECT_EQ(scene.balance(), 999'600'000);
}

TEST(Vectors, V34RecordContent) {
  Scene scene(plan_of({{1, data_a()}}));
  scene.money(100'000);
  scene.money(50'000);
  scene.money(2'500'000, true);
  std::int64_t charged = 0, used = 0, by_buckets = 0;
  const auto add = [&](const MsccOutcome& o) {
    charged += o.charged, used += o.used, by_buckets += o.used_by_buckets;
  };
  add(scene.initial(0));
  add(scene.update(2'000'000, 0));
  add(scene.update(1'800'000, 0));
  add(scene.terminate(900'000));
  EXPECT_EQ(used, 4'700'000);
  EXPECT_EQ(by_buckets, 0);
  EXPECT_EQ(charged, 1'000'000);
  EXPECT_EQ(scene.balance(), 1'650'000);
}

TEST(Vectors, V35DepletionInEqualSteps) {
  Scene scene(data_a(), 0);
  Bucket& bucket = scene.units(Unit::octets, 300'000'000);
  constexpr std::int64_t part = 100'000'000;
  EXPECT_FALSE(final(scene.initial(part)));
  EXPECT_FALSE(final(scene.update(part, part)));
  const MsccOutcome last = scene.update(part, part);
  EXPECT_EQ(last.granted, part);
  EXPECT_TRUE(final(last));
  const MsccOutcome refused = scene.update(part, part);
  EXPECT_EQ(refused.reason, broke);
  EXPECT_EQ(refused.granted, none_granted);
  EXPECT_EQ(bucket.free(), 0);
}

Service message(std::int64_t micros) {
  Service service = service_of(Unit::events, price_per(micros, 1), 1);
  service.price.none = micros == 0;
  service.indivisible = true;
  return service;
}

TEST(Vectors, V36ToV39Messages) {
  Scene ecur(message(0), 0);
  Bucket& five = ecur.units(Unit::events, 5);
  EXPECT_EQ(ecur.initial(1).granted, 1);
  EXPECT_EQ(ecur.terminate(1).reason, ok);
  EXPECT_EQ(five.free(), 4);

  Scene poor(message(0), 0);
  Bucket& two = poor.units(Unit::events, 2);
  EXPECT_EQ(poor.initial(5).reason, broke);
  EXPECT_EQ(two.free(), 2);

  Scene client(message(0), 0);
  Bucket& said = client.units(Unit::events, 5);
  EXPECT_EQ(client.one_event(RequestedAction::direct_debiting, 1).granted, 1);
  EXPECT_EQ(said.free(), 4);
  EXPECT_EQ(client.one_event(RequestedAction::direct_debiting, absent).granted, 1);
  EXPECT_EQ(said.free(), 3);
}

TEST(Vectors, V39CommandLevelEvent) {
  Scene scene(message(0), 0);
  Bucket& bucket = scene.units(Unit::events, 5);
  scene.plan->entries[scene.plan->entry_count++] = {0, 0, Takes::without};
  scene.request = ChargeRequest{};
  scene.request.type = RequestType::event;
  scene.request.command_level = true;
  scene.input.request = &scene.request;
  scene.input.plan = scene.plan.get();
  AccountView account = scene.view();
  charge_event(scene.input, account, scene.result, scene.event);
  EXPECT_EQ(scene.result.mscc[0].granted, 1);
  EXPECT_EQ(bucket.free(), 4);
}

TEST(Vectors, V40EventThatCannotBePaidChangesNothing) {
  Scene scene(message(1'500'000), 1);
  EXPECT_EQ(scene.one_event(RequestedAction::direct_debiting, 1).reason, broke);
  EXPECT_EQ(scene.balance(), 1);
  EXPECT_EQ(scene.result.movement_count, 0u);
}

struct PriceRow {
  const char* name;
  Price price;
  std::int64_t total, expected;
};

Price stepped(Price price, std::int64_t step) {
  price.step = step;
  return price;
}

// V-57 rounds to one decimal of the currency there; here a balance is rounded to micros, so its
// currency unit is taken as 10 micros: 0.033/s is 0.33 micros per second.
const std::vector<PriceRow> prices{
    {"V-45", price_per(1'000'000, 1), 90, 90'000'000},
    {"V-45 zero", price_per(1'000'000, 1), 0, 0},
    {"V-46 sms", price_per(5'000, 1), 1, 5'000},
    {"V-46 data", price_per(2'000, 10), 20, 4'000},
    {"V-48 flat part", price_per(500'000, 1), 5'400, 2'700'000'000},
    {"V-55", stepped(price_per(100'000, 60), 1), 180, 300'000},
    {"V-57 up", stepped(price_per(33, 100, Rounding::up), 1), 10, 4},
    {"V-57 down", stepped(price_per(33, 100, Rounding::down), 1), 10, 3},
    {"V-64", price_per(1'000'000, 10'000), 256'000'000, 25'600'000'000},
    {"V-104", price_per(500'000, 1), 10, 5'000'000},
};

TEST(Vectors, GroupCPrices) {
  for (const PriceRow& row : prices)
    EXPECT_EQ(price_of(row.price, row.total), row.expected) << row.name;
}

TEST(Vectors, V58FurthestSecondThatTheBalancePays) {
  Scene scene(service_of(Unit::seconds, price_per(1'000'000, 1), 60), 10'000'000);
  const MsccOutcome& o = scene.initial(1800);
  EXPECT_EQ(o.granted, 10);
  EXPECT_TRUE(final(o));
}

TEST(Vectors, V66AndV67SharedPurseAndPostpaid) {
  const Service call = service_of(Unit::seconds, price_per(500'000, 1), 5);
  Scene shared(plan_of({{1, call}}));
  shared.money(10'000'000, false, 5);
  shared.money(0, true);
  shared.initial(5);
  shared.terminate(5);
  EXPECT_EQ(shared.buckets[0].free(), 7'500'000);
  EXPECT_EQ(shared.buckets[1].free(), 0);

  Scene postpaid(call, 0);
  postpaid.plan->credit_limit = 3'000'000;
  postpaid.credit_limit = 2'000'000;
  EXPECT_FALSE(final(postpaid.initial(5)));
  postpaid.terminate(5);
  EXPECT_EQ(postpaid.balance(), -2'500'000);
  EXPECT_TRUE(final(postpaid.initial(5, 1)));
  postpaid.terminate(5, 1);
  EXPECT_EQ(postpaid.balance(), -5'000'000);
  EXPECT_EQ(postpaid.initial(5, 2).reason, broke);
}

TEST(Vectors, V68FiftyDebits) {  // the fee of 1 is one more second here
  Scene scene(service_of(Unit::seconds, price_per(1'000'000, 1), 60), 10'000'000'000);
  for (int session = 0; session < 50; ++session) scene.initial(60, session);
  EXPECT_EQ(scene.balance(), 7'000'000'000);
  for (int session = 0; session < 50; ++session) scene.terminate(60, session);
  EXPECT_EQ(scene.balance(), 7'000'000'000);
  EXPECT_EQ(scene.reserved(), 0);
}

TEST(Vectors, V73DataWithOneCorrection) {
  Scene scene(service_of(Unit::octets, price_per(1, 1), 1), 102'400);
  EXPECT_EQ(scene.initial(5'120).granted, 5'120);
  EXPECT_EQ(scene.balance(), 97'280);
  EXPECT_EQ(scene.update(4'096, 5'120).granted, 5'120);
  EXPECT_EQ(scene.balance(), 93'184);
  scene.terminate(0);
  EXPECT_EQ(scene.balance(), 98'304);
}

TEST(Vectors, V75LostSession) {
  for (const OnLost on_lost : {OnLost::release, OnLost::charge_reserved, OnLost::charge_units}) {
    Service service = service_of(Unit::octets, price_per(1, 1), 1);
    service.on_lost = on_lost;
    service.lost_units = 2'048;
    Scene scene(service, 102'400);
    scene.initial(1'024);
    EXPECT_EQ(scene.balance(), 101'376);
    const std::vector<Bucket> before(scene.buckets.begin(), scene.buckets.end());
    MsccOutcome outcome;
    scene.result = ChargeResult{};
    AccountView account = scene.view();
    settle_lost_group(scene.group(0, 1), *scene.plan, *scene.plan, account,
                      Time::from_seconds(scene.now), outcome, scene.result);
    scene.verify(before);
    const std::int64_t lost = on_lost == OnLost::release           ? 0
                              : on_lost == OnLost::charge_reserved ? 1'024
                                                                   : 2'048;
    EXPECT_EQ(scene.balance(), 102'400 - lost);
    EXPECT_EQ(outcome.used, lost);
    EXPECT_EQ(scene.reserved(), 0);
  }
}

TEST(Vectors, V78FullRefundOfAnUnusedSession) {
  Scene scene(service_of(Unit::seconds, price_per(50'000, 1), 1), 250'000);
  Bucket& voice = scene.units(Unit::seconds, 5);
  EXPECT_EQ(scene.initial(2).granted, 2);
  EXPECT_EQ(voice.free(), 3);
  scene.terminate(0);
  EXPECT_EQ(voice.free(), 5);
}

TEST(Vectors, V80OneSecondOnTen) {
  Scene scene(service_of(Unit::seconds, price_per(1'000'000, 1), 1), 10'000'000);
  EXPECT_EQ(scene.initial(1).granted, 1);
  EXPECT_EQ(scene.update(absent, 1).granted, 1);  // U1
  for (int u = 2; u <= 10; ++u) {
    const MsccOutcome& o = scene.update(1, 1);
    EXPECT_EQ(o.granted, 1) << u;
    EXPECT_EQ(final(o), u == 10) << u;
  }
  EXPECT_EQ(scene.update(1, 1).reason, broke);  // U11
  for (int u = 12; u <= 29; ++u) EXPECT_EQ(scene.update(0, 1).reason, broke);
  EXPECT_EQ(scene.balance(), 0);
}

TEST(Vectors, V81DiameterVoice) {
  Scene scene(service_of(Unit::seconds, price_per(1'000, 1), 60), 1'000'000'000);
  EXPECT_EQ(scene.initial(300).granted, 300);
  EXPECT_EQ(scene.update(300, 300).granted, 300);
  EXPECT_EQ(scene.terminate(250).reason, ok);
  EXPECT_EQ(scene.group(0, 1).used_total, 550);
  Service whole = voice_a();
  whole.indivisible = true;
  Scene poor(whole, 1'000'000);
  EXPECT_EQ(poor.initial(3'000'000'000).reason, broke);
}

TEST(Vectors, V93RedirectWithEmptyAccount) {
  Service service = data_a();
  service.final_action = FinalAction::redirect;
  service.validity = 600;
  Scene scene(service, 0);
  const MsccOutcome first = scene.initial(0);
  EXPECT_EQ(first.reason, ok);
  EXPECT_EQ(first.flags, outcome_final | outcome_redirect);
  EXPECT_EQ(first.validity, 600u);
  scene.buckets[0].credits += 10 * q;
  EXPECT_EQ(scene.update(absent, 0).granted, step_a);

  Scene dialect(service, 0);  // V-88
  dialect.code_4012 = true;
  const MsccOutcome refused = dialect.initial(0);
  EXPECT_EQ(refused.reason, broke);
  EXPECT_EQ(refused.flags, outcome_final | outcome_redirect);

  Scene later(service, q);  // after a grant, no credit is 4012 (V-89: without FUI)
  EXPECT_EQ(later.initial(0).flags, outcome_granted | outcome_final | outcome_redirect);
  const MsccOutcome end = later.update(step_a, 0);
  EXPECT_EQ(end.reason, broke);
  EXPECT_EQ(end.flags, 0);
}

TEST(Vectors, V97Events) {
  Scene scene(message(150'000), 10'000'000);
  scene.one_event(RequestedAction::check_balance, 1);
  EXPECT_TRUE(scene.event.enough);
  EXPECT_EQ(scene.result.movement_count, 0u);
  scene.one_event(RequestedAction::price_enquiry, 2);
  EXPECT_EQ(scene.event.cost.micros, 300'000);
  EXPECT_EQ(scene.result.movement_count, 0u);
  EXPECT_EQ(scene.one_event(RequestedAction::direct_debiting, 2).charged, 300'000);
  EXPECT_EQ(scene.balance(), 9'700'000);
  EXPECT_EQ(scene.one_event(RequestedAction::refund_account, 2).charged, -300'000);
  EXPECT_EQ(scene.balance(), 10'000'000);
  Scene poor(message(150'000), 100'000);
  EXPECT_EQ(poor.one_event(RequestedAction::check_balance, 1).reason, ok);
  EXPECT_FALSE(poor.event.enough);
}

TEST(Vectors, V97RefundOfMoney) {
  Scene scene(message(150'000), 9'700'000);
  ChargeRequest& request = scene.request;
  request.type = RequestType::event;
  request.requested_action = RequestedAction::refund_account;
  request.mscc_count = 1;
  MsccRequest& mscc = request.mscc[0];
  mscc.has_rating_group = mscc.has_requested = mscc.requested.has_money = true;
  mscc.rating_group = 1;
  mscc.requested.money = Money{300'000};
  mscc.requested.money_currency = eur;
  scene.input.request = &request;
  scene.input.plan = scene.plan.get();
  AccountView account = scene.view();
  charge_event(scene.input, account, scene.result, scene.event);
  EXPECT_EQ(scene.balance(), 10'000'000);
  mscc.requested.money_currency = 840;  // another currency is no refund of this plan
  charge_event(scene.input, account, scene.result, scene.event);
  EXPECT_EQ(scene.result.mscc[0].reason, Reason::unable_to_comply);
  EXPECT_EQ(scene.balance(), 10'000'000);
}

}  // namespace
}  // namespace levy::rating
