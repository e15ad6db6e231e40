// levyctl balance: what an account has, and changes to it (see commands.hpp).
// Core: none. Allocates: yes. Blocks: yes. Clock: none.
#include "tools/levyctl/posted.hpp"

namespace levyctl {

namespace {

void add_purse(CLI::App& group, Context& context, const std::string& name, const std::string& about,
               bool buckets) {
  CLI::App* command = group.add_subcommand(name, about);
  const auto posted = std::make_shared<Posted>();
  command->add_option("ID", posted->id, id_about)->required();
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
          context, context.client().post(route_of(posted->id, "/" + name), body_of(posted->texts)),
          View::balance);
    };
  });
}

void add_transfer(CLI::App& group, Context& context) {
  CLI::App* transfer = group.add_subcommand("transfer", "money from one account to another");
  const auto posted = std::make_shared<Posted>();
  transfer->add_option("FROM", posted->texts["from"], "pays: like ID of balance topup")->required();
  transfer->add_option("TO", posted->texts["to"], "is paid")->required();
  transfer->add_option("AMOUNT", posted->texts["amount"], "exact: 10.50")->required();
  transfer->add_option("CURRENCY", posted->texts["currency"], "as EUR")->required();
  add_reasons(*transfer, posted);
  transfer->callback([&context, posted] {
    context.run = [&context, posted] {
      return present(context, context.client().post("/v1/transfer", body_of(posted->texts)),
                     View::generic);
    };
  });
}

void add_loan(CLI::App& group, Context& context) {
  CLI::App* loan = group.add_subcommand("loan", "the advance of its plan; top-ups pay it back");
  const auto posted = std::make_shared<Posted>();
  loan->add_option("ID", posted->id, id_about)->required();
  add_reasons(*loan, posted);
  loan->callback([&context, posted] {
    context.run = [&context, posted] {
      return present(context,
                     context.client().post(route_of(posted->id, "/loan"), body_of(posted->texts)),
                     View::balance);
    };
  });
}

}  // namespace

void add_balance(CLI::App& app, Context& context) {
  CLI::App* group = app.add_subcommand("balance", "show and change what an account has");
  group->require_subcommand(1);
  add_show(*group, context, "show", "the buckets of an account", "", View::balance);
  add_purse(*group, context, "topup", "adds money or units", true);
  add_purse(*group, context, "adjust", "a signed correction of a wallet (--why is needed)", false);
  add_transfer(*group, context);
  add_loan(*group, context);
}

}  // namespace levyctl
