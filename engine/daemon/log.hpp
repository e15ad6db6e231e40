// Log: the only door to spdlog. Text or JSON lines, to standard error or a file.
// Core: control and admin threads. Allocates: yes. Blocks: on the sink. Clock: system.
#pragma once

#include <string>
#include <string_view>

#include "config/options.hpp"

namespace levy::daemon::log {

// Opens the sink, also anew (SIGHUP). Empty, or why not: then everything goes where it went.
std::string open(const config::LogOptions& options);
void debug(std::string_view event, std::string_view text);
void info(std::string_view event, std::string_view text);
void warn(std::string_view event, std::string_view text);
void error(std::string_view event, std::string_view text);
void flush();

}  // namespace levy::daemon::log
