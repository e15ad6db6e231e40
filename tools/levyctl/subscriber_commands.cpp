// levyctl subscriber: show, make, import, change and delete (see commands.hpp).
// Core: none. Allocates: yes. Blocks: yes. Clock: steady, for progress.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <iterator>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "tools/levyctl/posted.hpp"

namespace levyctl {

namespace {

using Json = nlohmann::ordered_json;

// `levyctl <name> ID [VALUE]` -> POST /v1/subscribers/ID<action> {field: VALUE}
void add_change(CLI::App& parent, Context& context, const std::string& name,
                const std::string& about, const std::string& action, const std::string& field,
                const std::string& fixed = "") {
  CLI::App* command = parent.add_subcommand(name, about);
  const auto posted = std::make_shared<Posted>();
  command->add_option("ID", posted->id, id_about)->required();
  posted->texts[field] = fixed;
  if (fixed.empty()) command->add_option(field, posted->texts[field])->required();
  add_reasons(*command, posted);
  command->callback([&context, posted, action] {
    context.run = [&context, posted, action] {
      return present(context,
                     context.client().post(route_of(posted->id, action), body_of(posted->texts)),
                     View::subscriber);
    };
  });
}

// `levyctl subscriber set ID WHAT VALUE`: one thing of the account, by one request.
struct Setting {
  const char* what;
  const char* action;
  const char* field;
  const char* value_about;
};
constexpr Setting settings[] = {
    {"plan", "/plan", "plan", "another base plan (add-ons: `levyctl buy`)"},
    {"credit-limit", "/credit-limit", "credit_limit", "how far the wallet may fall below zero"},
    {"validity", "/validity", "until",
     "until when it is valid (UTC, or \"forever\"); then its plan's grace begins"},
    {"segment", "/segment", "segment", "the account is in it: plans' conditions read that"},
    {"not-segment", "/segment", "not_segment", "... and is in it no more"},
    {"friend", "/friend", "friend", "an international number on its list, up to 19"},
    {"not-friend", "/friend", "not_friend", "... and off it"},
    {"counter", "/counter", "value",
     "NAME VALUE: where a counter of its plan stands; of one per subscriber by IMSI or E.164"},
};

void add_set(CLI::App& group, Context& context) {
  struct Set : Posted {
    std::string what;
    std::vector<std::string> values;
  };
  CLI::App* command = group.add_subcommand("set", "one thing of the account");
  const auto set = std::make_shared<Set>();
  std::vector<std::string> names;
  std::string footer = "WHAT and VALUE:\n";
  for (const Setting& one : settings) {
    names.emplace_back(one.what);
    footer += fmt::format("  {:<13} {}\n", one.what, one.value_about);
  }
  command->add_option("ID", set->id, id_about)->required();
  command->add_option("WHAT", set->what)->required()->check(CLI::IsMember(names));
  command->add_option("VALUE", set->values, "exact: 10.50, 5GB, 90min")->required()->expected(1, 2);
  command->footer(footer);
  add_reasons(*command, set);
  command->callback([&context, set] {
    const bool counter = set->what == "counter";
    if (set->values.size() != (counter ? 2u : 1u))
      throw CLI::ValidationError(counter ? "counter takes NAME and VALUE" : "one VALUE is needed");
    const Setting& one = *std::find_if(std::begin(settings), std::end(settings),
                                       [&](const Setting& s) { return set->what == s.what; });
    if (counter) set->texts["counter"] = set->values.front();
    set->texts[one.field] = set->values.back();
    context.run = [&context, set, action = one.action] {
      return present(context, context.client().post(route_of(set->id, action), body_of(set->texts)),
                     View::subscriber);
    };
  });
}

void add_delete(CLI::App& group, Context& context) {
  CLI::App* command = group.add_subcommand("delete", "removes a subscriber without open sessions");
  const auto posted = std::make_shared<Posted>();
  command->add_option("ID", posted->id, "IMSI, E.164, or imsi:…, e164:…, sip:…")->required();
  add_reasons(*command, posted);
  command->callback([&context, posted] {
    context.run = [&context, posted] {
      return present(context,
                     context.client().remove(route_of(posted->id, ""), body_of(posted->texts)),
                     View::generic);
    };
  });
}

void add_create(CLI::App& group, Context& context) {
  CLI::App* create = group.add_subcommand("create", "makes an account, or a member of one");
  const auto posted = std::make_shared<Posted>();
  for (const char* field :
       {"account", "imsi", "e164", "sip", "nai", "private", "plan", "currency", "wallet",
        "credit_limit", "buckets", "own_wallet", "own_buckets", "products", "status"}) {
    std::string option = std::string("--") + field;
    std::replace(option.begin(), option.end(), '_', '-');
    create->add_option(option, posted->texts[field]);
  }
  add_reasons(*create, posted);
  create->footer(
      "--buckets \"data=5 GB;sms=100\"; --products \"roaming-pass;sms-pack@2026-11-01\"; "
      "--wallet 10.50; the account's name defaults to the IMSI or E.164; --own-wallet and "
      "--own-buckets are the subscriber's own, beside those of its account");
  create->callback([&context, posted] {
    context.run = [&context, posted] {
      return present(context, context.client().post("/v1/subscribers", body_of(posted->texts)),
                     View::subscriber);
    };
  });
}

// Shows the daemon's counters on stderr, when that is a terminal, until it goes out of scope.
class ProgressLine {
 public:
  explicit ProgressLine(Place where) {
    if (::isatty(STDERR_FILENO) == 0) return;
    thread_ = std::thread([this, place = std::move(where)] {
      std::unique_lock lock(mutex_);
      while (!over_.wait_for(lock, std::chrono::seconds(1), [this] { return done_; })) {
        const Reply reply = Client(place).get("/v1/import");
        const Json json = Json::parse(reply.body, nullptr, false);
        if (!reply.ok() || json.is_discarded()) continue;
        fmt::print(stderr, "\r{} lines, {} failed ", json.value("lines", 0ull),
                   json.value("failed", 0ull));
      }
      fmt::print(stderr, "\r");
    });
  }
  ~ProgressLine() {
    if (!thread_.joinable()) return;
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    over_.notify_one();
    thread_.join();
  }

 private:
  std::mutex mutex_;
  std::condition_variable over_;
  bool done_ = false;
  std::thread thread_;
};

int run_import(const Context& context, const std::string& file, const std::string& query) {
  const bool standard = file == "-";
  const int input = standard ? STDIN_FILENO : ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (input < 0) {
    fmt::print(stderr, "{}: {}\n", file, std::strerror(errno));
    return exit_usage;
  }
  int error = 0;
  Reply reply;
  {
    const ProgressLine progress(context.place);
    reply = context.client().upload("/v1/import" + query, [&](std::string& part) {
      part.resize(256 * 1024);
      ssize_t size = 0;
      do size = ::read(input, part.data(), part.size());
      while (size < 0 && errno == EINTR);
      if (size < 0) error = errno;
      part.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
      return size >= 0;
    });
  }
  if (!standard) ::close(input);
  if (error != 0) {
    fmt::print(stderr, "{}: {}: the lines before were taken\n", file, std::strerror(error));
    return exit_refused;
  }
  const Json json = Json::parse(reply.body, nullptr, false);
  if (!reply.reached || json.is_discarded() || !json.contains("created")) {
    return reply.ok() ? exit_ok : report(reply, context.json);
  }
  fmt::print("{}", context.json ? reply.body : table(reply.body, View::summary));
  return reply.ok() && json.value("failed", 0ull) == 0 ? exit_ok : exit_refused;
}

void add_import(CLI::App& group, Context& context) {
  struct Options {
    std::string file, format, on_error = "skip", currency, who, why;
    bool set_balance = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = group.add_subcommand("import", "accounts and subscribers from a file");
  command->add_option("FILE", options->file, "- for standard input")->required();
  command->add_option("--format", options->format, "default: by the file's name, else csv")
      ->check(CLI::IsMember({"csv", "ndjson"}));
  command->add_flag("--set-balance", options->set_balance,
                    "existing accounts' wallets become what the file says");
  command->add_option("--on-error", options->on_error, "skip (default) or stop")
      ->check(CLI::IsMember({"skip", "stop"}));
  command->add_option("--currency", options->currency, "where line and plan have none");
  command->add_option("--who", options->who, "who asks, for the records")->envname("LEVY_WHO");
  command->add_option("--why", options->why, "reason, for the records");
  command->footer(
      "Columns: account imsi e164 sip nai private plan currency wallet credit_limit "
      "buckets (kind=amount;kind=amount) products (name;name@DATE) status. CSV names them in its "
      "first line. name@DATE, of an add-on or of `plan`, runs since then and its running period "
      "is paid for; a product that is held already is not bought again. "
      "An account that exists keeps its wallet (but for --set-balance), plan and status. "
      "A file may be sent again: what is there is not made twice. Exit 1 when a line failed.");
  command->callback([&context, options] {
    context.run = [&context, options] {
      const std::string& file = options->file;
      const auto ends_with = [&](std::string_view end) {
        return file.size() > end.size() && file.substr(file.size() - end.size()) == end;
      };
      const bool json_lines = ends_with(".ndjson") || ends_with(".jsonl");
      std::string query = "?format=" + (!options->format.empty() ? options->format
                                        : json_lines             ? std::string("ndjson")
                                                                 : std::string("csv"));
      query += "&on_error=" + options->on_error;
      if (options->set_balance) query += "&set_balance=1";
      if (!options->currency.empty()) query += "&currency=" + escaped(options->currency);
      if (!options->who.empty()) query += "&who=" + escaped(options->who);
      if (!options->why.empty()) query += "&why=" + escaped(options->why);
      return run_import(context, file, query);
    };
  });
}

}  // namespace

void add_subscriber(CLI::App& app, Context& context) {
  CLI::App* group = app.add_subcommand("subscriber", "show, create, import and change subscribers");
  group->require_subcommand(1);
  add_show(*group, context, "show", "an account with its subscribers, products and buckets", "",
           View::subscriber);
  add_create(*group, context);
  add_import(*group, context);
  add_set(*group, context);
  add_change(*group, context, "suspend", "usage is refused until activated", "/status", "status",
             "suspended");
  add_change(*group, context, "activate", "usage is served again", "/status", "status", "active");
  add_change(*group, context, "bar", "usage is refused", "/status", "status", "barred");
  add_delete(*group, context);
  add_change(*group, context, "swap-sim", "another IMSI for the same subscriber", "/swap-sim",
             "new_imsi");
  add_change(*group, context, "change-number", "another E.164 number", "/change-number",
             "new_e164");
}

}  // namespace levyctl
