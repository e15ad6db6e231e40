// levy_echo: the bare echo that Levy's round trips are measured against in the same run.
// Core: one thread. Allocates: per connection. Blocks: never, it spins. Clock: none.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <string>

#include "perf/floors/echo_server.hpp"
#include "perf/load/options.hpp"

namespace {
volatile std::sig_atomic_t stop = 0;
void on_signal(int) { stop = 1; }
}  // namespace

int main(int argc, char** argv) {
  using levy::floors::EchoMode;
  CLI::App app{"levy_echo: a spinning TCP echo, the floor of a round trip"};
  app.footer("\nExamples:\n"
             "  levy_echo --listen 127.0.0.1:0 --mode fixed-cca --core 0\n"
             "  levyload --connect 127.0.0.1:<the port it prints> --core 1\n"
             "  levy_echo --listen [::1]:3868 --mode bytes      (levyload --peer echo)\n"
             "Prints 'port N' when it listens; ends on SIGINT or SIGTERM.");
  std::string listen = "127.0.0.1:0", mode = "fixed-cca", congestion = "reno";
  int core = -1;
  app.add_option("--listen", listen, "HOST:PORT; port 0 = any free one")->capture_default_str();
  app.add_option("--mode", mode,
                 "bytes: return every byte; fixed-cca: a canned CCA to each CCR, CEA and DWA too")
      ->check(CLI::IsMember({"bytes", "fixed-cca"}))->capture_default_str();
  app.add_option("--core", core, "Pin to this core")->check(CLI::Range(0, 4095));
  app.add_option("--congestion", congestion, "TCP congestion control")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  std::string host, port;
  if (!levy::load::parse_endpoint(listen, host, port)) {
    fmt::print(stderr, "levy_echo: --listen {}: expected HOST:PORT or [IPV6]:PORT\n", listen);
    return 2;
  }
  if (core >= 0 && !levy::load::pin_to_core(core)) {
    fmt::print(stderr, "levy_echo: --core {}: no such core\n", core);
    return 2;
  }
  levy::floors::EchoServer server;
  const std::string fault = server.listen(
      host, port, mode == "bytes" ? EchoMode::bytes : EchoMode::fixed_cca, congestion);
  if (!fault.empty()) {
    fmt::print(stderr, "levy_echo: {}\n", fault);
    return 2;
  }
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  fmt::print("port {}\n", server.port());
  std::fflush(stdout);
  while (stop == 0) server.turn();
  return 0;
}
