// Log: the only door to spdlog. Text or JSON lines, to standard error or a file.
// Core: control and admin threads. Allocates: yes. Blocks: on the sink. Clock: system.
#pragma once

#include <string>
#include <string_view>

#include "config/options.hpp"

namespace levy::daemon::log {

void open(const config::LogOptions& options);
void debug(std::string_view event, std::string_view text);
void info(std::string_view event, std::string_view text);
void warn(std::string_view event, std::string_view text);
void error(std::string_view event, std::string_view text);
void flush();

}  // namespace levy::daemon::log
