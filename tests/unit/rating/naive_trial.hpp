// One random plan with its accounts and sessions, charged by the compiled tables and by the
// reference alike, message by message.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "rating/compile/compile.hpp"
#include "tests/unit/rating/naive_model.hpp"
#include "tests/unit/rating/naive_source.hpp"

namespace levy::rating::naive {

class Trial {
 public:
  Trial(std::uint64_t seed, Counts& counts);
  // Messages until there were so many usages; the first difference as text, "" = none.
  std::string run(std::int64_t usages);

 private:
  struct Session {
    Facts facts;
    std::vector<Units> keys;
    std::map<std::size_t, std::int64_t> granted;  // key: units of its last grant
    bool begun = false;
  };
  using Key = std::tuple<int, std::int64_t, std::vector<std::uint32_t>>;

  std::string life();
  void open_account();
  void add_bucket(bool wallet);
  std::string message(int number, Session& session, RequestType type);
  Units row_of(Session& session, std::size_t key, RequestType type);
  void fill(int number, const Facts& facts, const std::vector<Units>& rows, RequestType type);
  void charge_rows();
  AccountView view();
  void end_session(int number);
  std::string compare(const std::vector<NaiveAnswer>& answers) const;
  std::string compare_buckets() const;
  void count_row(const Facts& facts, const Units& units, const NaiveAnswer& answer);
  std::string told(const Facts& facts, const std::vector<Units>& rows, RequestType type) const;

  std::uint64_t seed_;
  Counts& counts_;
  Dice dice_;
  NaiveSource source_;
  NaivePlan plan_;
  std::unique_ptr<PlanVersion> version_;
  const Plan* compiled_ = nullptr;
  std::string faults_;

  std::int64_t now_ = 0, usage_time_ = 0;
  std::deque<Bucket> buckets_;
  std::vector<std::size_t> order_;  // of use: indexes of buckets_
  std::int64_t credit_limit_ = 0;
  std::unique_ptr<NaiveAccount> account_;
  std::map<Key, Group> groups_;
  std::map<int, std::uint32_t> request_numbers_;
  std::string location_bytes_;
  ChargeRequest request_;
  ChargeInput input_;
  ChargeResult result_;
};

std::string text_of(const Catalogue& catalogue);  // for the report of a difference

}  // namespace levy::rating::naive
