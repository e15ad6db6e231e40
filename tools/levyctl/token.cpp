// levyctl token: a fresh token for admin.http.token_file. Asks no daemon.
// Core: none. Allocates: yes. Blocks: writes a file. Clock: none.
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "tools/levyctl/commands.hpp"

namespace levyctl {

namespace {

using Digest = std::array<unsigned char, 32>;

std::string hex(const Digest& bytes) {
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

// Empty, or why not. A file that is there is not replaced.
std::string save(const std::string& path, const std::string& token) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return path + ": " + std::strerror(errno);
  const std::string line = token + "\n";
  const bool written = ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  std::string why = written ? "" : path + ": " + std::strerror(errno);
  ::close(file);
  return why;
}

struct Wanted {
  std::string name, path;
  bool read = false;
};

int run_token(const Context& context, const Wanted& wanted) {
  Digest secret{}, digest{};
  if (RAND_bytes(secret.data(), secret.size()) != 1) {
    fmt::print(stderr, "no random numbers can be had\n");
    return exit_refused;
  }
  const std::string token = "levy_" + hex(secret);
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest.data());
  const std::string line =
      fmt::format("{} {} sha256:{}", wanted.name, wanted.read ? "read" : "write", hex(digest));
  if (!wanted.path.empty()) {
    if (const std::string why = save(wanted.path, token); !why.empty()) {
      fmt::print(stderr, "{}\n", why);
      return exit_usage;
    }
  }
  const bool shown = wanted.path.empty();
  if (context.json) {
    nlohmann::ordered_json out = {{"name", wanted.name}, {"line", line}};
    if (shown) out["token"] = token;
    fmt::print("{}\n", out.dump());
  } else if (shown) {
    fmt::print("token  {}\nline   {}\n", token, line);
  } else {
    fmt::print("{}\n", line);
  }
  return exit_ok;
}

}  // namespace

void add_token(CLI::App& app, Context& context) {
  CLI::App* command =
      app.add_subcommand("token", "a fresh token for the HTTP API, and its line for token_file");
  const auto wanted = std::make_shared<Wanted>();
  command->add_option("NAME", wanted->name, "the caller's name: it stands in the records as who")
      ->required()
      ->check([](const std::string& name) {
        constexpr std::size_t bytes_max = 31;
        const bool good =
            name.size() <= bytes_max && name.find_first_not_of(
                                            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                            "0123456789-._@") == name.npos;
        return good && !name.empty() ? "" : "1 to 31 letters, digits, \"-\", \".\", \"_\", \"@\"";
      });
  command->add_flag("--read", wanted->read, "it may read only");
  command->add_option("--save", wanted->path,
                      "the token goes into this new file (mode 600), its line alone is printed: "
                      "levyctl token NAME --save F >> TOKEN-FILE");
  command->footer(
      "The daemon keeps hashes: a token that is lost cannot be shown again. After a "
      "change of its file: levyctl reload.");
  command->callback([&context, wanted] {
    context.run = [&context, wanted] { return run_token(context, *wanted); };
  });
}

}  // namespace levyctl
