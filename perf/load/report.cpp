// Report: table and JSON.
// Core: after the run. Allocates: yes. Blocks: writes a file. Clock: none.
#include "perf/load/report.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "perf/load/version.hpp"

namespace levy::load {
namespace {

using Json = nlohmann::ordered_json;

constexpr double percents[] = {50, 90, 99, 99.9, 99.99};
constexpr const char* percent_names[] = {"p50", "p90", "p99", "p99.9", "p99.99"};

double us(std::uint64_t ns) { return static_cast<double>(ns) / 1e3; }

std::string cpu_model() {
  std::ifstream in("/proc/cpuinfo");
  std::string line;
  while (std::getline(in, line)) {
    const std::size_t colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "unknown";
}

Json machine() {
  utsname name{};
  ::uname(&name);
  const auto pages = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES));
  const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return Json{{"cpu", cpu_model()},
              {"cores", ::sysconf(_SC_NPROCESSORS_ONLN)},
              {"memory_bytes", pages * page_bytes},
              {"host", name.nodename},
              {"kernel", fmt::format("{} {} {}", name.sysname, name.release, name.machine)}};
}

Json histogram_json(const Histogram& h) {
  Json out{{"samples", h.count()}, {"min_us", us(h.min_ns())}, {"mean_us", h.mean_ns() / 1e3}};
  for (std::size_t i = 0; i < std::size(percents); ++i) {
    out[fmt::format("{}_us", percent_names[i])] = us(h.percentile_ns(percents[i]));
  }
  out["max_us"] = us(h.max_ns());
  out["above_range"] = h.above_range();
  Json buckets = Json::array();
  for (std::size_t i = 0; i < Histogram::bucket_count; ++i) {
    if (h.in_bucket(i) != 0) buckets.push_back({Histogram::upper_ns(i), h.in_bucket(i)});
  }
  out["buckets_upper_ns_count"] = std::move(buckets);
  return out;
}

Json options_json(const Options& o) {
  return Json{{"connect", fmt::format("{}:{}", o.host, o.port)},
              {"loop", o.open_loop() ? "open" : "closed"},
              {"window", o.open_loop() ? 0 : o.window},
              {"rate", o.rate},
              {"arrivals", o.arrivals == Arrivals::poisson ? "poisson" : "constant"},
              {"shape", shape_line(o.shape)},
              {"mix", fmt::format("{}:{}:{}", o.mix.initial, o.mix.update, o.mix.termination)},
              {"distribution", o.distribution == Distribution::uniform
                                   ? std::string("uniform")
                                   : fmt::format("zipf:{}", o.zipf_exponent)},
              {"duplicates_percent", o.duplicates_percent},
              {"allow", o.allow},
              {"seed", o.seed},
              {"core", o.core}};
}

Json by_type(const std::array<std::uint64_t, request_types>& counts) {
  return Json{{"I", counts[0]}, {"U", counts[1]}, {"T", counts[2]}};
}

Json codes(const std::map<std::uint32_t, std::uint64_t>& counts) {
  Json out = Json::object();
  for (const auto& [code, count] : counts) out[std::to_string(code)] = count;
  return out;
}

std::string latency_row(const char* name, const Histogram& h) {
  std::string row = fmt::format("  {:<22}", name);
  for (const double percent : percents) {
    fmt::format_to(std::back_inserter(row), " {:>10.1f}", us(h.percentile_ns(percent)));
  }
  return row + fmt::format(" {:>10.1f}   n={}\n", us(h.max_ns()), h.count());
}

std::string code_row(const char* name, const std::map<std::uint32_t, std::uint64_t>& counts) {
  if (counts.empty()) return "";
  std::string row = fmt::format("  {}", name);
  for (const auto& [code, count] : counts) {
    fmt::format_to(std::back_inserter(row), "  {}: {}", code, count);
  }
  return row + "\n";
}

const char* verdict_of(ExitCode code) {
  switch (code) {
    case exit_fine: return "every answer as expected";
    case exit_unexpected: return "UNEXPECTED ANSWERS";
    case exit_setup: return "COULD NOT RUN";
    case exit_lost: return "CONNECTION LOST";
  }
  return "";
}

}  // namespace

ExitCode exit_code_of(const Options& options, const Results& results) {
  if (!results.fault.empty()) return exit_setup;
  if (options.expect_no_errors && results.tally.unexpected_sum() > 0) return exit_unexpected;
  return results.lost ? exit_lost : exit_fine;
}

std::string text_report(const Options& o, const Results& r) {
  if (!r.fault.empty()) return fmt::format("levyload: {}\n", r.fault);
  const ExitCode code = exit_code_of(o, r);
  std::string out;
  auto to = std::back_inserter(out);
  fmt::format_to(to, "levyload {}: {} loop, {} connections, {} gateways, {} subscribers\n",
                 build_commit, o.open_loop() ? "open" : "closed", o.shape.connections,
                 o.shape.gateways, o.shape.subscribers);
  fmt::format_to(to, "  bytes: CCR-I {}, CCR-U {}, CCR-T {}; {} MSCC\n", r.message_bytes[0],
                 r.message_bytes[1], r.message_bytes[2], o.shape.mscc);
  if (r.resumed > 0 || !o.resume_file.empty()) {
    fmt::format_to(to, "  resumed: {} requests of the ledger had no answer\n", r.resumed);
  } else {
    fmt::format_to(to, "  opened {} sessions in {:.2f} s before the measurement\n", r.opened,
                   r.opening_s);
  }
  fmt::format_to(to, "  sent I {} U {} T {} in {:.2f} s, {} answers in time: {:.0f} answers/s\n",
                 r.measured_sent[0], r.measured_sent[1], r.measured_sent[2], r.measured_s,
                 r.measured_answers, r.rate());
  fmt::format_to(to, "  latency, us              {:>8} {:>10} {:>10} {:>10} {:>10} {:>10}\n", "p50",
                 "p90", "p99", "p99.9", "p99.99", "max");
  out += latency_row(o.open_loop() ? "from intended time" : "round trip", r.latency);
  if (o.open_loop()) out += latency_row("from actual sending", r.service);
  if (r.latency.above_range() > 0) {
    fmt::format_to(to, "  {} above 68 s\n", r.latency.above_range());
  }
  if (r.tally.repeats_sent > 0) fmt::format_to(to, "  repeats sent: {}\n", r.tally.repeats_sent);
  if (r.tally.re_auths + r.tally.aborts > 0) {
    fmt::format_to(to, "  RAR answered: {}, ASR answered: {}\n", r.tally.re_auths, r.tally.aborts);
  }
  out += code_row("Result-Codes but 2001:", r.tally.results);
  out += code_row("MSCC Result-Codes but 2001:", r.tally.mscc_results);
  for (std::size_t i = 0; i < unexpected_kinds; ++i) {
    if (r.tally.unexpected[i] == 0) continue;
    fmt::format_to(to, "  unexpected {}: {}\n", name_of(static_cast<Unexpected>(i)),
                   r.tally.unexpected[i]);
  }
  for (const std::string& example : r.tally.examples) {
    fmt::format_to(to, "    first seen: {}\n", example);
  }
  if (r.lost) fmt::format_to(to, "  lost with {} requests unanswered\n", r.unanswered_lost);
  fmt::format_to(to, "  {}\n", verdict_of(code));
  return out;
}

std::string write_json(const Options& o, const Results& r) {
  Json unexpected = Json::object();
  for (std::size_t i = 0; i < unexpected_kinds; ++i) {
    unexpected[name_of(static_cast<Unexpected>(i))] = r.tally.unexpected[i];
  }
  Json seconds = Json::array();
  for (const Second& s : r.seconds) {
    seconds.push_back({{"at_s", s.at_s}, {"answers", s.answers}, {"p50_us", us(s.p50_ns)},
                       {"p99_us", us(s.p99_ns)}, {"max_us", us(s.max_ns)}});
  }
  const Json out{{"program", "levyload"},
                 {"commit", build_commit},
                 {"compiler", build_compiler},
                 {"build", build_flags},
                 {"command_line", o.command_line},
                 {"machine", machine()},
                 {"options", options_json(o)},
                 {"message_bytes", {{"I", r.message_bytes[0]}, {"U", r.message_bytes[1]},
                                    {"T", r.message_bytes[2]}}},
                 {"fault", r.fault},
                 {"exit_code", static_cast<int>(exit_code_of(o, r))},
                 {"measured_s", r.measured_s},
                 {"answers_per_s", r.rate()},
                 {"answers_in_time", r.measured_answers},
                 {"sent", by_type(r.measured_sent)},
                 {"sent_whole_run", by_type(r.tally.sent)},
                 {"answered_whole_run", by_type(r.tally.answered)},
                 {"opening_s", r.opening_s},
                 {"opened", r.opened},
                 {"busy_draws", r.busy_draws},
                 {"repeats_sent", r.tally.repeats_sent},
                 {"resumed", r.resumed},
                 {"re_auth_requests", r.tally.re_auths},
                 {"abort_session_requests", r.tally.aborts},
                 {"mscc_granted", r.tally.mscc_granted},
                 {"result_codes_not_2001", codes(r.tally.results)},
                 {"mscc_result_codes_not_2001", codes(r.tally.mscc_results)},
                 {"unexpected_sum", r.tally.unexpected_sum()},
                 {"unexpected", unexpected},
                 {"examples", r.tally.examples},
                 {"lost", r.lost},
                 {"unanswered_lost", r.unanswered_lost},
                 {"latency", histogram_json(r.latency)},
                 {"service", histogram_json(r.service)},
                 {"seconds", seconds}};
  std::ofstream file(o.json_file);
  file << out.dump(1) << "\n";
  file.flush();
  return file ? "" : fmt::format("{}: cannot be written", o.json_file);
}

}  // namespace levy::load
