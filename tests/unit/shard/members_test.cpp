// Buckets that belong to one subscriber of a shared account.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include "tests/unit/shard/products_scene.hpp"

namespace levy::shard {
namespace {

class Members : public ProductsScene {
 protected:
  struct Member {
    std::string imsi;
    Slot slot = none;
  };
  static void name(OperatorRequest& r, const std::string& imsi) {
    OperatorIdentity& identity = r.identities[r.identity_count++];
    identity.type = rating::IdentityType::imsi;
    identity.size = static_cast<std::uint8_t>(imsi.size());
    std::memcpy(identity.text, imsi.data(), imsi.size());
  }
  OperatorResult join(Member& member) {
    OperatorRequest r = account_request(OperatorKind::create_subscriber);
    name(r, member.imsi);
    const OperatorReply reply = operate(r);
    member.slot = reply.subscriber;
    return reply.result;
  }
  OperatorResult leave(const Member& member) {
    OperatorRequest r;
    r.kind = OperatorKind::delete_subscriber;
    r.subscriber = member.slot;
    name(r, member.imsi);
    return operate(r).result;
  }
  // Of kind 0: micros for its wallet.
  OperatorRequest for_member(OperatorKind kind, const Member& member, std::int64_t amount,
                             std::uint16_t bucket_kind = 0) const {
    OperatorRequest r = account_request(kind);
    r.own = true;
    name(r, member.imsi);
    r.amount = amount;
    r.bucket_kind = bucket_kind;
    if (bucket_kind != 0) r.unit = Unit::octets;
    return r;
  }
  OperatorResult give_own(const Member& member, std::int64_t amount, std::uint16_t kind = 0) {
    OperatorRequest r = for_member(OperatorKind::credit, member, amount, kind);
    return operate(r).result;
  }
  void use(const Member& member) {
    imsi_ = member.imsi;
    subscriber_ = member.slot;
    session_id_ = "gw;" + member.imsi;
  }
  std::int64_t own_free(const Member& member, std::uint16_t kind) {
    std::int64_t sum = 0;
    for (const rating::Bucket& b : show().buckets)
      sum += b.owner == member.slot && b.kind == kind ? b.free() : 0;
    return sum;
  }

  Member x{"001010000000071"}, y{"001010000000072"}, z{"001010000000073"};
};

TEST_F(Members, OnlyTheirSessionsUseWhatIsTheirs) {
  ASSERT_EQ(join(x), OperatorResult::ok);
  ASSERT_EQ(join(y), OperatorResult::ok);
  ASSERT_EQ(give_own(x, 300, 7), OperatorResult::ok);
  EXPECT_EQ(own_free(x, 7), 300);
  use(y);
  initial();
  EXPECT_EQ(own_free(x, 7), 300);
  use(x);
  initial();
  EXPECT_EQ(own_free(x, 7), 0);
  terminate(1, 1000);
  EXPECT_EQ(outcome_.charge.mscc[0].used_by_buckets, 300);
  EXPECT_EQ(outcome_.charge.mscc[0].charged, 700);
}

TEST_F(Members, ATopUpForOneIsItsOwnAlsoUnderTheSameKind) {
  ASSERT_EQ(join(x), OperatorResult::ok);
  ASSERT_EQ(join(y), OperatorResult::ok);
  OperatorRequest r = account_request(OperatorKind::credit);
  r.bucket_kind = 7;
  r.unit = Unit::octets;
  r.amount = 5;
  ASSERT_EQ(operate(r).result, OperatorResult::ok);
  ASSERT_EQ(give_own(x, 10, 7), OperatorResult::ok);
  ASSERT_EQ(give_own(y, 20, 7), OperatorResult::ok);
  ASSERT_EQ(give_own(x, 1, 7), OperatorResult::ok);
  EXPECT_EQ(each_of(7), (std::vector<std::int64_t>{5, 11, 20}));
  const std::int64_t before = wallet();
  ASSERT_EQ(give_own(x, eur), OperatorResult::ok);
  EXPECT_EQ(own_free(x, 0), eur);
  EXPECT_EQ(wallet(), before);
}

TEST_F(Members, ATopUpForWhoIsNoSubscriberOfTheAccountIsRefused) {
  EXPECT_EQ(give_own(z, eur), OperatorResult::not_found);
  OperatorRequest nobody = account_request(OperatorKind::credit);
  nobody.own = true;
  nobody.amount = eur;
  EXPECT_EQ(operate(nobody).result, OperatorResult::not_found);
  ASSERT_EQ(join(x), OperatorResult::ok);
  OperatorRequest adjust = for_member(OperatorKind::adjust, x, 5);
  EXPECT_EQ(operate(adjust).result, OperatorResult::not_found);  // no wallet of its own
}

TEST_F(Members, ARequestKeyIsOfOneOwner) {
  ASSERT_EQ(join(x), OperatorResult::ok);
  ASSERT_EQ(join(y), OperatorResult::ok);
  OperatorRequest r = for_member(OperatorKind::credit, x, eur);
  std::strcpy(r.request_key, "k");
  r.digest = 5;
  EXPECT_EQ(operate(r).result, OperatorResult::ok);
  EXPECT_EQ(operate(r).result, OperatorResult::unchanged);
  OperatorRequest other = for_member(OperatorKind::credit, y, eur);
  std::strcpy(other.request_key, "k");
  other.digest = 5;
  EXPECT_EQ(operate(other).result, OperatorResult::key_reused);
  EXPECT_EQ(own_free(x, 0), eur);
}

TEST_F(Members, WhatIsTheirsEndsWithThem) {
  ASSERT_EQ(join(x), OperatorResult::ok);
  ASSERT_EQ(join(y), OperatorResult::ok);
  ASSERT_EQ(give_own(x, 300, 7), OperatorResult::ok);
  ASSERT_EQ(give_own(x, eur), OperatorResult::ok);
  ASSERT_EQ(give_own(y, 20, 7), OperatorResult::ok);
  use(x);
  initial();
  EXPECT_EQ(leave(x), OperatorResult::busy);
  terminate(1, 100);
  ASSERT_EQ(leave(x), OperatorResult::ok);
  EXPECT_EQ(outcome_.charge.movement_count, 2u);  // both expire
  EXPECT_EQ(each_of(7), std::vector<std::int64_t>{20});
  Member next = z;
  ASSERT_EQ(join(next), OperatorResult::ok);
  EXPECT_EQ(next.slot, x.slot);  // whoever gets the slot gets nothing with it
  EXPECT_EQ(own_free(next, 7), 0);
  EXPECT_EQ(own_free(next, 0), 0);
}

TEST_F(Members, WhoseOwnWalletOwesStays) {
  ASSERT_EQ(join(x), OperatorResult::ok);
  OperatorRequest adjust = account_request(OperatorKind::set_wallet);
  adjust.amount = 0;
  ASSERT_EQ(operate(adjust).result, OperatorResult::ok);
  OperatorRequest limit = account_request(OperatorKind::set_credit_limit);
  limit.credit_limit = 1000;
  ASSERT_EQ(operate(limit).result, OperatorResult::ok);
  OperatorRequest open = for_member(OperatorKind::create_bucket, x, 0);
  ASSERT_EQ(operate(open).result, OperatorResult::ok);
  EXPECT_EQ(operate(open).result, OperatorResult::unchanged);
  use(x);
  initial();
  EXPECT_EQ(outcome_.charge.mscc[0].granted, 1000);
  terminate(1, 400);
  EXPECT_EQ(own_free(x, 0), -400);
  EXPECT_EQ(wallet(), 0);
  EXPECT_EQ(leave(x), OperatorResult::insufficient);
  ASSERT_EQ(give_own(x, 400), OperatorResult::ok);
  EXPECT_EQ(leave(x), OperatorResult::ok);
}

// ---- allowances for each subscriber
// --------------------------------------------------------------

TEST_F(Members, EachGetsItsOwnAllowanceAlsoWhoJoinsLater) {
  rating::Plan& p = plan(2);
  fee(p, 1000, day);
  allowance(p, 7, 500, day).per_subscriber = true;
  ASSERT_EQ(open_account("b", 2, eur), OperatorResult::ok);
  EXPECT_EQ(each_of(7), std::vector<std::int64_t>{500});
  seconds_ += 3600;
  ASSERT_EQ(join(x), OperatorResult::ok);
  EXPECT_EQ(own_free(x, 7), 500);
  EXPECT_EQ(wallet(), eur - 1000);  // the fee is the account's
  use(x);
  initial();
  terminate(1, 200);
  EXPECT_EQ(own_free(x, 7), 300);
  seconds_ += 86400 - 3600;  // both periods end together
  settle_all();
  EXPECT_EQ(each_of(7), (std::vector<std::int64_t>{500, 500}));
  ASSERT_EQ(join(y), OperatorResult::ok);
  EXPECT_EQ(own_free(y, 7), 500);
  seconds_ += 86400;
  settle_all();
  EXPECT_EQ(each_of(7), (std::vector<std::int64_t>{500, 500, 500}));
  ASSERT_EQ(leave(y), OperatorResult::ok);
  EXPECT_EQ(each_of(7), (std::vector<std::int64_t>{500, 500}));
}

TEST_F(Members, EachCarriesItsOwnRest) {
  rating::Plan& p = plan(2);
  Allowance& own = allowance(p, 7, 500, day);
  own.per_subscriber = true;
  own.rollover = 1;
  ASSERT_EQ(open_account("b", 2, eur), OperatorResult::ok);
  ASSERT_EQ(join(x), OperatorResult::ok);
  use(x);
  initial();
  terminate(1, 500);
  seconds_ += 86400;
  settle_all();
  EXPECT_EQ(own_free(x, 7), 500);  // nothing was left of its own
  EXPECT_EQ(free_of(7), 1500);
}

TEST_F(Members, WhatIsGivenOnceIsGivenToEachOnce) {
  rating::Plan& p = plan(2);
  Allowance& welcome = allowance(p, 7, 500);
  welcome.per_subscriber = true;
  welcome.lifetime = 3600;
  ASSERT_EQ(open_account("b", 2, eur), OperatorResult::ok);
  seconds_ += 7200;
  ASSERT_EQ(join(x), OperatorResult::ok);
  EXPECT_EQ(own_free(x, 7), 500);
  seconds_ += 3600;
  use(x);
  initial();
  EXPECT_EQ(free_of(7), 0);
}

TEST_F(Members, AnAddOnGivesToAllThatAreThere) {
  rating::Plan& addon = plan(3, true);
  allowance(addon, 7, 100).per_subscriber = true;
  ASSERT_EQ(join(x), OperatorResult::ok);
  ASSERT_EQ(buy(3).result, OperatorResult::ok);
  EXPECT_EQ(each_of(7), (std::vector<std::int64_t>{100, 100}));
  ASSERT_EQ(join(y), OperatorResult::ok);
  EXPECT_EQ(own_free(y, 7), 100);
  ASSERT_EQ(end(3), OperatorResult::ok);
  EXPECT_TRUE(each_of(7).empty());
  ASSERT_EQ(join(z), OperatorResult::ok);
  EXPECT_TRUE(each_of(7).empty());
}

TEST_F(Members, AMemberWithoutRoomForItsAllowanceIsRefusedWhole) {
  rating::Plan& p = plan(2);
  allowance(p, 7, 500, day).per_subscriber = true;
  ASSERT_EQ(open_account("b", 2, eur), OperatorResult::ok);
  OperatorResult last = OperatorResult::ok;
  int joined = 0;
  for (; joined < 100 && last == OperatorResult::ok; ++joined) {
    Member member{"00101000000" + std::to_string(1000 + joined)};
    last = join(member);
  }
  EXPECT_EQ(last, OperatorResult::full);
  EXPECT_EQ(each_of(7).size(), limits::buckets_per_account_max - 1);  // and the wallet
  EXPECT_EQ(show().account.subscriber_count, limits::buckets_per_account_max - 1);
}

}  // namespace
}  // namespace levy::shard
