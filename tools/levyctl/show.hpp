// The daemon's JSON as tables for people.
// Core: none. Allocates: yes. Blocks: never. Clock: none.
#pragma once

#include <string>

namespace levyctl {

enum class View { generic, subscriber, balance, sessions, summary };

// `json` is the body of a reply; it is given back as it is when it is no JSON.
std::string table(const std::string& json, View view);
// {error, detail, hint} as lines.
std::string refusal_table(const std::string& json);

}  // namespace levyctl
