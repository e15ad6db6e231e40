// The table of routes, and who takes which request (see routes.hpp).
// Core: admin threads. Allocates: yes. Blocks: handlers wait for durability. Clock: none.
#include "engine/admin/routes.hpp"

#include <iterator>
#include <nlohmann/json.hpp>

#include "engine/admin/fields.hpp"

namespace levy::admin {

namespace {

using rating::IdentityType;

constexpr std::string_view identity_keys = "account imsi e164 sip nai private";

Answer health(Api&, const Call&) {
  return {200, "ok\n", "text/plain"};
}

Answer readiness(Api& api, const Call&) {
  if (api.door.ready()) return {200, "ready\n", "text/plain"};
  return {503, "not ready\n", "text/plain"};
}

Answer metrics(Api& api, const Call&) {
  return {200, api.door.metrics_text(), "text/plain; version=0.0.4"};
}

Answer openapi(Api&, const Call&) {
  return {200, std::string(openapi_text()), "application/yaml"};
}

Answer status(Api& api, const Call&) {
  return {200, api.door.status_json()};
}

Answer import_progress(Api& api, const Call&) {
  return {200, Import::progress_json(api.progress)};
}

// Looks one up: identities are hashed in the directory, so there is no list to walk.
Answer find_subscriber(Api& api, const Call& call) {
  if (call.query.size() != 1) {
    return error_answer(400, "bad_request", "say which subscriber",
                        "one of ?imsi=…, ?e164=…, ?account=…, ?sip=…, ?nai=…, ?private=…");
  }
  const auto& [type, text] = *call.query.begin();
  return api.operations.show(type == "sip" ? text : type + ":" + text);
}

Answer reload(Api& api, const Call& call) {
  Fields fields(call.asked(), {"who", "why"});
  const Reasons reasons = reasons_of(fields);
  if (fields.fault()) return *fields.fault();
  std::shared_ptr<const TokenTable> tokens;
  TlsContext tls;
  std::string faults = api.tokens.read(tokens) + api.tls.read(tls);
  if (!faults.empty())
    return error_answer(422, "invalid", faults, "plans, tokens and certificates have not changed");
  faults = api.door.reload(reasons.who, reasons.why);
  if (!faults.empty())
    return error_answer(422, "invalid", faults, "the plans in force have not changed");
  api.tokens.take(std::move(tokens));
  api.tls.take(std::move(tls));
  return api.operations.plan_versions();
}

// ---- handlers that are one call of Operations

template <auto member>
Answer on_one(Api& api, const Call& call) {
  return (api.operations.*member)(call.name, call.asked());
}
template <auto member>
Answer show_one(Api& api, const Call& call) {
  return (api.operations.*member)(call.name);
}
template <auto member>
Answer on_body(Api& api, const Call& call) {
  return (api.operations.*member)(call.asked());
}
template <auto member>
Answer show_all(Api& api, const Call&) {
  return (api.operations.*member)();
}
template <IdentityType type>
Answer change_identity(Api& api, const Call& call) {
  return api.operations.change_identity(call.name, call.asked(), type,
                                        type == IdentityType::imsi ? "new_imsi" : "new_e164");
}

using O = Operations;
using enum Access;

const Route table[] = {
    {"GET", "/healthz", open, "health", "whether the daemon runs", health, {}, true},
    {"GET", "/readyz", open, "readiness", "whether it serves gateways", readiness, {}, true},
    {"GET", "/metrics", monitor, "metrics", "Prometheus metrics", metrics, {}, true},
    {"GET", "/v1/openapi.yaml", open, "openapi", "this document", openapi, {}, true},
    {"GET", "/v1/status", monitor, "status", "the daemon's state", status, {}, true},
    {"GET", "/v1/plan-versions", read, "planVersions", "the plans in force, and who is on older",
     show_all<&O::plan_versions>},
    {"GET", "/v1/audit", read, "audit", "the sums of all Shards", show_all<&O::audit>},
    {"POST",
     "/v1/reload",
     write,
     "reload",
     "reads plans, tokens and certificates again",
     reload,
     {},
     true},
    {"GET",
     "/v1/import",
     read,
     "importProgress",
     "how far an import is",
     import_progress,
     {},
     true},
    {"POST", "/v1/import", write, "import", "accounts and subscribers from lines", nullptr,
     "format currency on_error set_balance who why", false, Stream::import},
    {"GET", "/v1/subscribers", read, "findSubscriber", "an account by one identity",
     find_subscriber, identity_keys},
    {"POST", "/v1/subscribers", write, "createSubscriber", "makes an account, or a member of one",
     on_body<&O::create>},
    {"GET", "/v1/subscribers/{id}", read, "showSubscriber", "an account with all it has",
     show_one<&O::show>},
    {"DELETE", "/v1/subscribers/{id}", write, "deleteSubscriber",
     "removes a subscriber without open sessions", on_one<&O::remove>},
    {"GET", "/v1/subscribers/{id}/sessions", read, "listSessions", "its open and recent sessions",
     show_one<&O::sessions>},
    {"POST", "/v1/subscribers/{id}/topup", write, "topUp", "adds money or units",
     on_one<&O::credit>},
    {"POST", "/v1/subscribers/{id}/adjust", write, "adjust", "a signed correction of a wallet",
     on_one<&O::adjust>},
    {"POST", "/v1/subscribers/{id}/status", write, "setStatus", "active, suspended or barred",
     on_one<&O::set_status>},
    {"POST", "/v1/subscribers/{id}/plan", write, "setPlan", "another base plan",
     on_one<&O::set_plan>},
    {"POST", "/v1/subscribers/{id}/buy", write, "buy", "buys an add-on", on_one<&O::buy>},
    {"POST", "/v1/subscribers/{id}/end", write, "end", "ends an add-on", on_one<&O::end>},
    {"POST", "/v1/subscribers/{id}/credit-limit", write, "setCreditLimit",
     "how far the wallet may fall below zero", on_one<&O::set_credit_limit>},
    {"POST", "/v1/subscribers/{id}/counter", write, "setCounter", "where a counter stands",
     on_one<&O::set_counter>},
    {"POST", "/v1/subscribers/{id}/segment", write, "setSegment", "in a segment, or out of it",
     on_one<&O::set_segment>},
    {"POST", "/v1/subscribers/{id}/friend", write, "setFriend",
     "a number on its list, or off it", on_one<&O::set_friend>},
    {"POST", "/v1/subscribers/{id}/loan", write, "lend", "the loan of its plan", on_one<&O::lend>},
    {"POST", "/v1/subscribers/{id}/validity", write, "setValidity", "until when it is valid",
     on_one<&O::set_validity>},
    {"POST", "/v1/subscribers/{id}/swap-sim", write, "swapSim", "another IMSI",
     change_identity<IdentityType::imsi>},
    {"POST", "/v1/subscribers/{id}/change-number", write, "changeNumber", "another E.164 number",
     change_identity<IdentityType::e164>},
    {"POST", "/v1/transfer", write, "transfer", "money from one account to another",
     on_body<&O::transfer>},
    {"GET", "/v1/sessions/{session_id}", read, "showSession", "one session", show_one<&O::session>},
    {"POST", "/v1/sessions/reauthorize", write, "reauthorizeSession",
     "asks the gateway to report and ask again", on_body<&O::reauthorize>},
    {"POST", "/v1/sessions/abort", write, "abortSession",
     "ends a session, by an ASR where its gateway takes one", on_body<&O::abort_session>},
    {"POST", "/v1/trace/{id}", read, "trace", "the messages of an account, live", nullptr,
     "seconds count", false, Stream::trace},
};

// false: a "%" without two hex digits.
bool unescape(std::string_view text, std::string& into) {
  into.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      into += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? nibble(text[i + 1]) : -1;
    const int low = high >= 0 ? nibble(text[i + 2]) : -1;
    if (low < 0) return false;
    into += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return true;
}

// Up to the next "/"; the rest is left in `path`.
std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(1);
  const std::size_t size = std::min(path.find('/'), path.size());
  const std::string_view segment = path.substr(0, size);
  path.remove_prefix(size);
  return segment;
}

bool matches(std::string_view pattern, std::string_view path, std::string& name) {
  if (path.empty() || path.front() != '/') return false;
  std::string text;
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = take_segment(pattern);
    if (!unescape(take_segment(path), text)) return false;
    if (wanted.front() != '{') {
      if (text != wanted) return false;
    } else if (text.empty()) {
      return false;
    } else {
      name = text;
    }
  }
  return pattern.empty() && path.empty();
}

}  // namespace

std::string_view Call::value(const std::string& key) const {
  const auto found = query.find(key);
  return found == query.end() ? std::string_view{} : std::string_view(found->second);
}

std::span<const Route> routes() {
  return table;
}

const Route* find_route(std::string_view method, std::string_view target, std::string& name,
                        std::string& allowed) {
  const std::string_view path = target.substr(0, target.find_first_of("?#"));
  if (method == "HEAD") method = "GET";
  for (const Route& route : table) {
    if (!matches(route.pattern, path, name)) continue;
    if (route.method == method) return &route;
    allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
  }
  return nullptr;
}

std::string routes_json() {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const Route& route : table) {
    all.push_back({{"method", route.method},
                   {"path", route.pattern},
                   {"access", access_text(route.access)},
                   {"operation", route.operation},
                   {"summary", route.summary},
                   {"query", route.query}});
  }
  return all.dump(2) + "\n";
}

}  // namespace levy::admin
