// See naive_trial.hpp.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include "tests/unit/rating/naive_trial.hpp"

#include <algorithm>
#include <sstream>

namespace levy::rating::naive {
namespace {

constexpr std::uint16_t euro = 978, dollar = 840;
constexpr std::int64_t day = 86'400;

UnitAmounts amounts(Unit unit, std::int64_t number, std::int64_t other) {
  UnitAmounts all;
  const auto set = [&](Unit of, std::int64_t value) {
    if (value <= 0) return;
    if (of == Unit::octets) all.has_octets = true, all.octets = value;
    if (of == Unit::seconds) all.has_seconds = true, all.seconds = value;
    if (of == Unit::events) all.has_events = true, all.events = value;
  };
  set(unit, number);
  set(unit == Unit::octets ? Unit::seconds : Unit::octets, other);
  return all;
}

}  // namespace

Trial::Trial(std::uint64_t seed, Counts& counts)
    : seed_(seed),
      counts_(counts),
      dice_(seed),
      source_(random_source(dice_)),
      plan_(source_.catalogue, source_.start) {
  std::uint16_t id = 0;
  Compiled compiled =
      compile_catalogue(source_.catalogue, [&](NameKind, std::string_view) { return ++id; });
  for (const CompileFault& fault : compiled.faults) faults_ += fault.message + "\n";
  if (!faults_.empty()) return;
  const std::uint16_t plan_id = compiled.plans[0]->id;
  version_ = std::make_unique<PlanVersion>(std::uint16_t{1}, std::move(compiled.plans),
                                           std::move(compiled.zones));
  compiled_ = version_->set().find(plan_id);
  now_ = source_.start;
}

std::string Trial::run(std::int64_t usages) {
  if (!faults_.empty())
    return "seed " + std::to_string(seed_) + ": fault: " + faults_ + text_of(source_.catalogue);
  for (const std::int64_t end = counts_["usages"] + usages; counts_["usages"] < end;) {
    std::string difference = life();
    if (!difference.empty()) return difference;
  }
  return "";
}

void Trial::add_bucket(bool wallet) {
  Bucket& b = buckets_.emplace_back();
  b.flags = static_cast<std::uint8_t>(bucket_live | (wallet ? bucket_main_wallet : 0));
  b.unit = wallet || dice_.chance(40) ? Unit::money
           : dice_.chance(75)         ? compiled_->services[0].unit
                                      : static_cast<Unit>(dice_.pick(1, 3));
  b.currency = b.unit == Unit::money ? euro : std::uint16_t{0};
  if (b.unit == Unit::money) {
    b.credits = source_.micros * (wallet ? dice_.pick(-3, 200) : dice_.pick(0, 40));
  } else {
    b.credits = dice_.pick(0, 50 * source_.unit);
    b.step =
        static_cast<std::uint32_t>(source_.unit == 1 ? (dice_.chance(50) ? 1 : dice_.pick(2, 7))
                                                     : source_.unit / (dice_.chance(50) ? 500 : 3));
  }
  if (wallet) return;
  b.priority = static_cast<std::int16_t>(dice_.pick(-2, 3));
  const auto in = [&](std::int64_t days) {
    return static_cast<std::uint32_t>(source_.start + days * day);
  };
  if (dice_.chance(60)) b.ends_at = in(dice_.pick(400, 403));
  if (dice_.chance(4)) b.ends_at = in(-40);
  if (dice_.chance(4)) b.starts_at = in(300);
  if (b.unit == Unit::money && dice_.chance(4)) b.currency = dollar;
}

// Higher priority first, of equal ones that which ends first, then the oldest; the main wallet,
// which alone may go negative, last whatever the priorities are (Rules.OrderOfUse).
void Trial::open_account() {
  buckets_.clear();
  groups_.clear();
  const std::int64_t before = dice_.pick(0, 2), after = dice_.pick(0, 1);
  for (std::int64_t n = 0; n < before; ++n) add_bucket(false);
  add_bucket(true);
  for (std::int64_t n = 0; n < after; ++n) add_bucket(false);
  order_.clear();
  for (std::size_t b = 0; b < buckets_.size(); ++b) order_.push_back(b);
  const auto rank = [&](std::size_t at) {
    const Bucket& b = buckets_[at];
    return std::tuple((b.flags & bucket_main_wallet) != 0, -b.priority,
                      b.ends_at == 0 ? INT64_MAX : std::int64_t{b.ends_at}, at);
  };
  std::sort(order_.begin(), order_.end(),
            [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
  account_ = std::make_unique<NaiveAccount>(plan_, counts_);
  for (const std::size_t at : order_) {
    const Bucket& b = buckets_[at];
    NaiveBucket& copy = account_->buckets.emplace_back();
    copy.unit = b.unit;
    copy.wallet = (b.flags & bucket_main_wallet) != 0;
    copy.usable = (b.ends_at == 0 || b.ends_at > source_.start) && b.starts_at <= source_.start &&
                  b.currency != dollar;
    copy.step = b.step;
    copy.credits = b.credits;
  }
  credit_limit_ = dice_.chance(20) ? source_.micros * dice_.pick(1, 30) : 0;
  account_->credit_limit = credit_limit_;
}

std::string Trial::life() {
  open_account();
  if (now_ > source_.start + 14 * day) now_ = source_.start;
  std::map<int, Session> sessions;
  const int count = dice_.chance(60) ? 1 : 2;
  int next = 0;
  for (int n = 0; n < count; ++n) {
    Session& session = sessions[next++];
    session.facts = random_facts(dice_);
    session.keys.push_back(random_key(dice_));
    Units other = random_key(dice_);
    const bool same = other.rating_group == session.keys[0].rating_group &&
                      other.identifiers == session.keys[0].identifiers;
    if (!same && dice_.chance(50)) session.keys.push_back(other);
  }
  for (std::int64_t left = dice_.pick(6, 24); !sessions.empty(); --left) {
    auto it = sessions.begin();
    if (sessions.size() > 1 && dice_.chance(50)) ++it;
    Session& session = it->second;
    const RequestType type = !session.begun                 ? RequestType::initial
                             : left <= 0 || dice_.chance(4) ? RequestType::termination
                                                            : RequestType::update;
    session.begun = true;
    now_ +=
        dice_.chance(60) ? dice_.pick(1, 900) : dice_.pick(1, dice_.chance(80) ? 9'000 : 43'200);
    if (dice_.chance(6)) {
      const std::int64_t credit = source_.micros * dice_.pick(1, 60);
      buckets_[order_.back()].credits += credit;
      account_->buckets.back().credits += credit;
    }
    std::string difference = message(it->first, session, type);
    if (!difference.empty()) return difference;
    if (type == RequestType::termination) sessions.erase(it);
  }
  return "";
}

Units Trial::row_of(Session& session, std::size_t key, RequestType type) {
  Units row = session.keys[key];
  const std::int64_t u = source_.unit;
  const auto some = [&](std::int64_t most) { return dice_.pick(1, most * u); };
  row.qci = random_qci(dice_);
  const std::int64_t had = std::min(session.granted[key], 20 * u);
  row.has_used = !dice_.chance(type == RequestType::initial ? 95 : 8);
  if (row.has_used && !dice_.chance(7)) {
    if (had == 0)
      row.used = some(dice_.chance(70) ? 3 : 12);
    else if (dice_.chance(45))
      row.used = had;
    else
      row.used = dice_.chance(60) ? dice_.pick(1, had) : had + some(8);
  }
  if (type != RequestType::termination) {
    row.has_requested = !dice_.chance(12);
    if (row.has_requested && dice_.chance(60)) row.requested = some(25);
    if (dice_.chance(3)) row.reasons = dice_.chance(50) ? reason_final : reason_qht;
  }
  if (dice_.chance(10)) row.other_unit = some(50);
  return row;
}

std::string Trial::message(int number, Session& session, RequestType type) {
  const std::string context = session.facts.context;
  if (dice_.chance(50)) {
    session.facts = random_facts(dice_);
    session.facts.context = context;
  }
  std::vector<std::size_t> keys{0};
  if (session.keys.size() > 1) {
    if (dice_.chance(60)) keys.push_back(1);
    if (dice_.chance(30)) std::reverse(keys.begin(), keys.end());
    if (dice_.chance(20)) keys.erase(keys.begin());
  }
  std::vector<Units> rows;
  for (const std::size_t key : keys) rows.push_back(row_of(session, key, type));
  usage_time_ = dice_.chance(80) ? now_ : std::max(source_.start, now_ - dice_.pick(0, 300));
  const std::vector<NaiveAnswer> answers =
      account_->answer(number, type, session.facts, rows, usage_time_);
  fill(number, session.facts, rows, type);
  charge_rows();
  std::string difference = compare(answers);
  if (type == RequestType::termination) end_session(number);
  if (difference.empty()) difference = compare_buckets();
  if (!difference.empty())
    return "seed " + std::to_string(seed_) + ": " + difference + "\n" +
           told(session.facts, rows, type) + text_of(source_.catalogue);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    session.granted[keys[i]] = answers[i].granted;
    count_row(session.facts, rows[i], answers[i]);
  }
  return "";
}

void Trial::fill(int number, const Facts& facts, const std::vector<Units>& rows, RequestType type) {
  request_ = ChargeRequest{};
  request_.type = type;
  request_.request_number = request_numbers_[number]++;
  request_.service_context_id = facts.context;
  request_.called_station_id = facts.apn;
  request_.serving_plmn = facts.plmn;
  location_bytes_ = facts.location.bytes();
  request_.user_location = location_bytes_;
  request_.characteristics = facts.characteristics;
  request_.called_party = facts.called;
  request_.calling_party = facts.calling;
  request_.rat_type = static_cast<std::uint16_t>(facts.rat + 1);
  request_.role_of_node = static_cast<std::uint8_t>(facts.role + 1);
  request_.mscc_count = static_cast<std::uint8_t>(rows.size());
  input_ = ChargeInput{};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Units& row = rows[i];
    MsccRequest& mscc = request_.mscc[i];
    mscc.has_rating_group = row.rating_group.has_value();
    mscc.rating_group = row.rating_group.value_or(0);
    mscc.service_identifier_count = static_cast<std::uint8_t>(row.identifiers.size());
    std::copy(row.identifiers.begin(), row.identifiers.end(), mscc.service_identifiers.begin());
    mscc.has_requested = row.has_requested;
    mscc.has_used = row.has_used;
    mscc.reporting_reasons = row.reasons;
    mscc.qci = static_cast<std::uint8_t>(row.qci);
    const std::uint16_t service = find_service(*compiled_, request_, mscc);
    const Unit unit = service == no_service ? Unit::octets : compiled_->services[service].unit;
    mscc.requested = amounts(unit, row.requested, row.other_unit);
    mscc.used = amounts(unit, row.used, service == no_service ? 0 : row.other_unit);
    input_.grant_allowed[i] = true;
    if (service == no_service) continue;
    Group& group =
        groups_[{number, row.rating_group ? std::int64_t{*row.rating_group} : -1, row.identifiers}];
    group.flags |= group_live;
    if (row.rating_group) group.flags |= group_has_rating_group;
    group.rating_group = mscc.rating_group;
    group.service_identifier_count = mscc.service_identifier_count;
    group.service_identifiers = mscc.service_identifiers;
    input_.groups[i] = &group;
  }
}

AccountView Trial::view() {
  AccountView account;
  for (Bucket& b : buckets_) {
    account.buckets[account.bucket_count] = &b;
    account.slots[account.bucket_count] = account.bucket_count;
    ++account.bucket_count;
  }
  account.credit_limit = credit_limit_;
  return account;
}

// As the Shard does after a termination, for the groups that it did not name.
void Trial::end_session(int number) {
  account_->end_session(number);
  AccountView account = view();
  for (auto it = groups_.begin(); it != groups_.end();) {
    if (std::get<0>(it->first) != number) {
      ++it;
      continue;
    }
    release_group(it->second, account, result_);
    it = groups_.erase(it);
  }
}

void Trial::charge_rows() {
  const PlanSet* const sets[] = {&version_->set()};
  input_.request = &request_;
  input_.plan = compiled_;
  input_.plan_sets = sets;
  input_.plan_set_count = 1;
  input_.plan_version = 1;
  input_.now = Time::from_seconds(now_);
  input_.usage_time = Time::from_seconds(usage_time_);
  input_.spread_seed = static_cast<std::uint32_t>(dice_.pick(0, 1'000'000'000));
  input_.zones = version_->set().zones;
  AccountView account = view();
  result_ = ChargeResult{};
  charge(input_, account, result_);
}

std::string Trial::compare(const std::vector<NaiveAnswer>& answers) const {
  std::ostringstream all;
  if (result_.overflow) all << "overflow; ";
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const NaiveAnswer& a = answers[i];
    const MsccOutcome& o = result_.mscc[i];
    const auto same = [&](const char* what, std::int64_t reference, std::int64_t charged) {
      if (reference != charged)
        all << "mscc " << i << " " << what << ": reference " << reference << ", charge " << charged
            << "; ";
    };
    same("service", static_cast<std::int64_t>(a.service), o.service);
    // Of a grant the group's; of mere usage what rated it.
    if (a.rate_known)
      same("rate", static_cast<std::int64_t>(a.rate),
           a.has_grant ? input_.groups[i]->rate : o.rated_by.rate);
    same("reason", static_cast<std::int64_t>(a.reason), static_cast<std::int64_t>(o.reason));
    same("has grant", a.has_grant, (o.flags & outcome_granted) != 0);
    same("final", a.is_final, (o.flags & outcome_final) != 0);
    same("granted", a.granted, o.granted);
    same("used", a.used, o.used);
    same("used by buckets", a.used_by_buckets, o.used_by_buckets);
    same("charged", a.charged, o.charged);
    same("fee", a.fee, o.fee);
    same("unpaid", a.unpaid, o.unpaid);
    same("unrated", a.unrated, o.unrated);
    if (a.has_grant && (o.validity < a.validity_min || o.validity > a.validity_max) &&
        !(a.maybe_a_month && o.validity == limits::validity_seconds_max))
      all << "mscc " << i << " validity: reference " << a.validity_min << ".." << a.validity_max
          << ", charge " << o.validity << "; ";
  }
  return all.str();
}

std::string Trial::compare_buckets() const {
  std::ostringstream all;
  for (std::size_t k = 0; k < order_.size(); ++k) {
    const NaiveBucket& a = account_->buckets[k];
    const Bucket& b = buckets_[order_[k]];
    if (std::tuple(a.credits, a.spent, a.written_off, a.reserved) !=
        std::tuple(b.credits, b.spent, b.written_off, b.reserved))
      all << "bucket " << k << " in the order of use: reference spent " << a.spent
          << " written off " << a.written_off << " reserved " << a.reserved << ", charge "
          << b.spent << " " << b.written_off << " " << b.reserved << "; ";
  }
  return all.str();
}

}  // namespace levy::rating::naive
