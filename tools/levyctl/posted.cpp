// Commands that post texts (see posted.hpp).
// Core: none. Allocates: yes. Blocks: yes. Clock: none.
#include "tools/levyctl/posted.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace levyctl {

using Json = nlohmann::ordered_json;

int report(const Reply& reply, bool json) {
  if (!reply.reached) {
    fmt::print(stderr, "{}\n", reply.why);
    return reply.usage ? exit_usage : exit_unreachable;
  }
  fmt::print(stderr, "{}", json ? reply.body : refusal_table(reply.body));
  return exit_refused;
}

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

void add_who_and_why(CLI::App& command, const std::shared_ptr<Posted>& posted) {
  command.add_option("--who", posted->texts["who"], "who asks, for the record")
      ->envname("LEVY_WHO");
  command.add_option("--why", posted->texts["why"], "reason, for the record");
}

void add_reasons(CLI::App& command, const std::shared_ptr<Posted>& posted) {
  command.add_option("--key", posted->texts["key"],
                     "request key: the same key again changes nothing");
  add_who_and_why(command, posted);
}

void add_show(CLI::App& parent, Context& context, const std::string& name, const std::string& about,
              const std::string& action, View view) {
  CLI::App* command = parent.add_subcommand(name, about);
  const auto id = std::make_shared<std::string>();
  command->add_option("ID", *id, id_about)->required();
  command->callback([&context, id, action, view] {
    context.run = [&context, id, action, view] {
      return present(context, context.client().get(route_of(*id, action)), view);
    };
  });
}

}  // namespace levyctl
