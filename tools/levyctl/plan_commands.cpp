// levyctl plan check | price | diff | replay | schema: offline, on plan files and directories.
// Core: none. Allocates: yes. Blocks: reads files. Clock: system, where no time is given.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <ctime>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "tools/levyctl/commands.hpp"
#include "tools/levyctl/plan_check.hpp"
#include "tools/levyctl/plan_diff.hpp"
#include "tools/levyctl/plan_price.hpp"
#include "tools/levyctl/plan_replay.hpp"
#include "tools/levyctl/plan_words.hpp"

namespace levyctl {

namespace {

using Json = nlohmann::ordered_json;

std::string summary(const PlanFiles& files, std::size_t warnings) {
  std::size_t addons = 0, services = 0, rates = 0, fees = 0, allowances = 0;
  for (const rating::PlanSource& plan : files.catalogue().plans) {
    addons += plan.kind.value == "addon" ? 1 : 0;
    fees += plan.fees.size();
    allowances += plan.allowances.size();
    services += plan.services.size();
    for (const rating::ServiceSource& service : plan.services) rates += service.rates.size();
  }
  std::vector<std::string> parts{count_text(files.catalogue().plans.size(), "plan")};
  if (addons != 0) parts.back() += fmt::format(" ({})", count_text(addons, "add-on"));
  parts.push_back(count_text(services, "service"));
  parts.push_back(count_text(rates, "rate"));
  if (fees != 0) parts.push_back(count_text(fees, "fee"));
  if (allowances != 0) parts.push_back(count_text(allowances, "allowance"));
  parts.push_back(files.ok() ? "no fault" : count_text(files.fault_count, "fault"));
  if (warnings != 0) parts.push_back(count_text(warnings, "warning"));
  return joined(parts, ", ");
}

Json json_of(const std::vector<Diagnostic>& items) {
  Json list = Json::array();
  for (const Diagnostic& item : items) {
    Diagnostic text = item;
    text.place = {};
    list.push_back({{"file", item.place.file},
                    {"line", item.place.line},
                    {"column", item.place.column},
                    {"text", to_string(text).substr(std::string("configuration: ").size())}});
  }
  return list;
}

int run_check(const std::vector<std::string>& paths, bool json) {
  const PlanFiles files = read_plan_files(paths);
  std::vector<Diagnostic> warnings;
  if (files.ok()) warnings = plan_warnings(files, std::time(nullptr));
  const std::string last = summary(files, warnings.size());
  if (json) {
    fmt::print(
        "{}\n",
        Json{{"faults", json_of(files.faults)}, {"warnings", json_of(warnings)}, {"summary", last}}
            .dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    fmt::print("{}", faults_text(files));
    for (const Diagnostic& warning : warnings) fmt::print("{}\n", to_string(warning));
    fmt::print("{}\n", last);
  }
  return files.ok() ? exit_ok : exit_refused;
}

int run_diff(const std::string& before, const std::string& after, bool json) {
  constexpr int exit_fault = 2;
  const PlanFiles a = read_plan_files({before}), b = read_plan_files({after});
  if (!a.ok() || !b.ok()) {
    fmt::print(stderr, "{}{}", faults_text(a), faults_text(b));
    return exit_fault;
  }
  const std::vector<Difference> found = differences(a.catalogue(), b.catalogue());
  if (json) {
    Json list = Json::array();
    for (const Difference& one : found) {
      Json item{{"what", one.what}, {"change", one.change}};
      if (one.change == "changed")
        item.update({{"key", one.key}, {"before", one.before}, {"after", one.after}});
      list.push_back(std::move(item));
    }
    fmt::print("{}\n", list.dump(2));
  } else {
    for (const Difference& one : found) fmt::print("{}\n", to_text(one));
    if (found.empty()) fmt::print("no difference\n");
  }
  return found.empty() ? exit_ok : exit_refused;
}

void add_check(CLI::App& group, Context& context) {
  CLI::App* command = group.add_subcommand("check", "every fault and warning of plan files");
  const auto paths = std::make_shared<std::vector<std::string>>();
  command->add_option("PATH", *paths, "plan files, and directories of *.yaml")->required();
  command->footer(
      "All faults come in one run as file:line:column: what is wrong, what is allowed. Where there "
      "is none, warnings follow: zones, times and bucket kinds that nothing refers to, rates and "
      "prices that can never apply. The last line counts. Exit codes: 0 no fault (warnings are "
      "none), 1 a fault.");
  command->callback([&context, paths] {
    context.run = [&context, paths] { return run_check(*paths, context.json); };
  });
}

void add_price_options(CLI::App& command, PriceOptions& options) {
  command.add_option("PATH", options.paths, "plan files, and directories of *.yaml")->required();
  command.add_option("--plan", options.plan, "name; may be left out where there is one plan");
  command.add_option("--use", options.use, "how much: \"25 MB\", \"10 min\", \"3 events\"")
      ->required();
  command.add_option("--rating-group", options.rating_group, "default: a request without one");
  command.add_option("--context", options.context,
                     "data, voice, sms, mms or other; default: the first whose service counts what "
                     "--use names");
  command.add_option("--service-identifier", options.service_identifier);
  command.add_option("--at", options.at,
                     "\"2026-12-24 17:30\", local time of the plan's zone; default: now");
  command.add_option("--lasting", options.lasting,
                     "\"1 h\": how long the use takes, evenly; default: calls as long as they are, "
                     "the rest at once");
  command.add_option("--apn", options.apn);
  command.add_option("--rat", options.rat, "eutran, nr, utran, geran, wlan, nb_iot, … or a number");
  command.add_option("--plmn", options.plmn, "serving network: 26201");
  command.add_option("--called", options.called, "international: 493012345");
  command.add_option("--calling", options.calling);
  command.add_option("--location", options.location,
                     "\"tai 262-01-4660\", \"ecgi 262-01-…\", \"ncgi …\", \"cgi …\", \"sai …\"");
  command.add_option("--qci", options.qci);
  command.add_option("--role", options.role, "originating or terminating");
  command.add_option("--characteristics", options.characteristics, "4 hexadecimal digits");
}

void add_price(CLI::App& group, Context& context) {
  CLI::App* command =
      group.add_subcommand("price", "what some use would cost, step by step, and why");
  const auto options = std::make_shared<PriceOptions>();
  add_price_options(*command, *options);
  command->footer(
      "Asks the same code that charges, on an account with money enough and without buckets. Each "
      "step says from when, which rate and the conditions that held, or the rates before it that "
      "did not; units, price, fee and charge. --json: the same. Exit codes: 0 all of the use was "
      "priced, 1 not all of it (or the files have faults), 2 usage.\n"
      "Example: levyctl plan price config/examples/plans --plan talk-contract --rating-group 20 "
      "--use \"10 min\" --called 493012345 --at \"2026-12-23 19:55\"");
  command->callback([&context, options] {
    context.run = [&context, options] {
      options->now = std::time(nullptr);
      return run_price(*options, context.json);
    };
  });
}

void add_diff(CLI::App& group, Context& context) {
  CLI::App* command = group.add_subcommand("diff", "what two catalogues sell differently");
  const auto before = std::make_shared<std::string>(), after = std::make_shared<std::string>();
  command->add_option("A", *before, "a plan file or directory")->required();
  command->add_option("B", *after, "another one")->required();
  command->footer(
      "One line per plan, service, rate, zone, time or bucket kind that was added or removed, and "
      "per key that changed, in words. A key that is not given counts as its default. Exit codes: "
      "0 no difference, 1 differences, 2 a file has faults.");
  command->callback([&context, before, after] {
    context.run = [&context, before, after] { return run_diff(*before, *after, context.json); };
  });
}

void add_replay(CLI::App& group, Context& context) {
  CLI::App* command =
      group.add_subcommand("replay", "what recorded use would cost under another catalogue");
  const auto options = std::make_shared<ReplayOptions>();
  command
      ->add_option("RECORDS", options->records,
                   "files of charging records (*.jsonl), and directories of them")
      ->required();
  command->add_option("--plans", options->plans, "the catalogue to try: files and directories")
      ->required();
  command->add_option("--against", options->against,
                      "the one to compare it with, instead of the recorded amounts");
  command->add_option("--account", options->account, "of this account alone");
  command->add_option("--since", options->since, "\"2026-12-24 17:30\", UTC");
  command->add_option("--until", options->until, "likewise, exclusive");
  command->add_option("--top", options->top, "how many of the sessions that change most")
      ->capture_default_str();
  command
      ->add_option("--event-time-skew", options->event_time_skew,
                   "seconds: the daemon's sessions.event_time_skew_max")
      ->capture_default_str();
  command->footer(
      "Feeds charge() itself with what each session reported, in order, with the recorded facts: "
      "time, RAT, PLMN, location, called. Sums per plan, service and rate, and the sessions that "
      "change most; exact. Memory grows with open sessions, not with records.\n"
      "It cannot know: balances (units that buckets paid then are paid by buckets now); what a "
      "denied or smaller grant would have led to; facts that records do not keep (APN, calling "
      "party, characteristics, QCI, role, more than one Service-Identifier): a rate that asks for "
      "one does not hold; which add-ons an account had (a service that the base plan does not "
      "name is looked for in add-ons). Products' "
      "fees and refunds are taken as they were.\n"
      "Exit codes: 0 all of the use was priced, 1 not all of it (or files have faults), 2 usage.");
  command->callback([&context, options] {
    context.run = [&context, options] { return run_replay(*options, context.json); };
  });
}

void add_schema(CLI::App& group, Context& context) {
  CLI::App* command = group.add_subcommand("schema", "the JSON Schema of plan files, for editors");
  const auto daemon = std::make_shared<bool>(false);
  command->add_flag("--levyd", *daemon, "of levyd.yaml instead");
  command->footer(
      "Draft 2020-12, made from the declarations that load the YAML. An editor that knows the YAML "
      "language server reads it by a first line such as\n"
      "# yaml-language-server: $schema=../../plan.schema.json");
  command->callback([&context, daemon] {
    context.run = [daemon] {
      levy::config::describe_schema(
          *daemon ? levy::config::SchemaOf::options : levy::config::SchemaOf::plan_file, std::cout);
      return static_cast<int>(exit_ok);
    };
  });
}

}  // namespace

void add_plan(CLI::App& app, Context& context) {
  CLI::App* group =
      app.add_subcommand("plan", "check, price, compare and replay plan files, offline");
  group->require_subcommand(1);
  add_check(*group, context);
  add_price(*group, context);
  add_diff(*group, context);
  add_replay(*group, context);
  add_schema(*group, context);
}

}  // namespace levyctl
