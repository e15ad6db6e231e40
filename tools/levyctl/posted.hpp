// What most commands are: some words and options, posted as one JSON object, and the answer shown.
// Core: none. Allocates: yes. Blocks: yes. Clock: none.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <string>

#include "tools/levyctl/commands.hpp"
#include "tools/levyctl/show.hpp"

namespace levyctl {

using Texts = std::map<std::string, std::string>;

inline constexpr const char* id_about = "account name, IMSI, E.164, or imsi:…, e164:…, sip:…";

struct Posted {
  std::string id;
  Texts texts;
};

// Prints the answer; the exit code.
int present(const Context& context, const Reply& reply, View view);
// The texts that are not empty, as JSON.
std::string body_of(const Texts& texts);
std::string route_of(const std::string& id, const std::string& action);

// --key, --who and --why, as `texts` has them.
void add_reasons(CLI::App& command, const std::shared_ptr<Posted>& posted);
// The same without a key: of what is no Record of an account.
void add_who_and_why(CLI::App& command, const std::shared_ptr<Posted>& posted);

// A command of one id that shows what GET gives.
void add_show(CLI::App& parent, Context& context, const std::string& name, const std::string& about,
              const std::string& action, View view);

}  // namespace levyctl
