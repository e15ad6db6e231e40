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
    return load_columns("account,imsi,e164,plan,wallet\n" + rows);
  }
  nlohmann::json load_columns(const std::string& text) {
    ImportProgress progress;
    Import import(door_, {}, progress);
    import.feed(text);
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

TEST_F(Ownership, ALineWithBucketsIsOneCommand) {
  const std::string header = "account,imsi,plan,wallet,buckets\n";
  const std::string row = "a,1001,p,5,bonus=7;minutes=60;bonus=9\n";
  EXPECT_EQ(load_columns(header + row)["created"], 1);
  EXPECT_EQ(door_.commands(), 1u);
  EXPECT_EQ(door_.totals().buckets, 3u);  // a kind twice in a line counts once, the first
  const std::string shown = operations_.show("imsi:1001").body;
  EXPECT_NE(shown.find("\"7\""), std::string::npos) << shown;
  EXPECT_EQ(shown.find("\"9\""), std::string::npos) << shown;
  EXPECT_EQ(load_columns(header + row)["unchanged"], 1);
  EXPECT_EQ(door_.totals().buckets, 3u);
  // What an import that broke off has left without its buckets gets them when it is repeated.
  EXPECT_EQ(load_columns(header + "b,1002,p,5,\n")["created"], 1);
  EXPECT_EQ(load_columns(header + "b,1002,p,5,bonus=7\n")["updated"], 1);
  EXPECT_EQ(door_.totals().buckets, 5u);
}

TEST_F(Ownership, ABucketThatIsRefusedLeavesNoAccount) {
  shard::OperatorRequest request;
  request.kind = shard::OperatorKind::create_account;
  put_text(request.account_name, "a");
  request.plan = 1;
  request.currency = 978;
  request.bucket_count = 2;
  request.buckets[0] = {7, 1, 0, 0, 9, 0, 0, rating::Unit::octets};
  request.buckets[1] = {-1, 1, 0, 0, 10, 0, 0, rating::Unit::seconds};
  EXPECT_EQ(door_.call(ShardId{0}, request).reply.result, shard::OperatorResult::invalid);
  EXPECT_EQ(door_.totals().accounts, 0u);
  EXPECT_EQ(door_.totals().buckets, 0u);
  request.buckets[1].kind = 0;  // the wallet is none of them
  EXPECT_EQ(door_.call(ShardId{0}, request).reply.result, shard::OperatorResult::invalid);
  request.bucket_count = 9;
  EXPECT_EQ(door_.call(ShardId{0}, request).reply.result, shard::OperatorResult::invalid);
  request.bucket_count = 1;
  EXPECT_EQ(door_.call(ShardId{0}, request).reply.result, shard::OperatorResult::ok);
  EXPECT_EQ(door_.totals().buckets, 2u);
}

// What is carried of a request holds all that its kind reads.
TEST(OperatorRequest, BytesReachTheLastFieldThatIsRead) {
  shard::OperatorRequest request;
  request.kind = shard::OperatorKind::create_account;
  request.identity_count = 2;
  EXPECT_EQ(request.bytes(), offsetof(shard::OperatorRequest, identities) +
                                 2 * sizeof(shard::OperatorIdentity));
  request.bucket_count = 1;
  EXPECT_EQ(request.bytes(), offsetof(shard::OperatorRequest, session_id));
  request.kind = shard::OperatorKind::host_restarted;
  EXPECT_EQ(request.bytes(), sizeof request);
}

// Thousands of lines, far more than the window, in odd pieces; lines of one account and claims to
// one identity far apart and close by: the order of the lines decides.
TEST_F(Ownership, LinesKeepTheirOrderAcrossTheWindow) {
  std::string text = "account,imsi,plan,wallet,buckets\n";
  for (int i = 0; i < 900; ++i) {
    const std::string n = std::to_string(i);
    const std::string imsi = std::to_string(5000 + i);
    text += "o" + n + "," + imsi + ",p,1,bonus=" + std::to_string(i + 1) + "\n";
    if (i % 3 == 0) text += "o" + n + ",,p,1,minutes=1\n";      // a second line of it
    if (i % 7 == 0) text += "thief" + n + "," + imsi + ",p,1,\n";  // refused
  }
  ImportProgress progress;
  Import import(door_, {.window = 100}, progress);
  for (std::size_t at = 0; at < text.size(); at += 997) import.feed(text.substr(at, 997));
  import.finish();
  EXPECT_EQ(progress.created, 900u);
  EXPECT_EQ(progress.updated, 300u);
  EXPECT_EQ(progress.failed, 129u);
  EXPECT_EQ(import.errors().front().line, 4u);
  EXPECT_EQ(door_.totals().accounts, 900u);
  EXPECT_EQ(door_.totals().buckets, 900u * 2 + 300u);
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
  EXPECT_EQ(status(operations_.remove("imsi:9999", "")), 404);
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
