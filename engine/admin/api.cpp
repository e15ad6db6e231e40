// Routes of the admin API (see api.hpp): each is one operation, or one read of the door.
// Core: admin threads of its own. Allocates: yes. Blocks: yes. Clock: steady, for traces.
#include "engine/admin/api.hpp"

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "engine/admin/amount.hpp"
#include "engine/admin/import.hpp"
#include "engine/admin/operations.hpp"
#include "engine/admin/socket_file.hpp"
#include "engine/admin/trace.hpp"

namespace levy::admin {

namespace {

using httplib::ContentReader;
using httplib::Request;
using httplib::Response;

constexpr std::size_t body_bytes_max = 1 << 20;        // of every route but the import
constexpr std::size_t body_bytes_drained = 64 << 20;   // read and dropped, so that 413 arrives
constexpr std::size_t threads = 16;                    // an import and a trace hold one each
constexpr int read_timeout_seconds = 120;              // a pause within an import's body

void send(Response& response, const Answer& answer) {
  response.status = answer.status;
  response.set_content(answer.body, "application/json");
}

// false: too long or broken off; the response says so.
bool read_body(const ContentReader& reader, Response& response, std::string& body) {
  std::size_t bytes = 0;
  const bool whole = reader([&](const char* part, std::size_t size) {
    bytes += size;
    if (bytes <= body_bytes_max) body.append(part, size);
    return bytes <= body_bytes_drained;
  });
  if (bytes > body_bytes_max) {
    send(response, error_answer(413, "too_large", "the body is longer than 1 MiB",
                                "many subscribers: POST /v1/import"));
    return false;
  }
  if (!whole) send(response, error_answer(400, "bad_request", "the body broke off"));
  return whole;
}

void unknown_route(const Request& request, Response& response) {
  send(response, error_answer(404, "unknown_route", request.method + " " + request.path,
                              "engine/admin/README.md lists the routes"));
}

}  // namespace

struct AdminServer::Parts {
  Parts(ControlDoor& the_door, AdminOptions the_options)
      : door(the_door), options(std::move(the_options)), operations(the_door) {}

  ControlDoor& door;
  const AdminOptions options;
  Operations operations;
  ImportProgress progress;
  std::atomic<bool> stopping{false};
  std::atomic<bool> tracing{false};
  httplib::Server local, tcp;
  std::thread local_thread, tcp_thread;
  int port = 0;

  using BodyHandler = std::function<Answer(const Request&, const std::string& body)>;

  void set_up(httplib::Server& server);
  void reads(httplib::Server& server);
  void subscriber_routes(httplib::Server& server);
  void other_routes(httplib::Server& server);
  void post(httplib::Server& server, const std::string& pattern, BodyHandler handler);
  // false: the response says that the daemon is not ready.
  bool is_ready(Response& response);
  void run_import(const Request& request, Response& response, const ContentReader& reader);
  std::optional<Answer> import_options(const Request& request, ImportOptions& import_options);
  void run_trace(const Request& request, Response& response);
};

bool AdminServer::Parts::is_ready(Response& response) {
  if (door.ready()) return true;
  send(response, error_answer(503, "busy", "the daemon is not ready", "GET /readyz says when"));
  return false;
}

void AdminServer::Parts::set_up(httplib::Server& server) {
  server.new_task_queue = [] { return new httplib::ThreadPool(threads); };
  server.set_read_timeout(read_timeout_seconds);
  server.set_keep_alive_timeout(2);
  server.set_tcp_nodelay(true);
  // Without SO_REUSEPORT, which is the library's default: a port in use must be noticed.
  server.set_socket_options([](socket_t socket) {
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  server.set_error_handler([](const Request& request, Response& response) {
    if (!response.body.empty()) return;
    if (response.status == 404) return unknown_route(request, response);
    send(response, error_answer(response.status, "bad_request", "the request is malformed"));
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
}

void AdminServer::Parts::reads(httplib::Server& server) {
  server.Get("/healthz", [](const Request&, Response& r) { r.set_content("ok\n", "text/plain"); });
  server.Get("/readyz", [this](const Request&, Response& r) {
    const bool ready = door.ready();
    r.status = ready ? 200 : 503;
    r.set_content(ready ? "ready\n" : "not ready\n", "text/plain");
  });
  server.Get("/metrics", [this](const Request&, Response& r) {
    r.set_content(door.metrics_text(), "text/plain; version=0.0.4");
  });
  server.Get("/v1/status", [this](const Request&, Response& r) {
    r.set_content(door.status_json(), "application/json");
  });
}

void AdminServer::Parts::post(httplib::Server& server, const std::string& pattern,
                              BodyHandler handler) {
  server.Post(pattern, [this, act = std::move(handler)](const Request& request, Response& response,
                                                        const ContentReader& reader) {
    std::string body;
    if (read_body(reader, response, body) && is_ready(response)) {
      send(response, act(request, body));
    }
  });
}

void AdminServer::Parts::subscriber_routes(httplib::Server& server) {
  const std::string one = "/v1/subscribers/(.+)";
  server.Get(one + "/sessions", [this](const Request& request, Response& response) {
    if (is_ready(response)) send(response, operations.sessions(request.matches[1].str()));
  });
  server.Get(one, [this](const Request& request, Response& response) {
    if (is_ready(response)) send(response, operations.show(request.matches[1].str()));
  });
  // Looks one up: identities are hashed in the directory, so there is no list to walk.
  server.Get("/v1/subscribers", [this](const Request& request, Response& response) {
    if (!is_ready(response)) return;
    for (const char* type : {"account", "imsi", "e164", "nai", "private"}) {
      if (!request.has_param(type)) continue;
      return send(response,
                  operations.show(std::string(type) + ":" + request.get_param_value(type)));
    }
    if (request.has_param("sip"))
      return send(response, operations.show(request.get_param_value("sip")));
    send(response, error_answer(400, "bad_request", "say which subscriber",
                                "?imsi=…, ?e164=…, ?account=…, ?sip=…, ?nai=… or ?private=…"));
  });
  post(server, "/v1/subscribers",
       [this](const Request&, const std::string& body) { return operations.create(body); });
  const auto on_one = [&](const std::string& action, auto&& act) {
    post(server, one + action, [this, act](const Request& request, const std::string& body) {
      return act(operations, request.matches[1].str(), body);
    });
  };
  on_one("/topup", [](Operations& o, const std::string& id, const std::string& body) {
    return o.credit(id, body);
  });
  on_one("/adjust", [](Operations& o, const std::string& id, const std::string& body) {
    return o.adjust(id, body);
  });
  on_one("/status", [](Operations& o, const std::string& id, const std::string& body) {
    return o.set_status(id, body);
  });
  on_one("/plan", [](Operations& o, const std::string& id, const std::string& body) {
    return o.set_plan(id, body);
  });
  on_one("/buy", [](Operations& o, const std::string& id, const std::string& body) {
    return o.buy(id, body);
  });
  on_one("/end", [](Operations& o, const std::string& id, const std::string& body) {
    return o.end(id, body);
  });
  on_one("/credit-limit", [](Operations& o, const std::string& id, const std::string& body) {
    return o.set_credit_limit(id, body);
  });
  on_one("/counter", [](Operations& o, const std::string& id, const std::string& body) {
    return o.set_counter(id, body);
  });
  on_one("/validity", [](Operations& o, const std::string& id, const std::string& body) {
    return o.set_validity(id, body);
  });
  on_one("/swap-sim", [](Operations& o, const std::string& id, const std::string& body) {
    return o.change_identity(id, body, rating::IdentityType::imsi, "new_imsi");
  });
  on_one("/change-number", [](Operations& o, const std::string& id, const std::string& body) {
    return o.change_identity(id, body, rating::IdentityType::e164, "new_e164");
  });
  server.Delete(one,
                [this](const Request& request, Response& response, const ContentReader& reader) {
                  std::string body;
                  if (read_body(reader, response, body) && is_ready(response)) {
                    send(response, operations.remove(request.matches[1].str()));
                  }
                });
}

void AdminServer::Parts::other_routes(httplib::Server& server) {
  post(server, "/v1/transfer",
       [this](const Request&, const std::string& body) { return operations.transfer(body); });
  post(server, "/v1/sessions/reauthorize",
       [this](const Request&, const std::string& body) { return operations.reauthorize(body); });
  post(server, "/v1/sessions/abort",
       [this](const Request&, const std::string& body) { return operations.abort_session(body); });
  post(server, "/v1/reload", [this](const Request&, const std::string&) {
    const std::string faults = door.reload();
    if (faults.empty()) return operations.plan_versions();
    return error_answer(422, "invalid", faults, "the plans in force have not changed");
  });
  server.Get("/v1/plan-versions", [this](const Request&, Response& response) {
    if (is_ready(response)) send(response, operations.plan_versions());
  });
  server.Get("/v1/audit", [this](const Request&, Response& response) {
    if (is_ready(response)) send(response, operations.audit());
  });
  server.Get("/v1/import", [this](const Request&, Response& response) {
    send(response, {200, Import::progress_json(progress)});
  });
  server.Post("/v1/import", [this](const Request& request, Response& response,
                                   const ContentReader& reader) {
    run_import(request, response, reader);
  });
  server.Post("/v1/trace/(.+)", [this](const Request& request, Response& response,
                                       const ContentReader& reader) {
    std::string body;
    if (read_body(reader, response, body) && is_ready(response)) run_trace(request, response);
  });
}

std::optional<Answer> AdminServer::Parts::import_options(const Request& request,
                                                         ImportOptions& import) {
  const auto value = [&](const char* key) { return request.get_param_value(key); };
  for (const auto& [key, text] : request.params) {
    if (key != "format" && key != "currency" && key != "on_error" && key != "set_balance") {
      return error_answer(400, "bad_request", "unknown parameter \"" + key + "\"",
                          "format, currency, on_error, set_balance");
    }
  }
  const std::string format = request.has_param("format") ? value("format") : "csv";
  const std::string on_error = request.has_param("on_error") ? value("on_error") : "skip";
  const std::string set_balance = request.has_param("set_balance") ? value("set_balance") : "0";
  if (format != "csv" && format != "ndjson") {
    return error_answer(400, "bad_request", "format is csv or ndjson");
  }
  if (on_error != "skip" && on_error != "stop") {
    return error_answer(400, "bad_request", "on_error is skip or stop");
  }
  if (set_balance != "0" && set_balance != "1") {
    return error_answer(400, "bad_request", "set_balance is 0 or 1");
  }
  import.json_lines = format == "ndjson";
  import.stop_on_error = on_error == "stop";
  import.set_balance = set_balance == "1";
  if (request.has_param("currency")) {
    import.currency = currency_number(value("currency"));
    if (import.currency == 0) return error_answer(400, "bad_request", "no such currency");
  }
  // Without either nobody can tell the end of the body from a connection that broke.
  if (!request.has_header("Content-Length") && !request.has_header("Transfer-Encoding")) {
    return error_answer(411, "bad_request", "the body has no length",
                        "send Content-Length or Transfer-Encoding: chunked");
  }
  return std::nullopt;
}

void AdminServer::Parts::run_import(const Request& request, Response& response,
                                    const ContentReader& reader) {
  ImportOptions import_choice;
  if (!is_ready(response)) return;
  if (const auto fault = import_options(request, import_choice)) return send(response, *fault);
  const std::unique_lock lock(operations.identity_mutex(), Operations::identity_patience);
  if (!lock.owns_lock()) {
    return send(response,
                error_answer(503, "busy", "an import or a change of identities is running",
                             "GET /v1/import shows how far it is"));
  }
  Import import(door, import_choice, progress);
  // After a stop the rest is read and dropped, so that the summary arrives.
  bool going = true;
  const bool whole = reader([&](const char* part, std::size_t size) {
    if (going) going = import.feed({part, size});
    return !stopping.load();
  });
  import.finish(whole);
  if (!import.refusal().empty()) {
    return send(response, error_answer(422, "invalid", import.refusal(),
                                       "the first line of CSV names the columns"));
  }
  send(response, {import.stopped() ? 422 : 200, import.summary_json()});
}

void AdminServer::Parts::run_trace(const Request& request, Response& response) {
  const std::string id = request.matches[1].str();
  std::uint64_t seconds = 0, count = 0;  // 0 = no end
  for (const auto& [key, text] : request.params) {
    std::uint64_t* into = key == "seconds" ? &seconds : key == "count" ? &count : nullptr;
    if (into == nullptr || !parse_number(text, 1'000'000'000, *into).empty()) {
      return send(response, error_answer(400, "bad_request", "parameter \"" + key + "\"",
                                         "seconds=N and count=N"));
    }
  }
  const auto target = find_target(door, id);
  if (!target) return send(response, unknown_target(id));
  if (tracing.exchange(true)) {
    return send(response, error_answer(409, "busy", "another trace is running", "end it first"));
  }
  const auto queue = std::make_shared<TraceQueue>();
  const Answer marked = operations.trace_mark(*target, true);
  const bool started = marked.ok() && door.trace(operations.subscribers_of(*target),
                                                 [queue](const ControlDoor::TraceItem& item) {
                                                   return queue->put(item);
                                                 });
  if (!started) {
    if (marked.ok()) operations.trace_mark(*target, false);
    tracing = false;
    return send(response, marked.ok() ? error_answer(503, "busy", "no trace can start") : marked);
  }
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::seconds(seconds);
  const auto sent = std::make_shared<std::uint64_t>(0);
  response.set_chunked_content_provider(
      "application/x-ndjson",
      [this, queue, sent, seconds, deadline, count](std::size_t, httplib::DataSink& sink) {
        const bool over = stopping || (seconds > 0 && Clock::now() >= deadline) ||
                          (count > 0 && *sent >= count);
        if (over) {
          sink.done();
          return true;
        }
        std::string line = queue->next(std::chrono::milliseconds(200));
        if (line.empty()) line = "\n";  // tells a reader who is gone from one who waits
        else ++*sent;
        return sink.write(line.data(), line.size());
      },
      [this, queue, where = *target](bool) {
        queue->end();
        door.trace({}, nullptr);
        operations.trace_mark(where, false);
        tracing = false;
      });
}

AdminServer::AdminServer(ControlDoor& door, AdminOptions options)
    : parts_(std::make_unique<Parts>(door, std::move(options))) {}

AdminServer::~AdminServer() { stop(); }

int AdminServer::http_port() const { return parts_->port; }

std::string AdminServer::start() {
  Parts& p = *parts_;
  for (httplib::Server* server : {&p.local, &p.tcp}) {
    const bool all = server == &p.local || p.options.http_writes;
    p.set_up(*server);
    p.reads(*server);
    if (all) {
      p.subscriber_routes(*server);
      p.other_routes(*server);
    }
    // Bodies of unknown routes are bounded like all others.
    const auto unknown = [](const Request& request, Response& response,
                            const ContentReader& reader) {
      std::string body;
      if (read_body(reader, response, body)) unknown_route(request, response);
    };
    server->Post(".*", unknown);
    server->Put(".*", unknown);
    server->Patch(".*", unknown);
    server->Delete(".*", unknown);
  }
  if (const std::string why = claim_socket_file(p.options.socket_path); !why.empty()) return why;
  p.local.set_address_family(AF_UNIX);
  const bool bound =
      with_private_mask([&] { return p.local.bind_to_port(p.options.socket_path, 80); });
  if (!bound) return "cannot listen at " + p.options.socket_path + ": " + last_error_text();
  if (p.options.http_port != 0) {
    if (p.options.http_port < 0) {
      p.port = p.tcp.bind_to_any_port(p.options.http_address);
    } else if (p.tcp.bind_to_port(p.options.http_address, p.options.http_port)) {
      p.port = p.options.http_port;
    }
    if (p.port <= 0) {
      remove_socket_file(p.options.socket_path);
      return "cannot listen at " + p.options.http_address + ":" +
             std::to_string(p.options.http_port) + ": " + last_error_text();
    }
    p.tcp_thread = std::thread([&p] { p.tcp.listen_after_bind(); });
  }
  p.local_thread = std::thread([&p] { p.local.listen_after_bind(); });
  return {};
}

void AdminServer::stop() {
  Parts& p = *parts_;
  p.stopping = true;
  const bool listening = p.local_thread.joinable();
  for (auto [server, thread] : {std::pair{&p.local, &p.local_thread}, {&p.tcp, &p.tcp_thread}}) {
    if (!thread->joinable()) continue;
    // stop() does nothing before the loop runs.
    for (int i = 0; i < 1000 && !server->is_running(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    server->stop();
    thread->join();
  }
  if (listening) remove_socket_file(p.options.socket_path);
}

}  // namespace levy::admin
