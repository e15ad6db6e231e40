// The answer of a replay (see replay_print.hpp).
// Core: none. Allocates: yes. Blocks: on standard output. Clock: none.
#include "tools/levyctl/replay_print.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tools/levyctl/plan_clock.hpp"
#include "tools/levyctl/plan_words.hpp"

namespace levyctl {

namespace {

using Json = nlohmann::ordered_json;

std::string money(std::int64_t micros, const std::string& currency) {
  return micros_text(micros) + (currency.empty() ? "" : " " + currency);
}

std::string signed_money(std::int64_t micros, const std::string& currency) {
  return (micros > 0 ? "+" : "") + money(micros, currency);
}

std::string amounts_text(const ReplayOptions& options, const Amounts& amounts,
                         const std::string& currency) {
  std::string text = money(amounts.then, currency) + " charged then, ";
  if (!options.against.empty()) text += money(amounts.against, currency) + " by --against, ";
  return text + money(amounts.now, currency) + " now, difference " +
         signed_money(amounts.difference(), currency);
}

std::string rate_words(const std::string& rate) {
  return rate.empty() ? "own price" : rate;
}

std::string row_text(const ReplayRow& row) {
  std::string text = row.plan + ", ";
  text += row.service.empty() ? "no service" : row.service + ", " + rate_words(row.rate);
  if (row.service == row.service_now && row.rate == row.rate_now) return text;
  text += " -> ";
  if (row.service_now.empty()) return text + "no service";
  if (row.service_now != row.service) text += row.service_now + ", ";
  return text + rate_words(row.rate_now);
}

std::string trouble_text(const ReplayTrouble& trouble, const ReplayUse& use) {
  std::string text = fmt::format("{}, {}: {}", trouble.plan,
                                 trouble.service.empty() ? "no service" : trouble.service,
                                 units_text(use.units, trouble.unit));
  return text + (trouble.why.empty() ? "" : ", " + trouble.why);
}

void print_troubles(const ReplayOptions& options, const ReplaySums& sums) {
  if (!sums.unpriced.empty()) fmt::print("\nnot priced, and in no sum:\n");
  for (const auto& [trouble, use] : sums.unpriced)
    fmt::print("  {}; charged then {}\n", trouble_text(trouble, use),
               money(use.amounts.then, trouble.currency));
  if (!sums.denied.empty()) fmt::print("\nwould not have been granted, though the sums have it:\n");
  for (const auto& [trouble, use] : sums.denied)
    fmt::print("  {}; {}\n", trouble_text(trouble, use),
               amounts_text(options, use.amounts, trouble.currency));
  if (!sums.unrated.empty()) fmt::print("\nwould have no price unless a bucket pays:\n");
  for (const auto& [trouble, use] : sums.unrated) fmt::print("  {}\n", trouble_text(trouble, use));
}

void print_apart(const ReplaySums& sums) {
  const auto each = [](const std::map<std::string, std::int64_t>& by_currency, const char* what) {
    for (const auto& [currency, amount] : by_currency)
      fmt::print("not compared: {} of {}\n", money(amount, currency), what);
  };
  each(sums.fees, "products' fees");
  each(sums.refunds, "refunds");
  each(sums.superseded, "sessions that another one superseded (records do not name them)");
  if (sums.begun_before != 0)
    fmt::print("{} began before these records: their running totals begin at 0 here\n",
               count_text(sums.begun_before, "session"));
  if (sums.disputes != 0)
    fmt::print("{} of sessions that nobody knew: nothing was debited\n",
               count_text(sums.disputes, "report"));
  if (sums.denied_then != 0)
    fmt::print("{} then; what their use would have been is not known\n",
               count_text(sums.denied_then, "denial"));
}

Json amounts_json(const ReplayOptions& options, const Amounts& amounts) {
  Json out;
  out["then"] = micros_text(amounts.then);
  if (!options.against.empty()) out["against"] = micros_text(amounts.against);
  out["now"] = micros_text(amounts.now);
  out["difference"] = micros_text(amounts.difference());
  return out;
}

Json troubles_json(const ReplayOptions& options,
                   const std::map<ReplayTrouble, ReplayUse>& troubles) {
  Json list = Json::array();
  for (const auto& [trouble, use] : troubles) {
    Json item{{"plan", trouble.plan},        {"service", trouble.service}, {"why", trouble.why},
              {"units", use.units},          {"unit", trouble.unit},       {"reports", use.reports},
              {"currency", trouble.currency}};
    item.update(amounts_json(options, use.amounts));
    list.push_back(std::move(item));
  }
  return list;
}

Json by_currency(const std::map<std::string, std::int64_t>& amounts) {
  Json out = Json::object();
  for (const auto& [currency, amount] : amounts) out[currency] = micros_text(amount);
  return out;
}

Json rows_json(const ReplayOptions& options, const ReplaySums& sums) {
  Json rows = Json::array();
  for (const auto& [row, use] : sums.rows) {
    Json item{{"plan", row.plan},
              {"service", row.service},
              {"rate", row.rate.empty() ? Json() : Json(row.rate)},
              {"service_now", row.service_now},
              {"rate_now", row.rate_now.empty() ? Json() : Json(row.rate_now)},
              {"units", use.units},
              {"unit", row.unit},
              {"reports", use.reports},
              {"currency", row.currency}};
    item.update(amounts_json(options, use.amounts));
    rows.push_back(std::move(item));
  }
  return rows;
}

}  // namespace

void print_replay_text(const ReplayOptions& options, const ReplaySums& sums,
                       const RecordReading& reading) {
  fmt::print("{}: {}, {}", count_text(sums.records, "record"), count_text(sums.sessions, "session"),
             count_text(sums.events, "event"));
  if (sums.records != 0)
    fmt::print(", {} to {} (UTC)", local_text(sums.first / 1'000'000, ""),
               local_text(sums.last / 1'000'000, ""));
  fmt::print("\n");
  if (reading.repeated != 0) fmt::print("{} left out as repeated\n", reading.repeated);
  if (!sums.rows.empty()) fmt::print("\n");
  for (const auto& [row, use] : sums.rows)
    fmt::print("{}: {}, {}\n", row_text(row), units_text(use.units, row.unit),
               amounts_text(options, use.amounts, row.currency));
  if (!sums.most.empty()) fmt::print("\nsessions that change most:\n");
  for (const ReplaySession& session : sums.most)
    fmt::print("  {} (account {}, plan {}): {}\n", session.id, session.account, session.plan,
               amounts_text(options, session.amounts, session.currency));
  print_troubles(options, sums);
  fmt::print("\n");
  print_apart(sums);
  for (const auto& [currency, amounts] : sums.totals)
    fmt::print("total: {}\n", amounts_text(options, amounts, currency));
  if (sums.totals.empty()) fmt::print("total: nothing to price\n");
}

void print_replay_json(const ReplayOptions& options, const ReplaySums& sums,
                       const RecordReading& reading) {
  Json totals = Json::object(), most = Json::array();
  for (const auto& [currency, amounts] : sums.totals)
    totals[currency] = amounts_json(options, amounts);
  for (const ReplaySession& session : sums.most) {
    Json item{{"session", session.id},
              {"account", session.account},
              {"plan", session.plan},
              {"currency", session.currency}};
    item.update(amounts_json(options, session.amounts));
    most.push_back(std::move(item));
  }
  const Json answer{{"records", sums.records},
                    {"sessions", sums.sessions},
                    {"events", sums.events},
                    {"repeated", reading.repeated},
                    {"unreadable", reading.fault_count},
                    {"totals", totals},
                    {"rows", rows_json(options, sums)},
                    {"changed_most", most},
                    {"not_priced", troubles_json(options, sums.unpriced)},
                    {"denied", troubles_json(options, sums.denied)},
                    {"unrated", troubles_json(options, sums.unrated)},
                    {"not_compared",
                     {{"fees", by_currency(sums.fees)},
                      {"refunds", by_currency(sums.refunds)},
                      {"superseded", by_currency(sums.superseded)},
                      {"begun_before", sums.begun_before},
                      {"disputes", sums.disputes},
                      {"denied_then", sums.denied_then}}}};
  fmt::print("{}\n", answer.dump(2, ' ', false, Json::error_handler_t::replace));
}

}  // namespace levyctl
