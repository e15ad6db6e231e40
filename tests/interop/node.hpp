// Node: one freeDiameter stack as a gateway: a peer connection to Levy, and messages over it.
// Core: test program. Allocates: yes. Blocks: in every call. Clock: the system's.
//
// freeDiameter keeps one stack per process, so there is one Node. Answers pass freeDiameter's own
// dictionary and rules before they arrive here: one that breaks them is dropped by the library and
// shows up as no answer, with the library's reason on standard error.
#pragma once

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

namespace levy::interop {

struct NodeOptions {
  std::string host = "gateway.test";
  std::string realm = "test";
  std::string peer = "levy.test";         // Levy's Origin-Host
  std::string peer_realm;                 // Destination-Realm of requests; empty = the own realm
  int port = 0;                           // Levy's, on 127.0.0.1; 0 = it connects to us
  int listen = 0;                         // our own port; 0 = none
  int timeout_s = 5;                      // for the connection and for each answer
  std::uint32_t raa_result = 2001;        // 2001 or 2002
};

// One Re-Auth-Request that was answered.
struct ReAuthRequest {
  std::string session_id;
  std::int64_t type = -1;          // Re-Auth-Request-Type
  std::int64_t rating_group = -1;  // -1 = none
};

class Node {
 public:
  // Starts the stack and waits for the open connection; exits the program when there is none.
  static Node& start(const NodeOptions& options);
  // The last call: if the library ends the process in it, then with this exit code.
  void stop(int verdict);
  // Waits until the connection is open; exits the program when it is not in time.
  void wait_open();

  const NodeOptions& options() const { return options_; }

  // Sends `request` (now the stack's) and waits for its answer; null when none came in time.
  msg* send(msg* request);

  // Waits for a Re-Auth-Request of the session; false when none came in time.
  bool wait_reauth(const std::string& session_id, int timeout_s, ReAuthRequest& request);

  static dict_object* find(dict_object_type type, int criterion, const char* name);
  static dict_object* avp_model(const char* name);  // of any vendor

 private:
  static Node& instance();
  static void on_answer(void* exchange, msg** answer);
  static int on_reauth(msg** request, avp* avp, session* session, void* node, disp_action* action);

  NodeOptions options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uintptr_t exchange_ = 0;  // number of the request that send() waits for
  bool answered_ = false;
  msg* answer_ = nullptr;
  std::deque<ReAuthRequest> reauths_;
};

// Stops the program with a message: a broken environment, not a failed expectation.
[[noreturn]] void fail(const std::string& text);
void check_call(int error, const char* what);

// Calls `visit(header, child)` for every AVP below a message or a group. (The library's own macro
// for this, fd_msg_browse, is C only.)
template <class Visit>
void each_child(msg_or_avp* parent, Visit visit) {
  msg_or_avp* child = nullptr;
  check_call(fd_msg_browse_internal(parent, MSG_BRW_FIRST_CHILD, &child, nullptr), "browse");
  while (child != nullptr) {
    avp_hdr* header = nullptr;
    check_call(fd_msg_avp_hdr(static_cast<avp*>(child), &header), "fd_msg_avp_hdr");
    visit(*header, static_cast<avp*>(child));
    check_call(fd_msg_browse_internal(child, MSG_BRW_NEXT, &child, nullptr), "browse");
  }
}

}  // namespace levy::interop
