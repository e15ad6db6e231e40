// Options of levyload: command line, checks, the shape line of ledgers.
// Core: start-up. Allocates: yes. Blocks: never. Clock: the epoch's default.
#include "perf/load/options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <set>
#include <sstream>

#include "perf/load/request.hpp"

namespace levy::load {
namespace {

constexpr const char* examples = R"(
The server must know every subscriber: IMSIs from --imsi-first on, each one more than the last, with
money enough and a plan for the rating groups (else 5030, 4012 or 5031). A CSV for
levyctl subscriber import:
  account,imsi,plan,wallet
  L0,001010000000000,data-a,100000.00

Examples:
  Peak, closed loop, 4 connections x 128 in flight, 10 s:
    levyload --connect 127.0.0.1:3868 --subscribers 1000000 --connections 4 --window 128
  Latency at a fixed rate, from the intended send time:
    levyload --connect 127.0.0.1:3868 --subscribers 1000000 --rate 100000 --duration 30
  One in flight:
    levyload --connect 127.0.0.1:3868 --connections 1 --window 1 --duration 5
  64 connections of 8 gateways, skewed, three rating groups, repeats with T:
    levyload --connect [::1]:3868 --connections 64 --gateways 8 --distribution zipf:0.99 \
             --mscc 3 --rating-groups 1,2,3 --duplicates 1
  Crash test: write a ledger, kill the server, start it again, repeat what was not answered:
    levyload --connect 127.0.0.1:3868 --ledger run.ledger --duration 60   (exit code 3: lost)
    levyload --connect 127.0.0.1:3868 --resume-unanswered run.ledger

Exit codes: 0 every answer as expected; 1 unexpected answers or unanswered requests;
            2 wrong options, no connection, no file; 3 the connection was lost.
)";

// "1:8:1" or "I:U:T=1:8:1".
bool parse_mix(std::string text, Mix& mix) {
  if (text.rfind("I:U:T=", 0) == 0) text = text.substr(6);
  std::uint64_t part[3] = {};
  std::istringstream in(text);
  std::string field;
  for (std::uint64_t& value : part) {
    if (!std::getline(in, field, ':') || !read_digits(field, value) || value > 1000) return false;
  }
  if (std::getline(in, field)) return false;
  mix = {static_cast<std::uint32_t>(part[0]), static_cast<std::uint32_t>(part[1]),
         static_cast<std::uint32_t>(part[2])};
  return true;
}

bool parse_list(const std::string& text, std::vector<std::uint32_t>& list) {
  list.clear();
  std::istringstream in(text);
  std::string field;
  while (std::getline(in, field, ',')) {
    std::uint64_t value = 0;
    if (!read_digits(field, value) || value > 0xffffffff) return false;
    list.push_back(static_cast<std::uint32_t>(value));
  }
  return !list.empty();
}

bool parse_number(const std::string& text, std::uint64_t& value) {
  return read_digits(text, value);
}

bool parse_distribution(const std::string& text, Options& o) {
  if (text == "uniform") return true;
  if (text.rfind("zipf:", 0) != 0) return false;
  o.distribution = Distribution::zipf;
  char* end = nullptr;
  o.zipf_exponent = std::strtod(text.c_str() + 5, &end);
  return end != text.c_str() + 5 && *end == 0 && o.zipf_exponent > 0.1 && o.zipf_exponent < 5;
}

// The options whose text needs reading of its own.
struct Texts {
  std::string connect = "127.0.0.1:3868";
  std::string mix = "1:8:1";
  std::string distribution = "uniform";
  std::string rating_groups;
  std::string rsu = "1000000";
  std::string imsi_first = "001010000000000";
  std::string msisdn_first = "4915000000000";
  std::string preopen = "auto";
  std::string allow;
  std::string message_bytes;
  std::string arrivals = "constant";
  std::string peer = "diameter";
  std::string resume_flag = "both";
};

void declare_load(CLI::App& app, Options& o, Texts& t) {
  app.add_option("--connect", t.connect, "Server, HOST:PORT or [IPV6]:PORT")->capture_default_str();
  app.add_option("--peer", t.peer,
                 "What answers: diameter, or echo (a server that returns every byte; no CER)")
      ->check(CLI::IsMember({"diameter", "echo"}))->capture_default_str();
  app.add_option("--connections", o.shape.connections, "TCP connections")
      ->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--gateways", o.shape.gateways,
                 "Distinct Origin-Hosts, dealt over the connections; a routing agent is not played")
      ->check(CLI::Range(1, 99))->capture_default_str();
  app.add_option("--window", o.window, "Closed loop: requests in flight per connection")
      ->check(CLI::Range(1, 65536))->capture_default_str();
  app.add_option("--rate", o.rate,
                 "Open loop: requests per second in all; latency counts from the intended time")
      ->check(CLI::Range(0.1, 1e8));
  app.add_option("--arrivals", t.arrivals, "Open loop: spacing of the intended times")
      ->check(CLI::IsMember({"constant", "poisson"}))->capture_default_str();
  app.add_option("--duration", o.duration_s, "Measured seconds")
      ->check(CLI::Range(0.01, 1e6))->capture_default_str();
  app.add_option("--requests", o.requests, "Stop after this many measured requests instead");
  app.add_option("--warmup", o.warmup_s, "Seconds of the same load before the measurement")
      ->check(CLI::Range(0.0, 3600.0))->capture_default_str();
  app.add_option("--core", o.core, "Pin to this core")->check(CLI::Range(0, 4095));
  app.add_option("--congestion", o.congestion, "TCP congestion control, set explicitly")
      ->capture_default_str();
  app.add_option("--connect-timeout", o.connect_timeout_s, "Seconds for connect and CEA")
      ->check(CLI::Range(0.1, 600.0))->capture_default_str();
  app.add_option("--answer-timeout", o.answer_timeout_s,
                 "Seconds without any answer after which the rest counts as unanswered")
      ->check(CLI::Range(0.1, 600.0))->capture_default_str();
}

void declare_traffic(CLI::App& app, Options& o, Texts& t) {
  app.add_option("--subscribers", o.shape.subscribers,
                 "Subscribers; the server must know them (levyctl subscriber import)")
      ->check(CLI::Range(1, 100'000'000))->capture_default_str();
  app.add_option("--imsi-first", t.imsi_first, "IMSI of the first one, 15 digits")
      ->capture_default_str();
  app.add_option("--msisdn-first", t.msisdn_first, "E.164 of the first one, 13 digits; or none")
      ->capture_default_str();
  app.add_option("--distribution", t.distribution,
                 "Who is next: uniform or zipf:EXPONENT (per connection, ranks scattered)")
      ->capture_default_str();
  app.add_option("--mix", t.mix, "CCR-I : CCR-U : CCR-T in the steady state")
      ->capture_default_str();
  app.add_option("--preopen", t.preopen,
                 "Sessions opened before the measurement; auto = the steady state of the mix")
      ->capture_default_str();
  app.add_flag("--close", o.close_at_end, "Terminate every open session at the end");
  app.add_option("--mscc", o.shape.mscc, "MSCC in each request")
      ->check(CLI::Range(1, static_cast<int>(mscc_max)))->capture_default_str();
  app.add_option("--rating-groups", t.rating_groups,
                 "Rating groups, comma separated, dealt to the subscribers; default 1..mscc");
  app.add_option("--rsu", t.rsu, "Requested-Service-Unit: CC-Total-Octets, or empty")
      ->capture_default_str();
  app.add_option("--usu", o.shape.usu,
                 "Used octets reported by each MSCC that had a grant; not above the grants")
      ->capture_default_str();
  app.add_option("--message-bytes", t.message_bytes,
                 "Length of the CCR-U, filled up with Charging-Rule-Base-Name; default 732 with "
                 "one MSCC, else as long as the AVPs are");
  app.add_option("--origin-suffix", o.shape.origin_suffix,
                 "Realm; the gateways are pgw01.SUFFIX, pgw02.SUFFIX, ...")
      ->capture_default_str();
  app.add_option("--epoch", o.shape.epoch,
                 "Middle part of the Session-Ids; default the time of the start");
  app.add_option("--seed", o.seed, "Seed of every choice")->capture_default_str();
  app.add_option("--duplicates", o.duplicates_percent,
                 "Percent of the answered requests that are sent once more with T; the answer "
                 "must be the same")
      ->check(CLI::Range(0.0, 100.0))->capture_default_str();
}

void declare_results(CLI::App& app, Options& o, Texts& t) {
  app.add_flag("--expect-no-errors,!--tolerate-errors", o.expect_no_errors,
               "Exit 1 on any unexpected answer (default)");
  app.add_option("--allow", t.allow, "Result-Codes that are no error, e.g. 4012,4010");
  app.add_option("--json", o.json_file, "Write the results to this file");
  app.add_option("--ledger", o.ledger_file,
                 "Append every request sent and every answer (format: perf/README.md)");
  app.add_option("--resume-unanswered", o.resume_file,
                 "Repeat the requests of this ledger that have no answer, and append the answers; "
                 "the shape of the load comes from the ledger");
  app.add_option("--resume-flag", t.resume_flag,
                 "Repeats carry: t, none, or both (with T, then again without)")
      ->check(CLI::IsMember({"t", "none", "both"}))->capture_default_str();
  app.add_flag("--quiet", o.quiet, "Print nothing but faults");
  app.add_flag("--progress", o.progress, "A line a second on stderr (default on a terminal)");
}

// Empty = fine.
std::string read_texts(const Texts& t, Options& o) {
  std::uint64_t value = 0;
  if (!parse_endpoint(t.connect, o.host, o.port)) {
    return fmt::format("--connect {}: expected HOST:PORT or [IPV6]:PORT", t.connect);
  }
  if (!parse_mix(t.mix, o.mix)) return "--mix: expected I:U:T such as 1:8:1, each 0 to 1000";
  if (!parse_distribution(t.distribution, o)) {
    return "--distribution: expected uniform or zipf:EXPONENT with 0.1 < EXPONENT < 5";
  }
  if (!t.rating_groups.empty() && !parse_list(t.rating_groups, o.shape.rating_groups)) {
    return "--rating-groups: expected numbers, comma separated";
  }
  if (!t.allow.empty() && !parse_list(t.allow, o.allow)) return "--allow: expected Result-Codes";
  o.shape.rsu_empty = t.rsu == "empty";
  if (!o.shape.rsu_empty && !parse_number(t.rsu, o.shape.rsu)) {
    return "--rsu: expected a number of octets or empty";
  }
  if (t.imsi_first.size() != 15 || !parse_number(t.imsi_first, o.shape.imsi_first)) {
    return "--imsi-first: expected 15 digits";
  }
  o.shape.msisdn_first = 0;
  if (t.msisdn_first != "none" &&
      (t.msisdn_first.size() != 13 || !parse_number(t.msisdn_first, o.shape.msisdn_first))) {
    return "--msisdn-first: expected 13 digits or none";
  }
  o.preopen_auto = t.preopen == "auto";
  if (!o.preopen_auto && !parse_number(t.preopen, o.preopen)) {
    return "--preopen: expected auto or a number of sessions";
  }
  o.shape.message_bytes = o.shape.mscc == 1 ? 732 : 0;
  if (!t.message_bytes.empty()) {
    if (!parse_number(t.message_bytes, value) || value > 8192) {
      return "--message-bytes: expected 0 (as long as the AVPs are) to 8192";
    }
    o.shape.message_bytes = static_cast<std::uint32_t>(value);
  }
  o.arrivals = t.arrivals == "poisson" ? Arrivals::poisson : Arrivals::constant;
  o.peer = t.peer == "echo" ? PeerKind::echo : PeerKind::diameter;
  o.resume_flag = t.resume_flag == "t"      ? ResumeFlag::with_t
                  : t.resume_flag == "none" ? ResumeFlag::without_t
                                            : ResumeFlag::both;
  if (o.shape.rating_groups.empty()) {
    for (std::uint32_t i = 1; i <= o.shape.mscc; ++i) o.shape.rating_groups.push_back(i);
  }
  if (o.shape.epoch == 0) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    o.shape.epoch = static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::seconds>(now).count());
  }
  return "";
}

}  // namespace

bool parse_endpoint(const std::string& text, std::string& host, std::string& port) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return false;
  host = text.substr(0, colon);
  port = text.substr(colon + 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return false;  // an IPv6 address needs its brackets
  }
  std::uint64_t number = 0;
  return !host.empty() && read_digits(port, number) && number <= 65535;
}

ParseResult parse_options(int argc, const char* const* argv, Options& options) {
  CLI::App app{"levyload: Gy load for Levy or any Diameter credit-control server"};
  app.footer(examples);
  Texts texts;
  declare_load(app, options, texts);
  declare_traffic(app, options, texts);
  declare_results(app, options, texts);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? ParseResult::exit_ok : ParseResult::exit_error;
  }
  for (int i = 0; i < argc; ++i) {
    options.command_line += (i == 0 ? "" : " ") + std::string(argv[i]);
  }
  std::string fault = read_texts(texts, options);
  if (fault.empty()) fault = validate(options);
  if (!fault.empty()) {
    fmt::print(stderr, "levyload: {}\n", fault);
    return ParseResult::exit_error;
  }
  return ParseResult::run;
}

std::string validate(const Options& o) {
  const Shape& s = o.shape;
  if (s.gateways > s.connections) {
    return fmt::format("--gateways {}: not more than --connections {}", s.gateways, s.connections);
  }
  if (s.subscribers < s.connections) {
    return fmt::format("--subscribers {}: at least one per connection ({})", s.subscribers,
                       s.connections);
  }
  if (s.imsi_first + s.subscribers > 1'000'000'000'000'000) {
    return "--imsi-first: the last subscriber's IMSI has more than 15 digits";
  }
  if (s.msisdn_first + s.subscribers > 10'000'000'000'000) {
    return "--msisdn-first: the last subscriber's number has more than 13 digits";
  }
  if (s.rating_groups.size() < s.mscc) {
    return fmt::format("--rating-groups: {} given, --mscc {} needs as many", s.rating_groups.size(),
                       s.mscc);
  }
  const std::set<std::uint32_t> distinct(s.rating_groups.begin(), s.rating_groups.end());
  if (distinct.size() != s.rating_groups.size()) return "--rating-groups: one stands twice";
  if (s.message_bytes % 4 != 0) return "--message-bytes: a multiple of 4 (RFC 6733 section 3)";
  if (s.origin_suffix.empty() || s.origin_suffix.size() > 100) {
    return "--origin-suffix: 1 to 100 characters";
  }
  if (o.mix.total() == 0) return "--mix: all parts are 0";
  if (o.mix.termination > 0 && o.mix.initial == 0) {
    return "--mix: terminated sessions need CCR-I to come back";
  }
  if (!o.preopen_auto && o.preopen > s.subscribers) return "--preopen: above --subscribers";
  if (o.mix.initial == 0 && !o.preopen_auto && o.preopen == 0) {
    return "--mix: CCR-U without CCR-I needs sessions, see --preopen";
  }
  if (!o.resume_file.empty() && !o.ledger_file.empty()) {
    return "--resume-unanswered appends to its own file; leave --ledger out";
  }
  return "";
}

std::string shape_line(const Shape& s) {
  return fmt::format(
      "connections={} gateways={} subscribers={} imsi-first={} msisdn-first={} epoch={} mscc={} "
      "rating-groups={} rsu={} usu={} message-bytes={} origin-suffix={}",
      s.connections, s.gateways, s.subscribers, s.imsi_first, s.msisdn_first, s.epoch, s.mscc,
      fmt::join(s.rating_groups, ","), s.rsu_empty ? "empty" : std::to_string(s.rsu), s.usu,
      s.message_bytes, s.origin_suffix);
}

bool parse_shape_line(const std::string& line, Shape& s) {
  std::istringstream in(line);
  std::string word;
  int known = 0;
  while (in >> word) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) continue;
    const std::string key = word.substr(0, equals), text = word.substr(equals + 1);
    std::uint64_t n = 0;
    const bool number = read_digits(text, n);
    const auto u32 = static_cast<std::uint32_t>(n);
    ++known;
    if (key == "connections" && number) s.connections = u32;
    else if (key == "gateways" && number) s.gateways = u32;
    else if (key == "subscribers" && number) s.subscribers = u32;
    else if (key == "imsi-first" && number) s.imsi_first = n;
    else if (key == "msisdn-first" && number) s.msisdn_first = n;
    else if (key == "epoch" && number) s.epoch = u32;
    else if (key == "mscc" && number) s.mscc = u32;
    else if (key == "rating-groups" && parse_list(text, s.rating_groups)) {}
    else if (key == "rsu" && (number || text == "empty")) {
      s.rsu_empty = !number;
      s.rsu = n;
    } else if (key == "usu" && number) s.usu = n;
    else if (key == "message-bytes" && number) s.message_bytes = u32;
    else if (key == "origin-suffix") s.origin_suffix = text;
    else return false;
  }
  return known == 12 && s.connections > 0 && s.gateways > 0 && s.mscc > 0 && s.mscc <= mscc_max &&
         s.rating_groups.size() >= s.mscc;
}

std::string origin_host_of(const Shape& shape, std::uint32_t gateway) {
  return fmt::format("pgw{:02}.{}", gateway + 1, shape.origin_suffix);
}

}  // namespace levy::load
