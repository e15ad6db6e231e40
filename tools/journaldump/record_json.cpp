// Records as JSON and text (see record_json.hpp).
// Core: none. Allocates: yes. Blocks: never. Clock: none (times come from the Records, UTC).
#include "tools/journaldump/record_json.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json.hpp>

#include "engine/shard/words.hpp"

namespace journaldump {

using levy::none;
using levy::Slot;
using Json = nlohmann::ordered_json;
namespace shard = levy::shard;
namespace rating = levy::rating;

namespace {

constexpr const char* record_kinds[] = {
    "none",       "charge",          "late_usage",  "dispute",   "session_lost", "tombstone_gone",
    "superseded", "operator_change", "push_answer", "recovered", "sweep",        "settled"};
constexpr const char* pools[] = {"shard_state", "account", "bucket",  "subscriber", "session",
                                 "group",       "verdict", "text",    "host",       "mail",
                                 "request_key", "name",    "product", "counter"};
static_assert(std::size(record_kinds) == static_cast<std::size_t>(shard::RecordKind::settled) + 1);
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

// The name, the number where it is not known; nothing for 0.
void put_name(Json& json, const char* key, std::uint16_t id, const Names& names) {
  if (id == 0) return;
  const std::string name = names.of(id);
  json[key] = name.empty() ? Json(id) : Json(name);
}

Json mscc_json(const shard::MsccFact& fact, const Names& names) {
  Json out;
  out["rating_group"] = fact.has_rating_group != 0 ? Json(fact.rating_group) : Json(nullptr);
  out["reason"] = name_of(shard::reason_words, fact.reason);
  out["unit"] = name_of(shard::unit_words, fact.unit);
  put_name(out, "service", fact.service, names);
  if (fact.rate != 0) out["rate"] = fact.rate;
  put_name(out, "rate_name", fact.rate_name, names);
  if (fact.plan_version != 0) out["plan_version"] = fact.plan_version;
  if (fact.tax_permille != 0) out["tax_permille"] = fact.tax_permille;
  if (fact.service_identifier_count != 0) {
    out["service_identifier"] = fact.service_identifier;
    out["service_identifiers"] = fact.service_identifier_count;
  }
  out["used"] = fact.used;
  out["used_by_buckets"] = fact.used_by_buckets;
  out["charged_micros"] = fact.charged;
  if (fact.fee != 0) out["fee_micros"] = fact.fee;
  out["unpaid_micros"] = fact.unpaid;
  out["unrated"] = fact.unrated;
  out["granted"] = fact.granted;
  out["flags"] = fact.flags;
  return out;
}

Json product_json(const shard::ProductFact& fact, const Names& names) {
  Json out;
  put_name(out, "product", fact.plan, names);
  out["number"] = fact.number;
  out["event"] = name_of(shard::product_event_words, fact.event);
  if (fact.unit != rating::PeriodUnit::none) {  // "month", "2 weeks": as plans say it
    const std::string unit = name_of(shard::period_unit_words, fact.unit);
    out["every"] = fact.unit_count == 1 ? unit : std::to_string(fact.unit_count) + " " + unit + "s";
  }
  out["at"] = fact.at;
  out["periods"] = std::uint32_t{fact.periods};
  out[fact.fee_unpaid() ? "unpaid_fee_micros" : "fee_micros"] = fact.fee;
  if (fact.tax_permille != 0) out["tax_permille"] = fact.tax_permille;
  return out;
}

// Where and when a request says it was.
Json where_json(const shard::RecordView& record) {
  const shard::ChargeFacts& facts = *record.charge;
  Json out = Json::object();
  if (facts.event_timestamp != 0) out["event_timestamp"] = facts.event_timestamp;
  if (facts.serving_plmn != 0)
    out["plmn"] = fmt::format("{:0{}}", facts.serving_plmn & 0xffffff, facts.serving_plmn >> 24);
  if (facts.rat_type != 0) out["rat_type"] = facts.rat_type - 1;
  if (facts.context != 0) out["context"] = facts.context;
  if (facts.action != 0) out["requested_action"] = facts.action - 1;
  if (facts.termination_cause != 0) out["termination_cause"] = facts.termination_cause;
  if (!record.called.empty()) out["called"] = record.called;
  std::string location;
  for (const char c : record.location)
    location += fmt::format("{:02x}", static_cast<unsigned char>(c));
  if (!location.empty()) out["location"] = location;
  return out;
}

Json movement_json(const shard::RecordView& record, const rating::Movement& movement,
                   const Names& names) {
  Json out;
  out["kind"] = name_of(shard::movement_words, movement.kind);
  put_slot(out, "bucket", movement.bucket);
  out["amount"] = movement.amount;
  for (const shard::BucketFact& bucket : record.buckets) {
    if (bucket.bucket != movement.bucket) continue;
    out["unit"] = name_of(shard::unit_words, bucket.unit);
    put_name(out, "bucket_kind", bucket.kind, names);
    if (bucket.sponsor != 0) put_name(out, "payer", bucket.sponsor, names);
  }
  if (movement.mscc != 0xff) out["mscc"] = movement.mscc;
  return out;
}

std::string time_text(std::int64_t micros) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(micros / 1'000'000),
                     micros % 1'000'000);
}

void put_texts(Json& out, const shard::RecordView& record) {
  if (!record.session_id.empty()) out["session_id"] = record.session_id;
  if (!record.host.empty()) out["host"] = record.host;
  const std::string_view text = record.text;
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

Json record_json(levy::Lsn lsn, const shard::RecordView& record, const Names& names) {
  const shard::RecordHeader& h = record.header;
  Json out;
  out["lsn"] = lsn.value;
  out["time"] = time_text(h.time_micros);
  out["shard"] = h.shard;
  out["sequence"] = h.sequence;
  out["bytes"] = h.bytes;
  out["kind"] = name_of(record_kinds, h.kind);
  if (h.operator_kind != shard::OperatorKind::none) {
    out["operator_kind"] = name_of(shard::operator_kind_words, h.operator_kind);
  }
  put_slot(out, "account", h.account);
  if (!record.account.empty()) out["account_name"] = record.account;
  put_slot(out, "subscriber", h.subscriber);
  put_slot(out, "session", h.session);
  put_texts(out, record);
  if (static_cast<int>(h.request_type) != 0) {
    out["request_type"] = name_of(shard::request_type_words, h.request_type);
    out["request_number"] = h.request_number;
  }
  if (record.charge != nullptr) out["where"] = where_json(record);
  out["reason"] = name_of(shard::reason_words, h.reason);
  if (h.events != 0) out["events"] = h.events;
  put_name(out, "plan", h.plan, names);
  if (h.plan_version != 0) out["plan_version"] = h.plan_version;
  out["mscc"] = Json::array();
  for (const shard::MsccFact& fact : record.mscc) out["mscc"].push_back(mscc_json(fact, names));
  for (const shard::MsccFact& fact : record.lost) out["lost"].push_back(mscc_json(fact, names));
  for (const shard::ProductFact& fact : record.products)
    out["products"].push_back(product_json(fact, names));
  for (const shard::CounterFact& fact : record.counters) {
    Json one;
    put_name(one, "counter", fact.name, names);
    put_name(one, "level", fact.level, names);
    put_name(one, "former_level", fact.former_level, names);
    one["value"] = fact.value;
    put_slot(one, "subscriber", fact.subscriber);
    out["counters"].push_back(std::move(one));
  }
  out["movements"] = Json::array();
  for (const auto& movement : record.movements)
    out["movements"].push_back(movement_json(record, movement, names));
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
    if (value.is_array() && key != "given_up") continue;  // in lines of their own
    if (!out.empty()) out += ' ';
    if (key == "lsn" || (key != "time" && key != "kind")) out += key + "=";
    out +=
        value.is_string() && key != "who" && key != "why" ? value.get<std::string>() : value.dump();
  }
  out += fmt::format(" images={}\n", record["images"].size());
  for (const Json& fact : record["mscc"]) {
    out += fmt::format("  rating_group {} {} {}: {}, used {} {}, granted {}, charged {} micros",
                       word(fact, "rating_group"), word(fact, "service"), word(fact, "rate_name"),
                       word(fact, "reason"), word(fact, "used"), word(fact, "unit"),
                       word(fact, "granted"), word(fact, "charged_micros"));
    if (fact["unpaid_micros"] != 0) out += ", unpaid " + word(fact, "unpaid_micros");
    if (fact["unrated"] != 0) out += ", unrated " + word(fact, "unrated");
    out += '\n';
  }
  for (const Json& fact : record.value("products", Json::array())) {
    out += fmt::format("  product {} {}: {}{}, due {}, {} periods, {} micros{}\n",
                       word(fact, "product"), word(fact, "number"), word(fact, "event"),
                       fact.contains("every") ? " every " + word(fact, "every") : "",
                       word(fact, "at"), word(fact, "periods"),
                       word(fact, fact.contains("fee_micros") ? "fee_micros" : "unpaid_fee_micros"),
                       fact.contains("fee_micros") ? "" : " unpaid");
  }
  for (const Json& movement : record["movements"]) {
    out += fmt::format("  {} {} {} bucket {} {}\n", word(movement, "kind"),
                       word(movement, "amount"), word(movement, "unit"), word(movement, "bucket"),
                       word(movement, "bucket_kind"));
  }
  return out;
}

}  // namespace journaldump
