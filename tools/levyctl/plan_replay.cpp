// Records through two catalogues (see plan_replay.hpp).
// Core: none. Allocates: yes (as much as there are open sessions). Blocks: reads files. Clock:
// none.
//
// An open session's groups are kept until its last record; what came before --since is priced too,
// since running totals go on, and only not counted.
#include "tools/levyctl/plan_replay.hpp"

#include <fmt/format.h>

#include <memory>
#include <unordered_map>

#include "tools/levyctl/client.hpp"
#include "tools/levyctl/plan_clock.hpp"
#include "tools/levyctl/plan_words.hpp"
#include "tools/levyctl/record_files.hpp"
#include "tools/levyctl/replay_pricer.hpp"
#include "tools/levyctl/replay_print.hpp"
#include "tools/levyctl/replay_sums.hpp"

namespace levyctl {

namespace {

// What stands for "no event or session of its own": a record's currency by its movements.
std::string currency_of(const RecordLine& record) {
  for (const MovementLine& movement : record.movements)
    if (!movement.currency.empty()) return movement.currency;
  return {};
}

struct OpenSession {
  struct Groups {
    ReplayGroup now, against;
  };
  std::map<GroupKey, Groups> groups;
  ReplaySession sums;
  bool counted = false;
};

class Replay {
 public:
  Replay(const ReplayOptions& options, const PlanFiles& plans, const PlanFiles* against)
      : options_(options), now_(plans, options.event_time_skew) {
    if (against != nullptr)
      against_ = std::make_unique<ReplayPricer>(*against, options.event_time_skew);
  }

  std::string read_bounds() {
    std::string fault = read_bound("--since", options_.since, since_);
    return fault.empty() ? read_bound("--until", options_.until, until_) : fault;
  }

  void take(const RecordLine& record) {
    if (!options_.account.empty() && record.account != options_.account) return;
    counted_ = record.time >= since_ && record.time < until_;
    if (counted_) note(record);
    if (record.kind == "dispute") {
      if (counted_) ++sums.disputes;
      return;
    }
    // An initial request without any group opens its session all the same.
    if (record.request_type.empty() && record.lost.empty() && record.closing.empty()) return;
    const bool alone = record.request_type == "event" || record.kind == "late_usage";
    if (alone)
      take_alone(record);
    else
      take_session(record);
  }

  void finish() {
    for (auto& [id, session] : open_) sums.take_session(session.sums, options_.top);
    open_.clear();
  }

  ReplaySums sums;

 private:
  void note(const RecordLine& record) {
    ++sums.records;
    if (sums.first == 0) sums.first = record.time;
    sums.last = record.time;
    for (const ProductLine& product : record.products)
      if (product.fee != 0) sums.fees[currency_of(record)] += product.fee;
    for (const GroupLine& line : record.mscc)
      if (line.reason != "ok" && line.used == 0 && line.charged == 0) ++sums.denied_then;
  }

  // Events, and use reported after the end: no running total.
  void take_alone(const RecordLine& record) {
    ReplaySession alone{record.session_id, record.account, record.plan, "", {}};
    if (counted_ && record.request_type == "event") ++sums.events;
    for (const GroupLine& line : record.mscc) {
      if (line.charged < 0) {
        if (counted_) sums.refunds[currency_of(record)] += line.charged;
      } else if (line.used > 0) {
        price(record, line, nullptr, false, alone);
      }
    }
    if (counted_) sums.take_session(alone, options_.top);
  }

  void take_session(const RecordLine& record) {
    if (record.session_id.empty()) return;
    const auto [at, begins] = open_.try_emplace(record.session_id);
    OpenSession& session = at->second;
    if (begins) {
      session.sums = {record.session_id, record.account, record.plan, "", {}};
      const bool uses = !record.mscc.empty() || !record.lost.empty();
      if (counted_ && uses && record.request_type != "initial") ++sums.begun_before;
    }
    if (counted_ && !session.counted) session.counted = true, ++sums.sessions;
    const std::size_t count = record.mscc.size();
    for (std::size_t i = 0; i < count; ++i) {
      bool more = false;
      GroupLine line = record.mscc[i];
      for (std::size_t j = i + 1; j < count; ++j) more |= record.mscc[j].key == line.key;
      // The last row of a group asks for what its first one was granted.
      for (std::size_t j = 0; j < i && line.after_tariff_change; ++j)
        if (record.mscc[j].key == line.key) line.granted = record.mscc[j].granted;
      price(record, line, &session, more, session.sums);
    }
    if (!record.plan.empty()) session.sums.plan = record.plan;
    RecordLine named;  // the record of a loss names no plan
    if (!record.lost.empty()) named = record, named.plan = session.sums.plan;
    // What a session that another one superseded lost: the record does not name it.
    const bool other = record.closing == "supersedes";
    for (const GroupLine& line : record.lost) {
      if (other && counted_) sums.superseded[currency_of(record)] += line.charged;
      if (!other) price(named, line, &session, false, session.sums);
    }
    const bool refused = record.request_type == "initial" && record.reason != "ok";
    if ((record.closing.empty() || other) && !refused) return;
    sums.take_session(session.sums, options_.top);
    open_.erase(at);
  }

  void price(const RecordLine& record, const GroupLine& line, OpenSession* session, bool more,
             ReplaySession& sum) {
    ReplayGroup* group = nullptr;
    ReplayGroup* before = nullptr;
    if (session != nullptr) {
      OpenSession::Groups& both = session->groups[line.key];
      group = &both.now;
      before = &both.against;
    }
    const Repriced now = now_.price(record, line, group, more);
    Repriced old;
    if (against_ != nullptr) old = against_->price(record, line, before, more);
    if (!counted_ || line.used == 0) return;
    const Amounts amounts{line.charged, against_ == nullptr ? line.charged : old.charged,
                          now.charged};
    if (!now.priced || (against_ != nullptr && !old.priced)) {
      const std::string why = now.priced ? "--against: " + old.why : now.why;
      add(sums.unpriced[{why, record.plan, line.service, line.unit, currency_of(record)}], line,
          {line.charged, 0, 0});
      return;
    }
    const std::string rate = line.rate == 0           ? std::string()
                             : line.rate_name.empty() ? fmt::format("rate {}", line.rate)
                                                      : line.rate_name;
    add(sums.rows[{record.plan, line.service, rate, now.service, now.rate, line.unit,
                   now.currency}],
        line, amounts);
    sums.totals[now.currency].add(amounts);
    sum.currency = now.currency;
    sum.amounts.add(amounts);
    if (!now.refused.empty())
      add(sums.denied[{now.refused, record.plan, line.service, line.unit, now.currency}], line,
          amounts);
    if (now.unrated > 0) {
      ReplayUse& use = sums.unrated[{"", record.plan, line.service, line.unit, now.currency}];
      ++use.reports;
      use.units = levy::checked_add(use.units, now.unrated);
    }
  }

  static void add(ReplayUse& use, const GroupLine& line, const Amounts& amounts) {
    use.units = levy::checked_add(use.units, line.used);
    ++use.reports;
    use.amounts.add(amounts);
  }

  const ReplayOptions& options_;
  ReplayPricer now_;
  std::unique_ptr<ReplayPricer> against_;
  std::unordered_map<std::string, OpenSession> open_;
  std::int64_t since_ = INT64_MIN, until_ = INT64_MAX;
  bool counted_ = false;
};

}  // namespace

std::string read_bound(const std::string& option, const std::string& text, std::int64_t& micros) {
  if (text.empty() || read_utc(text, micros)) return {};
  std::int64_t seconds = 0;
  const std::string fault =
      parse_local(text.ends_with('Z') ? text.substr(0, text.size() - 1) : text, "", seconds);
  if (!fault.empty()) return option + ": " + fault + " (UTC)";
  micros = seconds * 1'000'000;
  return {};
}

int run_replay(const ReplayOptions& options, bool json) {
  const PlanFiles plans = read_plan_files(options.plans);
  PlanFiles against;
  if (!options.against.empty()) against = read_plan_files(options.against);
  if (!plans.ok() || !against.ok()) {
    fmt::print(stderr, "{}{}", faults_text(plans), faults_text(against));
    return exit_refused;
  }
  Replay replay(options, plans, options.against.empty() ? nullptr : &against);
  const std::string fault = replay.read_bounds();
  if (!fault.empty()) {
    fmt::print(stderr, "{}\n", fault);
    return exit_usage;
  }
  const RecordReading reading = read_records(
      options.records, {}, [&replay](const RecordLine& record) { replay.take(record); });
  replay.finish();
  report_faults(reading);
  if (json)
    print_replay_json(options, replay.sums, reading);
  else
    print_replay_text(options, replay.sums, reading);
  return reading.ok() && replay.sums.unpriced.empty() ? exit_ok : exit_refused;
}

}  // namespace levyctl
