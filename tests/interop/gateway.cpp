// gateway: a small P-GW on freeDiameter that plays a script against Levy and judges the answers.
// Core: test program. Allocates: yes. Blocks: on the network. Clock: the system's.
//
// usage: gateway --port N [--host H] [--realm R] [--peer H] [--timeout S] [--raa 2001|2002] <SCRIPT
// One command per line; `#` begins a comment. NAME is the gateway's own name of a session.
//   open NAME imsi=I [msisdn=M] [apn=A] [context=C] [session=ID] [SERVICE ...]   CCR-I
//   update NAME [SERVICE ...]                                                     CCR-U
//   close NAME [SERVICE ...]                                                      CCR-T
//   event NAME imsi=I action=N [SERVICE ...]                                      CCR-E
//   repeat NAME          the last request again with the T flag
//   wait-rar NAME [rg=N|none] [timeout=S]     a Re-Auth-Request must come; it is answered
//   no-rar NAME timeout=S                     none may come
//   wait-open            the connection must be open again (freeDiameter reconnects by itself)
//   sleep SECONDS; echo WORD (a mark in the output, for whoever drives this through a pipe)
//   expect KEY=VALUE ...  about the last answer; `rg=N` or `at=INDEX` picks an MSCC, else the first
// SERVICE: [rg=N] [sid=N] [rsu=N|empty] [usu=N] [rr=N] [unit=octets|seconds|events]; `/` between
// Keys: rc exp type number count failed-avp balance-check error; per MSCC: mscc gsu fui redirect
// validity volume-threshold time-threshold holding-time sid. VALUE: a number, `none`, `any`, and
// for fui also terminate, redirect, restrict.
// Exit code: 0 all as expected, 1 an expectation failed or no answer came, 2 the environment.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <sstream>
#include <thread>

#include "tests/interop/credit_control.hpp"

namespace levy::interop {
namespace {

using Words = std::vector<std::string>;

struct Script {
  Node* node = nullptr;
  std::map<std::string, Request> sessions;  // the last request of each
  Answer answer;                            // the last answer
  int line = 0;
  int failures = 0;
  int expectations = 0;
};

[[noreturn]] void fail_line(const Script& script, const std::string& what) {
  fail("line " + std::to_string(script.line) + ": " + what);
}

std::uint64_t number_of(const Script& script, const std::string& text) {
  char* end = nullptr;
  const std::uint64_t value = std::strtoull(text.c_str(), &end, 10);
  if (text.empty() || *end != 0) fail_line(script, "not a number: " + text);
  return value;
}

std::pair<std::string, std::string> split(const Script& script, const std::string& word) {
  const std::size_t at = word.find('=');
  if (at == std::string::npos) fail_line(script, "KEY=VALUE wanted: " + word);
  return {word.substr(0, at), word.substr(at + 1)};
}

// Reads one word of a SERVICE; false when it is none.
bool read_service_word(const Script& script, const std::string& key, const std::string& value,
                       ServiceRequest& service) {
  const auto small = [&] { return static_cast<std::uint32_t>(number_of(script, value)); };
  if (key == "rg") {
    service.rating_group = small();
  } else if (key == "sid") {
    service.service_identifier = small();
  } else if (key == "rsu") {
    service.requested = value == "empty" ? 0 : number_of(script, value);
  } else if (key == "usu") {
    service.used = number_of(script, value);
  } else if (key == "rr") {
    service.reporting_reason = static_cast<std::int32_t>(small());
  } else if (key == "unit") {
    if (value == "octets") service.unit = Unit::octets;
    else if (value == "seconds") service.unit = Unit::seconds;
    else if (value == "events") service.unit = Unit::events;
    else fail_line(script, "unit is octets, seconds or events");
  } else {
    return false;
  }
  return true;
}

void read_request(const Script& script, const Words& words, Request& request) {
  bool open_service = false;
  for (std::size_t i = 2; i < words.size(); ++i) {
    if (words[i] == "/") {
      open_service = false;
      continue;
    }
    const auto [key, value] = split(script, words[i]);
    if (key == "imsi") {
      request.imsi = value;
    } else if (key == "msisdn") {
      request.msisdn = value;
    } else if (key == "apn") {
      request.access_point = value;
    } else if (key == "context") {
      request.context = value;
    } else if (key == "session") {
      request.session_id = value;
    } else if (key == "action") {
      request.action = static_cast<std::int32_t>(number_of(script, value));
    } else {
      if (!open_service) request.services.emplace_back();
      open_service = true;
      if (!read_service_word(script, key, value, request.services.back())) {
        fail_line(script, "unknown key: " + key);
      }
    }
  }
}

std::string shown(std::int64_t value) { return value < 0 ? "-" : std::to_string(value); }

void print_answer(const std::string& command, const std::string& name, const Answer& answer) {
  std::printf("%s %s rc=%s exp=%s type=%s number=%s error=%d failed-avp=%s count=%zu\n",
              command.c_str(), name.c_str(), shown(answer.result).c_str(),
              shown(answer.experimental_result).c_str(), shown(answer.type).c_str(),
              shown(answer.number).c_str(), answer.error_bit ? 1 : 0,
              shown(answer.failed_avp).c_str(), answer.services.size());
  for (const ServiceAnswer& service : answer.services) {
    std::printf("  mscc rg=%s sid=%s mscc=%s gsu=%s fui=%s redirect=%s validity=%s "
                "volume-threshold=%s time-threshold=%s holding-time=%s\n",
                shown(service.rating_group).c_str(), shown(service.service_identifier).c_str(),
                shown(service.result).c_str(), shown(service.granted).c_str(),
                shown(service.final_action).c_str(),
                service.redirect.empty() ? "-" : service.redirect.c_str(),
                shown(service.validity).c_str(), shown(service.volume_threshold).c_str(),
                shown(service.time_threshold).c_str(), shown(service.holding_time).c_str());
  }
  std::fflush(stdout);
}

void exchange(Script& script, const std::string& command, const std::string& name,
              const Request& request) {
  msg* message = script.node->send(build(request, script.node->options()));
  if (message == nullptr) {
    std::printf("line %d: %s %s: no answer that freeDiameter accepts (its reason, if it refused "
                "one, stands above)\n", script.line, command.c_str(), name.c_str());
    ++script.failures;
    script.answer = Answer{};
    return;
  }
  script.answer = read(message);
  fd_msg_free(message);
  print_answer(command, name, script.answer);
  const Answer& answer = script.answer;
  const bool echoed = answer.session_id == request.session_id && answer.type == request.type &&
                      answer.number == request.number;
  if (!echoed && !answer.error_bit) {
    std::printf("line %d: the answer does not repeat Session-Id, CC-Request-Type and -Number\n",
                script.line);
    ++script.failures;
  }
}

void run_request(Script& script, const Words& words) {
  const std::string& command = words[0];
  if (words.size() < 2) fail_line(script, command + " needs a session's name");
  const std::string& name = words[1];
  const bool first = command == "open" || command == "event";
  if (!first && !script.sessions.contains(name)) fail_line(script, "no session " + name);
  Request request = first ? Request{} : script.sessions[name];
  if (command == "repeat") {
    request.repeated = true;
    exchange(script, command, name, request);
    return;
  }
  request.services.clear();
  request.repeated = false;
  if (first) {
    // Unique for each run, as a restarted gateway's are (RFC 6733 8.8).
    static const auto started = std::chrono::system_clock::now().time_since_epoch() /
                                std::chrono::microseconds(1);
    request.session_id = script.node->options().host + ";" + std::to_string(started >> 20) + ";" +
                         std::to_string(started & 0xfffff) + ";" + name;
    request.type = command == "open" ? 1 : 4;
  } else {
    request.type = command == "update" ? 2 : 3;
    ++request.number;
  }
  read_request(script, words, request);
  script.sessions[name] = request;
  exchange(script, command, name, request);
}

void judge(Script& script, const std::string& key, const std::string& wanted, std::int64_t seen) {
  ++script.expectations;
  static const std::map<std::string, std::string> actions = {
      {"terminate", "0"}, {"redirect", "1"}, {"restrict", "2"}};
  std::string value = wanted;
  if (key == "fui" && actions.contains(wanted)) value = actions.at(wanted);
  const bool good = value == "any" ? seen >= 0
                    : value == "none" ? seen < 0
                                      : seen >= 0 && std::to_string(seen) == value;
  if (good) return;
  ++script.failures;
  std::printf("line %d: expected %s=%s, got %s\n", script.line, key.c_str(), wanted.c_str(),
              seen < 0 ? "none" : std::to_string(seen).c_str());
}

// The value of a key about the command; -2 = no such key.
std::int64_t command_value(const Answer& answer, const std::string& key) {
  if (key == "rc") return answer.result;
  if (key == "exp") return answer.experimental_result;
  if (key == "type") return answer.type;
  if (key == "number") return answer.number;
  if (key == "count") return static_cast<std::int64_t>(answer.services.size());
  if (key == "failed-avp") return answer.failed_avp;
  if (key == "balance-check") return answer.check_balance_result;
  if (key == "error") return answer.error_bit ? 1 : 0;
  return -2;
}

std::int64_t service_value(const ServiceAnswer& service, const std::string& key) {
  if (key == "mscc") return service.result;
  if (key == "gsu") return service.granted;
  if (key == "fui") return service.final_action;
  if (key == "validity") return service.validity;
  if (key == "volume-threshold") return service.volume_threshold;
  if (key == "time-threshold") return service.time_threshold;
  if (key == "holding-time") return service.holding_time;
  if (key == "sid") return service.service_identifier;
  return -2;
}

void expect(Script& script, const Words& words) {
  const ServiceAnswer absent;
  const ServiceAnswer* service =
      script.answer.services.empty() ? &absent : &script.answer.services.front();
  for (std::size_t i = 1; i < words.size(); ++i) {
    const auto [key, value] = split(script, words[i]);
    if (key == "rg") {
      service = &absent;
      for (const ServiceAnswer& each : script.answer.services) {
        if (shown(each.rating_group) == (value == "none" ? "-" : value)) service = &each;
      }
      judge(script, key, value == "none" ? "none" : value, service->rating_group);
    } else if (key == "at") {
      const std::uint64_t index = number_of(script, value);
      const auto& all = script.answer.services;
      judge(script, "count above", "1", index < all.size() ? 1 : 0);
      service = index < all.size() ? &all[index] : &absent;
    } else if (key == "redirect") {
      ++script.expectations;
      if (service->redirect == (value == "none" ? "" : value)) continue;
      ++script.failures;
      std::printf("line %d: expected redirect=%s, got %s\n", script.line, value.c_str(),
                  service->redirect.empty() ? "none" : service->redirect.c_str());
    } else {
      std::int64_t seen = command_value(script.answer, key);
      if (seen == -2) seen = service_value(*service, key);
      if (seen == -2) fail_line(script, "unknown key: " + key);
      judge(script, key, value, seen);
    }
  }
}

void wait_reauth(Script& script, const Words& words, bool wanted) {
  if (words.size() < 2 || !script.sessions.contains(words[1])) fail_line(script, "no such session");
  int timeout_s = script.node->options().timeout_s;
  std::string rating_group;
  for (std::size_t i = 2; i < words.size(); ++i) {
    const auto [key, value] = split(script, words[i]);
    if (key == "timeout") timeout_s = static_cast<int>(number_of(script, value));
    else if (key == "rg") rating_group = value;
    else fail_line(script, "unknown key: " + key);
  }
  ReAuthRequest request;
  const std::string& id = script.sessions[words[1]].session_id;
  const bool came = script.node->wait_reauth(id, timeout_s, request);
  ++script.expectations;
  if (came) {
    std::printf("rar %s type=%s rg=%s\n", words[1].c_str(), shown(request.type).c_str(),
                shown(request.rating_group).c_str());
    std::fflush(stdout);
  }
  if (came != wanted) {
    ++script.failures;
    std::printf("line %d: %s Re-Auth-Request within %d s\n", script.line,
                came ? "unexpected" : "no", timeout_s);
  } else if (came && !rating_group.empty()) {
    judge(script, "rg", rating_group, request.rating_group);
  }
}

void run_line(Script& script, const Words& words) {
  const std::string& command = words[0];
  if (command == "open" || command == "update" || command == "close" || command == "event" ||
      command == "repeat") {
    run_request(script, words);
  } else if (command == "expect") {
    expect(script, words);
  } else if (command == "wait-rar" || command == "no-rar") {
    wait_reauth(script, words, command == "wait-rar");
  } else if (command == "sleep" && words.size() == 2) {
    std::this_thread::sleep_for(std::chrono::seconds(number_of(script, words[1])));
  } else if (command == "wait-open") {
    script.node->wait_open();
  } else if (command == "echo" && words.size() == 2) {
    std::printf("%s\n", words[1].c_str());
    std::fflush(stdout);
  } else {
    fail_line(script, "unknown command: " + command);
  }
}

NodeOptions read_options(int count, char** arguments) {
  NodeOptions options;
  for (int i = 1; i < count; i += 2) {
    const std::string key = arguments[i];
    if (i + 1 >= count) fail(key + " needs a value");
    const std::string value = arguments[i + 1];
    if (key == "--port") options.port = std::atoi(value.c_str());
    else if (key == "--host") options.host = value;
    else if (key == "--realm") options.realm = value;
    else if (key == "--peer") options.peer = value;
    else if (key == "--peer-realm") options.peer_realm = value;
    else if (key == "--timeout") options.timeout_s = std::atoi(value.c_str());
    else if (key == "--raa") options.raa_result = value == "2002" ? 2002 : 2001;
    else fail("unknown argument " + key);
  }
  if (options.port <= 0) fail("--port N is needed");
  return options;
}

volatile std::sig_atomic_t exit_code = 0;

// freeDiameter's shutdown asserts that its own threads leave a queue within 0.2 s (fifo.c). Where a
// loaded machine keeps them longer, the script has been judged all the same.
void on_abort(int) { std::_Exit(exit_code); }

}  // namespace
}  // namespace levy::interop

int main(int count, char** arguments) {
  using namespace levy::interop;
  Script script;
  script.node = &Node::start(read_options(count, arguments));
  std::string line;
  while (std::getline(std::cin, line)) {
    ++script.line;
    std::istringstream stream(line.substr(0, line.find('#')));
    Words words;
    for (std::string word; stream >> word;) words.push_back(word);
    if (!words.empty()) run_line(script, words);
  }
  std::printf("gateway: %d expectations, %d failures\n", script.expectations, script.failures);
  std::fflush(stdout);
  exit_code = script.failures == 0 ? 0 : 1;
  std::signal(SIGABRT, on_abort);
  script.node->stop();
  return exit_code;
}
