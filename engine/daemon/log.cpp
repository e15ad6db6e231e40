// The only file that includes spdlog.
// Core: control and admin threads. Allocates: yes. Blocks: on the sink. Clock: system.
#include "engine/daemon/log.hpp"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

namespace levy::daemon::log {

namespace {

bool as_json = false;

// With its quotes. A peer's words may be no UTF-8, and a line must be JSON all the same.
std::string quoted(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// One event is one line, whatever a peer calls itself.
std::string one_line(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) out += fmt::format("\\x{:02x}", byte);
    else out += c;
  }
  return out;
}

void write(spdlog::level::level_enum level, std::string_view event, std::string_view text) {
  if (as_json) {
    spdlog::log(level, "\"event\":{},\"text\":{}}}", quoted(event), quoted(text));
  } else {
    spdlog::log(level, "{}: {}", event, one_line(text));
  }
}

}  // namespace

std::string open(const config::LogOptions& options) {
  std::shared_ptr<spdlog::logger> logger;
  try {
    const std::size_t slash = options.file.find_last_of('/');
    if (slash != std::string::npos && slash != 0 &&
        ::access(options.file.substr(0, slash).c_str(), W_OK) != 0)
      return "log.file: " + options.file.substr(0, slash) + ": " + std::strerror(errno);
    spdlog::sink_ptr sink;
    if (options.file.empty())
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    else
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file);
    logger = std::make_shared<spdlog::logger>("levyd", std::move(sink));
  } catch (const spdlog::spdlog_ex& e) {
    return std::string("log.file: ") + e.what();
  }
  as_json = options.format == config::LogFormat::json;
  logger->set_pattern(as_json ? "{\"at\":\"%Y-%m-%dT%H:%M:%S.%eZ\",\"level\":\"%l\",%v"
                              : "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v",
                      spdlog::pattern_time_type::utc);
  switch (options.level) {
    case config::LogLevel::debug:
      logger->set_level(spdlog::level::debug);
      break;
    case config::LogLevel::info:
      logger->set_level(spdlog::level::info);
      break;
    case config::LogLevel::warn:
      logger->set_level(spdlog::level::warn);
      break;
    case config::LogLevel::error:
      logger->set_level(spdlog::level::err);
      break;
  }
  logger->flush_on(spdlog::level::warn);
  spdlog::set_default_logger(logger);
  spdlog::flush_every(std::chrono::seconds(1));
  return {};
}

void debug(std::string_view event, std::string_view text) {
  write(spdlog::level::debug, event, text);
}
void info(std::string_view event, std::string_view text) {
  write(spdlog::level::info, event, text);
}
void warn(std::string_view event, std::string_view text) {
  write(spdlog::level::warn, event, text);
}
void error(std::string_view event, std::string_view text) {
  write(spdlog::level::err, event, text);
}
void flush() {
  spdlog::default_logger()->flush();
}

}  // namespace levy::daemon::log
