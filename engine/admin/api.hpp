// AdminServer: the HTTP/JSON API of the daemon, over a Unix socket and, if asked for, TCP.
// Core: admin threads of its own. Allocates: yes. Blocks: yes. Clock: none.
//
// The socket's file has mode 0600: whoever may open it is an operator. Over TCP access.hpp judges
// each request; what does not need credentials is health, and on loopback metrics and status.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/admin/control_door.hpp"
#include "engine/metrics/counters.hpp"

namespace levy::admin {

struct TlsFiles {
  std::string certificate, key;      // PEM, the chain included; empty: plain HTTP
  std::string client_ca;             // PEM; empty: no client certificates
  std::vector<std::string> writers;  // common names in client certificates that may change things
};

struct HttpDoor {
  std::string address = "127.0.0.1";
  int port = 0;  // 0 = no TCP; -1 = any free port
  bool writes = false;
  std::string token_file;  // empty: no tokens
  bool plaintext_tokens = false;
  TlsFiles tls;
};

struct AdminOptions {
  std::string socket_path;  // at most 107 bytes
  HttpDoor http{};
  metrics::CounterBlock* counters = nullptr;  // of the HTTP threads alone; null: nothing is counted
};

class AdminServer {
 public:
  AdminServer(ControlDoor& door, AdminOptions options);
  ~AdminServer();  // stops
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // Listens. Empty, or why not: another daemon answers at the socket, a path that is no socket,
  // faults of the token file, a certificate that does not fit its key, …
  std::string start();
  // Ends traces and imports under way, answers no more, removes the socket's file.
  void stop();
  int http_port() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// What start() would refuse of the files that the options name: for `levyd --check`.
std::string check_files(const HttpDoor& door);

// 127.0.0.0/8 and ::1.
bool is_loopback(const std::string& address);

}  // namespace levy::admin
