// levyctl: the operator's command line. What changes or shows accounts it asks of levyd over the
// admin socket; `plan` and `explain` work on files alone.
// Core: none. Allocates: yes. Blocks: yes. Clock: none.
#include <CLI/CLI.hpp>
#include <csignal>

#include "tools/levyctl/commands.hpp"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  levyctl::Context context;
  CLI::App app("Levy's operator command line", "levyctl");
  levyctl::Place& place = context.place;
  app.add_option("--socket", place.socket, "the daemon's admin socket: `admin.socket` of its YAML")
      ->envname("LEVY_SOCKET")
      ->capture_default_str();
  app.add_option("--url", place.url, "instead of the socket: https://HOST:PORT of `admin.http`")
      ->envname("LEVY_URL");
  app.add_option("--token-file", place.token_file, "with --url: a file with our token")
      ->envname("LEVY_TOKEN_FILE");
  app.add_option("--cacert", place.cacert, "with https: who vouches for the daemon (PEM)")
      ->envname("LEVY_CACERT");
  auto* cert = app.add_option("--cert", place.cert, "with https: our certificate (PEM)");
  auto* key = app.add_option("--key-file", place.key, "with https: its private key (PEM)");
  cert->needs(key);
  key->needs(cert);
  app.add_flag("--plaintext-token", place.plaintext_token,
               "send the token without TLS, though the host is another machine");
  app.add_flag("--json", context.json, "the daemon's JSON as it is");
  app.require_subcommand(1);
  app.fallthrough();
  app.footer("Exit codes: 0 done, 1 refused or not found, 2 usage, 3 the daemon is not reached.");
  levyctl::add_commands(app, context);
  levyctl::add_token(app, context);
  levyctl::add_trace(app, context);
  levyctl::add_plan(app, context);
  levyctl::add_explain(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? levyctl::exit_ok : levyctl::exit_usage;
  }
  return context.run();
}
