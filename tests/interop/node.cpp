// Node: start-up of freeDiameter by a generated configuration, sending, answering a RAR.
// Core: test program. Allocates: yes. Blocks: in every call. Clock: the system's.
#include "tests/interop/node.hpp"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace levy::interop {
namespace {

constexpr std::uint32_t credit_control_application = 4;
constexpr std::uint32_t rating_group_code = 432;
constexpr std::uint32_t reauth_type_code = 285;
constexpr std::uint32_t session_id_code = 263;

std::string octets_of(const avp_hdr& header) {
  const auto& octets = header.avp_value->os;
  return {reinterpret_cast<const char*>(octets.data), octets.len};
}

// No TLS: with SecPort 0 the library asks for no certificate. Whoever connects to us without being
// a ConnectPeer must stand in `white_list`, the file of the extension acl_wl.
std::string configuration(const NodeOptions& options, const std::string& white_list) {
  const std::string extensions = "/usr/lib/freeDiameter/";
  std::string text;
  text += "Identity = \"" + options.host + "\";\nRealm = \"" + options.realm + "\";\n";
  text += "Port = " + std::to_string(options.listen) + ";\nSecPort = 0;\nNo_SCTP;\nNo_IPv6;\n";
  text += "NoRelay;\nTcTimer = 1;\nTwTimer = 6;\n";
  if (options.listen != 0) text += "ListenOn = \"127.0.0.1\";\n";
  for (const char* name : {"dict_nasreq", "dict_dcca", "dict_dcca_3gpp"}) {
    text += "LoadExtension = \"" + extensions + name + ".fdx\";\n";
  }
  if (options.port == 0) {
    text += "LoadExtension = \"" + extensions + "acl_wl.fdx\" : \"" + white_list + "\";\n";
    return text;
  }
  text += "ConnectPeer = \"" + options.peer + "\" { No_TLS; ConnectTo = \"127.0.0.1\"; port = " +
          std::to_string(options.port) + "; };\n";
  return text;
}

std::string write_file(const char* name, const std::string& text) {
  const char* folder = std::getenv("TMPDIR");
  std::string path = std::string(folder != nullptr ? folder : "/tmp") + "/gateway." + name + "." +
                     std::to_string(getpid());
  FILE* file = std::fopen(path.c_str(), "wx");
  if (file == nullptr || std::fputs(text.c_str(), file) < 0 || std::fclose(file) != 0) {
    fail("cannot write " + path);
  }
  return path;
}

// Standard output is the gateway's account; the library speaks on standard error.
void log_to_stderr(int level, const char* format, va_list arguments) {
  if (level < fd_g_debug_lvl) return;
  std::fputs("freeDiameter: ", stderr);
  std::vfprintf(stderr, format, arguments);
  std::fputc('\n', stderr);
}

}  // namespace

void fail(const std::string& text) {
  std::fflush(stdout);
  std::fprintf(stderr, "gateway: %s\n", text.c_str());
  std::_Exit(2);
}

void check_call(int error, const char* what) {
  if (error != 0) fail(std::string(what) + ": " + std::strerror(error));
}

dict_object* Node::find(dict_object_type type, int criterion, const char* name) {
  dict_object* object = nullptr;
  check_call(fd_dict_search(fd_g_config->cnf_dict, type, criterion, name, &object, ENOENT), name);
  return object;
}

dict_object* Node::avp_model(const char* name) {
  return find(DICT_AVP, AVP_BY_NAME_ALL_VENDORS, name);
}

Node& Node::instance() {
  static Node node;
  return node;
}

Node& Node::start(const NodeOptions& options) {
  Node& node = instance();
  node.options_ = options;
  if (node.options_.peer_realm.empty()) node.options_.peer_realm = options.realm;

  fd_g_debug_lvl = FD_LOG_ERROR;
  check_call(fd_log_handler_register(log_to_stderr), "fd_log_handler_register");
  check_call(fd_core_initialize(), "fd_core_initialize");
  const std::string white_list = write_file("acl", "ALLOW_IPSEC " + options.peer + "\n");
  const std::string path = write_file("conf", configuration(options, white_list));
  const int error = fd_core_parseconf(path.c_str());
  std::remove(path.c_str());
  std::remove(white_list.c_str());
  check_call(error, "fd_core_parseconf");

  application_id_t id = credit_control_application;
  dict_object* application = nullptr;
  check_call(fd_dict_search(fd_g_config->cnf_dict, DICT_APPLICATION, APPLICATION_BY_ID, &id,
                            &application, ENOENT),
             "credit control application");
  check_call(fd_disp_app_support(application, nullptr, 1, 0), "fd_disp_app_support");
  disp_when when{};
  when.command = find(DICT_COMMAND, CMD_BY_NAME, "Re-Auth-Request");
  check_call(fd_disp_register(on_reauth, DISP_HOW_CC, &when, &node, nullptr), "fd_disp_register");

  check_call(fd_core_start(), "fd_core_start");
  check_call(fd_core_waitstartcomplete(), "fd_core_waitstartcomplete");
  node.wait_open();
  return node;
}

void Node::wait_open() {
  peer_hdr* peer = nullptr;
  DiamId_t identity = options_.peer.data();
  for (int turn = 0; turn < options_.timeout_s * 100; ++turn) {
    if (peer == nullptr) fd_peer_getbyid(identity, options_.peer.size(), 0, &peer);
    if (peer != nullptr && fd_peer_get_state(peer) == STATE_OPEN) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  fail("no open connection to " + options_.peer + " on port " + std::to_string(options_.port));
}

// libfdproto 1.2.1 gives the readers of a queue that is deleted 20 turns to leave (fd_fifo_del); on
// a busy machine that is too short and its assertion ends the process, when all has been judged.
void Node::stop(int verdict) {
  static volatile std::sig_atomic_t known = 0;
  known = verdict;
  std::signal(SIGABRT, [](int) { std::_Exit(known); });
  fd_core_shutdown();
  fd_core_wait_shutdown_complete();
}

// The library calls nobody back when an answer breaks its rules, so the wait has its own bound.
msg* Node::send(msg* request) {
  std::unique_lock lock(mutex_);
  const std::uintptr_t number = ++exchange_;
  answered_ = false;
  lock.unlock();
  check_call(fd_msg_send(&request, on_answer, reinterpret_cast<void*>(number)), "fd_msg_send");
  lock.lock();
  changed_.wait_for(lock, std::chrono::seconds(options_.timeout_s), [this] { return answered_; });
  ++exchange_;  // what comes later is nobody's
  return answered_ ? answer_ : nullptr;
}

void Node::on_answer(void* exchange, msg** answer) {
  Node& node = instance();
  const std::lock_guard lock(node.mutex_);
  if (reinterpret_cast<std::uintptr_t>(exchange) != node.exchange_) {
    fd_msg_free(*answer);
    *answer = nullptr;
    return;
  }
  node.answer_ = *answer;
  *answer = nullptr;
  node.answered_ = true;
  node.changed_.notify_all();
}

// Called by the library for every Re-Auth-Request that passed its rules.
int Node::on_reauth(msg** request, avp* /*avp*/, session* /*session*/, void* node,
                    disp_action* /*action*/) {
  auto& self = *static_cast<Node*>(node);
  ReAuthRequest seen;
  each_child(*request, [&](const avp_hdr& header, auto*) {
    if (header.avp_vendor != 0 || header.avp_value == nullptr) return;
    if (header.avp_code == session_id_code) seen.session_id = octets_of(header);
    if (header.avp_code == reauth_type_code) seen.type = header.avp_value->i32;
    if (header.avp_code == rating_group_code) seen.rating_group = header.avp_value->u32;
  });
  check_call(fd_msg_new_answer_from_req(fd_g_config->cnf_dict, request, 0), "new answer");
  const bool limited = self.options_.raa_result == 2002;
  char success[] = "DIAMETER_SUCCESS";
  char limited_success[] = "DIAMETER_LIMITED_SUCCESS";
  check_call(fd_msg_rescode_set(*request, limited ? limited_success : success, nullptr, nullptr, 1),
             "fd_msg_rescode_set");
  check_call(fd_msg_send(request, nullptr, nullptr), "fd_msg_send");
  const std::lock_guard lock(self.mutex_);
  self.reauths_.push_back(seen);
  self.changed_.notify_all();
  return 0;
}

bool Node::wait_reauth(const std::string& session_id, int timeout_s, ReAuthRequest& request) {
  std::unique_lock lock(mutex_);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(timeout_s);
  while (true) {
    for (auto it = reauths_.begin(); it != reauths_.end(); ++it) {
      if (it->session_id != session_id) continue;
      request = *it;
      reauths_.erase(it);
      return true;
    }
    if (changed_.wait_until(lock, deadline) == std::cv_status::timeout) return false;
  }
}

}  // namespace levy::interop
