// Sponsors: whose wallet is reserved and spent, through charges, losses, supersession and reloads.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include "tests/unit/shard/review_scene.hpp"

namespace levy::shard {
namespace {

using rating::Reason;
using rating::RequestType;

constexpr std::uint16_t acme = 40;
const rating::Sponsor sponsor_of_acme{"acme", 10'000'000, acme};

class Sponsors : public ReviewScene {
 protected:
  Sponsors() {
    plans_[0]->sponsors = &sponsor_of_acme;
    plans_[0]->sponsor_count = 1;
    for (const int service : {1, 2, 3})
      plans_[0]->services[service].sponsor = acme;  // groups 2 to 4
    create("acme", 5'000);
  }

  void create(const char* name, std::int64_t micros) {
    OperatorRequest r;
    r.kind = OperatorKind::create_account;
    std::strcpy(r.account_name, name);
    r.plan = 1;
    r.currency = 978;
    r.amount = micros;
    EXPECT_EQ(operate(r).result, OperatorResult::ok);
  }

  rating::Bucket wallet(const char* name) {
    OperatorRequest r;
    r.kind = OperatorKind::show_account;
    std::strcpy(r.account_name, name);
    std::vector<std::uint8_t> reply(limits::answer_bytes_max);
    r.now = now();
    shard_->apply(r, reply, record_, outcome_);
    ShowHeader header;
    std::memcpy(&header, reply.data() + sizeof(OperatorReply), sizeof header);
    rating::Bucket bucket;
    std::memcpy(static_cast<void*>(&bucket),
                reply.data() + sizeof(OperatorReply) + sizeof header + sizeof(Account) +
                    header.subscriber_count * sizeof(Subscriber) +
                    header.identity_count * sizeof(OperatorIdentity),
                sizeof bucket);
    return bucket;
  }
  std::int64_t reserved(const char* name) { return wallet(name).reserved; }
  std::int64_t spent_by(const char* name) { return wallet(name).spent; }

  // The sponsor that the last Record names for each bucket that moved.
  std::vector<std::uint16_t> payers() const {
    RecordView view;
    EXPECT_TRUE(read_record(journal_.back(), view));
    std::vector<std::uint16_t> found;
    for (const BucketFact& fact : view.buckets) found.push_back(fact.sponsor);
    return found;
  }
};

TEST_F(Sponsors, PayForTheirServicesAndForNothingElse) {
  rating::ChargeRequest r = request(RequestType::initial, 0, 1, 1000, -1);
  r.mscc[1] = request(RequestType::initial, 0, 2, 1000, -1).mscc[0];
  r.mscc_count = 2;
  EXPECT_EQ(charge(r), Reason::ok);
  EXPECT_EQ(payers(), (std::vector<std::uint16_t>{0, acme}));
  EXPECT_EQ(reserved("a"), 1000);
  EXPECT_EQ(reserved("acme"), 1000);
  EXPECT_EQ(update(1, 700, 2), Reason::ok);
  EXPECT_EQ(spent_by("acme"), 700);
  EXPECT_EQ(spent_by("a"), 0);
  EXPECT_EQ(charge(request(RequestType::termination, 2, 1, -1, 400)), Reason::ok);
  EXPECT_EQ(spent_by("a"), 400);
  EXPECT_EQ(reserved("a") + reserved("acme"), 0);
}

TEST_F(Sponsors, AnEmptyOneIsNoCreditThoughTheUserHasSome) {
  plans_[0]->services[1].grant_max = 10'000;
  EXPECT_EQ(charge(request(RequestType::initial, 0, 2, 9'000, -1)), Reason::ok);
  EXPECT_EQ(outcome_.charge.mscc[0].granted, 5'000);
  EXPECT_EQ(outcome_.charge.mscc[0].flags & rating::outcome_final, rating::outcome_final);
  EXPECT_EQ(update(1, 6'000, 2), Reason::ok);  // its debt, not the user's
  EXPECT_EQ(outcome_.charge.mscc[0].reason, Reason::no_credit);
  EXPECT_EQ(wallet("acme").free(), -1'000);
  EXPECT_EQ(spent_by("a"), 0);
}

TEST_F(Sponsors, PayForLostAndSupersededSessions) {
  EXPECT_EQ(initial(3), Reason::ok);  // charges what was reserved
  seconds_ += 1'201;
  EXPECT_TRUE(due());
  EXPECT_EQ(payers(), std::vector<std::uint16_t>{acme});
  EXPECT_EQ(spent_by("acme"), 1'000);
  EXPECT_EQ(reserved("acme"), 0);
  session_id_ = "gw;2";
  rating::ChargeRequest r = request(RequestType::initial, 0, 2, 1000, -1);
  r.called_station_id = "internet";
  r.pdp_address = "abcd";
  EXPECT_EQ(charge(r), Reason::ok);
  EXPECT_EQ(reserved("acme"), 1'000);
  session_id_ = "gw;3";
  r = request(RequestType::initial, 0, 1, 1000, -1);
  r.called_station_id = "internet";
  r.pdp_address = "abcd";
  EXPECT_EQ(charge(r), Reason::ok);
  EXPECT_TRUE(outcome_.events & event_superseded);
  EXPECT_EQ(reserved("acme"), 0);
  EXPECT_EQ(spent_by("a"), 0);
}

// What is out is settled where it was reserved; the next grant is the user's.
TEST_F(Sponsors, APlanThatNamesThemNoLonger) {
  EXPECT_EQ(initial(2), Reason::ok);
  add_plan_set(1, 2, review_plan());
  OperatorRequest r;
  r.kind = OperatorKind::switch_plan;
  r.plan_version = 2;
  EXPECT_EQ(operate(r).result, OperatorResult::ok);
  EXPECT_EQ(update(1, 1'200, 2), Reason::ok);
  EXPECT_EQ(spent_by("acme"), 1'200);
  EXPECT_EQ(reserved("acme"), 0);
  EXPECT_EQ(reserved("a"), 1'000);
  EXPECT_EQ(update(2, 500, 2), Reason::ok);
  EXPECT_EQ(spent_by("acme"), 1'200);
  EXPECT_EQ(spent_by("a"), 500);
}

TEST_F(Sponsors, PayForUseAfterTheReservationIsGone) {
  EXPECT_EQ(initial(2), Reason::ok);
  EXPECT_EQ(charge(request(RequestType::update, 1, 2, -1, 100)), Reason::ok);  // asks for no more
  EXPECT_EQ(reserved("acme"), 0);
  add_plan_set(1, 2, review_plan());
  OperatorRequest r;
  r.kind = OperatorKind::switch_plan;
  r.plan_version = 2;
  EXPECT_EQ(operate(r).result, OperatorResult::ok);
  EXPECT_EQ(charge(request(RequestType::update, 2, 2, -1, 50)), Reason::ok);
  EXPECT_EQ(spent_by("acme"), 150);
  EXPECT_EQ(outcome_.charge.mscc[0].unpaid, 0);
}

TEST_F(Sponsors, ASliceStandsInForAnAccountOfAnotherShard) {
  plans_[0]->services[1].sponsor = acme + 1;
  static const rating::Sponsor globex[] = {sponsor_of_acme, {"globex", 10'000'000, acme + 1}};
  plans_[0]->sponsors = globex;
  plans_[0]->sponsor_count = 2;
  EXPECT_EQ(initial(2), Reason::ok);
  EXPECT_EQ(outcome_.charge.mscc[0].reason, Reason::no_credit);
  create("globex#0", 3'000);
  EXPECT_EQ(update(1, 0, 2), Reason::ok);
  EXPECT_EQ(reserved("globex#0"), 1'000);
}

// The sponsor's own SIM: its wallet stands twice in the view.
TEST_F(Sponsors, MayUseWhatTheyPayFor) {
  static const rating::Sponsor itself{"a", 10'000'000, acme};
  plans_[0]->sponsors = &itself;
  rating::ChargeRequest r = request(RequestType::initial, 0, 1, 1000, -1);
  r.mscc[1] = request(RequestType::initial, 0, 2, 1000, -1).mscc[0];
  r.mscc_count = 2;
  EXPECT_EQ(charge(r), Reason::ok);
  EXPECT_EQ(reserved("a"), 2'000);
  EXPECT_EQ(update(1, 700, 2), Reason::ok);
  EXPECT_EQ(terminate(2, 300), Reason::ok);
  EXPECT_EQ(spent_by("a"), 1'000);
  EXPECT_EQ(reserved("a"), 0);
}

}  // namespace
}  // namespace levy::shard
