// Gateway: connections, sessions and their repeats.
// Core: the simulator's only thread. Allocates: yes. Blocks: never. Clock: the network's.
#include "tests/sim/gateway.hpp"

#include <algorithm>

namespace levy::sim {

using test::Bytes;
using test::Mscc;
using test::Units;

namespace {

constexpr std::size_t sessions_max = 6;
constexpr std::int64_t settle_time = 20'000'000;  // micros
constexpr const char* realm = "example.org";

Units units_of(std::uint32_t rating_group, std::int64_t amount) {
  const auto n = static_cast<std::uint64_t>(amount);
  const auto rate = rates(1).find(rating_group);
  const Counts counts = rate == rates(1).end() ? Counts::octets : rate->second.counts;
  if (counts == Counts::seconds) return Units::time(static_cast<std::uint32_t>(amount));
  if (counts == Counts::events) return Units::event(n);
  return n % 3 == 0 ? Units::in_out(n / 3, n - n / 3) : Units::octets(n);
}

}  // namespace

Gateway::Gateway(Field& field, unsigned number)
    : field_(field),
      number_(number),
      host_("gw" + std::to_string(number) + "." + realm),
      origin_state_id_(100),
      connections_(1 + field.random.below(3)) {}

void Gateway::turn(std::uint32_t listener, bool finishing) {
  Random& random = field_.random;
  for (Connection& c : connections_) {
    if (!c.client && random.percent(60)) connect(c, listener);
    if (!c.client) continue;
    read(c);
    flush(c);
  }
  if (!finishing && random.one_in(1500)) return restart();
  for (std::uint64_t n = 1 + random.below(3); n > 0; --n) act(finishing);
}

void Gateway::drain() {
  for (Connection& c : connections_) {
    if (c.client) read(c);
  }
}

void Gateway::hang_up() {
  for (Connection& c : connections_) {
    if (c.client) c.client->reset();
    c = Connection{};
  }
  for (auto& [id, session] : sessions_) session.pending.clear();
  std::erase_if(sessions_, [](const auto& s) { return !s.second.established || s.second.closing; });
}

// The process dies and comes back: it knows none of its sessions any more.
void Gateway::restart() {
  hang_up();
  sessions_.clear();
  old_.clear();
  ++origin_state_id_;
  ++field_.restarts;
}

std::string Gateway::some_session(std::string& account) {
  if (sessions_.empty()) return {};
  auto at = sessions_.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(field_.random.below(sessions_.size())));
  account = field_.subscribers[at->second.subscriber].account;
  return at->first;
}

// ---- connections -----------------------------------------------------------------------------

void Gateway::connect(Connection& c, std::uint32_t listener) {
  c.client = std::make_unique<test::SimClient>(field_.network);
  if (!c.client->connect(listener)) {
    c = Connection{};
    return;
  }
  test::Cer cer;
  cer.origin_host = host_;
  cer.origin_realm = realm;
  cer.origin_state_id = origin_state_id_;
  write(c, cer.bytes());
}

void Gateway::write(Connection& c, const Bytes& bytes) {
  c.out.insert(c.out.end(), bytes.begin(), bytes.end());
  flush(c);
}

void Gateway::flush(Connection& c) {
  if (!c.client || c.out.empty()) return;
  const std::ptrdiff_t taken = c.client->send(c.out);
  if (taken < 0) c.out.clear();  // the next read sees the end
  else c.out.erase(c.out.begin(), c.out.begin() + taken);
}

void Gateway::read(Connection& c) {
  const bool alive = c.client->receive(c.in);
  std::size_t at = 0;
  while (c.client && c.in.size() - at >= 20) {
    const std::size_t size = static_cast<std::size_t>(c.in[at + 1]) << 16 |
                             static_cast<std::size_t>(c.in[at + 2]) << 8 | c.in[at + 3];
    require(size >= 20 && size <= 65536, "bytes from levyd that are no message");
    if (c.in.size() - at < size) break;
    const Bytes message(c.in.begin() + static_cast<std::ptrdiff_t>(at),
                        c.in.begin() + static_cast<std::ptrdiff_t>(at + size));
    at += size;
    on_message(c, message);
  }
  if (c.client) c.in.erase(c.in.begin(), c.in.begin() + static_cast<std::ptrdiff_t>(at));
  if (!alive) c = Connection{};
}

void Gateway::on_message(Connection& c, const Bytes& message) {
  const test::Parsed parsed = test::parse(message);
  if (parsed.command == 257) {
    require(parsed.result_code() == 2001, "CEA " + std::to_string(parsed.result_code()));
    c.open = true;
  } else if (parsed.command == 280 && parsed.request()) {
    write(c, test::dwa(message, host_, realm));
  } else if (parsed.command == 282 && parsed.request()) {
    write(c, test::dpa(message, host_, realm));
    c.client->close();
    c = Connection{};
  } else if (parsed.command == 258 && parsed.request()) {
    on_rar(c, message, parsed);
  } else if (parsed.command == 272) {
    on_cca(test::parse_cca(message));
  }
}

Gateway::Connection* Gateway::open_connection() {
  const std::size_t first = field_.random.below(connections_.size());
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    Connection& c = connections_[(first + i) % connections_.size()];
    if (c.open && c.client) return &c;
  }
  return nullptr;
}

// ---- answers ---------------------------------------------------------------------------------

void Gateway::on_cca(const test::Cca& cca) {
  require(cca.hop_by_hop != 0 && cca.hop_by_hop <= field_.under_way.size(),
          "an answer to a request that nobody sent");
  Request& request = *field_.under_way[cca.hop_by_hop - 1];
  field_.auditor.on_answer(request, cca);
  const auto found = sessions_.find(request.session);
  if (found == sessions_.end()) return;
  Session& session = found->second;
  if (cca.result_code == 3004 || cca.result_code == 5012) return;  // it is sent again, or given up
  std::erase(session.pending, &request);
  if (cca.result_code != 2001 || request.type == 3) {
    keep_old(session);
    sessions_.erase(found);
    return;
  }
  session.established = true;
  bool denied = false;
  for (const test::MsccAnswer& m : cca.msccs) {
    denied |= m.result_code == 4012;
    const std::int64_t granted = m.octets    ? static_cast<std::int64_t>(*m.octets)
                                 : m.seconds ? std::int64_t{*m.seconds}
                                             : 0;
    session.granted[*m.rating_group] = granted;
  }
  if (denied && field_.random.percent(30)) session.closing = true;
}

void Gateway::on_rar(Connection& c, const Bytes& message, const test::Parsed& rar) {
  ++field_.rars;
  require(rar.find(263) != nullptr, "a RAR without Session-Id");
  const std::string id = rar.find(263)->text();
  const bool known = sessions_.contains(id);
  const std::uint64_t how = field_.random.below(10);
  if (how == 0) return;  // silence
  std::uint32_t code = how < 5 ? 2001 : how < 7 ? 2002 : how == 7 ? 3002 : how == 8 ? 5012 : 5002;
  if (!known) code = 5002;
  if (code == 5002) sessions_.erase(id);
  write(c, test::raa(message, id, host_, realm, code));
}

// Of a session that is over either the first interrogation is replayed or what followed it: once
// its tombstone is given up, the first opens another session, and later usage would be that one's.
void Gateway::keep_old(const Session& session) {
  const bool first = field_.random.percent(40);
  for (Request* r : session.history) {
    r->over_at = field_.network.now().micros;
    if ((r->type == 1) == first) old_.push_back(r);
  }
  while (old_.size() > 12) old_.pop_front();
}

// A first interrogation is repeated only until its session has gone on, for the same reason.
bool Gateway::may_repeat(const Request& request, const Session& session) const {
  const std::int64_t age = field_.network.now().micros - request.first_sent;
  return request.times_sent != 0 && age < field_.repeat_window &&
         (request.type != 1 || session.history.size() == 1);
}

// ---- requests --------------------------------------------------------------------------------

Request Gateway::base(const std::string& id, std::uint32_t type, std::uint32_t number,
                      const Field::Subscriber& subscriber) const {
  Request r;
  r.session = id;
  r.type = type;
  r.number = number;
  r.account = subscriber.account;
  r.imsi = subscriber.imsi;
  r.host = host_;
  r.origin_state_id = origin_state_id_;
  return r;
}

void Gateway::send(Request& request, bool retransmitted) {
  Connection* c = open_connection();
  if (c == nullptr) return;
  if (request.times_sent++ == 0) request.first_sent = field_.network.now().micros;
  else ++field_.repeats;
  test::Ccr ccr = request.type == 1   ? test::Ccr::initial(request.session, request.number)
                  : request.type == 2 ? test::Ccr::update(request.session, request.number)
                  : request.type == 3 ? test::Ccr::termination(request.session, request.number)
                                      : test::Ccr::event(request.session, 0, request.number);
  ccr.from(host_, realm);
  ccr.destination_realm = realm;
  ccr.origin_state_id = request.origin_state_id;
  const bool first = request.type == 1 || request.type == 4;
  if (first || field_.random.percent(70)) ccr.imsi(request.imsi);
  if (request.type == 3) ccr.termination_cause = 1;
  if (!request.charging_id.empty()) {
    ccr.apn("internet");
    ccr.charging_id.assign(request.charging_id.begin(), request.charging_id.end());
  }
  for (const Request::Row& row : request.rows) {
    Mscc m(row.rating_group);
    if (row.asked == 0) m.rsu(Units{});
    else if (row.asked > 0) m.rsu(units_of(row.rating_group, row.asked));
    if (row.used >= 0) {
      const std::int64_t half = row.used / 2;
      if (row.used > 10 && row.used % 5 == 0) {  // two reports of one group are summed
        m.usu(units_of(row.rating_group, half));
        m.usu(units_of(row.rating_group, row.used - half));
      } else {
        m.usu(units_of(row.rating_group, row.used));
      }
    }
    ccr.mscc(m);
  }
  if (retransmitted) ccr.retransmitted();
  field_.under_way.push_back(&request);
  ccr.hop(static_cast<std::uint32_t>(field_.under_way.size()));
  ccr.end(static_cast<std::uint32_t>(field_.random.next()));
  write(*c, ccr.bytes());
}

void Gateway::act(bool finishing) {
  Random& random = field_.random;
  const std::uint64_t what = random.below(100);
  if (!finishing && what < 20 && sessions_.size() < sessions_max) return start_session();
  if (!finishing && what < 25) return send_event();
  if (what < 30 && !old_.empty()) {
    Request* old = old_[random.below(old_.size())];
    // A first interrogation is never repeated for so long that its tombstone may be gone in its
    // time; nor at once, while other requests of its session may still be on their way.
    const std::int64_t age = field_.network.now().micros - old->first_sent;
    if (age > field_.repeat_window && old->type != 3) return;
    const std::int64_t over = field_.network.now().micros - old->over_at;
    if (over < settle_time && old->type == 1) return;
    return send(*old, random.percent(50));
  }
  if (sessions_.empty()) return;
  auto at = sessions_.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(random.below(sessions_.size())));
  const std::string id = at->first;
  step_session(id, at->second, finishing);
}

void Gateway::start_session() {
  Random& random = field_.random;
  const std::size_t who = random.below(field_.subscribers.size());
  if (!field_.subscribers[who].ready || open_connection() == nullptr) return;
  std::string id = host_ + ";" + std::to_string(++session_count_);
  if (random.one_in(8)) id += ";" + std::string(100, 'x');  // longer than a Session holds in place
  Request request = base(id, 1, static_cast<std::uint32_t>(random.below(2)),
                         field_.subscribers[who]);
  Session& session = sessions_[id];
  session.subscriber = who;
  session.number = request.number;
  if (random.one_in(3)) request.charging_id = "CH0" + std::to_string(random.below(3));
  session.charging_id = request.charging_id;
  for (std::uint64_t n = 1 + random.below(3); n > 0; --n) add_group(request, session);
  Request& kept = field_.auditor.ask(std::move(request));
  session.pending.push_back(&kept);
  session.history.push_back(&kept);
  send(kept, false);
}

void Gateway::send_event() {
  Random& random = field_.random;
  const std::size_t who = random.below(field_.subscribers.size());
  if (!field_.subscribers[who].ready || open_connection() == nullptr) return;
  Request request = base(host_ + ";event;" + std::to_string(++session_count_), 4, 0,
                         field_.subscribers[who]);
  request.rows.push_back(
      {event_rating_group, not_sent, static_cast<std::int64_t>(random.between(1, 3))});
  Request& kept = field_.auditor.ask(std::move(request));
  send(kept, false);
  if (random.percent(30)) send(kept, random.percent(50));
  old_.push_back(&kept);
}

// Units to ask for: none, the server's choice, or a number.
std::int64_t Gateway::some_units(std::uint32_t rating_group, std::int64_t granted) {
  Random& random = field_.random;
  const std::uint64_t how = random.below(10);
  if (how == 0) return not_sent;
  if (how < 5) return 0;
  const bool seconds = rating_group == 30;
  const auto most =
      static_cast<std::uint64_t>(std::max<std::int64_t>(granted, seconds ? 60 : 20'000));
  return static_cast<std::int64_t>(random.between(1, 2 * most));
}

void Gateway::add_group(Request& request, Session& session) {
  static constexpr std::uint32_t groups[] = {10, 20, 30, 40, 60, unknown_rating_group};
  Random& random = field_.random;
  const std::uint32_t group = groups[random.percent(90) ? random.below(4) : random.below(6)];
  for (const Request::Row& row : request.rows) {
    if (row.rating_group == group) return;
  }
  session.granted.try_emplace(group, 0);
  request.rows.push_back({group, not_sent, some_units(group, 0)});
}

void Gateway::step_session(const std::string& id, Session& session, bool finishing) {
  Random& random = field_.random;
  if (!session.pending.empty()) {
    Request& request = *session.pending[random.below(session.pending.size())];
    const std::int64_t age = field_.network.now().micros - request.first_sent;
    if (request.times_sent != 0 && (age > field_.repeat_window || request.times_sent > 30)) {
      sessions_.erase(id);  // given up; what levyd has of it ends by Tcc
      return;
    }
    if (random.percent(request.times_sent == 0 ? 100 : 15)) send(request, random.percent(60));
    // Now and then a request overtakes the answer of the one before.
    if (session.pending.size() > 1 || !session.established || !random.percent(4)) return;
  } else if (random.percent(6)) {
    Request& old = *session.history[random.below(session.history.size())];
    if (may_repeat(old, session)) return send(old, random.percent(50));
  }
  if (!session.established || session.closing || open_connection() == nullptr) return;
  continue_session(id, session, finishing);
}

void Gateway::continue_session(const std::string& id, Session& session, bool finishing) {
  Random& random = field_.random;
  const bool last = finishing || random.percent(12);
  const std::uint32_t step = random.one_in(10) ? 2 : 1;  // gaps in the numbers are legal
  Request request = base(id, last ? 3 : 2, session.number += step,
                         field_.subscribers[session.subscriber]);
  request.charging_id = session.charging_id;
  for (const auto& [group, granted] : session.granted) {
    if (!last && random.percent(30)) continue;
    Request::Row row{group, not_sent, last ? not_sent : some_units(group, granted)};
    const std::uint64_t how = random.below(10);
    const auto most = static_cast<std::uint64_t>(std::max<std::int64_t>(granted, 1));
    if (how < 5) row.used = granted;
    else if (how < 8) row.used = static_cast<std::int64_t>(random.below(most + 1));
    else if (how == 8) row.used = granted + static_cast<std::int64_t>(random.below(most / 2 + 20));
    request.rows.push_back(row);
  }
  if (!last && random.percent(15)) add_group(request, session);
  if (request.rows.empty()) add_group(request, session);
  if (last) {
    for (Request::Row& row : request.rows) row.asked = not_sent;
    session.closing = true;
  }
  Request& kept = field_.auditor.ask(std::move(request));
  session.pending.push_back(&kept);
  session.history.push_back(&kept);
  if (session.history.size() > 12) session.history.erase(session.history.begin());
  // A later request may arrive first: then this one waits for its own repeat.
  if (!random.percent(3)) send(kept, false);
}

}  // namespace levy::sim
