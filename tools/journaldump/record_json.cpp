// Records as JSON and text (see record_json.hpp).
// Core: none. Allocates: yes. Blocks: never. Clock: none (times come from the Records, UTC).
#include "tools/journaldump/record_json.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json.hpp>

namespace journaldump {

using levy::none;
using levy::Slot;
using Json = nlohmann::ordered_json;
namespace shard = levy::shard;
namespace rating = levy::rating;

namespace {

constexpr const char* record_kinds[] = {"none",           "charge",     "late_usage",
                                        "dispute",        "session_lost", "tombstone_gone",
                                        "superseded",     "operator_change", "push_answer",
                                        "recovered",      "sweep"};
constexpr const char* operator_kinds[] = {
    "none",          "create_account", "create_subscriber", "create_bucket",   "delete_subscriber",
    "change_identity", "credit",       "adjust",            "set_wallet",      "set_status",
    "set_plan",      "set_credit_limit", "show_account",    "list_sessions",   "reauthorize",
    "abort_session", "trace",          "transfer_out",      "transfer_in",     "transfer_close",
    "transfer_forget", "list_mail",    "switch_plan",       "intern",          "recovered",
    "host_restarted", "shard_totals"};
constexpr const char* request_types[] = {"", "initial", "update", "termination", "event"};
constexpr const char* reasons[] = {"ok",           "no_credit",       "denied",
                                   "not_applicable", "refused",       "rating_failed",
                                   "user_unknown", "unknown_session", "unable_to_comply"};
constexpr const char* units[] = {"money", "octets", "seconds", "events"};
constexpr const char* movement_kinds[] = {"credit", "expire", "spend",  "write_off", "reserve",
                                          "release", "send",  "arrive", "come_back"};
constexpr const char* pools[] = {"shard_state", "account", "bucket", "subscriber",  "session",
                                 "group",       "verdict", "text",   "host",        "mail",
                                 "request_key", "name"};
static_assert(std::size(operator_kinds) ==
              static_cast<std::size_t>(shard::OperatorKind::shard_totals) + 1);
static_assert(std::size(record_kinds) == static_cast<std::size_t>(shard::RecordKind::sweep) + 1);
static_assert(std::size(reasons) == static_cast<std::size_t>(rating::Reason::unable_to_comply) + 1);
static_assert(std::size(movement_kinds) ==
              static_cast<std::size_t>(rating::MovementKind::come_back) + 1);
static_assert(std::size(pools) == shard::pool_count);

// The name of a value; its number when a later version made it.
template <class Value, std::size_t n>
std::string name_of(const char* const (&names)[n], Value value) {
  const auto index = static_cast<std::size_t>(value);
  return index < n ? names[index] : std::to_string(index);
}

void put_slot(Json& json, const char* key, Slot slot) {
  if (slot != none) json[key] = slot;
}

Json mscc_json(const shard::MsccFact& fact) {
  Json out;
  out["rating_group"] = fact.has_rating_group != 0 ? Json(fact.rating_group) : Json(nullptr);
  out["reason"] = name_of(reasons, fact.reason);
  out["unit"] = name_of(units, fact.unit);
  out["used"] = fact.used;
  out["used_by_buckets"] = fact.used_by_buckets;
  out["charged_micros"] = fact.charged;
  out["unpaid_micros"] = fact.unpaid;
  out["unrated"] = fact.unrated;
  out["granted"] = fact.granted;
  out["flags"] = fact.flags;
  return out;
}

Json movement_json(const rating::Movement& movement) {
  Json out;
  out["kind"] = name_of(movement_kinds, movement.kind);
  put_slot(out, "bucket", movement.bucket);
  out["amount"] = movement.amount;
  if (movement.mscc != 0xff) out["mscc"] = movement.mscc;
  return out;
}

std::string time_text(std::int64_t micros) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(micros / 1'000'000),
                     micros % 1'000'000);
}

void put_text(Json& out, const shard::RecordHeader& header, std::string_view text,
              const std::string& session_id) {
  if (!session_id.empty()) out["session_id"] = session_id;
  if (text.empty()) return;
  if (header.kind != shard::RecordKind::operator_change &&
      header.kind != shard::RecordKind::recovered) {
    return;
  }
  const std::size_t end = text.find('\n');
  const std::string_view who = text.substr(0, end);
  const std::string_view why = end == text.npos ? std::string_view{} : text.substr(end + 1);
  if (!who.empty()) out["who"] = who;
  if (!why.empty()) out["why"] = why;
}

std::string word(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end()) return "";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

}  // namespace

Json record_json(levy::Lsn lsn, const shard::RecordView& record, const std::string& session_id) {
  const shard::RecordHeader& h = record.header;
  Json out;
  out["lsn"] = lsn.value;
  out["time"] = time_text(h.time_micros);
  out["shard"] = h.shard;
  out["sequence"] = h.sequence;
  out["kind"] = name_of(record_kinds, h.kind);
  if (h.operator_kind != shard::OperatorKind::none) {
    out["operator_kind"] = name_of(operator_kinds, h.operator_kind);
  }
  put_slot(out, "account", h.account);
  put_slot(out, "subscriber", h.subscriber);
  put_slot(out, "session", h.session);
  put_text(out, h, record.text, session_id);
  if (static_cast<int>(h.request_type) != 0) {
    out["request_type"] = name_of(request_types, h.request_type);
    out["request_number"] = h.request_number;
  }
  out["reason"] = name_of(reasons, h.reason);
  if (h.events != 0) out["events"] = h.events;
  if (h.plan != 0) out["plan"] = h.plan;
  if (h.plan_version != 0) out["plan_version"] = h.plan_version;
  out["mscc"] = Json::array();
  for (const shard::MsccFact& fact : record.mscc) out["mscc"].push_back(mscc_json(fact));
  out["movements"] = Json::array();
  for (const auto& movement : record.movements) out["movements"].push_back(movement_json(movement));
  if (!record.given_up.empty()) out["given_up"] = record.given_up;
  out["images"] = Json::array();
  const bool whole = shard::for_each_image(record.images, [&](const auto& image, auto words) {
    out["images"].push_back(
        {{"pool", name_of(pools, image.pool)}, {"slot", image.slot}, {"words", words.size() / 8}});
    return true;
  });
  if (!whole) out["fault"] = "the images are malformed";
  return out;
}

std::string record_text(const Json& record) {
  std::string out;
  for (const auto& [key, value] : record.items()) {
    if (key == "mscc" || key == "movements" || key == "images") continue;
    if (!out.empty()) out += ' ';
    if (key == "lsn" || (key != "time" && key != "kind")) out += key + "=";
    out += value.is_string() && key != "who" && key != "why" ? value.get<std::string>()
                                                             : value.dump();
  }
  out += fmt::format(" images={}\n", record["images"].size());
  for (const Json& fact : record["mscc"]) {
    out += fmt::format("  rating_group {}: {}, used {} {}, granted {}, charged {} micros",
                       word(fact, "rating_group"), word(fact, "reason"), word(fact, "used"),
                       word(fact, "unit"), word(fact, "granted"), word(fact, "charged_micros"));
    if (fact["unpaid_micros"] != 0) out += ", unpaid " + word(fact, "unpaid_micros");
    if (fact["unrated"] != 0) out += ", unrated " + word(fact, "unrated");
    out += '\n';
  }
  for (const Json& movement : record["movements"]) {
    out += fmt::format("  {} {} bucket {}\n", word(movement, "kind"), word(movement, "amount"),
                       word(movement, "bucket"));
  }
  return out;
}

}  // namespace journaldump
