// The servers behind the admin API (see api.hpp): who asks is judged, what is asked is looked up in
// the table of routes, and nothing else is answered.
// Core: admin threads of its own. Allocates: yes. Blocks: yes. Clock: steady, for bounds.
#include "engine/admin/api.hpp"

#include <arpa/inet.h>
#include <httplib.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "engine/admin/guarded.hpp"
#include "engine/admin/routes.hpp"
#include "engine/admin/socket_file.hpp"
#include "engine/admin/streams.hpp"
#include "engine/admin/tls.hpp"

namespace levy::admin {

namespace {

using httplib::ContentReader;
using httplib::Request;
using httplib::Response;
using metrics::Counter;

constexpr std::size_t body_bytes_max = 1 << 20;  // of every route but the import
constexpr std::chrono::seconds body_patience{60};
constexpr std::size_t body_bytes_drained = 64 << 20;  // read and dropped, so that a refusal
constexpr std::chrono::seconds drain_patience{30};    // arrives
constexpr std::size_t threads = 16;                   // an import and a trace hold one each
constexpr std::size_t local_waiting_max = 32, tcp_waiting_max = 16;  // connections beyond those
constexpr int read_timeout_seconds = 120;             // a pause within an import's body
constexpr int tcp_read_timeout_seconds = 30;          // the same over TCP: anybody may connect

bool has_body(const Request& request) {
  return request.has_header("Transfer-Encoding") ||
         (request.has_header("Content-Length") &&
          request.get_header_value("Content-Length") != "0");
}

// What the library would take for a body that it is not; the connection ends after the answer.
std::optional<Answer> head_fault(const Request& request, bool with_reader) {
  const auto fault = [](std::string_view detail) {
    return error_answer(400, "bad_request", "the request is malformed: " + std::string(detail));
  };
  const std::string length = request.get_header_value("Content-Length");
  if (request.get_header_value_count("Content-Length") > 1 ||
      !std::all_of(length.begin(), length.end(), [](char c) { return c >= '0' && c <= '9'; }) ||
      length.size() > 18 || (length.empty() && request.has_header("Content-Length"))) {
    return fault("Content-Length");
  }
  if (request.has_header("Transfer-Encoding")) {
    if (request.has_header("Content-Length")) return fault("both a length and chunks");
    const std::string coding = request.get_header_value("Transfer-Encoding");
    if (coding != "chunked" || request.get_header_value_count("Transfer-Encoding") > 1)
      return fault("Transfer-Encoding");
  }
  if (!with_reader && has_body(request)) return fault("a " + request.method + " has no body");
  if (request.is_multipart_form_data())
    return error_answer(415, "bad_request", "a multipart body", "send the JSON itself");
  return std::nullopt;
}

// Reads and drops, so that whoever is sending gets to see the answer.
void drain(const ContentReader& reader) {
  std::size_t bytes = 0;
  const auto until = std::chrono::steady_clock::now() + drain_patience;
  reader([&](const char*, std::size_t size) {
    bytes += size;
    return bytes <= body_bytes_drained && std::chrono::steady_clock::now() < until;
  });
}

// Or the refusal: too long, or broken off.
std::optional<Answer> read_body(const ContentReader& reader, std::string& body) {
  std::size_t bytes = 0;
  const auto until = std::chrono::steady_clock::now() + body_patience;
  const bool whole = reader([&](const char* part, std::size_t size) {
    bytes += size;
    if (bytes <= body_bytes_max) body.append(part, size);
    return bytes <= body_bytes_drained && std::chrono::steady_clock::now() < until;
  });
  if (bytes > body_bytes_max) {
    return error_answer(413, "too_large", "the body is longer than 1 MiB",
                        "many subscribers: POST /v1/import");
  }
  if (!whole) return error_answer(400, "bad_request", "the body broke off, or took too long");
  return std::nullopt;
}

std::optional<Answer> query_fault(const Route& route, const Request& request) {
  if (route.access == Access::open || route.access == Access::monitor) return std::nullopt;
  const std::string known = " " + std::string(route.query) + " ";
  for (const auto& [key, text] : request.params) {
    const bool is_known = key.find(' ') == key.npos && known.find(" " + key + " ") != known.npos;
    if (is_known && request.params.count(key) == 1) continue;
    return error_answer(
        400, "bad_request",
        (is_known ? "more than one parameter \"" : "unknown parameter \"") + key + "\"",
        route.query.empty() ? "none is known here" : route.query);
  }
  return std::nullopt;
}

Answer unknown_route(const Request& request, const std::string& allowed) {
  return error_answer(
      404, "unknown_route", request.method + " " + request.target,
      allowed.empty() ? "GET /v1/openapi.yaml lists the routes" : "this path takes " + allowed);
}

// One listener.
struct Door {
  DoorRules rules;
  std::unique_ptr<httplib::Server> server;
  std::thread thread;
};

}  // namespace

struct AdminServer::Parts {
  Parts(ControlDoor& the_door, AdminOptions the_options)
      : control(the_door),
        options(std::move(the_options)),
        operations(the_door),
        tokens(options.http.token_file),
        tls(options.http.tls),
        streams(the_door, operations, progress) {}

  ControlDoor& control;
  const AdminOptions options;
  Operations operations;
  ImportProgress progress;
  TokenBook tokens;
  TlsBook tls;
  Streams streams;
  std::mutex counters_mutex;
  Door local, tcp;
  int port = 0;

  void set_up(Door& door);
  std::string listen_local();
  std::string listen_tcp();
  void serve(const Door& door, const Request& request, Response& response,
             const ContentReader* reader);
  void run(const Route& route, Call& call, const Request& request, Response& response,
           const ContentReader* reader);
  Verdict judged(const Door& door, const Route& route, const Request& request) const;
  void refuse(Response& response, const Answer& answer, Counter reason);
  void count(Counter reason);
  std::function<void(Lost)> lost_counter();
};

void AdminServer::Parts::count(Counter reason) {
  if (options.counters == nullptr) return;
  const std::lock_guard lock(counters_mutex);
  options.counters->add(reason);
}

std::function<void(Lost)> AdminServer::Parts::lost_counter() {
  return [this](Lost why) {
    count(why == Lost::handshake ? Counter::http_refused_handshake
                                 : Counter::http_refused_malformed);
  };
}

void AdminServer::Parts::refuse(Response& response, const Answer& answer, Counter reason) {
  if (answer.status == 401) response.set_header("WWW-Authenticate", "Bearer realm=\"levyd\"");
  send(response, answer);
  count(reason);
}

Verdict AdminServer::Parts::judged(const Door& door, const Route& route,
                                   const Request& request) const {
  Shown shown;
  for (std::size_t i = 0; i < request.get_header_value_count("Authorization"); ++i)
    shown.authorization.push_back(request.get_header_value("Authorization", i));
  shown.certificate = certificate_name(request);
  return judge(door.rules, tokens.current().get(), shown, route.access);
}

void AdminServer::Parts::serve(const Door& door, const Request& request, Response& response,
                               const ContentReader* reader) {
  if (const auto fault = head_fault(request, reader != nullptr))
    return refuse(response, *fault, Counter::http_refused_malformed);
  const bool body = reader != nullptr && has_body(request);
  Call call;
  std::string allowed;
  const Route* route = find_route(request.method, request.target, call.name, allowed);
  if (route == nullptr) {
    std::string dropped;
    const auto fault = body ? read_body(*reader, dropped) : std::nullopt;
    return send(response, fault ? *fault : unknown_route(request, allowed));
  }
  const Verdict verdict = judged(door, *route, request);
  if (verdict.answer) {
    if (body) drain(*reader);
    return refuse(response, *verdict.answer,
                  verdict.refused == Refused::no_credentials ? Counter::http_refused_no_credentials
                  : verdict.refused == Refused::bad_credentials
                      ? Counter::http_refused_bad_credentials
                      : Counter::http_refused_forbidden);
  }
  call.caller = verdict.caller;
  call.query = request.params;
  run(*route, call, request, response, body ? reader : nullptr);
}

void AdminServer::Parts::run(const Route& route, Call& call, const Request& request,
                             Response& response, const ContentReader* reader) {
  auto fault = query_fault(route, request);
  if (!fault && !route.at_once && !control.ready())
    fault = error_answer(503, "busy", "the daemon is not ready", "GET /readyz says when");
  if (!fault && route.stream == Stream::import) {
    const bool taken = streams.import(call, request, response, reader);
    if (!taken && reader != nullptr) drain(*reader);
  } else {
    if (fault && reader != nullptr) drain(*reader);
    if (!fault && reader != nullptr) fault = read_body(*reader, call.body);
    if (fault) return send(response, *fault);
    if (route.stream == Stream::trace) return streams.trace(call, response);
    Api api{control, operations, progress, tokens, tls};
    send(response, route.act(api, call));
  }
  if (response.status == 403) refuse(response, {403, response.body}, Counter::http_refused_who);
}

void AdminServer::Parts::set_up(Door& door) {
  httplib::Server& server = *door.server;
  const std::size_t waiting = door.rules.local ? local_waiting_max : tcp_waiting_max;
  server.new_task_queue = [waiting] { return new BoundedPool(threads, waiting); };
  server.set_read_timeout(door.rules.local ? read_timeout_seconds : tcp_read_timeout_seconds);
  server.set_tcp_nodelay(true);
  server.set_default_headers({{"Cache-Control", "no-store"}});
  // Without SO_REUSEPORT, which is the library's default: a port in use must be noticed.
  server.set_socket_options([](socket_t socket) {
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  server.set_error_handler([this](const Request& request, Response& response) {
    if (!response.body.empty()) return;
    if (response.status == 404) return send(response, unknown_route(request, ""));
    refuse(response, error_answer(response.status, "bad_request", "the request is malformed"),
           Counter::http_refused_malformed);
  });
  server.set_exception_handler([](const Request&, Response& response, std::exception_ptr error) {
    std::string what = "unknown";
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      what = e.what();
    } catch (...) {
    }
    send(response, error_answer(500, "internal", what));
  });
  // Every request comes here; the table of routes says what is answered.
  const auto plain = [this, &door](const Request& request, Response& response) {
    serve(door, request, response, nullptr);
  };
  const auto with_body = [this, &door](const Request& request, Response& response,
                                       const ContentReader& reader) {
    serve(door, request, response, &reader);
  };
  server.Get(path_of_all, plain);
  server.Options(path_of_all, plain);
  server.Post(path_of_all, with_body);
  server.Put(path_of_all, with_body);
  server.Patch(path_of_all, with_body);
  server.Delete(path_of_all, with_body);
}

std::string AdminServer::Parts::listen_local() {
  if (std::string why = claim_socket_file(options.socket_path); !why.empty()) return why;
  local.rules.local = true;
  local.server = std::make_unique<Guarded>([] { return TlsContext{}; }, lost_counter());
  set_up(local);
  local.server->set_address_family(AF_UNIX);
  const bool bound =
      with_private_mask([&] { return local.server->bind_to_port(options.socket_path, 80); });
  return bound ? "" : "cannot listen at " + options.socket_path + ": " + last_error_text();
}

std::string AdminServer::Parts::listen_tcp() {
  const HttpDoor& http = options.http;
  tcp.rules = {.loopback = is_loopback(http.address),
               .writes = http.writes,
               .certificates = !http.tls.client_ca.empty(),
               .writers = http.tls.writers};
  if (!tcp.rules.loopback && http.token_file.empty() && http.tls.client_ca.empty())
    return "admin.http.address " + http.address + " needs token_file or tls.client_ca";
  if (!tcp.rules.loopback && !http.token_file.empty() && http.tls.certificate.empty() &&
      !http.plaintext_tokens)
    return "admin.http.address " + http.address + ": tokens need TLS, or plaintext_tokens: true";
  std::shared_ptr<const TokenTable> table;
  if (std::string faults = tokens.read(table); !faults.empty()) return faults;
  tokens.take(std::move(table));
  TlsContext context;
  if (std::string why = tls.read(context); !why.empty()) return why;
  tls.take(std::move(context));
  tcp.server = std::make_unique<Guarded>([this] { return tls.current(); }, lost_counter());
  set_up(tcp);
  if (http.port < 0) {
    port = tcp.server->bind_to_any_port(http.address);
  } else if (tcp.server->bind_to_port(http.address, http.port)) {
    port = http.port;
  }
  if (port > 0) return {};
  return "cannot listen at " + http.address + ":" + std::to_string(http.port) + ": " +
         last_error_text();
}

AdminServer::AdminServer(ControlDoor& door, AdminOptions options)
    : parts_(std::make_unique<Parts>(door, std::move(options))) {}

AdminServer::~AdminServer() { stop(); }

int AdminServer::http_port() const { return parts_->port; }

std::string AdminServer::start() {
  Parts& p = *parts_;
  if (std::string why = p.listen_local(); !why.empty()) return why;
  if (p.options.http.port != 0) {
    if (std::string why = p.listen_tcp(); !why.empty()) {
      remove_socket_file(p.options.socket_path);
      return why;
    }
    p.tcp.thread = std::thread([&p] { p.tcp.server->listen_after_bind(); });
  }
  p.local.thread = std::thread([&p] { p.local.server->listen_after_bind(); });
  return {};
}

void AdminServer::stop() {
  Parts& p = *parts_;
  p.streams.stop();
  const bool listening = p.local.thread.joinable();
  for (Door* door : {&p.local, &p.tcp}) {
    if (!door->thread.joinable()) continue;
    // stop() does nothing before the loop runs.
    for (int i = 0; i < 1000 && !door->server->is_running(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    door->server->stop();
    door->thread.join();
  }
  if (listening) remove_socket_file(p.options.socket_path);
}

std::string check_files(const HttpDoor& door) {
  TokenTable table;
  std::string why = door.token_file.empty() ? "" : TokenTable::read(door.token_file, table);
  TlsContext context;
  const std::string tls = TlsBook(door.tls).read(context);
  return why + tls + (tls.empty() ? "" : "\n");
}

bool is_loopback(const std::string& address) {
  in_addr four{};
  if (::inet_pton(AF_INET, address.c_str(), &four) == 1) return ntohl(four.s_addr) >> 24 == 127;
  in6_addr six{};
  return ::inet_pton(AF_INET6, address.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

}  // namespace levy::admin
