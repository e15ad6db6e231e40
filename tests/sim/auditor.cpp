// Auditor: what was asked and answered, and the Records in their order.
// Core: the simulator's only thread. Allocates: yes. Blocks: never. Clock: none.
#include "tests/sim/auditor.hpp"

#include <algorithm>

namespace levy::sim {

using shard::OperatorKind;
using shard::RecordKind;

namespace {

std::string key_of(const std::string& session, std::uint32_t type, std::uint32_t number) {
  return session + "/" + std::to_string(type) + "/" + std::to_string(number);
}
std::string key_of(const Request& r) { return key_of(r.session, r.type, r.number); }

std::uint32_t code_of(int reason) {
  switch (static_cast<rating::Reason>(reason)) {
    case rating::Reason::ok: return 2001;
    case rating::Reason::no_credit: return 4012;
    case rating::Reason::denied: return 4010;
    case rating::Reason::rating_failed: return 5031;
    default: return 5012;
  }
}

std::int64_t granted_of(const test::MsccAnswer& m) {
  if (m.octets) return static_cast<std::int64_t>(*m.octets);
  if (m.seconds) return *m.seconds;
  return m.events ? static_cast<std::int64_t>(*m.events) : 0;
}

}  // namespace

// ---- asked and answered ----------------------------------------------------------------------

Request& Auditor::ask(Request request) {
  requests_.push_back(std::move(request));
  Request& kept = requests_.back();
  require(by_key_.emplace(key_of(kept), &kept).second, "the simulator asked one key twice");
  return kept;
}

std::size_t Auditor::begin_operation(const Operation& operation) {
  operations_.push_back(operation);
  return operations_.size() - 1;
}

void Auditor::on_answer(Request& request, const test::Cca& cca) {
  const std::string key = key_of(request);
  ++answers_;
  ++seen_["answered " + std::to_string(cca.result_code)];
  mix(cca.result_code);
  for (const test::MsccAnswer& m : cca.msccs)
    mix(m.result_code + static_cast<std::uint64_t>(granted_of(m)));
  require(cca.error || (cca.type == request.type && cca.number == request.number &&
                        cca.session_id == request.session),
          key + ": the answer names another request");
  if (cca.result_code == 2001) {
    require(cca.msccs.size() == request.rows.size(), key + ": answer with other MSCCs");
    // Also after a 5002: answers overtake each other, and between two copies of a request the
    // tombstone may have gone. That the charge came first, the Records must say.
    if (!request.answer) {
      request.answer = cca;
      to_check_.push_back(&request);
      return;
    }
    if (request.answer->msccs != cca.msccs) {
      // A first interrogation may have opened a second session: the Records tell.
      require(request.type == 1, key + ": a repeat was answered otherwise");
      request.other_answers.push_back(cca);
      to_check_.push_back(&request);
      return;
    }
    ++repeats_;
    ++seen_["repeat answered"];
    return;
  }
  if (cca.result_code == 5002) {
    require(request.type == 2 || request.type == 3, key + ": 5002 to a first interrogation");
    if (!request.late && !request.answer) to_check_.push_back(&request);
    request.late = request.late || !request.answer;
    return;
  }
  // Overload, a full pool, or a known repeat whose verdict is gone: nothing is promised.
  require(cca.result_code == 3004 || cca.result_code == 5012,
          key + ": answered " + std::to_string(cca.result_code));
  request.refused = true;
}

// The answer is what one of the request's Records says; the second of a first interrogation's only
// where its session was given up.
void Auditor::check_answered_as_recorded(const Request& request) {
  std::vector<const test::Cca*> answers{&*request.answer};
  for (const test::Cca& other : request.other_answers) answers.push_back(&other);
  for (const test::Cca* answer : answers) {
    std::string fault = difference(request, *answer, request.recorded);
    for (const auto& before : request.recorded_before) {
      if (!fault.empty()) fault = difference(request, *answer, before);
    }
    require(fault.empty(), key_of(request) + ": " + fault);
  }
}

// How an answer differs from what was recorded of its request; empty: it does not.
std::string Auditor::difference(const Request& request, const test::Cca& answer,
                                const std::vector<Request::Row4>& recorded) {
  for (std::size_t i = 0; i < request.rows.size(); ++i) {
    const auto& [reason, granted, sent, final] = recorded[i];
    const test::MsccAnswer& m = answer.msccs[i];
    if (m.rating_group != request.rows[i].rating_group) return "MSCCs in another order";
    if (m.result_code != code_of(reason)) return "answered another code than recorded";
    if (m.granted != sent || (sent && granted_of(m) != granted) ||
        m.final_action.has_value() != final)
      return "answered another grant than recorded";
  }
  return {};
}

void Auditor::check_answered() {
  for (const Request* request : to_check_) {
    const std::string key = key_of(*request);
    if (!request->answer) {
      const bool used = std::any_of(request->rows.begin(), request->rows.end(),
                                    [](const Request::Row& r) { return r.used >= 0; });
      require(!used || request->instance != 0 || request->recorded.size() == 1,
              key + ": answered 5002, but the usage is not in the recovered journal");
      continue;
    }
    require(request->instance != 0,
            key + ": answered, but its Record is not in the recovered journal");
    check_answered_as_recorded(*request);
  }
  to_check_.clear();
  for (const std::size_t number : confirmed_)
    require(operations_[number].records >= 1,
            "operation " + std::to_string(number) + " on " + operations_[number].account +
                ": confirmed, but not in the recovered journal");
  confirmed_.clear();
}

// ---- Records ---------------------------------------------------------------------------------

void Auditor::on_record(Lsn lsn, const shard::RecordView& record) {
  const shard::RecordHeader& h = record.header;
  require(lsn.value == audited_ + 1, "the recovered journal has a gap");
  audited_ = lsn.value;
  require(h.sequence == ++sequence_[h.shard], "a Shard's sequence has a gap or a repeat");
  mix(h.sequence ^ static_cast<std::uint64_t>(h.time_micros));
  note(h);
  apply_movements(record);
  on_given_up(record);
  on_products(record);
  switch (h.kind) {
    case RecordKind::charge: on_charge(record); break;
    case RecordKind::late_usage: on_late(record); break;
    case RecordKind::dispute: on_dispute(record); break;
    case RecordKind::session_lost: end_instance(h, false); break;
    case RecordKind::tombstone_gone: end_instance(h, true); break;
    case RecordKind::push_answer:
      if ((h.events & shard::event_session_lost) != 0) end_instance(h, false);
      break;
    case RecordKind::operator_change: on_operator(record); break;
    case RecordKind::recovered:
    case RecordKind::settled:
    case RecordKind::sweep: break;
    case RecordKind::superseded:
    case RecordKind::none: throw Violation("a Record of a kind that is never written");
  }
}

void Auditor::note(const shard::RecordHeader& h) {
  static constexpr const char* kinds[] = {"none", "charge", "late usage", "dispute", "session lost",
                                          "tombstone gone", "superseded", "operator change",
                                          "push answer", "recovered", "sweep", "settled"};
  ++seen_[kinds[static_cast<std::size_t>(h.kind)]];
  if ((h.events & shard::event_superseded) != 0) ++seen_["superseding"];
  if ((h.events & shard::event_out_of_order) != 0) ++seen_["older number"];
  if ((h.events & shard::event_origin_state_raised) != 0) ++seen_["raised Origin-State-Id"];
  if (h.kind == RecordKind::push_answer && (h.events & shard::event_session_lost) != 0)
    ++seen_["RAA 5002"];
  if (h.kind == RecordKind::operator_change)
    ++seen_["operator kind " + std::to_string(static_cast<int>(h.operator_kind))];
}

void Auditor::apply_movements(const shard::RecordView& record) {
  using rating::MovementKind;
  for (const rating::Movement& m : record.movements) {
    require(m.amount > 0, "a movement of nothing");
    rating::Bucket& b = moved_[{record.header.shard, m.bucket}];
    switch (m.kind) {
      case MovementKind::credit: b.credits += m.amount; break;
      case MovementKind::expire: b.credits -= m.amount; break;
      case MovementKind::spend: b.spent += m.amount; break;
      case MovementKind::write_off: b.written_off += m.amount; break;
      case MovementKind::reserve: b.reserved += m.amount; break;
      case MovementKind::release: b.reserved -= m.amount; break;
      case MovementKind::send: b.in_transit += m.amount; break;
      case MovementKind::arrive:
        b.in_transit -= m.amount;
        b.credits -= m.amount;
        break;
      case MovementKind::come_back: b.in_transit -= m.amount; break;
    }
  }
}

Request* Auditor::find_request(const std::string& session, std::uint32_t type,
                               std::uint32_t number) {
  const auto found = by_key_.find(key_of(session, type, number));
  return found == by_key_.end() ? nullptr : found->second;
}

Book& Auditor::book_at(const shard::RecordHeader& h) {
  const auto found = account_at_.find({h.shard, h.account});
  require(found != account_at_.end(), "a Record of an account that nobody made");
  return books_.at(found->second);
}

Auditor::Instance& Auditor::open_instance(const shard::RecordView& record) {
  const shard::RecordHeader& h = record.header;
  const Place place{h.shard, h.session};
  const std::string session(record.session_id);
  require(!instances_.contains(place), session + ": opened in a slot that another session has");
  const Request* request =
      find_request(session, static_cast<std::uint32_t>(h.request_type), h.request_number);
  require(request != nullptr, session + ": a session that nobody opened");
  require(request->type == 1 || request->type == 4, session + ": opened by an update");
  for (const auto& [other, instance] : instances_)
    require(instance.session != session, session + ": opened while it is still known");
  Instance& fresh = instances_[place];
  fresh.number = ++instances_made_;
  fresh.session = session;
  fresh.account = request->account;
  fresh.imsi = request->imsi;
  fresh.host = request->host;
  fresh.charging_id = request->charging_id;
  fresh.type = request->type;
  fresh.open = request->type == 1;
  return fresh;
}

// The same subscriber and charging id under a new Session-Id: the gateway has forgotten the old.
void Auditor::supersede(const Instance& fresh) {
  Instance* old = nullptr;
  for (auto& [place, instance] : instances_) {
    if (&instance == &fresh || !instance.open || instance.imsi != fresh.imsi ||
        instance.charging_id.empty() || instance.charging_id != fresh.charging_id)
      continue;
    if (old == nullptr || instance.number > old->number) old = &instance;
  }
  require(old != nullptr, fresh.session + ": superseded a session that is not there");
  lose(*old);
}

// Each group in the order of its opening: what the tariff assumes of a grant that nobody reported
// is charged, the rest comes back.
void Auditor::lose(Instance& instance) {
  Book& book = books_.at(instance.account);
  std::map<std::size_t, std::uint32_t> order;
  for (const auto& [group, share] : instance.shares) order[share.place] = group;
  for (const auto& [place, group] : order) {
    Share& share = instance.shares[group];
    if (share.standing) {
      const Rate& rate = rates(share.version).at(group);
      const std::int64_t used = rate.lost == lost_reserved ? share.granted : rate.lost;
      Expected unreported;
      if (used > 0) debit(book, share, rate, used, unreported);
      instance.loss_charged = instance.loss_charged || used > 0;
    }
    release(book, share);
  }
  if (instance.loss_charged) ++seen_["loss charged"];
  instance.shares.clear();
  instance.open = false;
}

// Ended sessions that made room; the slot of one may be the new session's in the same Record.
void Auditor::on_given_up(const shard::RecordView& record) {
  const shard::RecordHeader& h = record.header;
  const bool said = (h.events & shard::event_tombstones_given_up) != 0;
  require(said == !record.given_up.empty(), "sessions given up without saying so");
  for (const Slot slot : record.given_up) {
    const auto found = instances_.find({h.shard, slot});
    require(found != instances_.end(), "a session was given up that is not there");
    const Instance& gone = found->second;
    require(!gone.open, gone.session + ": given up though it is open");
    require(gone.type != 4, gone.session + ": an event was given up");
    require(slot != h.session || (h.events & shard::event_session_opened) != 0,
            gone.session + ": given up by its own request");
    instances_.erase(found);
    ++seen_["tombstone given up"];
  }
}

// Usage that nothing is debited for: of a session that is not known, or whose loss was charged.
void Auditor::on_dispute(const shard::RecordView& record) {
  const shard::RecordHeader& h = record.header;
  Request* request = find_request(std::string(record.session_id),
                                  static_cast<std::uint32_t>(h.request_type), h.request_number);
  require(request != nullptr, "a dispute that nobody had");
  require(record.movements.empty(), key_of(*request) + ": a dispute moved money");
  require(request->type != 1, key_of(*request) + ": a dispute of a first interrogation");
  if (request->recorded.empty()) request->recorded.emplace_back(0, 0, false, false);
  request->disputed = true;
  for (const auto& [place, instance] : instances_) {
    if (instance.session != request->session) continue;
    require(!instance.open && instance.loss_charged,
            key_of(*request) + ": a dispute though the session is known");
    ++seen_["dispute of a charged loss"];
  }
}

void Auditor::on_charge(const shard::RecordView& record) {
  const shard::RecordHeader& h = record.header;
  const bool opens = (h.events & shard::event_session_opened) != 0;
  if (!opens)
    require(instances_.contains({h.shard, h.session}), "a charge of a session that is not there");
  Instance& instance = opens ? open_instance(record) : instances_.at({h.shard, h.session});
  Request* request = find_request(instance.session, static_cast<std::uint32_t>(h.request_type),
                                  h.request_number);
  require(request != nullptr, instance.session + ": a charge that nobody asked for");
  const std::string key = key_of(*request);
  require(request->instance != instance.number, key + ": charged twice");
  require(request->instance == 0 || request->type == 1,
          key + ": charged again under a new session");
  require(instance.open || instance.type == 4, key + ": charged after the session's end");
  require(&book_at(h) == &books_.at(request->account), key + ": charged to another account");
  require(!request->disputed, key + ": charged after it was a dispute");
  if (request->instance != 0) ++seen_["opened again"];
  request->instance = instance.number;
  if ((h.events & shard::event_superseded) != 0) supersede(instance);
  const std::uint16_t version = version_[h.shard];
  require(h.plan_version == version, key + ": rated under another plan version");
  compare(record, *request, work_out(instance, book_at(h), *request, version));
  ++recorded_;
  if (request->type != 3) return;
  for (auto& [group, share] : instance.shares) release(book_at(h), share);
  instance.shares.clear();
  instance.open = false;
}

void Auditor::compare(const shard::RecordView& record, Request& request,
                      const std::vector<Expected>& expected) {
  const std::string key = key_of(request);
  require(record.mscc.size() == expected.size(), key + ": recorded with other MSCCs");
  if (request.type == 1 && !request.recorded.empty())
    request.recorded_before.push_back(std::move(request.recorded));
  request.recorded.clear();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const shard::MsccFact& fact = record.mscc[i];
    const Expected& e = expected[i];
    const std::string row = key + " RG " + std::to_string(request.rows[i].rating_group) + ": ";
    const auto same = [&row](const char* what, std::int64_t recorded, std::int64_t naive) {
      require(recorded == naive, row + what + " is " + std::to_string(recorded) +
                                     ", the naive ledger says " + std::to_string(naive));
    };
    const bool sent = (fact.flags & rating::outcome_granted) != 0;
    const bool final = (fact.flags & rating::outcome_final) != 0;
    ++seen_["MSCC " + std::to_string(code_of(static_cast<int>(fact.reason)))];
    if (sent) ++seen_[final ? "final grant" : "grant"];
    if (fact.used_by_buckets != 0) ++seen_["paid by a unit bucket"];
    require(fact.rating_group == request.rows[i].rating_group, row + "another group is recorded");
    same("used", fact.used, e.used);
    same("used_by_buckets", fact.used_by_buckets, e.by_bucket);
    same("charged", fact.charged, e.charged);
    same("reason", static_cast<int>(fact.reason), static_cast<int>(e.reason));
    same("a grant", sent, e.sent);
    if (sent) same("granted", fact.granted, e.granted);
    same("final", final, e.final);
    request.recorded.emplace_back(static_cast<int>(fact.reason), fact.granted, sent, final);
    charged_ += fact.charged;
    mix(static_cast<std::uint64_t>(fact.charged + fact.granted));
  }
}

// Usage after the session's end: debited once as a session of its own, nothing granted.
void Auditor::on_late(const shard::RecordView& record) {
  const shard::RecordHeader& h = record.header;
  const auto found = instances_.find({h.shard, h.session});
  require(found != instances_.end(), "late usage of a session that is not there");
  Request* request = find_request(found->second.session,
                                  static_cast<std::uint32_t>(h.request_type), h.request_number);
  require(request != nullptr, found->second.session + ": late usage that nobody reported");
  const std::string key = key_of(*request);
  require(!found->second.open, key + ": late, but the session is open");
  require(!found->second.loss_charged, key + ": late usage charged beside its session's loss");
  require(request->instance == 0, key + ": late usage charged twice");
  require(!request->disputed, key + ": late usage charged after it was a dispute");
  request->instance = found->second.number;
  require(record.mscc.size() == request->rows.size(), key + ": recorded with other MSCCs");
  const RateTable& table = rates(version_[h.shard]);
  for (std::size_t i = 0; i < request->rows.size(); ++i) {
    const Request::Row& row = request->rows[i];
    Expected e;
    Share alone;
    if (row.used > 0) {
      if (table.contains(row.rating_group))
        debit(book_at(h), alone, table.at(row.rating_group), row.used, e);
      else e.used = row.used;
    }
    require(record.mscc[i].used == e.used && record.mscc[i].charged == e.charged,
            key + ": late usage charged otherwise");
    charged_ += e.charged;
  }
  ++recorded_;
}

void Auditor::end_instance(const shard::RecordHeader& h, bool gone) {
  const auto found = instances_.find({h.shard, h.session});
  require(found != instances_.end(), "the end of a session that is not there");
  Instance& instance = found->second;
  require(instance.open != gone, instance.session + ": ended in the wrong state");
  if (gone)
    instances_.erase(found);
  else
    lose(instance);
}

// ---- operators -------------------------------------------------------------------------------

void Auditor::on_operator(const shard::RecordView& record) {
  const shard::RecordHeader& h = record.header;
  const std::string why(record.text.substr(record.text.find('\n') + 1));
  switch (h.operator_kind) {
    case OperatorKind::switch_plan:
      require(why.size() == 6 && why.starts_with("plan "), "a plan switch that nobody asked for");
      version_[h.shard] = static_cast<std::uint16_t>(why[5] - '0');
      return;
    case OperatorKind::host_restarted:
    case OperatorKind::transfer_forget: return;
    case OperatorKind::transfer_in:
    case OperatorKind::transfer_close: return on_mail(record);
    default: break;
  }
  require(why.starts_with("op "), "an operator's change without a reason");
  on_operation(std::stoul(why.substr(3)), record);
}

void Auditor::on_operation(std::size_t number, const shard::RecordView& record) {
  const shard::RecordHeader& h = record.header;
  require(number < operations_.size(), "a change that nobody asked for");
  Operation& op = operations_[number];
  const std::string name = "operation " + std::to_string(number) + " on " + op.account;
  ++op.records;
  const bool keyed = op.kind != OperationKind::status && op.kind != OperationKind::reauthorize &&
                     op.kind != OperationKind::set_plan;
  require(!keyed || op.records == 1, name + ": done twice");
  if (op.kind == OperationKind::create) {
    require(!books_.contains(op.account), name + ": made twice");
    Book& book = books_[op.account];
    book.shard = h.shard;
    book.slot = h.account;
    book.wallet.credits = op.amount;
    account_at_[{h.shard, h.account}] = op.account;
    return;
  }
  Book& book = book_at(h);
  require(&book == &books_.at(op.account), name + ": done to another account");
  switch (op.kind) {
    case OperationKind::credit_wallet: book.wallet.credits += op.amount; return;
    case OperationKind::credit_octets:
      book.has_octets = true;
      book.octets.credits += op.amount;
      return;
    case OperationKind::status: book.active = op.status == shard::AccountStatus::active; return;
    case OperationKind::transfer:
      book.wallet.in_transit += op.amount;
      mails_.push_back({op.account, op.to_account, op.amount, false});
      return;
    case OperationKind::abort: end_instance(h, false); return;
    case OperationKind::buy:  // its facts say what it cost: on_products()
    case OperationKind::end_product:
    case OperationKind::set_plan:
    case OperationKind::reauthorize:
    case OperationKind::create: return;
  }
}

void Auditor::on_mail(const shard::RecordView& record) {
  const shard::RecordHeader& h = record.header;
  const bool arrives = h.operator_kind == OperatorKind::transfer_in;
  const auto name = account_at_.find({h.shard, h.account});
  require(name != account_at_.end() && !record.movements.empty(), "mail of nobody");
  const rating::Movement& moved = record.movements.back();  // what fell due comes before
  const std::int64_t amount = moved.amount;
  const auto mail = std::find_if(mails_.begin(), mails_.end(), [&](const Mail& m) {
    return m.amount == amount && (arrives ? m.to : m.from) == name->second;
  });
  require(mail != mails_.end(), "money arrived that nobody sent");
  Book& book = books_.at(name->second);
  if (arrives) {
    require(!mail->delivered, "money between Shards arrived twice");
    mail->delivered = true;
    book.wallet.credits += amount;
    return;
  }
  book.wallet.in_transit -= amount;
  const bool back = moved.kind == rating::MovementKind::come_back;
  ++seen_[back ? "mail came back" : "mail arrived"];
  require(back != mail->delivered, "money came back though it had arrived, or went nowhere");
  if (!back) book.wallet.credits -= amount;
  mails_.erase(mail);
}

}  // namespace levy::sim
