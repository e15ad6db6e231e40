// Which records are meant, and their sums (see explain.hpp).
// Core: none. Allocates: yes. Blocks: reads files. Clock: in the records.
#include "tools/levyctl/explain.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <set>

#include "tools/levyctl/commands.hpp"
#include "tools/levyctl/explain_record.hpp"
#include "tools/levyctl/plan_replay.hpp"
#include "tools/levyctl/plan_words.hpp"
#include "tools/levyctl/record_files.hpp"

namespace levyctl {

namespace {

using Json = nlohmann::ordered_json;

// As a line of JSON has a text, without its quotes: to leave other lines unread.
std::string in_json(const std::string& text) {
  const std::string dumped = Json(text).dump();
  return dumped.substr(1, dumped.size() - 2);
}

// What is to be explained, of records whose line has `needle`.
struct Wanted {
  std::string needle;
  std::string session;  // of --record; the records before it give its running totals
  std::set<std::uint32_t> versions;
  std::size_t records = 0;
};

class Explain {
 public:
  explicit Explain(const ExplainOptions& options) : options_(options) {}

  std::string read_bounds() {
    std::string fault = read_bound("--since", options_.since, since_);
    return fault.empty() ? read_bound("--until", options_.until, until_) : fault;
  }

  bool meant(const RecordLine& record) const {
    if (!options_.record.empty() && record.id != options_.record) return false;
    if (!options_.session.empty() && record.session_id != options_.session) return false;
    if (!options_.account.empty() && record.account != options_.account) return false;
    return record.time >= since_ && record.time < until_;
  }

  // First look: which session a record is of, and which versions rated what is meant.
  RecordReading look() {
    const std::string& name = !options_.record.empty()    ? options_.record
                              : !options_.session.empty() ? options_.session
                                                          : options_.account;
    wanted_.needle = in_json(name);
    return read_records(options_.records, has_needle(), [this](const RecordLine& record) {
      if (!meant(record)) return;
      ++wanted_.records;
      wanted_.session = record.session_id;
      for (const GroupLine& line : record.mscc)
        if (line.rated_version != 0) wanted_.versions.insert(line.rated_version);
    });
  }

  int run(const PlanFiles* files, bool json) {
    if (!options_.record.empty() && !wanted_.session.empty())
      wanted_.needle = in_json(wanted_.session);
    std::uint32_t version = options_.plans_version;
    if (files != nullptr && version == 0 && wanted_.versions.size() > 1) {
      fmt::print(stderr,
                 "these records were rated by {} versions of the plans: --plans-version says which "
                 "of them is given; none is checked\n",
                 wanted_.versions.size());
      files = nullptr;
    }
    RecordExplainer explainer(options_, files, version);
    const RecordReading reading =
        read_records(options_.records, has_needle(), [&](const RecordLine& record) {
          if (meant(record)) show(explainer.explain(record, history_), record, json);
          history_.take(record);
        });
    finish(json);
    return wrong_ == 0 && reading.ok() ? exit_ok : exit_refused;
  }

  std::size_t records() const { return wanted_.records; }

 private:
  std::function<bool(const std::string&)> has_needle() const {
    return [this](const std::string& line) { return line.find(wanted_.needle) != line.npos; };
  }

  void show(const Explained& one, const RecordLine& record, bool json) {
    wrong_ += one.wrong.size();
    std::string currency;
    for (const MovementLine& movement : record.movements)
      if (currency.empty()) currency = movement.currency;
    for (const GroupLine& line : record.mscc) charged_[currency] += line.charged;
    for (const GroupLine& line : record.lost) charged_[currency] += line.charged;
    for (const ProductLine& product : record.products) charged_[currency] += product.fee;
    if (json) {
      all_.push_back(one.json);
      return;
    }
    for (const auto& line : one.json["text"]) fmt::print("{}\n", line.get<std::string>());
    fmt::print("\n");
  }

  void finish(bool json) {
    Json sums = Json::object();
    std::vector<std::string> texts;
    for (const auto& [currency, amount] : charged_) {
      if (amount == 0 && currency.empty()) continue;
      sums[currency] = micros_text(amount);
      texts.push_back(micros_text(amount) + (currency.empty() ? "" : " " + currency));
    }
    if (json) {
      const Json answer{{"records", all_}, {"charged", sums}, {"wrong", wrong_}};
      fmt::print("{}\n", answer.dump(2, ' ', false, Json::error_handler_t::replace));
      return;
    }
    fmt::print("{}: {} charged\n", count_text(wanted_.records, "record"),
               texts.empty() ? "nothing" : joined(texts, ", "));
    if (wrong_ != 0)
      fmt::print("*** {} that does not add up: see *** above\n", count_text(wrong_, "line"));
  }

  const ExplainOptions& options_;
  Wanted wanted_;
  SessionHistory history_;
  Json all_ = Json::array();
  std::map<std::string, std::int64_t> charged_;  // by currency
  std::size_t wrong_ = 0;
  std::int64_t since_ = INT64_MIN, until_ = INT64_MAX;
};

}  // namespace

int run_explain(const ExplainOptions& options, bool json) {
  PlanFiles files;
  if (!options.plans.empty()) files = read_plan_files(options.plans);
  if (!files.ok()) {
    fmt::print(stderr, "{}", faults_text(files));
    return exit_refused;
  }
  Explain explain(options);
  const std::string fault = explain.read_bounds();
  if (!fault.empty()) {
    fmt::print(stderr, "{}\n", fault);
    return exit_usage;
  }
  report_faults(explain.look());
  if (explain.records() == 0) {
    fmt::print(stderr,
               "no such record in these files; `records` writes them, and "
               "records.retention removes old ones\n");
    return exit_refused;
  }
  return explain.run(options.plans.empty() ? nullptr : &files, json);
}

void add_explain(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("explain", "why something was charged, from the records");
  const auto options = std::make_shared<ExplainOptions>();
  command
      ->add_option("RECORDS", options->records,
                   "files of charging records (*.jsonl), and directories of them")
      ->required();
  CLI::Option_group* which = command->add_option_group("which", "one of");
  which->add_option("--session", options->session, "Session-Id: all of its records");
  which->add_option("--record", options->record, "id of a record: 2-17-0");
  which->add_option("--account", options->account, "name: all of its records");
  which->require_option(1);
  command->add_option("--since", options->since, "\"2026-12-24 17:30\", UTC");
  command->add_option("--until", options->until, "likewise, exclusive");
  command->add_option("--plans", options->plans,
                      "the plans that rated it: files and directories; without them nothing is "
                      "computed again");
  command->add_option("--plans-version", options->plans_version,
                      "which version they are (levyctl status): others' records are not checked");
  command
      ->add_option("--event-time-skew", options->event_time_skew,
                   "seconds: the daemon's sessions.event_time_skew_max")
      ->capture_default_str();
  command->footer(
      "Offline. Says when, where, who, by which rate and why, the units and the running total of "
      "the session, the price step by step, tax, what was not paid, and every bucket movement. "
      "With "
      "--plans the amount is computed again by the code that charges; facts that records do not "
      "keep (APN, calling party, characteristics, QCI, role) are named, not guessed. Records carry "
      "a version's number, not its text: where names, units or tax differ, the plans are taken for "
      "another version's and nothing is checked.\n"
      "Exit codes: 0 explained, 1 not found, or something does not add up (lines with ***), 2 "
      "usage.\n"
      "Example: levyctl explain records --session \"pgw;1;2\" --plans config/examples/plans");
  command->callback([&context, options] {
    context.run = [&context, options] { return run_explain(*options, context.json); };
  });
}

}  // namespace levyctl
