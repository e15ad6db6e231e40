// levyd: flags -> configuration -> Daemon -> wait for a signal.
// Core: control. Allocates: yes. Blocks: yes. Clock: none.
#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>
#include <random>

#include "config/load.hpp"
#include "engine/admin/routes.hpp"
#include "engine/base/hash.hpp"
#include "engine/daemon/daemon.hpp"
#include "engine/daemon/disk_need.hpp"
#include "engine/daemon/plans.hpp"
#include "engine/daemon/setup.hpp"
#include "engine/version.hpp"

namespace {

volatile std::sig_atomic_t stop_signal = 0;
void on_signal(int signal) {
  stop_signal = signal;
}
bool stop_wanted() {
  return stop_signal != 0;
}

volatile std::sig_atomic_t hangups = 0;
void on_hangup(int) {
  hangups = 1;
}
bool reopen_wanted() {
  const bool wanted = hangups != 0;
  hangups = 0;
  return wanted;
}

// --check, of a configuration that could be read.
int run_check(const levy::config::Loaded& loaded, const std::string& path) {
  const std::string faults =
      levy::daemon::check_plans(loaded.catalogue) +
      levy::admin::check_files(levy::daemon::http_door(loaded.options.admin.http));
  if (!faults.empty()) {
    std::cerr << faults;
    return 1;
  }
  levy::config::describe_sums(loaded.options, std::cout);
  levy::daemon::describe(levy::daemon::disk_need(loaded.options), std::cout);
  std::cout << path << ": " << loaded.catalogue.plans.size() << " plans, no fault\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "levyd: real-time charging over Diameter (Gy).\n"
      "Reads one YAML file, recovers its data directory, listens, and runs until SIGTERM or "
      "SIGINT;\n"
      "then it says DPR to every peer, writes a snapshot and stops.\n"
      "Exit codes: 0 stopped, 1 refused to start, 2 wrong flags, 3 the disk failed."};
  std::string config_path;
  bool check = false, adopt = false, help_config = false, version = false, routes = false;
  app.add_option("-c,--config", config_path, "the configuration, e.g. config/examples/levyd.yaml");
  app.add_flag("--check", check,
               "read the configuration and every plan, report all faults, and stop");
  app.add_flag("--adopt", adopt, "take over a data directory that another node has written");
  app.add_flag("--help-config", help_config, "list every key with its bounds, default and meaning");
  app.add_flag("--routes", routes, "print the routes of the control API, as JSON");
  app.add_flag("--version", version, "print the version");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  if (version) {
    std::cout << "levyd " << levy::version_text << "\n";
    return 0;
  }
  if (routes) {
    std::cout << levy::admin::routes_json();
    return 0;
  }
  if (help_config) {
    levy::config::describe(std::cout);
    return 0;
  }
  if (config_path.empty()) {
    std::cerr << "levyd: --config FILE is needed (levyd --help)\n";
    return 2;
  }
  levy::config::Loaded loaded = levy::config::load(config_path);
  if (!loaded.ok()) {
    loaded.diagnostics.print(std::cerr);
    return 1;
  }
  if (check) {
    return run_check(loaded, config_path);
  }
  std::random_device random;
  levy::set_hash_key(std::uint64_t{random()} << 32 | random());
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  action.sa_handler = on_hangup;
  sigaction(SIGHUP, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes is then a failed write: exit code 3

  levy::daemon::Daemon daemon({std::move(loaded), config_path, adopt});
  const std::string failed = daemon.start();
  if (!failed.empty()) {
    std::cerr << "levyd: " << failed << "\n";
    std::_Exit(1);
  }
  return daemon.run(&stop_wanted, &reopen_wanted);
}
