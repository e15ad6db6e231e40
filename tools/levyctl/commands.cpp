// Commands on subscribers, money, sessions and the daemon (see commands.hpp).
// Core: none. Allocates: yes. Blocks: yes. Clock: steady, for progress.
#include "tools/levyctl/commands.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "tools/levyctl/show.hpp"

namespace levyctl {

namespace {

using Json = nlohmann::ordered_json;
using Texts = std::map<std::string, std::string>;

int present(const Context& context, const Reply& reply, View view) {
  if (!reply.ok()) return report(reply, context.json);
  fmt::print("{}", context.json ? reply.body : table(reply.body, view));
  return exit_ok;
}

std::string body_of(const Texts& texts) {
  Json json = Json::object();
  for (const auto& [key, value] : texts) {
    if (!value.empty()) json[key] = value;
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string route_of(const std::string& id, const std::string& action) {
  return "/v1/subscribers/" + escaped(id) + action;
}

// A command that posts its options as one JSON object.
struct Posted {
  std::string id, positional;
  Texts texts;
};

void add_reasons(CLI::App& command, const std::shared_ptr<Posted>& posted) {
  command.add_option("--key", posted->texts["key"],
                     "request key: the same key again changes nothing");
  command.add_option("--who", posted->texts["who"], "who asks, for the record");
  command.add_option("--why", posted->texts["why"], "reason, for the record");
}

// `levyctl <name> ID [VALUE]` -> POST /v1/subscribers/ID<action> {field: VALUE}
void add_change(CLI::App& parent, Context& context, const std::string& name,
                const std::string& about, const std::string& action, const std::string& field,
                const std::string& fixed = "") {
  CLI::App* command = parent.add_subcommand(name, about);
  const auto posted = std::make_shared<Posted>();
  command->add_option("ID", posted->id, "account name, IMSI, E.164, or imsi:…, e164:…")->required();
  posted->texts[field] = fixed;
  if (fixed.empty()) command->add_option(field, posted->texts[field])->required();
  add_reasons(*command, posted);
  command->callback([&context, posted, action] {
    context.run = [&context, posted, action] {
      return present(
          context,
          Client(context.socket).post(route_of(posted->id, action), body_of(posted->texts)),
          View::subscriber);
    };
  });
}

void add_set_counter(CLI::App& parent, Context& context) {
  CLI::App* counter =
      parent.add_subcommand("set-counter", "where a counter of its plan stands from now on");
  const auto moved = std::make_shared<Posted>();
  counter->add_option("ID", moved->id, "as above; of a counter per subscriber: an IMSI or E.164")
      ->required();
  counter->add_option("COUNTER", moved->texts["counter"], "its name in the plan")->required();
  counter->add_option("VALUE", moved->texts["value"], "exact: 10.50, 5GB, 90min")->required();
  add_reasons(*counter, moved);
  counter->callback([&context, moved] {
    context.run = [&context, moved] {
      return present(
          context,
          Client(context.socket).post(route_of(moved->id, "/counter"), body_of(moved->texts)),
          View::subscriber);
    };
  });
}

void add_subscriber(CLI::App& app, Context& context) {
  CLI::App* group = app.add_subcommand("subscriber", "show, create and change subscribers");
  group->require_subcommand(1);
  const auto id = std::make_shared<std::string>();
  CLI::App* show =
      group->add_subcommand("show", "an account with its subscribers, products and buckets");
  show->add_option("ID", *id, "account name, IMSI, E.164, or imsi:…, e164:…, sip:…")->required();
  show->callback([&context, id] {
    context.run = [&context, id] {
      return present(context, Client(context.socket).get(route_of(*id, "")), View::subscriber);
    };
  });
  CLI::App* remove = group->add_subcommand("delete", "removes a subscriber without open sessions");
  remove->add_option("ID", *id, "IMSI, E.164, or imsi:…, e164:…, sip:…")->required();
  remove->callback([&context, id] {
    context.run = [&context, id] {
      return present(context, Client(context.socket).remove(route_of(*id, "")), View::generic);
    };
  });
  CLI::App* create = group->add_subcommand("create", "makes an account, or a member of one");
  const auto posted = std::make_shared<Posted>();
  for (const char* field :
       {"account", "imsi", "e164", "sip", "nai", "private", "plan", "currency", "wallet",
        "credit_limit", "buckets", "own_wallet", "own_buckets", "products", "status"}) {
    std::string option = std::string("--") + field;
    std::replace(option.begin(), option.end(), '_', '-');
    create->add_option(option, posted->texts[field]);
  }
  create->footer(
      "--buckets \"data=5 GB;sms=100\"; --products \"roaming-pass;sms-pack@2026-11-01\"; "
      "--wallet 10.50; the account's name defaults to the IMSI or E.164; --own-wallet and "
      "--own-buckets are the subscriber's own, beside those of its account");
  create->callback([&context, posted] {
    context.run = [&context, posted] {
      return present(context,
                     Client(context.socket).post("/v1/subscribers", body_of(posted->texts)),
                     View::subscriber);
    };
  });
  add_change(*group, context, "suspend", "usage is refused until activated", "/status", "status",
             "suspended");
  add_change(*group, context, "activate", "usage is served again", "/status", "status", "active");
  add_change(*group, context, "bar", "usage is refused", "/status", "status", "barred");
  add_change(*group, context, "swap-sim", "another IMSI for the same subscriber", "/swap-sim",
             "new_imsi");
  add_change(*group, context, "change-number", "another E.164 number", "/change-number",
             "new_e164");
  add_change(*group, context, "set-plan", "another base plan (add-ons: `levyctl buy`)", "/plan",
             "plan");
  add_change(*group, context, "set-credit-limit", "how far the wallet may fall below zero",
             "/credit-limit", "credit_limit");
  add_change(*group, context, "set-validity",
             "until when it is valid (UTC, or \"forever\"); then its plan's grace begins",
             "/validity", "until");
  add_set_counter(*group, context);
}

void add_purse(CLI::App& app, Context& context, const std::string& name, const std::string& about,
               bool buckets) {
  CLI::App* command = app.add_subcommand(name, about);
  const auto posted = std::make_shared<Posted>();
  command->add_option("ID", posted->id, "account name, IMSI, E.164, or imsi:…, e164:…")->required();
  command
      ->add_option("AMOUNT", posted->texts["amount"],
                   buckets ? "exact: 10.50, or 5GB with --bucket" : "exact, with its sign: -1.50")
      ->required();
  auto* currency = command->add_option("CURRENCY", posted->texts["currency"], "the wallet, as EUR");
  if (buckets) {
    auto* bucket =
        command->add_option("--bucket", posted->texts["bucket"], "a bucket kind instead");
    bucket->excludes(currency);
    command->add_option("--ends-at", posted->texts["ends_at"], "unix seconds")->needs(bucket);
  }
  command->add_option("--for", posted->texts["for"],
                      "a subscriber of the account: its own wallet or bucket, not the account's");
  add_reasons(*command, posted);
  command->callback([&context, posted, name] {
    context.run = [&context, posted, name] {
      return present(
          context,
          Client(context.socket).post(route_of(posted->id, "/" + name), body_of(posted->texts)),
          View::balance);
    };
  });
}

void add_money(CLI::App& app, Context& context) {
  add_purse(app, context, "topup", "adds money or units", true);
  add_purse(app, context, "adjust", "a signed correction of a wallet (--why is needed)", false);
  CLI::App* transfer = app.add_subcommand("transfer", "money from one account to another");
  const auto posted = std::make_shared<Posted>();
  transfer->add_option("FROM", posted->texts["from"], "pays: like ID of topup")->required();
  transfer->add_option("TO", posted->texts["to"], "is paid")->required();
  transfer->add_option("AMOUNT", posted->texts["amount"], "exact: 10.50")->required();
  transfer->add_option("CURRENCY", posted->texts["currency"], "as EUR")->required();
  add_reasons(*transfer, posted);
  transfer->callback([&context, posted] {
    context.run = [&context, posted] {
      return present(context, Client(context.socket).post("/v1/transfer", body_of(posted->texts)),
                     View::generic);
    };
  });
  CLI::App* balance = app.add_subcommand("balance", "the buckets of an account");
  const auto id = std::make_shared<std::string>();
  balance->add_option("ID", *id)->required();
  balance->callback([&context, id] {
    context.run = [&context, id] {
      return present(context, Client(context.socket).get(route_of(*id, "")), View::balance);
    };
  });
}

constexpr const char* product_footer =
    "DATE: 2026-11-25, \"2026-11-25 13:45\" (of the plan's time zone; with Z behind it of UTC), or "
    "unix seconds. A start may lie up to one year in the past.";

void add_products(CLI::App& app, Context& context) {
  struct Choice : Posted {
    bool flag = false;
  };
  const auto add = [&](const std::string& name, const std::string& about, const char* flag,
                       const char* field, const char* flag_about) {
    CLI::App* command = app.add_subcommand(name, about);
    const auto posted = std::make_shared<Choice>();
    command->add_option("ACCOUNT", posted->id, "account name, IMSI, E.164, or imsi:…, e164:…")
        ->required();
    command->add_option("PRODUCT", posted->texts["product"], "the add-on's name, as plans have it")
        ->required();
    command->add_flag(flag, posted->flag, flag_about);
    add_reasons(*command, posted);
    command->callback([&context, posted, name, field] {
      context.run = [&context, posted, name, field] {
        if (posted->flag) posted->texts[field] = "true";
        return present(
            context,
            Client(context.socket).post(route_of(posted->id, "/" + name), body_of(posted->texts)),
            View::subscriber);
      };
    });
    return std::pair{command, posted};
  };
  const auto [buy, bought] =
      add("buy", "an add-on for an account: its fees are charged, its allowances granted",
          "--running", "running",
          "it runs since --starts: its running period is paid for, so no fee and no allowance now");
  buy->add_option("--starts", bought->texts["starts"],
                  "DATE or now; default: as the plan says (its purchase, or its first use)");
  buy->add_option("--ends", bought->texts["ends"], "DATE, exclusive; default: as the plan says");
  buy->footer(product_footer);
  const auto [end, ended] =
      add("end", "ends an add-on of an account: at once, if not --with-period", "--with-period",
          "with_period", "it runs on until its running period ends");
  end->add_option("--number", ended->texts["number"],
                  "which one, where several are held: `levyctl subscriber show`");
  end->footer("What its allowances still hold ends with it, where its plan does not keep them.");
}

void add_sessions(CLI::App& app, Context& context) {
  CLI::App* group = app.add_subcommand("session", "sessions of an account");
  group->require_subcommand(1);
  const auto id = std::make_shared<std::string>();
  CLI::App* list = group->add_subcommand("list", "open and recent sessions");
  list->add_option("ID", *id)->required();
  list->callback([&context, id] {
    context.run = [&context, id] {
      return present(context, Client(context.socket).get(route_of(*id, "/sessions")),
                     View::sessions);
    };
  });
  for (const std::string action : {"reauthorize", "abort"}) {
    CLI::App* command = group->add_subcommand(
        action, action == "abort" ? "ends a session: by an ASR where its gateway takes one, else here"
                                  : "asks the gateway to report and ask again (RAR)");
    const auto posted = std::make_shared<Posted>();
    command->add_option("SESSION-ID", posted->texts["session_id"], "as `session list` shows it")
        ->required();
    if (action == "reauthorize") {
      command->add_option("--rating-group", posted->texts["rating_group"], "only this one");
    }
    command->callback([&context, posted, action] {
      context.run = [&context, posted, action] {
        return present(
            context, Client(context.socket).post("/v1/sessions/" + action, body_of(posted->texts)),
            View::generic);
      };
    });
  }
}

// Shows the daemon's counters on stderr, when that is a terminal, until it goes out of scope.
class ProgressLine {
 public:
  explicit ProgressLine(std::string socket) {
    if (::isatty(STDERR_FILENO) == 0) return;
    thread_ = std::thread([this, path = std::move(socket)] {
      std::unique_lock lock(mutex_);
      while (!over_.wait_for(lock, std::chrono::seconds(1), [this] { return done_; })) {
        const Reply reply = Client(path).get("/v1/import");
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
    const ProgressLine progress(context.socket);
    reply = Client(context.socket).upload("/v1/import" + query, [&](std::string& part) {
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

void add_import(CLI::App& app, Context& context) {
  struct Options {
    std::string file, format, on_error = "skip", currency;
    bool set_balance = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("import", "accounts and subscribers from a file");
  command->add_option("FILE", options->file, "- for standard input")->required();
  command->add_option("--format", options->format, "default: by the file's name, else csv")
      ->check(CLI::IsMember({"csv", "ndjson"}));
  command->add_flag("--set-balance", options->set_balance,
                    "existing accounts' wallets become what the file says");
  command->add_option("--on-error", options->on_error, "skip (default) or stop")
      ->check(CLI::IsMember({"skip", "stop"}));
  command->add_option("--currency", options->currency, "where line and plan have none");
  command->footer(
      "Columns: account imsi e164 sip nai private plan currency wallet credit_limit "
      "buckets (kind=amount;kind=amount) products (name;name@DATE) status. CSV names them in its "
      "first line. name@DATE, of an add-on or of `plan`, runs since then and its running period "
      "is paid for; a product that is held already is not bought again. "
      "An account that exists keeps its wallet (but for --set-balance), plan and status. "
      "Exit 1 when a line failed.");
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
      return run_import(context, file, query);
    };
  });
}

void add_daemon(CLI::App& app, Context& context) {
  app.add_subcommand("status", "the daemon's state")->callback([&context] {
    context.run = [&context] {
      return present(context, Client(context.socket).get("/v1/status"), View::generic);
    };
  });
  app.add_subcommand("metrics", "all counters, Prometheus text")->callback([&context] {
    context.run = [&context] {
      const Reply reply = Client(context.socket).get("/metrics");
      if (!reply.ok()) return report(reply, context.json);
      fmt::print("{}", reply.body);
      return static_cast<int>(exit_ok);
    };
  });
  app.add_subcommand("audit", "sums of all Shards; exit code 1 when a bucket breaks the law")
      ->callback([&context] {
        context.run = [&context] {
          const Reply reply = Client(context.socket).get("/v1/audit");
          const int code = present(context, reply, View::generic);
          const Json json = Json::parse(reply.body, nullptr, false);
          const bool holds = json.is_object() && json.value("holds", false);
          return code != exit_ok || holds ? code : static_cast<int>(exit_refused);
        };
      });
  app.add_subcommand("reload",
                     "reads the plan files again; says which open sessions go on as before")
      ->callback([&context] {
        context.run = [&context] {
          return present(context, Client(context.socket).post("/v1/reload", "{}"), View::generic);
        };
      });
  app.add_subcommand("versions", "the plan version in force, and the open sessions on each")
      ->callback([&context] {
        context.run = [&context] {
          return present(context, Client(context.socket).get("/v1/plan-versions"), View::generic);
        };
      });
}

}  // namespace

int report(const Reply& reply, bool json) {
  if (!reply.reached) {
    fmt::print(stderr, "{}\n", reply.why);
    return exit_unreachable;
  }
  fmt::print(stderr, "{}", json ? reply.body : refusal_table(reply.body));
  return exit_refused;
}

void add_commands(CLI::App& app, Context& context) {
  add_import(app, context);
  add_subscriber(app, context);
  add_money(app, context);
  add_products(app, context);
  add_sessions(app, context);
  add_daemon(app, context);
}

}  // namespace levyctl
