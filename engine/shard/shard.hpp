// Shard: sole owner of its accounts and their sessions. apply() is the whole business.
// Core: shard. Allocates: at construction only. Blocks: never. Clock: in the command.
//
// Deterministic: the same commands in the same order lead to the same state and the same Records.
// Each apply() is atomic: it ends in one Record with the images of all that changed, or in none and
// no change. The caller gives the bytes for the Record and carries them to the journal.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include "engine/base/pool.hpp"
#include "engine/base/table.hpp"
#include "engine/shard/command.hpp"
#include "engine/shard/outcome.hpp"
#include "engine/shard/record.hpp"
#include "engine/shard/state.hpp"
#include "engine/shard/timers.hpp"
#include "engine/shard/tombstones.hpp"
#include "engine/shard/transaction.hpp"
#include "rating/counters.hpp"

namespace levy::shard {

// Slots of each pool of one Shard.
struct Capacity {
  std::size_t accounts = 1024;
  std::size_t buckets = 4096;
  std::size_t subscribers = 1024;
  std::size_t sessions = 1024;  // open ones and tombstones
  std::size_t groups = 2048;
  std::size_t verdicts = 8192;
  std::size_t texts = 256;
  std::size_t hosts = 256;
  std::size_t mails = 256;
  std::size_t request_keys = 256;
  std::size_t names = 0;  // Shard 0 only
  std::size_t products = 1024;
  std::size_t counters = 1024;
};

struct Options {
  std::uint32_t duplicate_window = 900;  // seconds: tombstones of ended sessions and events
  std::uint32_t session_ttl = 86400;     // seconds: Tcc where neither validity nor plan says
  std::uint32_t push_retry = 5;          // seconds between tries of one push
  std::uint16_t push_tries_max = 3;
  std::uint32_t abort_wait = 60;         // seconds that an aborted session's CCR-T is waited for
  std::uint32_t event_time_skew_max = 3600;  // seconds: an Event-Timestamp further off is not rated
};

// Where a snapshot's walk stands.
struct SnapshotCursor {
  std::uint8_t pool = 0;
  Slot slot = 0;
  bool done() const { return pool >= pool_count; }
};
struct SnapshotChunk {
  std::uint8_t pool = 0;
  Slot first = 0;
  std::uint32_t slot_bytes = 0;
  std::uint32_t count = 0;
};

// What apply() works with; Shards driven by one Loop share it, so that it stays in the cache.
struct Scratch {
  Transaction transaction;
  rating::AccountView view;
  Slot group_slots[limits::mscc_max];  // groups of the MSCC of the request at hand
};

class Shard {
 public:
  // Sessions that one apply may free: for a text, for a slot, and one for each row of a verdict.
  static constexpr std::uint32_t freed_max = limits::mscc_max + 2;

  Shard(ShardId id, const Capacity& capacity, const Options& options, HugePages huge_pages,
        Scratch& scratch);

  // The live plan versions; the array and the plans outlive their use. Called between applies.
  void set_plans(const rating::PlanSet* const* sets, std::uint32_t count);

  // ---- the door. `record`: limits::record_bytes_max bytes. outcome.record_bytes tells what was
  // written; 0 = nothing changed.
  void apply(const rating::ChargeRequest& request, const ChargeContext& context,
             std::span<std::uint8_t> record, Outcome& outcome);
  // `reply_bytes`: OperatorReply and its payload are written there; returns their length.
  std::size_t apply(const OperatorRequest& request, std::span<std::uint8_t> reply_bytes,
                    std::span<std::uint8_t> record, Outcome& outcome);
  void apply(const PushAnswer& answer, std::span<std::uint8_t> record, Outcome& outcome);
  // No frame was free for a push of the last outcome: it is tried again later.
  void requeue_push(Slot session, Time now);
  // One thing whose time has come (a deadline, a push to try again, a step of a sweep); false:
  // nothing is due. Bounded work.
  bool apply_due(Time now, std::span<std::uint8_t> record, Outcome& outcome);

  // ---- reading, for the encoders and the loops
  const Session& session(Slot slot) const { return sessions_[slot]; }
  const Host& host(Slot slot) const { return hosts_[slot]; }
  // Writes the whole Session-Id (at most limits::session_id_bytes_max bytes), returns its length.
  std::size_t copy_session_id(const Session& session, char* into) const;
  std::uint64_t session_hash(const Session& session) const;
  bool knows_session(std::uint64_t hash, std::string_view session_id,
                     std::uint8_t application) const;
  void prefetch(std::uint64_t session_hash, Slot subscriber) const;
  void prefetch(const OperatorRequest& request) const;
  ShardId id() const { return id_; }
  const ShardState& state() const { return states_[0]; }
  const Name& name(std::uint16_t interned_id) const { return names_[interned_id - 1u]; }
  std::size_t name_capacity() const { return names_.capacity(); }
  bool traced(Slot account) const;
  Totals totals() const;
  // on_pool(PoolId, slots used, slots in all) for every pool.
  template <class OnPool>
  void for_each_pool_use(OnPool&& on_pool) const {
    on_pool(PoolId::account, accounts_.used(), accounts_.capacity());
    on_pool(PoolId::bucket, buckets_.used(), buckets_.capacity());
    on_pool(PoolId::subscriber, subscribers_.used(), subscribers_.capacity());
    on_pool(PoolId::session, sessions_.used(), sessions_.capacity());
    on_pool(PoolId::group, groups_.used(), groups_.capacity());
    on_pool(PoolId::verdict, verdicts_.used(), verdicts_.capacity());
    on_pool(PoolId::text, texts_.used(), texts_.capacity());
    on_pool(PoolId::host, hosts_.used(), hosts_.capacity());
    on_pool(PoolId::mail, mails_.used(), mails_.capacity());
    on_pool(PoolId::request_key, request_keys_.used(), request_keys_.capacity());
    on_pool(PoolId::name, names_.used(), names_.capacity());
    on_pool(PoolId::product, products_.used(), products_.capacity());
    on_pool(PoolId::counter, counters_.used(), counters_.capacity());
  }

  // ---- recovery and snapshot
  // Applies one image (recovery only). false: another layout or out of range.
  bool load_image(const ImageHeader& header, std::span<const std::uint8_t> words);
  // Loads slots of a snapshot chunk.
  bool load_slots(const SnapshotChunk& chunk, std::span<const std::uint8_t> bytes);
  // After the last image: rebuilds free lists, indexes and timers. Nothing falls due from here
  // until the `recovered` Command has counted the downtime (a Shard that never wrote a Record needs
  // none).
  void rebuild(Time now);
  // Calls on_subscriber(type, text, slot) and on_account(name, slot) for the directory.
  template <class OnSubscriber, class OnAccount>
  void for_each_identity(OnSubscriber&& on_subscriber, OnAccount&& on_account) const;
  // Copies live slots from the cursor on and advances it; count 0: none here, go on.
  SnapshotChunk copy_slots(SnapshotCursor& cursor, std::span<std::uint8_t> into) const;
  // A digest of every pool: equal states have equal digests.
  std::uint64_t digest() const;

 private:
  struct Runtime {  // per session slot, not journaled
    std::uint32_t push_at = 0;
    std::uint16_t push_tries = 0;
    bool push_queued = false;
    bool push_outstanding = false;
    bool bearer_known = false;  // it stands in the indexes of bearers
  };
  // The groups of a session that a RAR is for: it names a Rating-Group where there is but one.
  struct Concerned {
    std::size_t count = 0;
    const rating::Group* last = nullptr;
    void add(const rating::Group& group) {
      ++count;
      last = &group;
    }
    bool one() const { return count == 1 && (last->flags & rating::group_has_rating_group) != 0; }
    std::uint32_t rating_group() const { return one() ? last->rating_group : 0; }
  };
  struct Freed {
    std::uint64_t hash = 0;  // of its Session-Id
    Slot slot = none;
  };

  // charge.cpp
  bool answer_duplicate(Slot slot, const rating::ChargeRequest& request, Outcome& outcome);
  void repeat_verdict(const Verdict& head, const rating::ChargeRequest& request, Outcome& outcome);
  void charge_open(Slot slot, const rating::ChargeRequest& request, const ChargeContext& context,
                   Outcome& outcome);
  void charge_late(Slot slot, const rating::ChargeRequest& request, const ChargeContext& context,
                   Outcome& outcome);
  void charge_unknown(const rating::ChargeRequest& request, const ChargeContext& context,
                      Outcome& outcome);
  void dispute(const rating::ChargeRequest& request, Outcome& outcome);
  void charge_first(const rating::ChargeRequest& request, const ChargeContext& context,
                    Slot subscriber, Outcome& outcome);
  const rating::Plan* prepare_charge(const Account& account, const rating::ChargeRequest& request,
                                     const ChargeContext& context, rating::ChargeInput& input,
                                     Outcome& outcome) const;
  bool prepare_products(Slot account, rating::ChargeInput& input, Outcome& outcome);
  bool run_charge(Session& session, Account& account, const rating::ChargeRequest& request,
                  const ChargeContext& context, bool grants, Outcome& outcome);
  void charge_further_event(Slot slot, const rating::ChargeRequest& request,
                            const ChargeContext& context, Outcome& outcome);
  void run_event(Account& account, const rating::ChargeRequest& request,
                 const ChargeContext& context, Outcome& outcome);
  Slot resolve_subscriber(const rating::ChargeRequest& request, const ChargeContext& context,
                          Outcome& outcome) const;
  bool matches_identity(const Subscriber& subscriber, const rating::ChargeRequest& request) const;
  void refuse(rating::Reason reason, Outcome& outcome);
  void pool_full(Outcome& outcome);

  // sessions.cpp
  Slot find_session(std::uint64_t hash, std::string_view session_id,
                    std::uint8_t application) const;
  Slot open_session(const rating::ChargeRequest& request, const ChargeContext& context,
                    Slot subscriber);
  void supersede_older(Slot slot, Time now, Outcome& outcome);
  void touch_session(Session& session, const rating::ChargeRequest& request,
                     const ChargeContext& context, Outcome& outcome);
  void note_number(Session& session, const rating::ChargeRequest& request);
  void set_deadline(Slot slot, Session& session, std::uint32_t seconds, Time now);
  // How long a tombstone stays: a dialect can only lengthen it.
  std::uint32_t window_of(const ChargeContext& context) const {
    return std::max(options_.duplicate_window, context.duplicate_window);
  }
  void settle_session(Slot slot, SessionState as, Time now, Outcome& outcome);
  void note_lost(const rating::Group& group, const rating::MsccOutcome& charged,
                 Outcome& outcome) const;
  // The tombstone stays for `window` seconds, and never shorter than Options::duplicate_window.
  void end_session(Slot slot, SessionState as, Time now, Outcome& outcome,
                   std::uint32_t window = 0);
  void set_tcc(Slot slot, Session& session, const rating::ChargeRequest& request, Time now,
               const Outcome& outcome);
  Slot find_group(const Session& session, const rating::MsccRequest& mscc);
  Slot find_or_open_group(Session& session, const rating::MsccRequest& mscc);
  bool add_verdict(Session& session, const rating::ChargeRequest& request, const Outcome& outcome);
  void release_verdict_chain(Slot head);
  Slot detach_oldest_verdict(Session& session);
  Slot take_verdict(Session& session, Slot& spare);
  Slot find_or_open_host(std::string_view host, std::string_view realm, Time now);
  Slot idle_host(Time now);
  bool session_id_is(const Session& session, std::string_view session_id) const;
  void ask_push(Slot slot, Session& session, bool has_rating_group, std::uint32_t rating_group,
                Time now, Outcome& outcome);
  void add_pooled(Session& session, const rating::ChargeRequest& request,
                  rating::ChargeInput& input, Outcome& outcome);
  bool ask_abort(Slot slot, Session& session, Time now, Outcome& outcome);
  Push push_of(Slot slot) const;
  void queue_push(Slot slot, std::uint32_t at);
  bool due_push(Time now, std::span<std::uint8_t> record, Outcome& outcome);
  bool sweep_step(Time now, std::span<std::uint8_t> record, Outcome& outcome);

  // bearers.cpp
  static void set_bearer(Session& session, const rating::ChargeRequest& request);
  void know_bearer(Slot slot);
  void forget_bearer(Slot slot);

  // tombstones.cpp
  bool give_up_oldest(const TombstoneList& list, Slot except);
  void free_session(Slot slot);
  void settle_tombstones();
  void keep_tombstones();
  void note_tombstone(Slot slot);
  void list_tombstone(Slot slot);
  void list_tombstones();

  // accounts.cpp
  const rating::PlanSet* set_of(std::uint16_t plan) const;
  const rating::Plan* newest(std::uint16_t plan) const;
  const rating::Plan* find_plan(std::uint16_t id, std::uint16_t version) const;
  bool make_view(Account& account, Slot user, Time now, rating::AccountView& view,
                 Outcome& outcome);
  Slot find_account(std::string_view name) const;
  Slot find_wallet(const Account& account, std::uint16_t currency, Slot owner = none) const;
  Slot find_or_open_wallet(Slot account, std::uint16_t currency);
  Slot add_bucket(Account& account, Slot account_slot, const rating::Bucket& bucket);
  void drop_bucket(Account& account, Slot bucket, Outcome& outcome);
  void unlink_bucket(Account& account, Slot bucket);
  void move(Outcome& outcome, rating::MovementKind kind, Slot bucket, std::int64_t amount);

  // counters.cpp
  struct PlanList {  // without initial values: filled up to its count
    struct Row {
      const rating::Plan* plan;
      const rating::Zones* zones;
    };
    std::uint32_t count = 0;
    std::array<Row, limits::products_per_account_max + 1> rows;
  };
  void list_plans(const Account& account, PlanList& list) const;
  static const rating::CounterRule* rule_of(const PlanList& list, std::uint16_t name,
                                            const rating::Plan*& plan);
  Slot find_counter(const Account& account, std::uint16_t name, Slot subscriber) const;
  Slot spare_counter(const Account& account) const;
  void drop_counter(Slot account, Slot counter);
  Slot open_counter(Slot account, const rating::Plan& plan, const rating::CounterRule& rule,
                    Slot subscriber, Time now);
  void follow_rule(Slot account, const rating::Plan& plan, const rating::CounterRule& rule,
                   Time now, rating::Counter& counter);
  void reset_counters(Slot account, Time now);
  bool add_counters(Slot account, Slot subscriber, Time now, rating::AccountView& view);
  rating::Standing standing_of(const Account& account, const rating::Counter& counter,
                               const rating::CounterRule& rule, Time now) const;
  void note_levels(Slot account, Time now, Outcome& outcome);

  // sponsors.cpp
  Slot sponsor_account(std::string_view name) const;
  void add_wallet(Slot bucket, std::uint16_t sponsor, rating::AccountView& view, Outcome& outcome);
  void add_sponsors(const rating::Plan& plan, rating::AccountView& view, Outcome& outcome);
  void add_sponsors(const rating::ChargeInput& input, rating::AccountView& view, Outcome& outcome);
  void add_reserved(const rating::Group& group, rating::AccountView& view, Outcome& outcome);

  // products.cpp
  struct Span;
  std::uint32_t due_at(const Product& product) const;
  void note_due(Slot account, bool arm = true);
  void book(Outcome& outcome, rating::MovementKind kind, Slot bucket, std::int64_t amount);
  bool pay_fee(Slot account, const rating::Plan& plan, std::int64_t fee, Outcome& outcome);
  using Rows = std::array<Product::Due*, limits::cycles_per_plan_max>;
  static bool falls_due(const Product& product, const rating::Terms& terms, std::uint8_t cycle,
                        std::uint32_t at);
  bool has_reusable(const Account& account, const Product& product,
                    const rating::Allowance& allowance, Slot owner, std::uint32_t at) const;
  template <class OnOwner>
  void for_each_owner(const Account& account, const rating::Allowance& allowance,
                      OnOwner&& on_owner) const;
  Slot least_missed(const Account& account, std::uint32_t at) const;
  bool make_room(Slot account, const Product& product, const rating::Plan& plan, std::uint32_t at,
                 Outcome& outcome);
  ProductFact& note_product(const Product& product, const rating::Terms* terms, ProductEvent event,
                            std::uint32_t at, Outcome& outcome) const;
  void note_renewal(const Product& product, const rating::Terms& terms, const Product::Due& due,
                    std::uint32_t at, std::int64_t fee, Outcome& outcome) const;
  void roll_over(const Account& account, const Product& product, const rating::Allowance& allowance,
                 Slot owner, std::uint32_t at, std::uint32_t to, Outcome& outcome);
  Slot allowance_bucket(Slot account, const Product& product, const rating::Allowance& allowance,
                        Slot owner, std::uint32_t at, Outcome& outcome);
  void give(Slot account, const Product& product, const rating::Allowance& allowance, Slot owner,
            std::int64_t amount, std::uint32_t at, std::uint32_t to, Outcome& outcome);
  void give_cycle(Slot account, const Product& product, const rating::Terms& terms,
                  std::uint8_t cycle, const Span& span, std::uint32_t at, Outcome& outcome);
  bool give_member(Slot account, Slot member, Time now, Outcome& outcome);
  bool give_member_of(Slot account, Slot member, const Product& product, const rating::Terms& terms,
                      std::uint32_t at, Outcome& outcome);
  static void claim_rows(Product& product, const rating::Terms& terms, Rows& rows);
  static bool misses_cycle(const Product& product, const rating::Terms& terms);
  bool begin(Slot account, Slot product, const rating::Plan& plan, std::uint32_t at,
             Outcome& outcome);
  bool renew(Slot account, Slot product, const rating::Plan& plan, Product::Due& due,
             Outcome& outcome);
  void end_product(Slot account, Slot product, std::uint32_t at, ProductEvent event,
                   Outcome& outcome);
  void not_paid(Slot account, Slot product, const rating::Plan& plan, std::uint32_t at,
                Outcome& outcome);
  void step(Slot account, Slot product, const rating::Plan& plan, std::uint32_t at,
            Outcome& outcome);
  Slot first_due(const Account& account, std::uint32_t now_s, std::uint32_t& at) const;
  bool settle(Slot account, Time now, Outcome& outcome);
  bool resume_products(Slot account, Time now, Outcome& outcome);

  // holdings.cpp
  Slot find_product(const Account& account, std::uint16_t plan, std::uint32_t number) const;
  Slot add_product(Slot account, std::uint16_t plan, std::uint32_t starts_at, std::uint32_t ends_at,
                   Time now);
  OperatorResult start_product(Slot account, Slot product, const rating::Plan& plan,
                               std::uint32_t since, Time now, Outcome& outcome);
  void run_since(Product& product, const rating::Terms& terms, std::uint32_t since,
                 std::uint32_t now_s) const;
  OperatorResult start_base_product(Slot account, std::uint32_t since, Time now, Outcome& outcome);
  static Life life_of(const Account& account, const rating::Plan* plan, Time now);
  void extend_life(Slot account, std::uint32_t seconds, Time now);
  void take_up_terms(Slot account, Time now, Outcome& outcome);
  bool may_buy(const Account& account, const rating::Plan& plan, bool& queued) const;
  void wake_sessions(Slot account, bool for_credit, Time now, Outcome& outcome);
  bool start_at_use(Slot account, const rating::ChargeInput& input, Outcome& outcome);
  bool buy_passes(Slot account, const rating::ChargeInput& input, Outcome& outcome);
  std::int64_t first_fee(const rating::Terms& terms, std::uint32_t at) const;
  bool can_pay(const Account& account, const rating::Plan& plan, std::int64_t fee) const;
  void add_products(const Account& account, rating::ChargeInput& input) const;

  // due.cpp
  bool due_account(Time now, std::span<std::uint8_t> record, Outcome& outcome);
  bool write_settled(Slot account, Time now, std::span<std::uint8_t> record, Outcome& outcome);
  bool plan_sweep_step(Time now, std::span<std::uint8_t> record, Outcome& outcome);
  bool due_session(Time now, std::span<std::uint8_t> record, Outcome& outcome);

  // versions.cpp
  Concerned groups_to_ask(const Session& session) const;
  bool ask_for_new_version(Slot slot, Time now, Outcome& outcome);
  bool version_sweep_step(Time now, std::span<std::uint8_t> record, Outcome& outcome);

  // operator.cpp
  using Reply = OperatorReply;
  struct Operation {
    const OperatorRequest& request;
    Reply& reply;
    Outcome& outcome;
    std::span<std::uint8_t> payload;
    Slot account = none;
    Slot subscriber = none;
    Slot session = none;  // of a kind that names one
  };
  void find_meant(Operation& op) const;
  void operate(Operation& op);
  bool operate_account(Operation& op);
  bool operate_system(Operation& op);
  bool seen_request_key(Operation& op);
  bool remember_request_key(Operation& op);
  void create_account(Operation& op);
  void create_subscriber(Operation& op);
  bool holds_kind(const Account& account, std::uint16_t kind, Slot owner) const;
  Slot owner_of(const Operation& op) const;
  bool find_owner(Operation& op, Slot& owner) const;
  void create_bucket(Operation& op);
  void delete_subscriber(Operation& op);
  void change_identity(Operation& op);
  void credit(Operation& op, const OperatorBucket& what, Slot owner);
  void adjust(Operation& op);
  void set_wallet(Operation& op);
  void show_account(Operation& op);
  CounterShown shown(const Account& account, const rating::Counter& counter, Time now) const;
  void list_sessions(Operation& op);
  void show_session(Operation& op);
  bool append_session(Operation& op, Slot slot);
  void append_group(Operation& op, Slot slot);
  void session_operation(Operation& op);
  void money_came(Operation& op);
  void buy_product(Operation& op);
  std::uint32_t end_of_period(const Account& account, const Product& product) const;
  void take_purchase(Operation& op, const rating::Plan& plan, bool queued);
  void end_holding(Operation& op);
  void set_plan(Operation& op);
  void set_status(Operation& op);
  void set_counter(Operation& op);
  void set_segment(Operation& op);
  void set_friend(Operation& op);
  void top_up(Operation& op, Slot owner);
  void exchange_wallet(Slot account, const rating::Plan& plan, const rating::ExchangeRate& rate,
                       Outcome& outcome);
  std::int64_t take_payment(Operation& op, const rating::Plan& plan);
  void lend(Operation& op);
  void transfer_out(Operation& op);
  void transfer_in(Operation& op);
  void transfer_close(Operation& op);
  void transfer_forget(Operation& op);
  void list_mail(Operation& op);
  void plan_use(Operation& op) const;
  void intern(Operation& op);
  void host_restarted(Operation& op);
  Slot find_mail(MailState state, std::uint8_t from_shard, std::uint64_t sequence) const;
  OperatorResult set_identity(Subscriber& subscriber, const OperatorIdentity& identity);
  Slot find_holder(const Account& account, const OperatorIdentity& identity) const;
  bool clear_identity(Subscriber& subscriber, const OperatorIdentity& identity);
  bool has_identity(const Subscriber& subscriber, rating::IdentityType type,
                    std::string_view text) const;

  // shard.cpp
  struct Facts {
    RecordKind kind = RecordKind::none;
    const rating::ChargeRequest* request = nullptr;
    OperatorKind operator_kind = OperatorKind::none;
    std::string_view text{};
    std::uint16_t plan = 0, plan_version = 0;
  };
  // record.cpp
  void write_record(const Facts& facts, Time now, std::span<std::uint8_t> record, Outcome& outcome);
  std::uint8_t* write_facts(const Facts& facts, const Outcome& outcome, RecordHeader& header,
                            std::uint8_t* record) const;
  std::string_view session_texts(Slot slot, char* id, std::string_view& host) const;
  std::size_t bucket_facts(const Outcome& outcome, std::span<BucketFact> into) const;
  std::uint32_t shard_seconds(Time t) const;
  // Every live session's deadline into a fresh wheel that starts at `now`.
  void arm_timers(Time now);
  void arm_accounts(Time now);
  bool overdue(const Session& session, Time now, std::uint32_t& effective) const;

  template <class T>
  T& edit(Pool<T>& pool, Slot slot);
  template <class T>
  Slot take(Pool<T>& pool);
  // The same where tombstones make room; `except`: the session at hand, which may be one itself.
  template <class T>
  Slot take_in_need(Pool<T>& pool, const TombstoneList& list, Slot except);
  template <class T>
  void release(Pool<T>& pool, Slot slot);
  template <class F>
  void for_each_pool(F&& f);
  template <class F>
  void for_each_pool(F&& f) const;

  ShardId id_;
  Options options_;
  const rating::PlanSet* const* plan_sets_ = nullptr;
  std::uint32_t plan_set_count_ = 0;

  Pool<ShardState> states_;
  Pool<Account> accounts_;
  Pool<rating::Bucket> buckets_;
  Pool<Subscriber> subscribers_;
  Pool<Session> sessions_;
  Pool<rating::Group> groups_;
  Pool<Verdict> verdicts_;
  Pool<Text> texts_;
  Pool<Host> hosts_;
  Pool<Mail> mails_;
  Pool<RequestKey> request_keys_;
  Pool<Name> names_;
  Pool<Product> products_;
  Pool<rating::Counter> counters_;

  TombstoneList ended_;       // sessions that may be given up, oldest first
  TombstoneList ended_long_;  // those of them that hold a Text
  Freed freed_[freed_max];    // by the apply at hand, until its Record stands
  std::uint32_t freed_count_ = 0;
  static constexpr std::uint32_t ended_max = 4;
  Slot ended_now_[ended_max];  // tombstones since the apply at hand
  std::uint32_t ended_now_count_ = 0;
  std::size_t given_up_bytes_ = 0;  // what their images take at most

  Table session_index_;                   // session_hash -> session
  Table charging_index_, address_index_;  // bearers.cpp: open sessions
  Table account_index_;                   // hash of the name -> account
  Timers timers_;
  Timers due_accounts_;               // accounts by settle_at, unix seconds
  std::uint32_t settled_grants_ = 0;  // buckets that the apply at hand has made for products
  std::int64_t unpaid_fee_ = 0;       // that the step at hand could not take
  Slot plan_sweep_at_ = none;         // the next account to look at after a change of the plans
  Slot version_sweep_at_ = none;      // likewise the next session
  FixedArray<Runtime> runtime_;
  FixedArray<Slot> push_queue_;  // ring: sessions whose push is tried again
  std::size_t push_head_ = 0, push_tail_ = 0;
  Slot sweep_at_ = none;  // where the sweep is now; journaled with each Record it makes
  std::uint32_t hosts_searched_at_ = 0;     // shard seconds: when no idle gateway was found last
  bool awaits_recovered_ = false;           // from rebuild() to the `recovered` Command
  mutable FixedArray<std::int64_t> audit_;  // per bucket slot: scratch of totals()
  mutable FixedArray<std::int64_t> audit_counters_;  // per counter slot: likewise
  static constexpr std::size_t traced_max = 16;
  Slot traced_[traced_max];
  std::uint32_t traced_count_ = 0;

  Scratch& scratch_;
  Transaction& transaction_;
};

template <class OnSubscriber, class OnAccount>
void Shard::for_each_identity(OnSubscriber&& on_subscriber, OnAccount&& on_account) const {
  using rating::IdentityType;
  char digits[16];
  for (Slot s = 0; s < subscribers_.capacity(); ++s) {
    const Subscriber& subscriber = subscribers_[s];
    if (!subscriber.live()) continue;
    if (subscriber.imsi != 0)
      on_subscriber(IdentityType::imsi,
                    std::string_view(digits, unpack_digits(subscriber.imsi, digits)), s);
    if (subscriber.e164 != 0)
      on_subscriber(IdentityType::e164,
                    std::string_view(digits, unpack_digits(subscriber.e164, digits)), s);
    for (Slot t = subscriber.other; t != none; t = texts_[t].next)
      on_subscriber(static_cast<IdentityType>(texts_[t].type), texts_[t].text(), s);
  }
  for (Slot a = 0; a < accounts_.capacity(); ++a) {
    if (accounts_[a].live()) on_account(accounts_[a].name_text(), a);
  }
}

}  // namespace levy::shard
