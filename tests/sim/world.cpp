// World: lives, crashes, audits.
// Core: the simulator's only thread. Allocates: yes. Blocks: on snapshot files. Clock: its own.
#include "tests/sim/world.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "engine/admin/request.hpp"
#include "engine/admin/transfer.hpp"
#include "engine/base/hash.hpp"

namespace levy::sim {

using shard::OperatorKind;

namespace {

SimDiskOptions disk_options(std::uint64_t seed, Planted planted) {
  SimDiskOptions o;
  o.complete_percent = static_cast<std::uint32_t>(15 + seed % 4 * 25);
  o.lies_about_completion = planted == Planted::lying_disk;
  if (planted == Planted::lying_disk || planted == Planted::early_release) o.complete_percent = 5;
  return o;
}

test::SimFaults network_faults(Random& random) {
  test::SimFaults f;
  f.split = static_cast<double>(random.below(3)) * 0.1;
  f.withhold = static_cast<double>(random.below(3)) * 0.1;
  f.delay_micros_max = static_cast<std::int64_t>(random.below(3)) * 2000;
  f.drop_connection = random.one_in(2) ? 0.002 : 0;
  f.refuse_connect = 0.02;
  f.partial_send = static_cast<double>(random.below(2)) * 0.05;
  f.window_bytes = random.one_in(4) ? 8 * 1024 : 1 << 20;
  return f;
}

std::string make_directory(std::uint64_t seed) {
  const char* base = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  std::string path = std::string(base) + "/levy-sim-" + std::to_string(seed) + "-";
  path.append(6, 'X');
  require(::mkdtemp(path.data()) != nullptr, "no directory for snapshots: " + path);
  return path;
}

rating::Service service_of(const Rate& rate) {
  rating::Service s;
  s.unit = static_cast<rating::Unit>(rate.counts);
  s.price.numerator = rate.micros;
  s.price.denominator = rate.per;
  s.price.step = rate.step;
  s.price.rounding = static_cast<Rounding>(rate.round);
  s.price.free = rate.free;
  s.barred = rate.barred;
  s.indivisible = rate.indivisible;
  s.grant_first = rate.first;
  s.grant_default = rate.later;
  s.grant_max = rate.grant_max;
  s.validity = rate.validity;
  s.on_lost = rate.lost == lost_reserved ? rating::OnLost::charge_reserved
              : rate.lost != 0           ? rating::OnLost::charge_units
                                         : rating::OnLost::release;
  s.lost_units = std::max<std::int64_t>(rate.lost, 0);
  return s;
}

// A Record lies in the journal at any byte, and its facts want their alignment: a copy has it.
std::span<const std::uint8_t> aligned(std::span<const std::byte> bytes,
                                      std::vector<std::uint64_t>& words) {
  words.resize((bytes.size() + 7) / 8);
  std::memcpy(words.data(), bytes.data(), bytes.size());
  return {reinterpret_cast<const std::uint8_t*>(words.data()), bytes.size()};
}

rating::Allowance hourly_allowance() {
  rating::Allowance a;
  a.amount = allowance;
  a.rollover_max = carried_max;
  a.kind = 9;
  a.currency = 840;
  a.unit = rating::Unit::money;
  a.cycle = 0;
  a.rollover = carried_periods;
  return a;
}

rating::Terms terms_of(std::uint16_t plan) {
  static const rating::Fee addon_fees[] = {{addon_start_fee, 0, rating::cycle_once},
                                           {addon_hour_fee, 0, 0}};
  static const rating::Fee paid_fees[] = {{paid_hour_fee, 0, 0}};
  static const rating::Allowance hourly = hourly_allowance();
  rating::Terms terms;
  if (plan == base_plan) return terms;
  terms.addon = plan == addon_plan;
  terms.cycles[terms.cycle_count++] = {rating::PeriodUnit::hour, 1};
  terms.fees = terms.addon ? addon_fees : paid_fees;
  terms.fee_count = terms.addon ? 2 : 1;
  terms.allowances = &hourly;
  terms.allowance_count = terms.addon ? 1 : 0;
  return terms;
}

const rating::Level levels[] = {{1'000, 0, 31}, {200'000, 0, 32}, {5'000'000, 0, 33}};
struct CounterRules {
  std::array<rating::CounterRule, 2> rules{};
  CounterRules() {
    rules[0].name = 21;
    rules[0].every = {rating::PeriodUnit::hour, 1};
    rules[0].limit = limits::units_max;
    rules[1].name = 22;
    rules[1].unit = rating::Unit::money;
    rules[1].per_subscriber = true;
    rules[1].limit = limits::balance_micros_max;
    for (rating::CounterRule& rule : rules) {
      rule.levels = levels;
      rule.level_count = 3;
    }
  }
};
const CounterRules counters;

std::unique_ptr<rating::PlanVersion> plan_version(std::uint16_t version) {
  std::vector<std::unique_ptr<rating::CompiledPlan>> plans;
  for (const std::uint16_t id : {base_plan, addon_plan, paid_plan}) {
    auto plan = std::make_unique<rating::CompiledPlan>();
    plan->id = id;
    plan->currency = 978;
    plan->session_ttl = session_ttl;
    plan->terms = terms_of(id);
    if (id != addon_plan) {  // counted and held, never in the way
      plan->counters = counters.rules.data();
      plan->counter_count = counters.rules.size();
    }
    for (const auto& [group, rate] : rates(version)) {
      if (id == addon_plan) break;
      plan->entries[plan->entry_count++] = {group, plan->service_count};
      plan->services[plan->service_count++] = service_of(rate);
    }
    plans.push_back(std::move(plan));
  }
  return std::make_unique<rating::PlanVersion>(version, std::move(plans));
}

}  // namespace

void Statistics::operator+=(const Statistics& o) {
  steps += o.steps;
  lives += o.lives;
  crashes += o.crashes;
  recovery_crashes += o.recovery_crashes;
  snapshots += o.snapshots;
  records += o.records;
  answers += o.answers;
  repeats_equal += o.repeats_equal;
  digests_compared += o.digests_compared;
  journal_replays += o.journal_replays;
  transfers += o.transfers;
  restarts += o.restarts;
  rars += o.rars;
  pushes_acked += o.pushes_acked;
  failed_writes += o.failed_writes;
  full_disks += o.full_disks;
  charged += o.charged;
  for (const auto& [what, count] : o.seen) seen[what] += count;
}

World::World(std::uint64_t seed, Planted planted, bool verbose)
    : seed_(seed),
      verbose_(verbose),
      random_(seed),
      disk_(seed * 7919 + 1, disk_options(seed, planted)),
      network_(seed * 104729 + 3, network_faults(random_)),
      clock_(Time::from_seconds(1'700'000'000)),
      machine_{disk_, network_, make_directory(seed), [this] { return clock_; }},
      field_{network_, auditor_, random_, {}, {}} {
  set_hash_key(seed | 1);
  network_.set_now(Time{1'000'000});
  settings_.relaxed = planted == Planted::early_release;
  choose_settings(planted);
  for (std::uint16_t v = 1; v <= versions; ++v) {
    plans_.push_back(plan_version(v));
    sets_.push_back(&plans_.back()->set());
  }
  const std::uint64_t people = random_.between(6, 20);
  for (std::uint64_t i = 0; i < people; ++i)
    field_.subscribers.push_back({"acc" + std::to_string(i), std::to_string(1010000000001 + i)});
  field_.repeat_window = std::int64_t{settings_.options.duplicate_window} * 1'000'000 / 2;
  operators_ = std::make_unique<Operators>(field_, settings_.shards);
  const std::uint64_t gateways = random_.between(1, 3);
  for (unsigned i = 0; i < gateways; ++i) gateways_.push_back(std::make_unique<Gateway>(field_, i));
}

World::~World() {
  daemon_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(machine_.snapshot_path, ignored);
}

// Small, so that everything fills up now and then.
void World::choose_settings(Planted planted) {
  settings_.shards = static_cast<std::uint32_t>(random_.between(2, 4));
  shard::Capacity& c = settings_.capacity;
  c.accounts = c.subscribers = 20;
  c.buckets = 400;  // what products grant is never refused
  c.products = 200;
  c.counters = 400;
  const bool tight = random_.one_in(3) || planted == Planted::gives_up_events ||
                     planted == Planted::gives_up_open;
  c.sessions = tight ? random_.between(6, 40) : 150;
  c.groups = tight ? random_.between(8, 80) : 150;
  c.verdicts = tight ? random_.between(40, 300) : 900;
  c.texts = tight ? random_.between(1, 8) : 40;
  c.hosts = 4;
  c.mails = random_.between(1, 4);
  c.request_keys = random_.between(4, 40);
  settings_.options.duplicate_window = static_cast<std::uint32_t>(random_.between(40, 400));
  settings_.options.session_ttl = session_ttl;
  settings_.options.push_retry = 1;
  settings_.frames = random_.one_in(3) ? random_.between(24, 40) : random_.between(4, 16);
  settings_.keep_all_segments = random_.one_in(2);
}

void World::say(const std::string& text) const {
  if (verbose_)
    std::fprintf(stderr, "[%llu] step %llu: %s\n", static_cast<unsigned long long>(seed_),
                 static_cast<unsigned long long>(statistics_.steps), text.c_str());
}

Statistics World::statistics() const {
  Statistics s = statistics_;
  s.records = auditor_.requests_recorded();
  s.answers = auditor_.answers();
  s.repeats_equal = auditor_.repeats_equal();
  s.charged = auditor_.charged();
  s.restarts = field_.restarts;
  s.rars = field_.rars;
  s.transfers = operators_->transfers();
  s.seen = auditor_.seen();
  return s;
}

// ---- one life --------------------------------------------------------------------------------

// Until a daemon is up: recovery itself may be cut off at any of its writes.
void World::start_life() {
  steps_left_ = finishing_ ? 100'000 : random_.one_in(8) ? random_.between(1, 40)
                                                         : random_.between(40, 1800);
  shard_share_ = random_.one_in(4) ? 4 : 22;
  while (!try_start()) {
  }
  ++statistics_.lives;
  auditor_.check_state(daemon_->shards());
  compare_digests(daemon_->shards());
  hash_ = hash_ * 31 + auditor_.hash();
  settle();
}

bool World::try_start() {
  settings_.loops = static_cast<std::uint32_t>(random_.between(1, std::min(settings_.shards, 2u)));
  settings_.keep_from = Lsn{auditor_.audited().value + 1};
  daemon_ = std::make_unique<Daemon>(machine_, settings_, random_);
  const bool cut = !finishing_ && random_.one_in(4);
  if (cut) disk_.power_off_after(1 + random_.below(5));
  const std::string failure = daemon_->start(sets_.data(), versions);
  disk_.power_off_after(UINT64_MAX);
  if (failure.empty()) {
    require(daemon_->recovered().start.next.value == auditor_.audited().value + 1,
            "the daemon recovered another journal than the auditor");
    return true;
  }
  require(cut, "recovery refused: " + failure);
  say("power off during recovery: " + failure);
  disk_.crash();
  ++statistics_.crashes;
  ++statistics_.recovery_crashes;
  audit_journal();
  return false;
}

void World::call_each_shard(shard::OperatorRequest request) {
  for (std::uint32_t s = 0; s < settings_.shards; ++s)
    daemon_->call(ShardId{static_cast<std::uint8_t>(s)}, request);
}

// As the daemon does before it opens its door; then the door opens.
void World::settle() {
  serving_ = false;
  in_call_ = true;
  daemon_->set_pump([this] { return step(); });
  daemon_->hold(true);
  shard::OperatorRequest request;
  request.kind = OperatorKind::recovered;
  if (!fresh_) call_each_shard(request);
  fresh_ = false;
  if (version_ < versions && random_.one_in(6)) ++version_;
  request = {};
  request.kind = OperatorKind::switch_plan;
  request.plan_version = version_;
  admin::put_text(request.why, "plan " + std::to_string(version_));
  call_each_shard(request);
  const admin::MailSummary mail = admin::drive_mail(*daemon_);
  in_call_ = false;
  if (steps_left_ == 0 || daemon_->failed()) return;
  require(mail.left.empty(), "mail is left: " + (mail.left.empty() ? "" : mail.left[0]));
  daemon_->hold(false);
  serving_ = true;
}

void World::advance_time() {
  std::int64_t micros = static_cast<std::int64_t>(random_.below(400));
  if (random_.one_in(60)) micros = static_cast<std::int64_t>(random_.below(300'000));
  if (random_.one_in(600)) micros = static_cast<std::int64_t>(random_.below(15'000'000));
  network_.set_now(Time{network_.now().micros + micros});
  clock_.micros += micros;
  if (random_.one_in(1000)) clock_.micros -= static_cast<std::int64_t>(random_.below(3'000'000));
}

// false: the daemon is to die now.
bool World::step() {
  if (steps_left_ == 0 || daemon_->failed()) return false;
  --steps_left_;
  ++statistics_.steps;
  advance_time();
  return turn_something();
}

bool World::turn_something() {
  if (!serving_) {  // the door is still closed: only the loops behind it run
    daemon_->turn_control();
    for (std::size_t i = 0; i < daemon_->loops(); ++i) turn_shard(i);
    daemon_->turn_journal();
    return true;
  }
  const std::uint64_t what = random_.below(100);
  if (what < 28) daemon_->turn_edge();
  else if (what < 28 + shard_share_) turn_shard(random_.below(daemon_->loops()));
  else if (what < 72) daemon_->turn_journal();
  else if (what < 80) daemon_->turn_control();
  else if (what < 97 && !quiet_)
    gateways_[random_.below(gateways_.size())]->turn(daemon_->listener(), finishing_);
  else if (what >= 97 && !quiet_) {
    const bool calls = !in_call_;
    in_call_ = true;
    operators_->turn(*daemon_, gateways_, finishing_, calls);
    in_call_ = !calls;
    if (random_.one_in(40)) daemon_->ask_snapshot();
  }
  if (!finishing_ && random_.one_in(8000)) {
    say("a write fails");
    disk_.fail_writes(1, EIO);
    ++statistics_.failed_writes;
  }
  return true;
}

void World::turn_shard(std::size_t loop) {
  daemon_->turn_shard(loop);
  note_digests();
}

// What each Shard was after each of its Records; and nothing changes without one.
void World::note_digests() {
  for (const shard::Shard* s : daemon_->shards()) {
    const std::pair at{s->id().value, s->state().sequence};
    const auto known = digests_.find(at);
    if (known == digests_.end()) digests_.emplace(at, s->digest());
    else if (random_.one_in(64))
      require(known->second == s->digest(), "a Shard changed without a Record");
  }
  if (random_.one_in(32))
    for (const shard::Shard* s : daemon_->shards())
      require(s->totals().law_violations == 0, "the law does not hold in a live Shard");
}

void World::compare_digests(const std::vector<const shard::Shard*>& shards) {
  for (const shard::Shard* s : shards) {
    const std::uint64_t digest = s->digest();
    hash_ = hash_ * 31 + digest;
    const auto known = digests_.find({s->id().value, s->state().sequence});
    if (known == digests_.end()) continue;
    require(known->second == digest, "Shard " + std::to_string(s->id().value) +
                                         ": the recovered state is not the live one");
    ++statistics_.digests_compared;
  }
  digests_.clear();
}

// ---- death and audit -------------------------------------------------------------------------

void World::crash() {
  ++statistics_.crashes;
  statistics_.snapshots += daemon_->snapshots();
  statistics_.pushes_acked += daemon_->pushes_acked();
  daemon_->kill(random_.one_in(3));
  deliver_rest();
  daemon_.reset();
  disk_.fail_writes(0, 0);
  disk_.crash();
  operators_->on_crash();
  audit_journal();
  const std::uint64_t longest = random_.one_in(4) ? 3'600'000'000 : 2'000'000;
  const auto down = static_cast<std::int64_t>(random_.below(longest));
  network_.set_now(Time{network_.now().micros + down});
  clock_.micros += down;
}

// Answers that had left when the daemon died still arrive, if their connections were not reset.
void World::deliver_rest() {
  const test::SimFaults faults = network_.faults();
  network_.faults().split = network_.faults().withhold = 0;
  network_.set_now(Time{network_.now().micros + 1'000'000});
  for (auto& gateway : gateways_) gateway->drain();
  network_.faults() = faults;
}

void World::audit_journal() {
  journal::RecoveryRequest request;
  request.node_id = node_id;
  request.start = Lsn{auditor_.audited().value + 1};
  std::vector<std::uint64_t> words;
  const journal::RecoveryResult result =
      journal::recover(disk_, request, [&](Lsn lsn, std::span<const std::byte> bytes) {
        shard::RecordView view;
        require(shard::read_record(aligned(bytes, words), view),
                "a recovered Record cannot be read");
        auditor_.on_record(lsn, view);
        return true;
      });
  require(result.status == journal::RecoveryStatus::ok, "recovery refused: " + result.failure.text);
  auditor_.check_answered();
  say("journal up to LSN " + std::to_string(result.last.value));
  if (!settings_.keep_all_segments || !random_.one_in(4)) return;
  compare_with_journal_alone();
}

// Every Record since the first gives what snapshot and rest give.
void World::compare_with_journal_alone() {
  const auto scratch = std::make_unique<shard::Scratch>();
  std::vector<std::unique_ptr<shard::Shard>> shards;
  std::vector<const shard::Shard*> views;
  for (std::uint32_t s = 0; s < settings_.shards; ++s) {
    shards.push_back(std::make_unique<shard::Shard>(ShardId{static_cast<std::uint8_t>(s)},
                                                    settings_.capacity, settings_.options,
                                                    HugePages::off, *scratch));
    views.push_back(shards.back().get());
  }
  std::vector<std::uint64_t> room;
  const auto result = journal::recover(
      disk_, {node_id, Lsn{1}, Lsn{0}}, [&](Lsn, std::span<const std::byte> bytes) {
        shard::RecordView view;
        shard::read_record(aligned(bytes, room), view);
        shard::Shard& shard = *shards[view.header.shard];
        return shard::for_each_image(
            view.images, [&](const shard::ImageHeader& h, std::span<const std::uint8_t> words) {
              return shard.load_image(h, words);
            });
      });
  require(result.status == journal::RecoveryStatus::ok, "journal alone: " + result.failure.text);
  for (const auto& s : shards) {
    s->rebuild(clock_);
    const std::pair at{s->id().value, s->state().sequence};
    const auto known = digests_.find(at);
    if (known != digests_.end())
      require(known->second == s->digest(), "the journal alone gives another state than was live");
    digests_[at] = s->digest();  // compared with snapshot and rest, once those are loaded
  }
  auditor_.check_state(views);
  ++statistics_.journal_replays;
}

// ---- the run ---------------------------------------------------------------------------------

// Nothing is under way, then time passes: deadlines, tombstones.
void World::silence() {
  for (auto& gateway : gateways_) gateway->hang_up();
  quiet_ = true;
  for (int i = 0; i < 400 && step() && !daemon_->idle(); ++i) {
  }
  const auto pass = static_cast<std::int64_t>(random_.between(1, 1500)) * 1'000'000;
  if (daemon_->idle()) {
    network_.set_now(Time{network_.now().micros + pass});
    clock_.micros += pass;
    say("silence for " + std::to_string(pass / 1'000'000) + " s");
  }
  quiet_ = false;
}

void World::run(std::uint64_t steps) {
  start_life();
  while (statistics_.steps < steps) {
    if (serving_ && random_.one_in(2500)) silence();
    if (serving_ && step()) continue;
    crash();
    start_life();
  }
  finish();
}

std::uint64_t World::sessions_open() const {
  std::uint64_t sum = 0;
  for (const shard::Shard* s : daemon_->shards()) sum += s->totals().sessions_open;
  return sum;
}

// Every session ends, by termination or by its deadline; then the books must be even.
void World::finish() {
  finishing_ = true;
  crash();
  network_.faults() = {};
  start_life();
  const auto over = [this] {
    return operators_->finished() &&
           std::all_of(gateways_.begin(), gateways_.end(), [](auto& g) { return g->finished(); });
  };
  for (int i = 0; i < 3000 && !over() && step(); ++i) {
  }
  for (int rounds = 0; rounds < 4; ++rounds) {
    silence();
    network_.set_now(Time{network_.now().micros + 500'000'000});
    clock_.micros += 500'000'000;
    for (int i = 0; i < 200 && step(); ++i) {
    }
  }
  quiet_ = true;
  shard_share_ = 22;
  for (int i = 0; i < 20'000 && step(); ++i) {
    if (i % 64 == 0 && daemon_->idle() && sessions_open() == 0) break;
  }
  require(serving_ && !daemon_->failed() && daemon_->idle(), "the daemon does not come to rest");
  in_call_ = true;
  const admin::MailSummary mail = admin::drive_mail(*daemon_);
  require(mail.left.empty(), "mail is left at the end");
  in_call_ = false;
  const std::vector<const shard::Shard*> shards = daemon_->shards();
  for (const shard::Shard* s : shards) {
    const shard::Totals t = s->totals();
    require(t.sessions_open == 0, "sessions stay open beyond every deadline");
    require(t.reserved == 0 && t.in_transit == 0 && t.law_violations == 0,
            "money stays reserved or in transit though every session has ended");
  }
  crash();
  while (!try_start()) {
  }
  auditor_.check_state(daemon_->shards());
  compare_digests(daemon_->shards());
  auditor_.check_settled();
  hash_ = hash_ * 31 + auditor_.hash();
}

}  // namespace levy::sim
