// Commands on products, sessions and the daemon (see commands.hpp).
// Core: none. Allocates: yes. Blocks: yes. Clock: none.
#include "tools/levyctl/commands.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tools/levyctl/posted.hpp"

namespace levyctl {

namespace {

using Json = nlohmann::ordered_json;

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
            context.client().post(route_of(posted->id, "/" + name), body_of(posted->texts)),
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
  add_show(*group, context, "list", "open and recent sessions", "/sessions", View::sessions);
  CLI::App* show = group->add_subcommand("show", "one session with its rating groups");
  const auto id = std::make_shared<std::string>();
  show->add_option("SESSION-ID", *id, "as `session list` shows it")->required();
  show->callback([&context, id] {
    context.run = [&context, id] {
      return present(context, context.client().get("/v1/sessions/" + escaped(*id)), View::sessions);
    };
  });
  for (const std::string action : {"reauthorize", "abort"}) {
    CLI::App* command = group->add_subcommand(
        action, action == "abort" ? "ends a session, by an ASR where its gateway takes one"
                                  : "asks the gateway to report and ask again (RAR)");
    const auto posted = std::make_shared<Posted>();
    command->add_option("SESSION-ID", posted->texts["session_id"], "as `session list` shows it")
        ->required();
    if (action == "reauthorize") {
      command->add_option("--rating-group", posted->texts["rating_group"], "only this one");
    }
    add_reasons(*command, posted);
    command->callback([&context, posted, action] {
      context.run = [&context, posted, action] {
        return present(context,
                       context.client().post("/v1/sessions/" + action, body_of(posted->texts)),
                       View::generic);
      };
    });
  }
}

void add_daemon(CLI::App& app, Context& context) {
  app.add_subcommand("status", "the daemon's state")->callback([&context] {
    context.run = [&context] {
      return present(context, context.client().get("/v1/status"), View::generic);
    };
  });
  app.add_subcommand("metrics", "all counters, Prometheus text")->callback([&context] {
    context.run = [&context] {
      const Reply reply = context.client().get("/metrics");
      if (!reply.ok()) return report(reply, context.json);
      fmt::print("{}", reply.body);
      return static_cast<int>(exit_ok);
    };
  });
  app.add_subcommand("audit", "sums of all Shards; exit code 1 when a bucket breaks the law")
      ->callback([&context] {
        context.run = [&context] {
          const Reply reply = context.client().get("/v1/audit");
          const int code = present(context, reply, View::generic);
          const Json json = Json::parse(reply.body, nullptr, false);
          const bool holds = json.is_object() && json.value("holds", false);
          return code != exit_ok || holds ? code : static_cast<int>(exit_refused);
        };
      });
  CLI::App* reload = app.add_subcommand(
      "reload",
      "reads plans, tokens and certificates again; says which open sessions go on as before");
  const auto posted = std::make_shared<Posted>();
  add_who_and_why(*reload, posted);
  reload->callback([&context, posted] {
    context.run = [&context, posted] {
      return present(context, context.client().post("/v1/reload", body_of(posted->texts)),
                     View::generic);
    };
  });
  app.add_subcommand("versions", "the plan version in force, and the open sessions on each")
      ->callback([&context] {
        context.run = [&context] {
          return present(context, context.client().get("/v1/plan-versions"), View::generic);
        };
      });
}

}  // namespace

void add_commands(CLI::App& app, Context& context) {
  add_subscriber(app, context);
  add_balance(app, context);
  add_products(app, context);
  add_sessions(app, context);
  add_daemon(app, context);
}

}  // namespace levyctl
