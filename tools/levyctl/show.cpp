// Tables for people (see show.hpp).
// Core: none. Allocates: yes. Blocks: never. Clock: system, for the time zone of dates (UTC).
#include "tools/levyctl/show.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

namespace levyctl {

namespace {

using Json = nlohmann::ordered_json;
using Rows = std::vector<std::vector<std::string>>;

std::string text_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end()) return "";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

std::string date_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_number_integer()) return "";
  return fmt::format("{:%Y-%m-%d %H:%M:%S}Z", fmt::gmtime(found->get<std::int64_t>()));
}

// First row: the headings. Columns as wide as their widest cell, numbers to the right.
std::string laid_out(const Rows& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string& cell = row[i];
      const bool number = !cell.empty() && cell.find_first_not_of("0123456789.-") == cell.npos;
      line += number ? fmt::format("{:>{}}  ", cell, widths[i])
                     : fmt::format("{:<{}}  ", cell, widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

// "month 2026-12-01 00:00:00Z, 2 weeks 2026-12-05 00:00:00Z": each cycle and its next due date.
std::string due_text(const Json& product) {
  std::string out;
  for (const Json& cycle : product.value("cycles", Json::array())) {
    out +=
        (out.empty() ? "" : ", ") + text_of(cycle, "every") + " " + date_of(cycle, "next_due_at");
  }
  return out;
}

// Empty where the account has none.
std::string products_table(const Json& json) {
  Rows rows = {{"PRODUCT", "NUMBER", "STATE", "STARTS", "ENDS", "NEXT DUE"}};
  for (const Json& one : json.value("products", Json::array())) {
    const std::string why = text_of(one, "why");
    rows.push_back({text_of(one, "product"), text_of(one, "number"),
                    text_of(one, "state") + (why.empty() ? "" : ": " + why),
                    date_of(one, "starts_at"), date_of(one, "ends_at"), due_text(one)});
  }
  return rows.size() > 1 ? "\n" + laid_out(rows) : "";
}

// Empty where the account has none.
std::string counters_table(const Json& json) {
  Rows rows = {{"COUNTER", "UNIT", "VALUE", "OF", "LEVEL", "SINCE", "BEGINS ANEW", "SUBSCRIBER"}};
  for (const Json& one : json.value("counters", Json::array()))
    rows.push_back({text_of(one, "counter"), text_of(one, "unit"), text_of(one, "value"),
                    text_of(one, one.contains("limit") ? "limit" : "of"), text_of(one, "level"),
                    date_of(one, "level_since"), date_of(one, "resets_at"),
                    text_of(one, "subscriber")});
  return rows.size() > 1 ? "\n" + laid_out(rows) : "";
}

// "roaming-pass 2"; the number alone where the files have no such plan any more.
std::string granted_by(const Json& bucket) {
  const std::string name = text_of(bucket, "product");
  return name + (name.empty() ? "" : " ") + text_of(bucket, "product_number");
}

std::string buckets_table(const Json& json) {
  Rows rows = {{"BUCKET", "UNIT", "FREE", "RESERVED", "SPENT", "CREDITS", "PRIORITY", "ENDS",
                "PRODUCT", "ROLLED", "OWNER"}};
  const auto buckets = json.find("buckets");
  if (buckets == json.end()) return "";
  bool granted = false;  // any of them by a product
  bool owned = false;    // any of them of one subscriber
  for (const Json& bucket : *buckets) {
    const std::string unit = text_of(bucket, bucket.contains("currency") ? "currency" : "unit");
    rows.push_back({text_of(bucket, "kind"), unit, text_of(bucket, "free"),
                    text_of(bucket, "reserved"), text_of(bucket, "spent"),
                    text_of(bucket, "credits"), text_of(bucket, "priority"),
                    date_of(bucket, "ends_at"), granted_by(bucket), text_of(bucket, "rolled"),
                    text_of(bucket, "owner")});
    granted = granted || bucket.contains("product_number");
    owned = owned || bucket.contains("owner");
  }
  for (auto& row : rows) {
    if (!owned) row.pop_back();
    if (!granted) row.erase(row.end() - 2 - (owned ? 1 : 0), row.end() - (owned ? 1 : 0));
  }
  return laid_out(rows);
}

std::string subscriber_table(const Json& json) {
  std::string out =
      laid_out({{"account", text_of(json, "account")},
                {"status", text_of(json, "status")},
                {"plan", text_of(json, "plan")},
                {"credit limit", text_of(json, "credit_limit")},
                {"created", date_of(json, "created_at")},
                {"valid until", json.contains("valid_until") ? date_of(json, "valid_until")
                                                             : std::string("for ever")},
                {"shard", text_of(json, "shard")},
                {"open sessions", text_of(json, "sessions_open")}});
  Rows rows = {{"IMSI", "E164"}};
  for (const Json& one : json.value("subscribers", Json::array())) {
    rows.push_back({text_of(one, "imsi"), text_of(one, "e164")});
  }
  out += "\n" + laid_out(rows);
  const Json others = json.value("other_identities", Json::array());
  if (!others.empty()) {
    Rows identities = {{"TYPE", "IDENTITY"}};
    for (const Json& one : others)
      identities.push_back({text_of(one, "type"), text_of(one, "text")});
    out += "\n" + laid_out(identities);
  }
  return out + products_table(json) + counters_table(json) + "\n" + buckets_table(json);
}

// "0.25 EUR of wallet, 100 octets of bonus"
std::string reserved_text(const Json& group) {
  std::string out;
  for (const Json& part : group.value("reserved", Json::array())) {
    out += fmt::format("{}{} {} of {}", out.empty() ? "" : ", ", text_of(part, "amount"),
                       text_of(part, part.contains("currency") ? "currency" : "unit"),
                       text_of(part, "bucket"));
  }
  return out.empty() ? "0" : out;
}

std::string sessions_table(const Json& json) {
  Rows rows = {{"SESSION-ID", "STATE", "OPENED", "LAST SEEN", "NUMBER"}};
  Rows groups = {{"SESSION-ID", "RATING-GROUP", "GRANTED", "USED", "CHARGED", "RESERVED", "FINAL"}};
  const bool alone = json.contains("session_id");  // of `session show`
  for (const Json& one : alone ? Json::array({json}) : json.value("sessions", Json::array())) {
    rows.push_back({text_of(one, "session_id"), text_of(one, "state"), date_of(one, "opened_at"),
                    date_of(one, "last_seen_at"), text_of(one, "highest_request_number")});
    for (const Json& group : one.value("groups", Json::array())) {
      const bool named = group.contains("rating_group") && !group["rating_group"].is_null();
      groups.push_back({text_of(one, "session_id"), named ? text_of(group, "rating_group") : "none",
                        text_of(group, "granted"), text_of(group, "used"),
                        text_of(group, "charged"), reserved_text(group),
                        group.value("final", false) ? "yes" : "no"});
    }
  }
  return (alone ? "account " + text_of(json, "account") + "\n\n" : "") + laid_out(rows) +
         (groups.size() > 1 ? "\n" + laid_out(groups) : "");
}

std::string summary_table(const Json& json) {
  std::string out = fmt::format(
      "{} lines: {} created, {} updated, {} unchanged, {} failed{}\n", text_of(json, "lines"),
      text_of(json, "created"), text_of(json, "updated"), text_of(json, "unchanged"),
      text_of(json, "failed"), json.value("stopped", false) ? ", stopped before the end" : "");
  for (const Json& error : json.value("errors", Json::array())) {
    out += fmt::format("line {}: {}\n", text_of(error, "line"), text_of(error, "why"));
  }
  return out;
}

// Any object: one line per value, nested names joined by dots.
void flatten(const Json& json, const std::string& name, Rows& rows) {
  if (!json.is_structured()) {
    rows.push_back({name, json.is_string() ? json.get<std::string>() : json.dump()});
    return;
  }
  std::size_t index = 0;
  for (const auto& [key, value] : json.items()) {
    const std::string part = json.is_array() ? std::to_string(index++) : key;
    flatten(value, name.empty() ? part : name + "." + part, rows);
  }
}

}  // namespace

std::string table(const std::string& text, View view) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return text;
  const auto inner = json.is_object() ? json.find("subscriber") : json.end();
  const bool wrapped = json.is_object() && inner != json.end();
  const bool unchanged = wrapped && text_of(json, "result") == "unchanged";
  const std::string repeat = unchanged ? "unchanged: it was so already\n" : "";
  switch (view) {
    case View::subscriber:
      return repeat + subscriber_table(wrapped ? *inner : json);
    case View::balance:
      return repeat + buckets_table(wrapped ? *inner : json);
    case View::sessions:
      return sessions_table(json);
    case View::summary:
      return summary_table(json);
    case View::generic:
      break;
  }
  Rows rows;
  flatten(json, "", rows);
  return laid_out(rows);
}

std::string refusal_table(const std::string& text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded() || !json.is_object() || !json.contains("error")) return text;
  std::string out = "refused: " + text_of(json, "detail") + "\n";
  if (!text_of(json, "hint").empty()) out += "hint: " + text_of(json, "hint") + "\n";
  return out;
}

}  // namespace levyctl
