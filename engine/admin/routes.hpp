// The routes of the admin API: one table, from which both servers answer.
// Core: admin threads. Allocates: yes. Blocks: handlers wait for durability. Clock: none.
//
// openapi.yaml says the same for those who call; tests/admin/group_openapi.py holds the two
// together.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "engine/admin/access.hpp"
#include "engine/admin/import.hpp"
#include "engine/admin/operations.hpp"
#include "engine/admin/tls.hpp"

namespace levy::admin {

// What handlers work on.
struct Api {
  ControlDoor& door;
  Operations& operations;
  ImportProgress& progress;
  TokenBook& tokens;
  TlsBook& tls;
};

// One request, taken apart.
struct Call {
  std::string name;  // of the pattern's {…}, decoded
  std::multimap<std::string, std::string> query;
  std::string body;
  std::string caller;  // empty: not known

  Asked asked() const { return {body, caller}; }
  // The first value of the key; empty when absent.
  std::string_view value(const std::string& key) const;
};

// Routes whose bodies or answers are streams: api.cpp carries them out.
enum class Stream : std::uint8_t { none, import, trace };

struct Route {
  std::string_view method, pattern;  // segments in braces match any one segment
  Access access{};
  std::string_view operation;  // operationId of openapi.yaml
  std::string_view summary;
  Answer (*act)(Api& api, const Call& call) = nullptr;
  std::string_view query{};  // parameters, a blank between two; others are refused
  bool at_once = false;      // answers before the daemon is ready
  Stream stream = Stream::none;
};

std::span<const Route> routes();

// null: no such route, and `allowed` names the methods that the path has. `target` is the path as
// it came, still escaped; `name` becomes what stands at the braces.
const Route* find_route(std::string_view method, std::string_view target, std::string& name,
                        std::string& allowed);

// The table as JSON: [{method, path, access, operation, summary, query}].
std::string routes_json();

// The OpenAPI document, as engine/admin/openapi.yaml has it.
std::string_view openapi_text();

}  // namespace levy::admin
