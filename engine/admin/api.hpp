// AdminServer: the HTTP/JSON API of the daemon, over a Unix socket and, if asked for, TCP.
// Core: admin threads of its own. Allocates: yes. Blocks: yes. Clock: none.
//
// The socket's file has mode 0600: whoever may open it is an operator. TCP carries no
// authentication, so it serves reads alone unless `http_writes` is set.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/admin/control_door.hpp"

namespace levy::admin {

struct AdminOptions {
  std::string socket_path;                 // at most 107 bytes
  std::string http_address = "127.0.0.1";
  int http_port = 0;                       // 0 = no TCP; -1 = any free port (tests)
  bool http_writes = false;                // TCP serves every route, not only status and metrics
};

class AdminServer {
 public:
  AdminServer(ControlDoor& door, AdminOptions options);
  ~AdminServer();  // stops
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // Listens. Empty, or why not: another daemon answers at the socket, a path that is no socket, …
  std::string start();
  // Ends traces and imports under way, answers no more, removes the socket's file.
  void stop();
  int http_port() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace levy::admin
