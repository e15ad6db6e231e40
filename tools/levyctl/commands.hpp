// The commands of levyctl: each adds itself to the command line and says what runs.
// Core: none. Allocates: yes. Blocks: yes. Clock: none.
#pragma once

#include <functional>
#include <string>

#include "tools/levyctl/client.hpp"

namespace CLI {
class App;
}

namespace levyctl {

struct Context {
  Place place;
  bool json = false;
  std::function<int()> run;  // set by the command that was given
  Client client() const { return Client(place); }
};

void add_balance(CLI::App& app, Context& context);
void add_subscriber(CLI::App& app, Context& context);
void add_token(CLI::App& app, Context& context);
void add_commands(CLI::App& app, Context& context);
void add_trace(CLI::App& app, Context& context);
void add_plan(CLI::App& app, Context& context);
void add_explain(CLI::App& app, Context& context);

// Prints a failed reply; its exit code.
int report(const Reply& reply, bool json);

}  // namespace levyctl
