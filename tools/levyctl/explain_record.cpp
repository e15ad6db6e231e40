// A record in plain words (see explain_record.hpp).
// Core: none. Allocates: yes. Blocks: never. Clock: none.
#include "tools/levyctl/explain_record.hpp"

#include <fmt/format.h>

#include <map>

#include "tools/levyctl/plan_clock.hpp"
#include "tools/levyctl/plan_words.hpp"

namespace levyctl {

namespace {

using Json = nlohmann::ordered_json;

std::string group_text(const GroupKey& key) {
  std::string text = key.has_rating_group ? fmt::format("Rating-Group {}", key.rating_group)
                                          : "without Rating-Group";
  if (key.service_identifiers != 0)
    text += fmt::format(", Service-Identifier {}", key.service_identifier);
  if (key.service_identifiers > 1) text += fmt::format(" and {} more", key.service_identifiers - 1);
  return text;
}

std::string what_text(const RecordLine& record) {
  const std::string of = " session " + record.session_id;
  if (record.kind == "operator_change")
    return "operator's " + record.change + (record.who.empty() ? "" : " by " + record.who) +
           (record.why.empty() ? "" : ": " + record.why);
  if (record.kind == "session_lost") return "no report came any more of" + of;
  if (record.kind == "expire") return "a bucket ended";
  if (record.kind == "settled") return "products fell due";
  std::string text = record.request_type;
  if (record.request_type == "event")
    text += record.requested_action.empty() ? "" : " (" + record.requested_action + ")";
  else
    text += fmt::format(" {}", record.request_number);
  if (record.kind == "late_usage") return text + " after the end of" + of;
  if (record.kind == "dispute") return text + " of a session that nobody knew," + of;
  return text + " of" + of;
}

std::string reason_words(const std::string& reason) {
  static const std::map<std::string, std::string> words{
      {"no_credit", "the next step cannot be paid (4012)"},
      {"denied", "denied (4010): the account or the service is barred, or none takes this group"},
      {"not_applicable", "not under credit control (4011)"},
      {"refused", "refused for good (5003)"},
      {"rating_failed", "the plan has no price for it (5031)"},
      {"user_unknown", "no such subscriber (5030)"},
      {"unknown_session", "the session is not open (5002)"},
      {"unable_to_comply", "not possible (5012)"}};
  const auto found = words.find(reason);
  return found == words.end() ? reason : found->second;
}

Json group_json(const GroupLine& line) {
  return {{"group", group_text(line.key)},
          {"service", line.service},
          {"rate", line.rate_name},
          {"rated_version", line.rated_version},
          {"unit", line.unit},
          {"used", line.used},
          {"used_by_buckets", line.used_by_buckets},
          {"unrated", line.unrated},
          {"charged", micros_text(line.charged)},
          {"fee", micros_text(line.fee)},
          {"tax", micros_text(line.tax)},
          {"unpaid", micros_text(line.unpaid)},
          {"granted", line.granted},
          {"final", line.final},
          {"reason", line.reason}};
}

// What a movement does to what is free of its bucket.
std::int64_t free_change(const MovementLine& movement) {
  static const std::map<std::string, int> signs{
      {"credit", 1},  {"expire", -1}, {"spend", -1}, {"write_off", 1}, {"reserve", -1},
      {"release", 1}, {"send", -1},   {"arrive", 0}, {"come_back", 1}};
  const auto found = signs.find(movement.kind);
  return found == signs.end() ? 0 : movement.amount * found->second;
}

std::string amount_text(const MovementLine& movement, std::int64_t amount) {
  if (movement.unit == "money") return micros_text(amount) + " " + movement.currency;
  return (amount < 0 ? "-" : "") + units_text(amount < 0 ? -amount : amount, movement.unit);
}

// For programs: micros as a decimal, units as an integer.
std::string exact_text(const MovementLine& movement, std::int64_t amount) {
  return movement.unit == "money" ? micros_text(amount) : std::to_string(amount);
}

// ", 3 MB of them paid by month-bundle (3 MB)": which buckets of units paid, and what it took.
std::string paid_units(const RecordLine& record, const GroupLine& line, int index) {
  if (line.used_by_buckets == 0) return {};
  std::vector<std::string> buckets;
  for (const MovementLine& movement : record.movements)
    if (movement.kind == "spend" && movement.unit != "money" && movement.mscc == index)
      buckets.push_back(movement.bucket_kind + " (" + amount_text(movement, movement.amount) + ")");
  const std::string paid = line.used_by_buckets == line.used
                               ? "all of them"
                               : units_text(line.used_by_buckets, line.unit) + " of them";
  // Without a movement a started step of the bucket had paid for them before.
  return ", " + paid + " paid by " +
         (buckets.empty() ? "a bucket's started step" : joined(buckets, ", "));
}

std::string zone_of(const PlanFiles* files, const std::string& plan) {
  if (files == nullptr) return {};
  for (const rating::PlanSource& source : files->catalogue().plans)
    if (is_called(source, plan) && source.time_zone.given) return source.time_zone.value;
  return {};
}

}  // namespace

void RecordExplainer::wrong(const std::string& text) {
  out_.wrong.push_back(text);
  say("    *** " + text);
}

void RecordExplainer::head(const RecordLine& record) {
  const std::int64_t seconds = record.time / 1'000'000;
  const std::int64_t used = usage_time(record, options_.event_time_skew).seconds();
  const std::string zone = zone_.empty() ? "UTC" : zone_;
  say(fmt::format("record {}: {}", record.id, what_text(record)));
  std::string when = fmt::format("  when: {} ({})", local_text(used, zone_), zone);
  if (used != seconds) when += ", received " + local_text(seconds, zone_);
  say(when);
  std::vector<std::string> where;
  if (!record.plmn.empty()) where.push_back("network " + record.plmn);
  if (record.rat >= 0) where.push_back("radio " + rat_text(record.rat));
  if (!record.location.empty()) where.push_back("location " + location_text(record.location));
  if (!record.called.empty()) where.push_back("called " + record.called);
  if (!record.host.empty()) where.push_back("gateway " + record.host);
  if (!where.empty()) say("  where: " + joined(where, ", "));
  std::vector<std::string> who;
  if (!record.account.empty()) who.push_back("account " + record.account);
  if (!record.imsi.empty()) who.push_back("IMSI " + record.imsi);
  if (!record.msisdn.empty()) who.push_back("MSISDN " + record.msisdn);
  if (!record.plan.empty())
    who.push_back(fmt::format("plan {} (version {})", record.plan, record.plan_version));
  if (!who.empty()) say("  who: " + joined(who, ", "));
  if (!record.closing.empty()) say("  the session ended: " + record.closing);
  if (record.reason != "ok") say("  answered: " + reason_words(record.reason));
}

// Why the rate holds: by the facts of the grant that the use consumed.
void RecordExplainer::chosen(const Rule& rule, const RecordLine& record, const GroupLine& line,
                             const GroupHistory& history, Json& json) {
  const bool own = stands_alone(record) || (history.grant == nullptr && history.known);
  const RecordLine* grant = line.used == 0 || own ? &record : history.grant.get();
  if (grant == nullptr) {
    say("    its grant is not among these records, so neither are the facts that led to the rate");
    return;
  }
  if (grant != &record)
    say(fmt::format("    rated as record {} granted it, {}", grant->id,
                    local_text(usage_time(*grant, options_.event_time_skew).seconds(), zone_)));
  const std::int64_t skew = options_.event_time_skew;
  RuleWhy why = why_rule(*files_, rule, *grant, line.key, skew);
  if (!why.contradiction.empty() && grant->event_timestamp != 0) {
    const bool believed = usage_time(*grant, skew).micros == grant->event_timestamp;
    const RuleWhy other = why_rule(*files_, rule, *grant, line.key, believed ? 0 : INT32_MAX);
    if (other.contradiction.empty()) {
      why = other;
      say(
          fmt::format("    by the time of its {}: the daemon's sessions.event_time_skew_max is not "
                      "the {} s of --event-time-skew",
                      believed ? "arrival" : "Event-Timestamp", skew));
    }
  }
  if (!why.because.empty()) say("    because " + joined(why.because, ", "));
  if (!why.not_taken.empty()) say("    not " + joined(why.not_taken, ", "));
  if (!why.unknown.empty()) say("    not to be told from the record: " + joined(why.unknown, ", "));
  json["because"] = why.because;
  json["not_taken"] = why.not_taken;
  json["unknown"] = why.unknown;
  if (!why.contradiction.empty())
    wrong("by the recorded facts the plans choose another rate: " + why.contradiction);
}

void RecordExplainer::sum(const Rule& rule, const RecordLine& record, const GroupLine& line,
                          const GroupHistory& history, Json& json) {
  const rating::ServiceSource& service = rule.service_source();
  const bool added = rule.plan->tax_is.value == "added" && service.tax.value != 0;
  say("    price: " + tariff_text(rule.tariff(), service.unit.value, currency_) +
      (added ? ", plus " + permille_text(service.tax.value) + " tax" : ""));
  if (line.used == 0) return;
  if (service.accumulate.given || service.tiers.value == "whole") {
    const std::string over = service.accumulate.given
                                 ? "its prices run over counter " + service.accumulate.value
                                 : "a report is priced in one tier";
    say("    " + over +
        ": where the sum stood is not in the record, so the amount cannot be computed again");
    return;
  }
  if (!history.known) {
    say("    the session began before these records: with its running total unknown, the amount "
        "cannot be computed again");
    return;
  }
  const RuleSum sum = rule_sum(rule, history, line);
  const std::string& unit = line.unit;
  json["computed"] = micros_text(sum.charged);
  json["agrees"] = sum.charged == line.charged;
  if (sum.before == sum.after && sum.fee == 0) {
    say("    no money is due: buckets of units paid for all of it");
  } else {
    say(fmt::format("    price of {}: {}", units_text(sum.after, unit), sum.price_after.text));
    std::string terms = micros_text(sum.price_after.micros);
    if (sum.before != 0) {
      say(fmt::format("    less that of {}: {}", units_text(sum.before, unit),
                      sum.price_before.text));
      terms += " - " + micros_text(sum.price_before.micros);
    }
    if (sum.fee != 0) terms += " + connect fee " + micros_text(sum.fee);
    if (sum.before != 0 || sum.fee != 0)
      say(fmt::format("    {} = {} {}", terms, micros_text(sum.charged), currency_));
  }
  if (sum.charged != line.charged || sum.fee != line.fee)
    wrong(
        fmt::format("THE RECORD SAYS {} {} (fee {}): either {} is wrong, or the plans are not "
                    "those of version {}",
                    micros_text(line.charged), currency_, micros_text(line.fee), record.id,
                    line.rated_version));
}

// The rule of the plans, if they are the record's, and its sum.
void RecordExplainer::arithmetic(const RecordLine& record, const GroupLine& line,
                                 const GroupHistory& history, Json& json) {
  if (files_ == nullptr || line.service.empty() || line.charged < 0) return;
  const std::uint32_t rated = line.rated_version != 0 ? line.rated_version : record.plan_version;
  if (version_ != 0 && rated != version_) {
    say(fmt::format("    rated by version {}, and the plans are version {}: not checked", rated,
                    version_));
    json["checked"] = false;
    return;
  }
  const std::string plan =
      history.grant != nullptr && line.used != 0 ? history.grant->plan : record.plan;
  const Rule rule = find_rule(*files_, plan, line);
  if (!rule.found()) {
    say("    the plans given are of another version than the record: " + rule.note);
    json["checked"] = false;
    return;
  }
  currency_ = rule.plan->currency.value;
  chosen(rule, record, line, history, json);
  sum(rule, record, line, history, json);
}

void RecordExplainer::outcome(const GroupLine& line) {
  if (line.granted > 0)
    say(fmt::format("    granted {}{}", units_text(line.granted, line.unit),
                    line.final ? ", the last that can be paid (Final-Unit-Indication)" : ""));
  else if (line.final)
    say("    nothing can be paid: Final-Unit-Indication without units");
  if (line.reason != "ok") say("    no grant: " + reason_words(line.reason));
}

// Without any plan: what the buckets paid is what was charged.
void RecordExplainer::spent(const RecordLine& record, const GroupLine& line, int index) {
  std::int64_t paid = 0;
  for (const MovementLine& movement : record.movements) {
    if (movement.unit != "money" || movement.mscc != index) continue;
    if (movement.kind == "spend") paid += movement.amount;
    if (movement.kind == "write_off" || movement.kind == "credit") paid -= movement.amount;
  }
  if (paid + line.unpaid != line.charged)
    wrong(fmt::format("THE BUCKETS PAID {}, {} could not be paid, and {} were charged",
                      micros_text(paid), micros_text(line.unpaid), micros_text(line.charged)));
}

void RecordExplainer::group(const RecordLine& record, const GroupLine& line,
                            const SessionHistory& history, int index, bool lost) {
  const bool superseded = lost && record.closing == "supersedes";
  GroupHistory before = history.before(record, line);
  if (superseded) before = GroupHistory{};  // of the other session, which the record does not name
  std::string head = "  " + group_text(line.key) + ": ";
  if (line.service.empty())
    head += "no service";
  else if (line.rate == 0)
    head += fmt::format("service {}, its own price", line.service);
  else
    head += fmt::format("service {}, rate {}", line.service,
                        line.rate_name.empty() ? std::to_string(line.rate) : line.rate_name);
  if (line.rated_version != 0) head += fmt::format(" (version {})", line.rated_version);
  say(head);
  if (lost) say("    assumed by the service's on_lost: nobody reported it");
  Json json = group_json(line);
  if (line.used != 0) {
    say("    used " + units_text(line.used, line.unit) + paid_units(record, line, index));
    if (line.unrated != 0)
      say(fmt::format("    {} have no price and no bucket paid them",
                      units_text(line.unrated, line.unit)));
  }
  if (line.used != 0 && before.known && !stands_alone(record) && record.kind != "dispute") {
    const std::int64_t after = before.total + line.used - line.used_by_buckets;
    say(fmt::format("    running total {} -> {}", units_text(before.total, line.unit),
                    units_text(after, line.unit)));
    json["total_before"] = before.total;
    json["total_after"] = after;
  }
  if (record.kind != "dispute") arithmetic(record, line, before, json);
  if (line.charged != 0)
    say(fmt::format("    charged {} {}{}", micros_text(line.charged), currency_,
                    line.tax != 0
                        ? fmt::format(", {} tax of {} in it", permille_text(line.tax_permille),
                                      micros_text(line.tax))
                        : ""));
  if (line.charged < 0) say("    a refund: it went to the main wallet");
  if (line.unpaid != 0)
    say(fmt::format("    {} {} of it could not be paid", micros_text(line.unpaid), currency_));
  if (!lost && record.kind != "dispute") spent(record, line, index);
  outcome(line);
  out_.json["groups"].push_back(std::move(json));
}

void RecordExplainer::products(const RecordLine& record) {
  for (const ProductLine& product : record.products) {
    std::string text =
        fmt::format("  product {} ({}): {}", product.product, product.number, product.event);
    if (!product.every.empty()) text += ", every " + product.every;
    std::int64_t due = 0;
    if (read_utc(product.due, due)) text += ", due " + local_text(due / 1'000'000, zone_);
    if (product.periods > 1) text += fmt::format(", {} periods at once", product.periods);
    say(text);
    if (product.fee != 0)
      say(fmt::format("    fee {} {}{}", micros_text(product.fee), currency_,
                      product.tax != 0
                          ? fmt::format(", {} tax of {} in it", permille_text(product.tax_permille),
                                        micros_text(product.tax))
                          : ""));
    if (product.unpaid_fee != 0)
      say(fmt::format("    its fee of {} {} could not be paid, and was not charged",
                      micros_text(product.unpaid_fee), currency_));
    out_.json["products"].push_back({{"product", product.product},
                                     {"number", product.number},
                                     {"event", product.event},
                                     {"fee", micros_text(product.fee)},
                                     {"unpaid_fee", micros_text(product.unpaid_fee)}});
  }
}

void RecordExplainer::buckets(const RecordLine& record) {
  std::vector<std::int64_t> order;
  std::map<std::int64_t, std::vector<const MovementLine*>> by_bucket;
  for (const MovementLine& movement : record.movements) {
    if (!by_bucket.contains(movement.bucket)) order.push_back(movement.bucket);
    by_bucket[movement.bucket].push_back(&movement);
  }
  for (const std::int64_t bucket : order) {
    std::vector<std::string> moves;
    Json movements = Json::array();
    std::int64_t change = 0;
    for (const MovementLine* movement : by_bucket[bucket]) {
      moves.push_back(movement->kind + " " + amount_text(*movement, movement->amount));
      movements.push_back(
          {{"kind", movement->kind}, {"amount", exact_text(*movement, movement->amount)}});
      change += free_change(*movement);
    }
    const MovementLine& first = *by_bucket[bucket].front();
    const std::string sum = (change > 0 ? "+" : "") + amount_text(first, change);
    say(fmt::format("  bucket {} ({}): {}; free {}", first.bucket_kind, bucket, joined(moves, ", "),
                    sum));
    out_.json["buckets"].push_back({{"bucket", bucket},
                                    {"kind", first.bucket_kind},
                                    {"unit", first.unit},
                                    {"currency", first.currency},
                                    {"movements", movements},
                                    {"free_change", exact_text(first, change)}});
  }
}

Explained RecordExplainer::explain(const RecordLine& record, const SessionHistory& history) {
  out_ = Explained{};
  lines_.clear();
  zone_ = zone_of(files_, record.plan);
  currency_.clear();
  for (const MovementLine& movement : record.movements)
    if (currency_.empty()) currency_ = movement.currency;
  out_.json = {{"record", record.id},
               {"what", what_text(record)},
               {"time", iso_text(record.time / 1'000'000, zone_)},
               {"account", record.account},
               {"session", record.session_id},
               {"plan", record.plan},
               {"version", record.plan_version},
               {"reason", record.reason},
               {"groups", Json::array()},
               {"products", Json::array()},
               {"buckets", Json::array()}};
  head(record);
  int index = 0;
  for (const GroupLine& line : record.mscc) group(record, line, history, index++, false);
  for (const GroupLine& line : record.lost) group(record, line, history, -1, true);
  products(record);
  buckets(record);
  out_.json["wrong"] = out_.wrong;
  out_.json["text"] = lines_;
  return std::move(out_);
}

}  // namespace levyctl
