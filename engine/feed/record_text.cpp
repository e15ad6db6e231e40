// Record text: see record_text.hpp. CSV is made from the JSON, so that both say the same.
// Core: feed. Allocates: yes. Blocks: never. Clock: none (times come from the Records, UTC).
#include "engine/feed/record_text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <iterator>
#include <nlohmann/json.hpp>

#include "engine/base/currency.hpp"
#include "engine/base/money.hpp"
#include "engine/shard/words.hpp"

namespace levy::feed {

using Json = nlohmann::ordered_json;
using shard::RecordKind;
using shard::RecordView;

namespace {

constexpr const char* kinds[] = {"none",         "charge", "late_usage", "dispute",
                                 "session_lost", "expire", "superseded", "operator_change",
                                 "session_lost", "expire", "expire",     "settled"};
static_assert(std::size(kinds) == static_cast<std::size_t>(RecordKind::settled) + 1);
constexpr const char* actions[] = {"direct_debiting", "refund_account", "check_balance",
                                   "price_enquiry"};
template <class Value, std::size_t n>
std::string word(const char* const (&words)[n], Value value) {
  const auto index = static_cast<std::size_t>(value);
  return index < n ? words[index] : std::to_string(index);
}

std::string time_text(std::int64_t micros) {
  const std::time_t seconds = micros / 1'000'000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[48];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text + size, sizeof text - size, ".%06dZ", static_cast<int>(micros % 1'000'000));
  return text;
}

std::string named(Names& names, std::uint16_t id) {
  const std::string name = names.name_of(id);
  return name.empty() ? "#" + std::to_string(id) : name;
}

const char* context_word(std::uint8_t context) {
  switch (context) {
    case rating::context_data:
      return "data";
    case rating::context_voice:
      return "voice";
    case rating::context_sms:
      return "sms";
    case rating::context_mms:
      return "mms";
    default:
      return "other";
  }
}

void put_where(Json& out, const RecordView& record) {
  const shard::ChargeFacts& facts = *record.charge;
  if (facts.event_timestamp != 0)
    out["event_timestamp"] = time_text(std::int64_t{facts.event_timestamp} * 1'000'000);
  if (facts.context != 0) out["service_context"] = context_word(facts.context);
  if (facts.serving_plmn != 0) {
    const std::string digits = std::to_string(facts.serving_plmn & 0xffffff);
    const std::size_t count = facts.serving_plmn >> 24;  // 5 or 6
    out["serving_plmn"] = std::string(count - std::min(count, digits.size()), '0') + digits;
  }
  if (facts.rat_type != 0) out["rat_type"] = facts.rat_type - 1;
  std::string location;
  for (const char c : record.location) {
    char hex[4];
    std::snprintf(hex, sizeof hex, "%02x", static_cast<unsigned char>(c));
    location += hex;
  }
  if (!location.empty()) out["user_location"] = location;
  if (!record.called.empty()) out["called_party"] = record.called;
}

// Why a session ended with this Record; null: none did.
const char* closing(const RecordView& record) {
  const std::uint32_t events = record.header.events;
  if ((events & shard::event_aborted) != 0) return "operator";
  switch (record.header.kind) {
    case RecordKind::charge:
      if ((events & shard::event_session_closed) != 0) return "terminated";
      return (events & shard::event_superseded) != 0 ? "supersedes" : nullptr;
    case RecordKind::late_usage:
      return "after_the_end";
    case RecordKind::session_lost:
      return "lost";
    case RecordKind::push_answer:
      return "unknown_to_gateway";
    case RecordKind::operator_change:
      return (events & shard::event_session_lost) != 0 ? "operator" : nullptr;
    default:
      return nullptr;
  }
}

void put_operator(Json& out, const RecordView& record) {
  const std::size_t end = record.text.find('\n');
  const std::string_view who = record.text.substr(0, end);
  const std::string_view why =
      end == record.text.npos ? std::string_view{} : record.text.substr(end + 1);
  out["change"] = word(shard::operator_kind_words, record.header.operator_kind);
  if (!who.empty()) out["who"] = who;
  if (!why.empty()) out["why"] = why;
}

Json mscc_json(const shard::MsccFact& fact, Names& names) {
  Json out;
  out["rating_group"] = fact.has_rating_group != 0 ? Json(fact.rating_group) : Json(nullptr);
  if (fact.service_identifier_count != 0) {
    out["service_identifier"] = fact.service_identifier;
    out["service_identifiers"] = fact.service_identifier_count;
  }
  if (fact.service != 0) {
    out["service"] = named(names, fact.service);
    out["rate"] = fact.rate;
    if (fact.rate_name != 0) out["rate_name"] = named(names, fact.rate_name);
  }
  if (fact.plan_version != 0) out["rated_version"] = fact.plan_version;
  const std::int64_t tax = tax_of(fact.charged, fact.tax_permille);
  out["unit"] = word(shard::unit_words, fact.unit);
  out["used"] = fact.used;
  out["used_by_buckets"] = fact.used_by_buckets;
  out["charged"] = money_text(fact.charged);
  out["fee"] = money_text(fact.fee);
  out["tax_permille"] = fact.tax_permille;
  out["tax"] = money_text(tax);
  out["net"] = money_text(fact.charged - tax);
  out["unpaid"] = money_text(fact.unpaid);
  out["unrated"] = fact.unrated;
  out["granted"] = (fact.flags & rating::outcome_granted) != 0 ? fact.granted : 0;
  out["final"] = (fact.flags & rating::outcome_final) != 0;
  out["reason"] = word(shard::reason_words, fact.reason);
  return out;
}

std::string currency_text(std::uint16_t numeric) {
  const Currency* currency = find_currency(numeric);
  return currency != nullptr ? std::string(currency->letters) : std::to_string(numeric);
}

Json movement_json(const RecordView& record, const rating::Movement& movement, Names& names) {
  Json out;
  out["kind"] = word(shard::movement_words, movement.kind);
  out["bucket"] = movement.bucket;
  for (const shard::BucketFact& bucket : record.buckets) {
    if (bucket.bucket != movement.bucket) continue;
    const bool money = bucket.unit == static_cast<unsigned>(rating::Unit::money);
    out["bucket_kind"] = bucket.kind == 0 ? "wallet" : named(names, bucket.kind);
    out["unit"] = word(shard::unit_words, bucket.unit);
    if (money) out["currency"] = currency_text(bucket.currency);
    if (bucket.sponsor != 0) out["payer"] = named(names, bucket.sponsor);
    out["amount"] = money ? money_text(movement.amount) : std::to_string(movement.amount);
  }
  if (movement.mscc != 0xff) out["mscc"] = movement.mscc;
  return out;
}

Json counter_json(const shard::CounterFact& fact, std::uint8_t shard, Names& names) {
  Json out;
  const bool money = fact.unit == rating::Unit::money;
  out["counter"] = named(names, fact.name);
  if (fact.level != 0) out["level"] = named(names, fact.level);
  if (fact.former_level != 0) out["former_level"] = named(names, fact.former_level);
  out["unit"] = word(shard::unit_words, fact.unit);
  out["value"] = money ? money_text(fact.value) : std::to_string(fact.value);
  if (fact.subscriber != none)
    out["subscriber"] = std::to_string(shard) + "-" + std::to_string(fact.subscriber);
  return out;
}

Json product_json(const shard::ProductFact& fact, Names& names) {
  Json out;
  const std::int64_t tax = tax_of(fact.charged(), fact.tax_permille);
  out["product"] = named(names, fact.plan);
  out["number"] = fact.number;
  out["event"] = word(shard::product_event_words, fact.event);
  if (fact.unit != rating::PeriodUnit::none) {  // "month", "2 weeks": as plans say it
    const std::string unit = word(shard::period_unit_words, fact.unit);
    out["every"] = fact.unit_count == 1 ? unit : std::to_string(fact.unit_count) + " " + unit + "s";
  }
  out["due"] = time_text(std::int64_t{fact.at} * 1'000'000);
  out["periods"] = std::uint32_t{fact.periods};
  out["fee"] = money_text(fact.charged());
  out["tax_permille"] = fact.tax_permille;
  out["tax"] = money_text(tax);
  out["net"] = money_text(fact.charged() - tax);
  if (fact.fee_unpaid()) out["unpaid_fee"] = money_text(fact.fee);
  return out;
}

std::string id_text(const shard::RecordHeader& h, std::size_t index) {
  return std::to_string(h.shard) + "-" + std::to_string(h.sequence) + "-" + std::to_string(index);
}

Json record_json(Lsn lsn, const RecordView& record, Names& names, const Identities* identities) {
  const shard::RecordHeader& h = record.header;
  Json out;
  out["id"] = id_text(h, 0);
  out["lsn"] = lsn.value;
  out["time"] = time_text(h.time_micros);
  out["kind"] = word(kinds, h.kind);
  if (!record.account.empty()) out["account"] = record.account;
  if (h.subscriber != none)
    out["subscriber"] = std::to_string(h.shard) + "-" + std::to_string(h.subscriber);
  if (identities != nullptr) {
    if (!identities->imsi.empty()) out["imsi"] = identities->imsi;
    if (!identities->msisdn.empty()) out["msisdn"] = identities->msisdn;
  }
  if (!record.session_id.empty()) out["session_id"] = record.session_id;
  if (!record.host.empty()) out["host"] = record.host;
  if (record.charge != nullptr) {
    out["request_type"] = word(shard::request_type_words, h.request_type);
    out["request_number"] = h.request_number;
    if (record.charge->action != 0)
      out["requested_action"] = word(actions, record.charge->action - 1);
    put_where(out, record);
  }
  if (h.operator_kind != shard::OperatorKind::none) put_operator(out, record);
  if (h.plan != 0) out["plan"] = named(names, h.plan);
  if (h.plan_version != 0) out["plan_version"] = h.plan_version;
  out["reason"] = word(shard::reason_words, h.reason);
  if (const char* cause = closing(record)) out["closing"] = cause;
  if (record.charge != nullptr && record.charge->termination_cause != 0)
    out["termination_cause"] = record.charge->termination_cause;
  out["mscc"] = Json::array();
  for (const shard::MsccFact& fact : record.mscc) out["mscc"].push_back(mscc_json(fact, names));
  if (!record.lost.empty()) out["lost"] = Json::array();
  for (const shard::MsccFact& fact : record.lost) out["lost"].push_back(mscc_json(fact, names));
  if (!record.products.empty()) out["products"] = Json::array();
  for (const shard::ProductFact& fact : record.products)
    out["products"].push_back(product_json(fact, names));
  if (!record.counters.empty()) out["counters"] = Json::array();
  for (const shard::CounterFact& fact : record.counters)
    out["counters"].push_back(counter_json(fact, record.header.shard, names));
  out["movements"] = Json::array();
  for (const rating::Movement& movement : record.movements)
    out["movements"].push_back(movement_json(record, movement, names));
  return out;
}

// ---- CSV -----------------------------------------------------------------------------------

constexpr const char* record_columns[] = {"time",
                                          "kind",
                                          "account",
                                          "subscriber",
                                          "imsi",
                                          "msisdn",
                                          "session_id",
                                          "host",
                                          "request_type",
                                          "request_number",
                                          "requested_action",
                                          "event_timestamp",
                                          "service_context",
                                          "serving_plmn",
                                          "rat_type",
                                          "user_location",
                                          "called_party",
                                          "change",
                                          "who",
                                          "why",
                                          "plan",
                                          "plan_version",
                                          "reason",
                                          "closing",
                                          "termination_cause"};
constexpr const char* mscc_columns[] = {"rating_group",
                                        "service_identifier",
                                        "service_identifiers",
                                        "service",
                                        "rate",
                                        "rate_name",
                                        "rated_version",
                                        "unit",
                                        "used",
                                        "used_by_buckets",
                                        "charged",
                                        "fee",
                                        "tax_permille",
                                        "tax",
                                        "net",
                                        "unpaid",
                                        "unrated",
                                        "granted",
                                        "final"};
// Behind the columns that were there before products: whoever counts columns counts on. The fee,
// its tax and its net stand where those of a group do.
constexpr const char* product_columns[] = {"product", "number",  "event",     "every",
                                           "due",     "periods", "unpaid_fee"};

std::string cell(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return {};
  const std::string text = found->is_string()
                               ? found->get<std::string>()
                               : found->dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.find_first_of("\",\r\n") == text.npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c == '\n' || c == '\r' ? ' ' : c;  // a row is a line
  }
  return quoted + '"';
}

// kind:bucket:bucket_kind:unit or currency:amount[:payer], of those that `mscc` caused (none: the
// others).
std::string movement_cell(const Json& movements, int mscc) {
  std::string out;
  for (const Json& m : movements) {
    const int of = m.value("mscc", -1);
    if (of != mscc) continue;
    if (!out.empty()) out += '|';
    const char* unit = m.contains("currency") ? "currency" : "unit";
    out += cell(m, "kind") + ':' + cell(m, "bucket") + ':' + cell(m, "bucket_kind") + ':' +
           cell(m, unit) + ':' + cell(m, "amount");
    if (m.contains("payer")) out += ':' + cell(m, "payer");
  }
  return out;
}

// counter:former_level:level:value, of those whose level has changed.
std::string counter_cell(const Json& record) {
  std::string out;
  if (!record.contains("counters")) return out;
  for (const Json& c : record["counters"])
    out += (out.empty() ? "" : "|") + cell(c, "counter") + ':' + cell(c, "former_level") + ':' +
           cell(c, "level") + ':' + cell(c, "value");
  return out;
}

constexpr int no_mscc = -2;  // whose movements are in other rows

std::vector<std::string> csv_rows(const Json& record, const shard::RecordHeader& h) {
  std::string shared;
  for (const char* column : record_columns) shared += ',' + cell(record, column);
  std::vector<std::string> rows;
  const auto add = [&](const Json& facts, const char* part, int of) {
    std::string row = id_text(h, rows.size()) + ',' + record["lsn"].dump() + shared + ',' + part;
    for (const char* column : mscc_columns) row += ',' + cell(facts, column);
    row += ',' + cell(facts, "reason") + ',' + movement_cell(record["movements"], of);
    for (const char* column : product_columns) row += ',' + cell(facts, column);
    row += ',' + (rows.empty() ? counter_cell(record) : std::string());
    rows.push_back(std::move(row));
  };
  int number = 0;
  for (const Json& mscc : record["mscc"]) add(mscc, "mscc", number++);
  if (record.contains("lost"))
    for (const Json& lost : record["lost"]) add(lost, "lost", no_mscc);
  if (record.contains("products")) {
    for (Json product : record["products"]) {
      product["charged"] = product["fee"];  // the column `charged` sums to all that was charged
      add(product, "product", no_mscc);
    }
  }
  const bool more = !movement_cell(record["movements"], -1).empty();
  if (more || rows.empty()) add(Json::object(), "rest", -1);
  return rows;
}

bool number(std::string_view& text, std::uint64_t& value, char end) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || stop == text.data() + text.size() || *stop != end) return false;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()) + 1);
  return true;
}

bool skip(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

bool is_charging(const RecordView& record) {
  switch (record.header.kind) {
    case RecordKind::charge:
    case RecordKind::late_usage:
    case RecordKind::dispute:
    case RecordKind::session_lost:
    case RecordKind::superseded:
      return true;
    case RecordKind::push_answer:
      return (record.header.events & shard::event_session_lost) != 0;
    default:
      return !record.movements.empty() || !record.products.empty() || !record.counters.empty();
  }
}

Lines lines_of(Lsn lsn, const RecordView& record, Names& names, const Identities* identities,
               bool jsonl, bool csv) {
  Lines lines;
  const Json json = record_json(lsn, record, names, identities);
  if (jsonl) lines.jsonl.push_back(json.dump(-1, ' ', false, Json::error_handler_t::replace));
  if (csv) lines.csv = csv_rows(json, record.header);
  return lines;
}

std::string_view heading(Format format) {
  if (format == Format::jsonl) return {};
  static const std::string line = [] {
    std::string text = "id,lsn";
    for (const char* column : record_columns) text += std::string(",") + column;
    text += ",part";
    for (const char* column : mscc_columns) text += std::string(",") + column;
    text += ",mscc_reason,movements,product";
    for (const char* column : product_columns)
      if (column != product_columns[0]) text += std::string(",product_") + column;
    return text + ",counters";
  }();
  return line;
}

// A hole that a power cut left in a file reads as zeros.
bool position_of(Format format, std::string_view line, Position& position) {
  if (line.find('\0') != line.npos) return false;
  std::uint64_t shard = 0, sequence = 0, index = 0;
  const bool json = format == Format::jsonl;
  if (json && (!skip(line, "{\"id\":\"") || line.back() != '}')) return false;
  if (!number(line, shard, '-') || !number(line, sequence, '-')) return false;
  if (!number(line, index, json ? '"' : ',')) return false;
  if (json && !skip(line, ",\"lsn\":")) return false;
  if (!number(line, position.lsn, ',')) return false;
  position.index = static_cast<std::uint32_t>(index);
  return true;
}

std::int64_t tax_of(std::int64_t amount, std::uint16_t permille) {
  return static_cast<std::int64_t>(Int128{amount} * permille / (1000 + permille));
}

std::string money_text(std::int64_t micros) {
  const bool negative = micros < 0;
  const std::uint64_t size =
      negative ? 0 - static_cast<std::uint64_t>(micros) : static_cast<std::uint64_t>(micros);
  char text[32];
  std::snprintf(text, sizeof text, "%s%llu.%06llu", negative ? "-" : "",
                static_cast<unsigned long long>(size / 1'000'000),
                static_cast<unsigned long long>(size % 1'000'000));
  return text;
}

}  // namespace levy::feed
