// Record text: see record_text.hpp. The fields of a part are described once, for JSON and CSV.
// Core: feed. Allocates: where its buffers grow. Blocks: never, but for Names. Clock: none.
#include "engine/feed/record_text.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "engine/base/currency.hpp"
#include "engine/base/money.hpp"
#include "engine/shard/words.hpp"

namespace levy::feed {

using shard::RecordKind;
using shard::RecordView;

namespace {

constexpr const char* kinds[] = {"none",         "charge", "late_usage", "dispute",
                                 "session_lost", "expire", "superseded", "operator_change",
                                 "session_lost", "expire", "expire",     "settled"};
static_assert(std::size(kinds) == static_cast<std::size_t>(RecordKind::settled) + 1);
constexpr const char* actions[] = {"direct_debiting", "refund_account", "check_balance",
                                   "price_enquiry"};
constexpr std::uint8_t no_mscc = 0xff;  // of a movement that no rating group caused

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

std::string digits_of_plmn(std::uint32_t plmn) {
  const std::string digits = std::to_string(plmn & 0xffffff);
  const std::size_t count = plmn >> 24;  // 5 or 6
  return std::string(count - std::min(count, digits.size()), '0') + digits;
}

std::string hex_of(std::string_view bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex += digits[static_cast<unsigned char>(c) >> 4];
    hex += digits[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

// Shard - slot.
std::string slot_text(std::uint8_t shard, Slot slot) {
  std::string text;
  append_number(text, shard);
  text += '-';
  append_number(text, slot);
  return text;
}

// Why a session ended with this Record; empty: none did.
std::string_view closing(const RecordView& record) {
  const std::uint32_t events = record.header.events;
  if ((events & shard::event_aborted) != 0) return "operator";
  switch (record.header.kind) {
    case RecordKind::charge:
      if ((events & shard::event_session_closed) != 0) return "terminated";
      return (events & shard::event_superseded) != 0 ? "supersedes" : "";
    case RecordKind::late_usage:
      return "after_the_end";
    case RecordKind::session_lost:
      return "lost";
    case RecordKind::push_answer:
      return "unknown_to_gateway";
    case RecordKind::operator_change:
      return (events & shard::event_session_lost) != 0 ? "operator" : "";
    default:
      return "";
  }
}

// ---- the parts: their fields in the order of JSON, which is that of the columns ----------------

void put_request(Fields& out, const RecordView& record) {
  static constexpr shard::ChargeFacts nothing{};
  const shard::RecordHeader& h = record.header;
  const bool asked = record.charge != nullptr;
  const shard::ChargeFacts& facts = asked ? *record.charge : nothing;
  out.word("request_type", shard::request_type_words, h.request_type, asked);
  out.number("request_number", h.request_number, asked);
  out.word("requested_action", actions, facts.action - 1, facts.action != 0);
  out.time("event_timestamp", std::int64_t{facts.event_timestamp} * 1'000'000,
           facts.event_timestamp != 0);
  out.plain("service_context", context_word(facts.context), facts.context != 0);
  out.plain("serving_plmn", digits_of_plmn(facts.serving_plmn), facts.serving_plmn != 0);
  out.number("rat_type", facts.rat_type - 1, facts.rat_type != 0);
  out.plain("user_location", hex_of(record.location), asked && !record.location.empty());
  out.text("called_party", record.called, asked && !record.called.empty());
}

void put_operator(Fields& out, const RecordView& record) {
  const bool changed = record.header.operator_kind != shard::OperatorKind::none;
  const std::string_view text = changed ? record.text : std::string_view{};
  const std::size_t end = std::min(text.find('\n'), text.size());
  out.word("change", shard::operator_kind_words, record.header.operator_kind, changed);
  out.text("who", text.substr(0, end));
  out.text("why", text.substr(std::min(end + 1, text.size())));
}

// From `time` to `termination_cause`.
void put_record(Fields& out, const RecordView& record, KnownNames& names,
                const Identities* identities) {
  static const Identities not_joined;
  const Identities& who = identities != nullptr ? *identities : not_joined;
  const shard::RecordHeader& h = record.header;
  out.time("time", h.time_micros);
  out.word("kind", kinds, h.kind);
  out.text("account", record.account);
  out.plain("subscriber", slot_text(h.shard, h.subscriber), h.subscriber != none);
  out.text("imsi", who.imsi);
  out.text("msisdn", who.msisdn);
  out.text("session_id", record.session_id);
  out.text("host", record.host);
  put_request(out, record);
  put_operator(out, record);
  out.text("plan", h.plan != 0 ? names.of(h.plan) : "");
  out.number("plan_version", h.plan_version, h.plan_version != 0);
  out.word("reason", shard::reason_words, h.reason);
  const std::string_view cause_word = closing(record);
  out.plain("closing", cause_word, !cause_word.empty());
  const std::uint16_t cause = record.charge != nullptr ? record.charge->termination_cause : 0;
  out.number("termination_cause", cause, cause != 0);
}

// `fee`, and the tax and the net of what was charged.
void put_fee(Fields& out, std::int64_t fee, std::int64_t charged, std::uint16_t tax_permille) {
  const std::int64_t tax = tax_of(charged, tax_permille);
  out.money("fee", fee);
  out.number("tax_permille", tax_permille);
  out.money("tax", tax);
  out.money("net", charged - tax);
}

// Usage from the tariff change on: a second row of its group.
bool after_change(const shard::MsccFact& fact) {
  return (fact.flags & rating::outcome_after_change) != 0;
}

constexpr std::size_t columns_before_charged = 10, columns_behind_net = 5;

// From `rating_group` to `final`; `charged` is the 11th, five follow `net`, `reason` counted.
void put_mscc(Fields& out, const shard::MsccFact& fact, KnownNames& names) {
  const bool identified = fact.service_identifier_count != 0, rated = fact.service != 0;
  out.number_or_null("rating_group", fact.rating_group, fact.has_rating_group != 0);
  out.number("service_identifier", fact.service_identifier, identified);
  out.number("service_identifiers", fact.service_identifier_count, identified);
  out.text("service", rated ? names.of(fact.service) : "");
  out.number("rate", fact.rate, rated);
  out.text("rate_name", rated && fact.rate_name != 0 ? names.of(fact.rate_name) : "");
  out.number("rated_version", fact.plan_version, fact.plan_version != 0);
  out.word("unit", shard::unit_words, fact.unit);
  out.number("used", fact.used);
  out.number("used_by_buckets", fact.used_by_buckets);
  out.money("charged", fact.charged);
  put_fee(out, fact.fee, fact.charged, fact.tax_permille);
  out.money("unpaid", fact.unpaid);
  out.number("unrated", fact.unrated);
  out.number("granted", (fact.flags & rating::outcome_granted) != 0 ? fact.granted : 0);
  out.flag("final", (fact.flags & rating::outcome_final) != 0);
  out.word("reason", shard::reason_words, fact.reason);
}

constexpr std::size_t product_columns = 7;

// From `product` to `periods`; `unpaid_fee` is the last of its columns.
void put_product(Fields& out, const shard::ProductFact& fact, KnownNames& names) {
  std::string every;  // "month", "2 weeks": as plans say it
  if (fact.unit != rating::PeriodUnit::none) {
    const auto unit = static_cast<std::size_t>(fact.unit);
    every = unit < std::size(shard::period_unit_words) ? shard::period_unit_words[unit]
                                                       : std::to_string(unit);
    if (fact.unit_count != 1) every = std::to_string(fact.unit_count) + " " + every + "s";
  }
  out.text("product", names.of(fact.plan));
  out.number("number", fact.number);
  out.word("event", shard::product_event_words, fact.event);
  out.text("every", every);
  out.time("due", std::int64_t{fact.at} * 1'000'000);
  out.number("periods", std::uint32_t{fact.periods});
}

void put_unpaid_fee(Fields& out, const shard::ProductFact& fact) {
  out.money("unpaid_fee", fact.fee, fact.fee_unpaid());
}

// ---- movements and counters: objects of JSON, words of a cell of CSV ---------------------------

const shard::BucketFact* bucket_of(const RecordView& record, const rating::Movement& movement) {
  const auto found =
      std::find_if(record.buckets.begin(), record.buckets.end(),
                   [&](const shard::BucketFact& b) { return b.bucket == movement.bucket; });
  return found != record.buckets.end() ? &*found : nullptr;
}

bool is_money(unsigned unit) {
  return unit == static_cast<unsigned>(rating::Unit::money);
}

// An amount or a sum: money as a decimal number, units as an integer.
std::string amount_text(std::int64_t amount, bool money) {
  std::string text;
  if (money) append_money(text, amount);
  else append_number(text, amount);
  return text;
}

std::string currency_text(std::uint16_t numeric) {
  const Currency* currency = find_currency(numeric);
  return currency != nullptr ? std::string(currency->letters) : std::to_string(numeric);
}

std::string_view kind_of(const shard::BucketFact& bucket, KnownNames& names) {
  return bucket.kind == 0 ? "wallet" : names.of(bucket.kind);
}

void put_movement(Fields& out, const RecordView& record, const rating::Movement& movement,
                  KnownNames& names) {
  out.word("kind", shard::movement_words, movement.kind);
  out.number("bucket", movement.bucket);
  if (const shard::BucketFact* bucket = bucket_of(record, movement)) {
    const bool money = is_money(bucket->unit);
    out.text("bucket_kind", kind_of(*bucket, names));
    out.word("unit", shard::unit_words, unsigned{bucket->unit});
    out.plain("currency", currency_text(bucket->currency), money);
    out.text("payer", bucket->sponsor != 0 ? names.of(bucket->sponsor) : "");
    out.plain("amount", amount_text(movement.amount, money));
  }
  out.number("mscc", movement.mscc, movement.mscc != no_mscc);
}

void put_counter(Fields& out, const shard::CounterFact& fact, std::uint8_t shard,
                 KnownNames& names) {
  out.text("counter", names.of(fact.name));
  out.text("level", fact.level != 0 ? names.of(fact.level) : "");
  out.text("former_level", fact.former_level != 0 ? names.of(fact.former_level) : "");
  out.word("unit", shard::unit_words, fact.unit);
  out.plain("value", amount_text(fact.value, fact.unit == rating::Unit::money));
  out.plain("subscriber", slot_text(shard, fact.subscriber), fact.subscriber != none);
}

// kind:bucket:bucket_kind:unit or currency:amount[:payer], of those that `mscc` caused.
void put_movement_cell(std::string& out, const RecordView& record, unsigned mscc,
                       KnownNames& names) {
  char before = ',';
  for (const rating::Movement& movement : record.movements) {
    if (movement.mscc != mscc) continue;
    Fields words(out, before, ':');
    before = '|';
    words.word("kind", shard::movement_words, movement.kind);
    words.number("bucket", movement.bucket);
    const shard::BucketFact* bucket = bucket_of(record, movement);
    if (bucket == nullptr) {
      words.skip(3);
      continue;
    }
    const bool money = is_money(bucket->unit);
    words.text("bucket_kind", kind_of(*bucket, names));
    if (money) words.plain("currency", currency_text(bucket->currency));
    else words.word("unit", shard::unit_words, unsigned{bucket->unit});
    words.plain("amount", amount_text(movement.amount, money));
    if (bucket->sponsor != 0) words.text("payer", names.of(bucket->sponsor));
  }
  if (before == ',') out += ',';
}

// counter:former_level:level:value, of those whose level has changed.
void put_counter_cell(std::string& out, const RecordView& record, KnownNames& names) {
  char before = ',';
  for (const shard::CounterFact& fact : record.counters) {
    Fields words(out, before, ':');
    before = '|';
    words.text("counter", names.of(fact.name));
    words.text("former_level", fact.former_level != 0 ? names.of(fact.former_level) : "");
    words.text("level", fact.level != 0 ? names.of(fact.level) : "");
    words.plain("value", amount_text(fact.value, fact.unit == rating::Unit::money));
  }
  if (before == ',') out += ',';
}

void append_id(std::string& out, const shard::RecordHeader& h, std::size_t index) {
  append_number(out, h.shard);
  out += '-';
  append_number(out, h.sequence);
  out += '-';
  append_number(out, index);
}

// A list of objects.
template <class Facts, class Put>
void put_list(std::string& out, const Key& key, const Facts& facts, Put&& put) {
  out += key.member(false);
  out += '[';
  for (const auto& fact : facts) {
    out += &fact == &facts.front() ? "{" : ",{";
    Fields fields(out, Format::jsonl);
    put(fields, fact);
    out += '}';
  }
  out += ']';
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

const Lines& RecordText::lines(Format format, Lsn lsn, const RecordView& record,
                               const Identities* identities) {
  names_.refresh();
  lines_.text.clear();
  lines_.ends.clear();
  if (format == Format::jsonl) put_json(lsn, record, identities);
  else put_rows(lsn, record, identities);
  return lines_;
}

void RecordText::put_json(Lsn lsn, const RecordView& record, const Identities* identities) {
  std::string& out = lines_.text;
  out += "{\"id\":\"";  // position_of() reads it
  append_id(out, record.header, 0);
  out += '"';
  Fields fields(out, Format::jsonl);
  fields.number("lsn", lsn.value);
  put_record(fields, record, names_, identities);
  const auto put_group = [this](Fields& group, const shard::MsccFact& fact) {
    put_mscc(group, fact, names_);
    if (after_change(fact)) group.flag("after_tariff_change", true);
  };
  put_list(out, "mscc", record.mscc, put_group);
  if (!record.lost.empty()) put_list(out, "lost", record.lost, put_group);
  if (!record.products.empty())
    put_list(out, "products", record.products, [&](Fields& product, const auto& fact) {
      put_product(product, fact, names_);
      put_fee(product, fact.charged(), fact.charged(), fact.tax_permille);
      put_unpaid_fee(product, fact);
    });
  if (!record.counters.empty())
    put_list(out, "counters", record.counters, [&](Fields& counter, const auto& fact) {
      put_counter(counter, fact, record.header.shard, names_);
    });
  put_list(out, "movements", record.movements, [&](Fields& moved, const auto& movement) {
    put_movement(moved, record, movement, names_);
  });
  out += "}\n";
  lines_.ends.push_back(out.size());
}

void RecordText::put_rows(Lsn lsn, const RecordView& record, const Identities* identities) {
  std::string& out = lines_.text;
  Fields cells(out, Format::csv);
  shared_.clear();
  Fields shared(shared_, Format::csv);
  shared.number("lsn", lsn.value);
  put_record(shared, record, names_, identities);
  const auto begin = [&](std::string_view part) {
    append_id(out, record.header, lines_.ends.size());
    out += shared_;
    cells.text("part", part);
  };
  const auto end = [&] {
    if (lines_.ends.empty()) put_counter_cell(out, record, names_);
    else cells.skip(1);
    out += '\n';
    lines_.ends.push_back(out.size());
  };
  unsigned of = 0;
  for (const shard::MsccFact& fact : record.mscc) {
    begin(after_change(fact) ? "after_change" : "mscc");
    put_mscc(cells, fact, names_);
    put_movement_cell(out, record, of++, names_);
    cells.skip(product_columns);
    end();
  }
  for (const shard::MsccFact& fact : record.lost) {
    begin("lost");
    put_mscc(cells, fact, names_);
    cells.skip(1 + product_columns);
    end();
  }
  for (const shard::ProductFact& fact : record.products) {
    begin("product");
    cells.skip(columns_before_charged);
    cells.money("charged", fact.charged());  // the column sums to all that was charged
    put_fee(cells, fact.charged(), fact.charged(), fact.tax_permille);
    cells.skip(columns_behind_net + 1);
    put_product(cells, fact, names_);
    put_unpaid_fee(cells, fact);
    end();
  }
  const bool more = std::any_of(record.movements.begin(), record.movements.end(),
                                [](const auto& movement) { return movement.mscc == no_mscc; });
  if (!more && !lines_.ends.empty()) return;
  begin("rest");
  cells.skip(columns_before_charged + 5 + columns_behind_net);
  put_movement_cell(out, record, no_mscc, names_);
  cells.skip(product_columns);
  end();
}

// Products came last: whoever counts columns counts on.
std::string_view heading(Format format) {
  if (format == Format::jsonl) return {};
  return "id,lsn,time,kind,account,subscriber,imsi,msisdn,session_id,host,request_type,"
         "request_number,requested_action,event_timestamp,service_context,serving_plmn,rat_type,"
         "user_location,called_party,change,who,why,plan,plan_version,reason,closing,"
         "termination_cause,part,rating_group,service_identifier,service_identifiers,service,rate,"
         "rate_name,rated_version,unit,used,used_by_buckets,charged,fee,tax_permille,tax,net,"
         "unpaid,unrated,granted,final,mscc_reason,movements,product,product_number,product_event,"
         "product_every,product_due,product_periods,product_unpaid_fee,counters";
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

}  // namespace levy::feed
