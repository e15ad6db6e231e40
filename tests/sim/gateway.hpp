// Gateway: a PCEF as real ones behave: several connections, sessions with several MSCC, repeats
// with and without T over any connection, requests ahead of their answers, late and lost answers,
// restarts with a raised Origin-State-Id, every kind of RAA and none.
// Core: the simulator's only thread. Allocates: yes. Blocks: never. Clock: the network's.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/auditor.hpp"
#include "tests/sim/random.hpp"
#include "tests/support/messages.hpp"
#include "tests/support/sim_transport.hpp"

namespace levy::sim {

// What all gateways and operators share.
struct Field {
  struct Subscriber {
    std::string account, imsi;
    bool ready = false;  // its account was confirmed: no answer may say that it is unknown
  };
  test::SimNetwork& network;
  Auditor& auditor;
  Random& random;
  std::vector<Subscriber> subscribers;
  std::vector<Request*> under_way;  // by Hop-by-Hop
  std::int64_t repeat_window = 0;   // micros: no repeat of a request is sent later than this
  std::uint64_t restarts = 0, repeats = 0, rars = 0;
};

class Gateway {
 public:
  Gateway(Field& field, unsigned number);

  // Something that a gateway does; `finishing`: no new sessions, old ones terminate.
  void turn(std::uint32_t listener, bool finishing);
  // Reads what the network still holds for it.
  void drain();
  // Every connection breaks; what was under way is never repeated.
  void hang_up();
  bool finished() const { return sessions_.empty(); }
  // An open session's id, or empty.
  std::string some_session(std::string& account);

 private:
  struct Connection {
    std::unique_ptr<test::SimClient> client;
    std::vector<std::uint8_t> in, out;
    bool open = false;  // capabilities exchanged
  };
  struct Session {
    std::size_t subscriber = 0;
    std::uint32_t number = 0;
    std::string charging_id;
    std::map<std::uint32_t, std::int64_t> granted;  // by Rating-Group in use
    std::vector<Request*> pending;                  // without an answer yet, oldest first
    std::vector<Request*> history;
    bool established = false, closing = false;
  };

  void connect(Connection& connection, std::uint32_t listener);
  void read(Connection& connection);
  void flush(Connection& connection);
  void on_message(Connection& connection, const test::Bytes& message);
  void on_cca(const test::Cca& cca);
  void on_rar(Connection& connection, const test::Bytes& message, const test::Parsed& rar);
  void act(bool finishing);
  void restart();
  void start_session();
  void send_event();
  void step_session(const std::string& id, Session& session, bool finishing);
  void continue_session(const std::string& id, Session& session, bool finishing);
  void add_group(Request& request, Session& session);
  Request base(const std::string& id, std::uint32_t type, std::uint32_t number,
               const Field::Subscriber& subscriber) const;
  std::int64_t some_units(std::uint32_t rating_group, std::int64_t granted);
  void send(Request& request, bool retransmitted);
  void write(Connection& connection, const test::Bytes& bytes);
  Connection* open_connection();

  Field& field_;
  const unsigned number_;
  const std::string host_;
  std::uint32_t origin_state_id_;
  std::uint64_t session_count_ = 0;
  std::vector<Connection> connections_;
  std::map<std::string, Session> sessions_;
  void keep_old(const Session& session);
  bool may_repeat(const Request& request, const Session& session) const;

  std::deque<Request*> old_;  // of sessions that are over: replayed now and then
};

}  // namespace levy::sim
