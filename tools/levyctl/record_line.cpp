// A line of JSON to its fields (see record_line.hpp).
// Core: none. Allocates: yes. Blocks: never. Clock: none.
#include "tools/levyctl/record_line.hpp"

#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "rating/compile/compile.hpp"

namespace levyctl {

namespace {

using Json = nlohmann::json;

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? std::string() : found->get<std::string>();
}

template <class Number>
void read(const Json& object, const char* key, Number& number) {
  const auto found = object.find(key);
  if (found != object.end()) number = found->get<Number>();
}

std::int64_t money_of(const std::string& text) {
  const bool negative = text.starts_with('-');
  std::int64_t micros = 0;
  if (!levy::rating::parse_amount(negative ? text.substr(1) : text, micros))
    throw std::runtime_error("'" + text + "' is no amount");
  return negative ? -micros : micros;
}

void read_money(const Json& object, const char* key, std::int64_t& micros) {
  const std::string text = text_of(object, key);
  if (!text.empty()) micros = money_of(text);
}

std::int64_t time_of(const Json& object, const char* key) {
  const std::string text = text_of(object, key);
  std::int64_t micros = 0;
  if (!text.empty() && !read_utc(text, micros))
    throw std::runtime_error("'" + text + "' is no time");
  return micros;
}

std::string bytes_of(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

GroupLine group_of(const Json& object) {
  GroupLine group;
  const Json& number = object.at("rating_group");
  group.key.has_rating_group = !number.is_null();
  if (group.key.has_rating_group) group.key.rating_group = number.get<std::uint32_t>();
  read(object, "service_identifier", group.key.service_identifier);
  read(object, "service_identifiers", group.key.service_identifiers);
  group.service = text_of(object, "service");
  read(object, "rate", group.rate);
  group.after_tariff_change = object.contains("after_tariff_change");
  group.rate_name = text_of(object, "rate_name");
  read(object, "rated_version", group.rated_version);
  group.unit = object.at("unit").get<std::string>();
  read(object, "used", group.used);
  read(object, "used_by_buckets", group.used_by_buckets);
  read_money(object, "charged", group.charged);
  read_money(object, "fee", group.fee);
  read(object, "tax_permille", group.tax_permille);
  read_money(object, "tax", group.tax);
  read_money(object, "unpaid", group.unpaid);
  read(object, "unrated", group.unrated);
  read(object, "granted", group.granted);
  read(object, "final", group.final);
  group.reason = object.at("reason").get<std::string>();
  return group;
}

ProductLine product_of(const Json& object) {
  ProductLine product;
  product.product = object.at("product").get<std::string>();
  product.event = object.at("event").get<std::string>();
  product.every = text_of(object, "every");
  product.due = text_of(object, "due");
  read(object, "number", product.number);
  read(object, "periods", product.periods);
  read_money(object, "fee", product.fee);
  read(object, "tax_permille", product.tax_permille);
  read_money(object, "tax", product.tax);
  read_money(object, "unpaid_fee", product.unpaid_fee);
  return product;
}

MovementLine movement_of(const Json& object) {
  MovementLine movement;
  movement.kind = object.at("kind").get<std::string>();
  movement.bucket_kind = text_of(object, "bucket_kind");
  if (const std::string payer = text_of(object, "payer"); !payer.empty())
    movement.bucket_kind += " of " + payer;
  movement.unit = text_of(object, "unit");
  movement.currency = text_of(object, "currency");
  read(object, "bucket", movement.bucket);
  read(object, "mscc", movement.mscc);
  const std::string amount = text_of(object, "amount");
  movement.amount = movement.unit == "money" ? money_of(amount) : std::stoll(amount);
  return movement;
}

void read_request(const Json& object, RecordLine& record) {
  record.request_type = text_of(object, "request_type");
  read(object, "request_number", record.request_number);
  record.requested_action = text_of(object, "requested_action");
  record.event_timestamp = time_of(object, "event_timestamp");
  record.context = text_of(object, "service_context");
  record.plmn = text_of(object, "serving_plmn");
  read(object, "rat_type", record.rat);
  record.location = bytes_of(text_of(object, "user_location"));
  record.called = text_of(object, "called_party");
}

void read_parts(const Json& object, RecordLine& record) {
  for (const Json& group : object.at("mscc")) record.mscc.push_back(group_of(group));
  if (object.contains("lost"))
    for (const Json& group : object["lost"]) record.lost.push_back(group_of(group));
  if (object.contains("products"))
    for (const Json& product : object["products"]) record.products.push_back(product_of(product));
  for (const Json& movement : object.at("movements"))
    record.movements.push_back(movement_of(movement));
}

}  // namespace

bool read_utc(const std::string& text, std::int64_t& micros) {
  std::tm utc{};
  int parts = 0, end = 0;
  const int found =
      std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%6dZ%n", &utc.tm_year, &utc.tm_mon,
                  &utc.tm_mday, &utc.tm_hour, &utc.tm_min, &utc.tm_sec, &parts, &end);
  if (found != 7 || static_cast<std::size_t>(end) != text.size()) return false;
  utc.tm_year -= 1900;
  utc.tm_mon -= 1;
  micros = std::int64_t{timegm(&utc)} * 1'000'000 + parts;
  return true;
}

std::string read_record(const std::string& line, RecordLine& record) {
  record = RecordLine{};
  try {
    const Json object = Json::parse(line);
    record.id = object.at("id").get<std::string>();
    record.lsn = object.at("lsn").get<std::uint64_t>();
    record.time = time_of(object, "time");
    record.kind = object.at("kind").get<std::string>();
    record.account = text_of(object, "account");
    record.subscriber = text_of(object, "subscriber");
    record.imsi = text_of(object, "imsi");
    record.msisdn = text_of(object, "msisdn");
    record.session_id = text_of(object, "session_id");
    record.host = text_of(object, "host");
    read_request(object, record);
    record.change = text_of(object, "change");
    record.who = text_of(object, "who");
    record.why = text_of(object, "why");
    record.plan = text_of(object, "plan");
    read(object, "plan_version", record.plan_version);
    record.reason = object.at("reason").get<std::string>();
    record.closing = text_of(object, "closing");
    read(object, "termination_cause", record.termination_cause);
    read_parts(object, record);
  } catch (const std::exception& error) {  // the library reports faults of form and type by them
    return error.what();
  }
  return {};
}

}  // namespace levyctl
