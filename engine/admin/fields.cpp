// Request bodies (see fields.hpp).
// Core: admin threads. Allocates: yes. Blocks: never. Clock: none.
#include "engine/admin/fields.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/admin/amount.hpp"

namespace levy::admin {

Fields::Fields(const Asked& asked, std::initializer_list<std::string_view> known)
    : caller_(asked.caller) {
  read(asked.body, known);
}

void Fields::read(std::string_view body, std::initializer_list<std::string_view> known) {
  const auto json = nlohmann::json::parse(body.empty() ? std::string_view("{}") : body, nullptr,
                                          /*allow_exceptions=*/false);
  if (json.is_discarded()) return fail("the body is not JSON");
  if (!json.is_object()) return fail("the body is not a JSON object");
  for (const auto& [key, value] : json.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      std::string hint = "known:";
      for (const std::string_view name : known) hint += " " + std::string(name);
      return fail("unknown key \"" + key + "\"", hint);
    }
    if (value.is_null()) continue;
    if (value.is_string()) {
      values_[key] = value.get<std::string>();
    } else if (value.is_number_integer() || value.is_boolean()) {
      values_[key] = value.dump();
    } else if (value.is_number()) {
      return fail("\"" + key + "\" is a number with a fraction",
                  "write amounts as text, \"10.50\": floating point is not exact");
    } else {
      return fail("\"" + key + "\" is neither text nor a number");
    }
  }
}

std::string_view Fields::text(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? std::string_view{} : std::string_view(found->second);
}

std::string_view Fields::required(std::string_view key) {
  const std::string_view value = text(key);
  if (value.empty()) fail("\"" + std::string(key) + "\" is missing");
  return value;
}

std::string_view Fields::bounded(std::string_view key, std::size_t bytes_max) {
  const std::string_view value = text(key);
  if (value.size() > bytes_max || value.find('\0') != std::string_view::npos) {
    fail("\"" + std::string(key) + "\" has more than " + std::to_string(bytes_max) +
         " bytes, or a zero byte");
  }
  return value;
}

std::uint64_t Fields::number(std::string_view key, std::uint64_t max) {
  std::uint64_t value = 0;
  if (!has(key)) return 0;
  const std::string_view why = parse_number(text(key), max, value);
  if (!why.empty()) fail("\"" + std::string(key) + "\": " + std::string(why));
  return value;
}

void Fields::fail(std::string_view detail, std::string_view hint) {
  if (!fault_) fault_ = error_answer(400, "bad_request", detail, hint);
}

std::string_view Fields::who() {
  const std::string_view said = bounded("who", sizeof(shard::OperatorRequest::who) - 1);
  if (caller_.empty() || said.empty() || said == caller_) return caller_.empty() ? said : caller_;
  if (!fault_) fault_ = wrong_who(said, caller_);
  return caller_;
}

Reasons reasons_of(Fields& fields) {
  return {fields.bounded("key", sizeof(shard::OperatorRequest::request_key) - 1), fields.who(),
          fields.bounded("why", sizeof(shard::OperatorRequest::why) - 1)};
}

void put_reasons(Fields& fields, shard::OperatorRequest& request) {
  const Reasons reasons = reasons_of(fields);
  put_text(request.request_key, reasons.key);
  put_text(request.who, reasons.who);
  put_text(request.why, reasons.why);
}

}  // namespace levy::admin
