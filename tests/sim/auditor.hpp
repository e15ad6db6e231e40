// Auditor: a second, naive ledger. It knows what gateways and operators asked and what they were
// answered, reads the recovered journal's facts, and works everything out again from semantics.md.
// Core: the simulator's only thread. Allocates: yes. Blocks: never. Clock: none.
//
// What it holds true:
//  - each Record is of something that was asked, once, in sequence, with the units asked and the
//    money, grant and reason that the naive ledger finds;
//  - what was answered is in the recovered journal (no answer before durability), and a repeat is
//    answered as the first was, but for a first interrogation whose session was given up;
//  - only ended sessions are given up before their time, never events;
//  - what a loss has charged is not charged again when it is reported late;
//  - after recovery every bucket is what the naive ledger says, and what the movements sum up to.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/shard/shard.hpp"
#include "tests/sim/random.hpp"
#include "tests/sim/tariff.hpp"
#include "tests/support/parse.hpp"

namespace levy::sim {

inline constexpr std::int64_t not_sent = -1;

// A Credit-Control-Request as a gateway made it; a repeat is the same Request.
struct Request {
  struct Row {
    std::uint32_t rating_group = 0;
    std::int64_t used = not_sent;
    std::int64_t asked = not_sent;  // 0: Requested-Service-Unit is there and empty
  };
  std::string session;
  std::uint32_t type = 0, number = 0;
  std::string account, imsi, host;
  std::uint32_t origin_state_id = 0;
  std::string charging_id;  // for superseding; may be empty
  std::vector<Row> rows;

  // ---- what became of it
  std::uint32_t times_sent = 0;
  std::int64_t first_sent = 0;          // network time, micros
  std::int64_t over_at = 0;             // when its gateway saw the session's end
  std::optional<test::Cca> answer;      // the first under command code 2001
  bool late = false;                    // answered 5002
  bool disputed = false;                // recorded as not charged
  bool refused = false;                 // answered otherwise
  bool finished = false;                // its gateway wants nothing more of it
  std::uint64_t instance = 0;           // session instance whose Record it has; 0 = none
  using Row4 = std::tuple<int, std::int64_t, bool, bool>;  // reason, granted, sent, final
  std::vector<Row4> recorded;
  // Of a first interrogation repeated after its session was given up: another session's.
  std::vector<test::Cca> other_answers;
  std::vector<std::vector<Row4>> recorded_before;
};

enum class OperationKind : std::uint8_t { create, credit_wallet, credit_octets, status, transfer,
                                          reauthorize, abort, buy, end_product, set_plan };
// What an operator asked; its number stands in the Record as the reason why.
struct Operation {
  OperationKind kind{};
  std::string account, to_account;
  std::int64_t amount = 0;
  shard::AccountStatus status{};
  std::uint32_t records = 0;
  std::uint16_t plan = 0;       // set_plan
  std::uint32_t starts_at = 0;  // buy
};

struct Purse {
  std::int64_t credits = 0, spent = 0, reserved = 0, in_transit = 0;
  std::int64_t free() const { return credits - spent - reserved - in_transit; }
  bool operator==(const Purse&) const = default;
};

struct Holding {  // a product
  std::uint16_t plan = 0;
  std::uint32_t since = 0, periods = 0;
  std::uint32_t next() const { return since + periods * hour; }
};

struct Book {  // of one account
  std::uint8_t shard = 0;
  Slot slot = none;
  Purse wallet, octets;
  bool has_octets = false;
  bool active = true;
  std::map<std::uint16_t, Holding> holdings;
};

class Auditor {
 public:
  // ---- what was asked and answered
  Request& ask(Request request);
  std::size_t begin_operation(const Operation& operation);
  // The operator was told that it is done.
  void confirm(std::size_t number) { confirmed_.push_back(number); }
  void on_answer(Request& request, const test::Cca& cca);

  // ---- what the recovered journal holds; Records come in LSN order, each once
  void on_record(Lsn lsn, const shard::RecordView& record);
  Lsn audited() const { return Lsn{audited_}; }
  // After the last Record of a recovery: everything answered must have been among them.
  void check_answered();
  // The recovered Shards hold exactly what the ledger says.
  void check_state(const std::vector<const shard::Shard*>& shards) const;
  // At the very end, when every session has ended.
  void check_settled() const;

  std::uint64_t hash() const { return hash_; }
  std::uint64_t requests_recorded() const { return recorded_; }
  std::uint64_t answers() const { return answers_; }
  std::uint64_t repeats_equal() const { return repeats_; }
  std::int64_t charged() const { return charged_; }
  // How often each kind of thing happened: a run that never saw one proves nothing about it.
  const std::map<std::string, std::uint64_t>& seen() const { return seen_; }

 private:
  struct Share {  // one Rating-Group of a session
    std::int64_t total = 0, granted = 0, money = 0, units = 0;  // money, units: reserved
    bool standing = false, final = false;
    std::uint16_t version = 0;  // of the last grant; 0 = never granted
    std::uint32_t set_by = 0;
    std::size_t place = 0;  // in the order in which the session came to its groups
  };
  struct Instance {
    std::uint64_t number = 0;
    std::string session, account, imsi, host, charging_id;
    std::uint32_t type = 0;
    bool open = false;
    bool loss_charged = false;  // an assumed use: late reports are disputes
    std::map<std::uint32_t, Share> shares;
  };
  struct Expected {
    rating::Reason reason = rating::Reason::ok;
    std::int64_t used = 0, by_bucket = 0, charged = 0, granted = 0;
    bool sent = false, final = false;
  };
  using Place = std::pair<std::uint8_t, Slot>;

  Book& book_at(const shard::RecordHeader& header);
  void on_charge(const shard::RecordView& record);
  Instance& open_instance(const shard::RecordView& record);
  void supersede(const Instance& fresh);
  void lose(Instance& instance);
  void on_given_up(const shard::RecordView& record);
  void on_dispute(const shard::RecordView& record);
  static Share& share_of(Instance& instance, std::uint32_t rating_group);
  static void check_answered_as_recorded(const Request& request);
  static std::string difference(const Request& request, const test::Cca& answer,
                                const std::vector<Request::Row4>& recorded);
  std::vector<Expected> work_out(Instance& instance, Book& book, const Request& request,
                                 std::uint16_t version);
  void debit(Book& book, Share& share, const Rate& rate, std::int64_t used, Expected& expected);
  static bool older(const Request& request, const Share& share);
  void release(Book& book, Share& share);
  void grant(Book& book, Share& share, const Rate& rate, std::int64_t wanted, Expected& expected);
  void work_out_event(Book& book, const Request& request, std::uint16_t version,
                      std::vector<Expected>& expected);
  void decide(Instance& instance, Book& book, const Request& request, std::size_t row,
              std::uint16_t version, Expected& expected);
  void compare(const shard::RecordView& record, Request& request,
               const std::vector<Expected>& expected);
  void on_products(const shard::RecordView& record);
  static void on_product(Book& book, const shard::ProductFact& fact);
  void check_products(const std::string& name, const Book& book,
                      const std::map<std::uint16_t, shard::Product>& products,
                      const std::vector<rating::Bucket>& allowances) const;
  void on_late(const shard::RecordView& record);
  void end_instance(const shard::RecordHeader& header, bool gone);
  void on_operator(const shard::RecordView& record);
  void on_operation(std::size_t number, const shard::RecordView& record);
  void on_mail(const shard::RecordView& record);
  void apply_movements(const shard::RecordView& record);
  void note(const shard::RecordHeader& header);
  Request* find_request(const std::string& session, std::uint32_t type, std::uint32_t number);
  std::uint16_t version_of(const shard::RecordHeader& header) const;
  void check_bucket(std::uint8_t shard, Slot slot, const rating::Bucket& bucket) const;
  void mix(std::uint64_t value) {
    hash_ = (hash_ ^ value) * 0x9e3779b97f4a7c15ull;
    hash_ ^= hash_ >> 31;
  }

  struct Mail {
    std::string from, to;
    std::int64_t amount = 0;
    bool delivered = false;
  };

  std::deque<Request> requests_;
  std::unordered_map<std::string, Request*> by_key_;
  std::vector<Request*> to_check_;  // answered since the last recovery
  std::deque<Operation> operations_;
  std::vector<std::size_t> confirmed_;  // since the last recovery
  std::map<std::string, Book> books_;
  std::map<Place, std::string> account_at_;
  std::map<Place, Instance> instances_;
  std::map<std::uint8_t, std::uint64_t> sequence_;
  std::map<std::uint8_t, std::uint16_t> version_;
  std::map<Place, rating::Bucket> moved_;  // sums of movements, per bucket slot
  std::vector<Mail> mails_;
  std::map<std::string, std::uint64_t> seen_;
  std::uint64_t audited_ = 0, instances_made_ = 0, hash_ = 1;
  std::uint64_t recorded_ = 0, answers_ = 0, repeats_ = 0;
  std::int64_t charged_ = 0;
};

}  // namespace levy::sim
