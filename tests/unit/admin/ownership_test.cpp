// One owner per identity, and operators' lookups that the Shard checks: over bare Shards.
// Core: test. Allocates: yes. Blocks: never. Clock: none.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/admin/import.hpp"
#include "engine/admin/operations.hpp"
#include "tests/unit/admin/bare_shards.hpp"

namespace levy::admin {
namespace {

using rating::IdentityType;

class Ownership : public ::testing::Test {
 protected:
  // The summary of an import of `rows` (columns account, imsi, e164, plan, wallet).
  nlohmann::json load(const std::string& rows) {
    ImportProgress progress;
    Import import(door_, {}, progress);
    import.feed("account,imsi,e164,plan,wallet\n" + rows);
    import.finish();
    return nlohmann::json::parse(import.summary_json());
  }
  int status(const Answer& answer) { return answer.status; }

  BareShards door_{4};
  Operations operations_{door_};
};

TEST_F(Ownership, ALineIsOneCommand) {
  EXPECT_EQ(load("a,1001,2001,p,5\n")["created"], 1);
  EXPECT_EQ(door_.commands(), 1u);
  EXPECT_EQ(load("a,1001,2001,p,5\n")["unchanged"], 1);
  EXPECT_EQ(door_.totals().free, 5'000'000);
}

// find() has seen nothing of the first owner: publish() refuses and what was made is undone.
TEST_F(Ownership, WhatCannotBePublishedIsUndone) {
  load("a,1001,2001,p,5\n");
  door_.make_blind(true);
  for (const char* row : {"b,1001,2002,p,5\n", "c,1003,2001,p,5\n", "d,1001,,p,5\n"}) {
    const auto summary = load(row);
    EXPECT_EQ(summary["failed"], 1) << row;
    EXPECT_EQ(summary["created"], 0) << row;
  }
  door_.make_blind(false);
  EXPECT_EQ(door_.totals().subscribers, 1u);
  EXPECT_FALSE(door_.find(IdentityType::e164, "2002"));
  EXPECT_FALSE(door_.find(IdentityType::imsi, "1003"));
  EXPECT_NE(operations_.show("imsi:1001").body.find("\"a\""), std::string::npos);
  EXPECT_EQ(load("b,1002,2002,p,5\n")["created"], 1);  // nothing stands in its way
}

TEST_F(Ownership, AnIdentityAddedToAKnownSubscriberIsUndoneAlone) {
  load("a,1001,2001,p,5\nb,1002,,p,5\n");
  EXPECT_EQ(load("b,1002,2001,p,\n")["failed"], 1);
  const Answer shown = operations_.show("imsi:1002");
  EXPECT_TRUE(shown.ok());
  EXPECT_EQ(shown.body.find("2001"), std::string::npos);
  EXPECT_NE(operations_.show("e164:2001").body.find("\"a\""), std::string::npos);
}

TEST_F(Ownership, ASwapToSomebodyElsesIdentityIsUndone) {
  load("a,1001,2001,p,5\nb,1002,2002,p,5\n");
  EXPECT_EQ(status(operations_.change_identity("account:b", R"({"new_imsi": "1001"})",
                                               IdentityType::imsi, "new_imsi")), 409);
  EXPECT_NE(operations_.show("imsi:1001").body.find("\"a\""), std::string::npos);
  EXPECT_NE(operations_.show("imsi:1002").body.find("\"b\""), std::string::npos);
}

// An entry of the directory that leads to somebody else's slot must not touch them.
TEST_F(Ownership, AStaleEntryTouchesNobody) {
  load("a,1001,2001,p,5\n");
  const auto place = door_.find(IdentityType::imsi, "1001");
  ASSERT_TRUE(place);
  door_.plant(IdentityType::imsi, "9999", place->shard, place->slot);
  EXPECT_EQ(status(operations_.show("imsi:9999")), 404);
  EXPECT_EQ(status(operations_.credit("imsi:9999", R"({"amount": "1", "currency": "EUR"})")), 404);
  EXPECT_EQ(status(operations_.set_status("imsi:9999", R"({"status": "barred"})")), 404);
  EXPECT_EQ(status(operations_.remove("imsi:9999")), 404);
  EXPECT_EQ(status(operations_.transfer(
                R"({"from": "imsi:9999", "to": "account:a", "amount": "1", "currency": "EUR"})")),
            404);
  EXPECT_EQ(door_.totals().free, 5'000'000);
  EXPECT_EQ(door_.totals().subscribers, 1u);
  const auto account = door_.find(IdentityType::account_name, "a");
  ASSERT_TRUE(account);
  door_.plant(IdentityType::account_name, "ghost", account->shard, account->slot);
  EXPECT_EQ(status(operations_.show("account:ghost")), 404);
}

TEST_F(Ownership, MembersOfAnAccountDoNotShare) {
  load("a,1001,2001,p,5\na,1002,2002,,\n");
  const auto place = door_.find(IdentityType::account_name, "a");
  ASSERT_TRUE(place);
  shard::OperatorRequest r;
  r.kind = shard::OperatorKind::create_subscriber;
  put_text(r.account_name, "a");
  r.identity_count = 2;
  put_identity(r.identities[0], IdentityType::imsi, "1001");
  put_identity(r.identities[1], IdentityType::e164, "2002");
  EXPECT_EQ(door_.call(place->shard, r).reply.result, shard::OperatorResult::exists);
  put_identity(r.identities[0], IdentityType::imsi, "1003");
  put_identity(r.identities[1], IdentityType::imsi, "1004");
  EXPECT_EQ(door_.call(place->shard, r).reply.result, shard::OperatorResult::invalid);
  EXPECT_EQ(door_.totals().subscribers, 2u);
}

TEST_F(Ownership, RequestKeysCoverWhatIsAskedAndNotHowItIsNamed) {
  load("a,1001,2001,p,5\n");
  const auto place = door_.find(IdentityType::account_name, "a");
  ASSERT_TRUE(place);
  const auto subscriber = door_.find(IdentityType::imsi, "1001");
  ASSERT_TRUE(subscriber);
  shard::OperatorRequest by_name;
  by_name.kind = shard::OperatorKind::credit;
  by_name.amount = 7;
  by_name.currency = 978;
  put_text(by_name.account_name, "a");
  put_text(by_name.request_key, "k");
  shard::OperatorRequest by_imsi = by_name;
  by_imsi.account_name[0] = 0;
  by_imsi.subscriber = subscriber->slot;
  by_imsi.identity_count = 1;
  put_identity(by_imsi.identities[0], IdentityType::imsi, "1001");
  EXPECT_EQ(door_.call(place->shard, by_name).reply.result, shard::OperatorResult::ok);
  EXPECT_EQ(door_.call(place->shard, by_imsi).reply.result, shard::OperatorResult::unchanged);
  const auto expect_reused = [&](auto&& change) {
    shard::OperatorRequest other = by_imsi;
    change(other);
    EXPECT_EQ(door_.call(place->shard, other).reply.result, shard::OperatorResult::key_reused);
  };
  expect_reused([](auto& r) { r.kind = shard::OperatorKind::adjust; });
  expect_reused([](auto& r) { r.amount = 8; });
  expect_reused([](auto& r) { r.currency = 840; });
  expect_reused([](auto& r) { r.bucket_kind = 3; });
  expect_reused([](auto& r) { r.plan = 3; });
  expect_reused([](auto& r) { r.status = shard::AccountStatus::barred; });
  expect_reused([](auto& r) { put_text(r.to_account, "b"); });
  expect_reused([](auto& r) { r.digest = 5; });
  EXPECT_EQ(door_.totals().free, 5'000'007);
}

}  // namespace
}  // namespace levy::admin
