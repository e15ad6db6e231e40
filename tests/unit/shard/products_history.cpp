// ProductsHistory: what is done to the account, to the Shard and to the model alike.
// Core: test. Allocates: yes. Blocks: never. Clock: in the test.
#include "tests/unit/shard/products_history.hpp"

#include <array>
#include <cstring>

#include "engine/base/hash.hpp"

namespace levy::shard::model {

namespace {

constexpr std::uint16_t currency = 978;
constexpr const char* imsi = "001010000000001";
// New buckets that one touch may make without the rest waiting for the next
// (limits::grants_per_settlement_max, with room for what is bought at the same time).
constexpr std::uint32_t grants_at_once = 30;

// Plans are large: made once, filled anew for each history, one after the other.
struct Tariffs {
  std::array<std::unique_ptr<Tariff>, plans + 1> all;
  std::array<const rating::Plan*, plans + 1> pointers{};
  rating::PlanSet set;
  const rating::PlanSet* sets[1] = {&set};
  Scratch scratch;

  Tariffs() {
    for (std::uint16_t id = 1; id <= plans; ++id) {
      all[id] = std::make_unique<Tariff>();
      pointers[id] = &all[id]->plan;
    }
    set = {1, pointers.data(), plans + 1, nullptr};
  }
};
Tariffs& tariffs() {
  static Tariffs* const made = new Tariffs;
  return *made;
}

Capacity capacity() {
  Capacity c;
  c.accounts = c.subscribers = c.hosts = c.mails = c.request_keys = c.texts = 4;
  c.buckets = 128;
  c.sessions = 128;
  c.groups = 64;
  c.verdicts = 512;
  c.products = 40;
  return c;
}

std::unique_ptr<Shard> new_shard() {
  auto shard =
      std::make_unique<Shard>(ShardId{0}, capacity(), Options{}, HugePages::off, tariffs().scratch);
  shard->set_plans(tariffs().sets, 1);
  return shard;
}

OperatorRequest on_account(OperatorKind kind) {
  OperatorRequest r;
  r.kind = kind;
  std::strcpy(r.account_name, "a");
  return r;
}

}  // namespace

History::History(std::uint64_t seed) : seed_(seed), chance_{std::mt19937_64(seed)} {
  record_.resize(limits::record_bytes_max);
}

std::string History::run() {
  start();
  for (std::int64_t left = chance_.between(3, 30); left > 0 && failure_.empty(); --left) step();
  if (failure_.empty()) restart();
  if (failure_.empty()) return "";
  std::string text = say("seed ", seed_, ": ", failure_, "\n");
  for (std::uint16_t id = 1; id <= plans; ++id) text += "  " + tariffs().all[id]->words + "\n";
  return text + log_;
}

void History::start() {
  Model::Plans known;
  for (std::uint16_t id = 1; id <= plans; ++id) {
    make_tariff(chance_, id, id > base_plans, *tariffs().all[id]);
    known[id] = tariffs().pointers[id];
  }
  // From 2024-01-01 on, any second of two years: leap days, month ends.
  seconds_ = 1'704'067'200 + chance_.between(0, 730) * 86'400 + chance_.between(0, 86'399);
  if (chance_.percent(20)) seconds_ -= seconds_ % 86'400;
  shard_ = new_shard();
  shard_->apply_due(Time::from_seconds(seconds_), record_, *outcome_);  // as the daemon's loop does
  OperatorRequest r;
  r.kind = OperatorKind::switch_plan;
  r.plan_version = 1;
  operate(r);
  r = on_account(OperatorKind::create_account);
  r.plan = static_cast<std::uint16_t>(chance_.between(1, base_plans));
  r.currency = currency;
  r.amount = chance_.between(0, 12'000'000);
  if (chance_.percent(20)) r.credit_limit = 2'000'000;
  model_ = std::make_unique<Model>(known, r.amount, r.credit_limit);
  note(say("account, plan ", r.plan, ", money ", r.amount, ", limit ", r.credit_limit, ", at ",
           seconds_));
  const bool opened = model_->open(r.plan, now_s());
  operate(r);
  if (opened != (result_ == OperatorResult::ok))
    return fail(say("create_account: ", static_cast<int>(result_)));
  if (!opened) {  // with a plan whose fee it can pay
    failure_ = "";
    OperatorRequest again = r;
    again.amount = 100'000'000;
    model_ = std::make_unique<Model>(known, again.amount, again.credit_limit);
    note("refused; with money 100000000");
    model_->open(again.plan, now_s());
    operate(again);
    if (result_ != OperatorResult::ok) return fail("create_account: refused again");
  }
  r = on_account(OperatorKind::create_subscriber);
  r.identity_count = 1;
  r.identities[0].type = rating::IdentityType::imsi;
  r.identities[0].size = static_cast<std::uint8_t>(std::strlen(imsi));
  std::memcpy(r.identities[0].text, imsi, r.identities[0].size);
  operate(r);
  compare();
}

void History::operate(OperatorRequest& request) {
  request.now = Time::from_seconds(seconds_);
  std::vector<std::uint8_t> bytes(limits::answer_bytes_max);
  Outcome& outcome = *outcome_;
  shard_->apply(request, bytes, record_, outcome);
  keep_record();
  OperatorReply reply;
  std::memcpy(static_cast<void*>(&reply), bytes.data(), sizeof reply);
  result_ = reply.result;
  if (reply.subscriber != none) subscriber_ = reply.subscriber;
}

void History::step() {
  const std::uint64_t what = chance_.below(100);
  if (what < 30)
    wait();
  else if (what < 46)
    buy();
  else if (what < 53)
    end();
  else if (what < 58)
    change_plan();
  else if (what < 70)
    top_up();
  else if (what < 97)
    charge();
  else
    restart();
  if (failure_.empty()) compare();
}

// Time passes; then nobody touches the account, or the background settles it.
void History::wait() {
  static constexpr std::int64_t longest[] = {90, 7'200, 86'400, 900'000, 3'000'000, 9'000'000};
  seconds_ += chance_.between(1, longest[chance_.below(6)]);
  if (chance_.percent(15)) seconds_ += 3600 - seconds_ % 3600;
  note(say("time ", seconds_));
  Model ahead = *model_;
  ahead.settle(now_s());
  if (chance_.percent(40) || ahead.grants() - model_->grants() > grants_at_once) drain();
}

void History::drain() {
  note("background");
  for (int turns = 0; turns < 100'000; ++turns) {
    shard_->apply_due(Time::from_seconds(seconds_), record_, *outcome_);
    keep_record();
    const auto accounts = slots_of<Account>(PoolId::account);
    const std::uint32_t at = accounts.begin()->second.settle_at;
    if (at != 0 && at <= now_s()) continue;
    model_->settle(now_s());
    return;
  }
  fail("the background never settles the account");
}

void History::buy() {
  OperatorRequest r = on_account(OperatorKind::buy_product);
  r.plan = static_cast<std::uint16_t>(chance_.between(base_plans + 1, plans));
  if (model_->products().size() >= 6) return;
  const rating::Terms& terms = model_->terms(r.plan);
  if (!terms.at_first_use && terms.again == rating::BoughtAgain::add && chance_.percent(25)) {
    r.starts_at = static_cast<std::uint32_t>(seconds_ + chance_.between(-20, 20) * 43'200);
    // Few periods: what was due in them is settled at once.
    if (r.starts_at < now_s())
      for (std::size_t c = 0; c < terms.cycle_count; ++c)
        if (terms.cycles[c].unit == rating::PeriodUnit::hour) r.starts_at = 0;
  }
  note(say("buy ", r.plan, " from ", r.starts_at));
  model_->settle(now_s());
  const Model before = *model_;
  const Bought bought = model_->buy(r.plan, r.starts_at, now_s());
  model_->settle(now_s());
  operate(r);
  const OperatorResult wanted = bought == Bought::ok     ? OperatorResult::ok
                                : bought == Bought::held ? OperatorResult::held
                                                         : OperatorResult::insufficient;
  if (result_ != wanted)
    return fail(
        say("buy_product: ", static_cast<int>(result_), " instead of ", static_cast<int>(wanted)));
  if (bought == Bought::ok) return;
  *model_ = before;
  drain();  // a refusal may leave the account as it was before it was touched
}

void History::end() {
  std::vector<std::uint16_t> numbers;
  for (const auto& [number, p] : model_->products())
    if (model_->terms(p.plan).addon) numbers.push_back(number);
  if (numbers.empty()) return;
  OperatorRequest r = on_account(OperatorKind::end_product);
  const std::uint16_t number = numbers[chance_.below(numbers.size())];
  model_->settle(now_s());
  if (!model_->products().contains(number)) return drain();
  const Product& p = model_->products().at(number);
  r.plan = p.plan;
  r.cursor = number;
  r.flag = chance_.percent(40) && p.state == State::active && p.cycles.size() == 1;
  note(say("end ", number, r.flag ? " with its period" : ""));
  model_->end(number, r.flag, now_s());
  model_->settle(now_s());
  operate(r);
  if (r.flag && result_ == OperatorResult::unchanged) return drain();
  if (result_ != OperatorResult::ok) fail(say("end_product: ", static_cast<int>(result_)));
}

void History::change_plan() {
  OperatorRequest r = on_account(OperatorKind::set_plan);
  r.plan = static_cast<std::uint16_t>(chance_.between(1, base_plans));
  if (r.plan == model_->base()) return;
  note(say("set_plan ", r.plan));
  model_->settle(now_s());
  const Model before = *model_;
  const bool done = model_->set_plan(r.plan, now_s());
  operate(r);
  if (done != (result_ == OperatorResult::ok))
    return fail(say("set_plan: ", static_cast<int>(result_)));
  if (done) return;
  *model_ = before;
  drain();
}

void History::top_up() {
  OperatorRequest r = on_account(OperatorKind::credit);
  r.currency = currency;
  r.amount = chance_.between(1, 60) * 100'000;
  note(say("top up ", r.amount));
  model_->settle(now_s());
  model_->top_up(r.amount, now_s());
  model_->settle(now_s());
  operate(r);
  if (result_ != OperatorResult::ok) fail(say("credit: ", static_cast<int>(result_)));
}

void History::charge() {
  rating::ChargeRequest r;
  r.origin_host = "gw";
  r.origin_realm = "realm";
  r.identity_count = 1;
  r.identities[0] = {rating::IdentityType::imsi, imsi};
  r.mscc_count = 1;
  rating::MsccRequest& m = r.mscc[0];
  m.has_rating_group = true;
  if (open_.empty() ? chance_.percent(80) : chance_.percent(70)) return charge_session(r);
  const std::string id = say("e", ++sessions_);
  r.session_id = id;
  r.type = rating::RequestType::event;
  r.has_requested_action = true;
  m.rating_group = 9;
  m.has_requested = m.requested.has_events = true;
  m.requested.events = chance_.between(1, 3000);
  note(say("event of ", m.requested.events));
  send(r, true);
}

void History::charge_session(rating::ChargeRequest& r) {
  rating::MsccRequest& m = r.mscc[0];
  const bool fresh = open_.empty() || (open_.size() < 3 && chance_.percent(30));
  if (fresh)
    open_.push_back(
        {static_cast<std::uint32_t>(chance_.between(1, 2)), 0, say("s", ++sessions_), 0});
  const std::size_t at = fresh ? open_.size() - 1 : chance_.below(open_.size());
  Open session = open_[at];
  const bool last = !fresh && chance_.percent(30);
  r.type = fresh  ? rating::RequestType::initial
           : last ? rating::RequestType::termination
                  : rating::RequestType::update;
  r.session_id = session.id;
  r.request_number = session.number++;
  m.rating_group = session.group;
  std::string words = say(fresh ? "I " : last ? "T " : "U ", session.id);
  if (!fresh) {
    m.has_used = m.used.has_octets = true;
    m.used.octets = chance_.between(0, session.granted + (chance_.percent(10) ? 500 : 0));
    words += say(" used ", m.used.octets);
  }
  if (!last) {
    m.has_requested = m.requested.has_octets = true;
    m.requested.octets = chance_.between(1, 20) * 500;
    words += say(" asks ", m.requested.octets);
  }
  note(words);
  send(r, !last || (m.has_used && m.used.octets != 0));
  const rating::MsccOutcome& out = outcome_->charge.mscc[0];
  session.granted = last ? 0 : out.granted;
  open_[at] = session;
  const bool lives = shard_->session(outcome_->session).state == SessionState::open;
  if (last || !lives) open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(at));
}

void History::send(const rating::ChargeRequest& r, bool uses) {
  model_->settle(now_s());
  model_->resume(now_s());  // something may have been released since
  uses = uses && !model_->base_suspended();
  std::vector<std::uint16_t> starting;
  const auto used =
      r.type == rating::RequestType::event ? rating::Unit::events : rating::Unit::octets;
  for (const auto& [number, p] : model_->products())
    if (uses && p.state == State::waiting && p.starts_at == 0 && p.after == 0 &&
        model_->can_pay_for(p.plan, used))
      starting.push_back(number);
  model_->first_use(now_s(), starting);
  model_->settle(now_s());
  ChargeContext context;
  context.now = Time::from_seconds(seconds_);
  context.session_hash = hash_bytes(r.session_id, 1);
  context.subscriber = subscriber_;
  context.supersede = false;
  shard_->apply(r, context, record_, *outcome_);
  if (outcome_->reason != rating::Reason::ok)
    note(say("answered ", static_cast<int>(outcome_->reason)));
  keep_record();
}

// A second Shard from the Records, as recovery makes it.
void History::restart() {
  note("restart");
  const std::uint64_t live = shard_->digest();
  shard_ = new_shard();
  for (const auto& bytes : journal_) {
    RecordView view;
    if (!read_record(bytes, view)) return fail("a Record cannot be read");
    if (!for_each_image(view.images, [&](const ImageHeader& h, auto words) {
          return shard_->load_image(h, words);
        }))
      return fail("an image cannot be read");
  }
  shard_->rebuild(Time::from_seconds(seconds_));
  if (shard_->digest() != live) return fail("recovery gives another state");
  OperatorRequest r;
  r.kind = OperatorKind::recovered;
  operate(r);
}

}  // namespace levy::shard::model
