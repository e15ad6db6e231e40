// levyctl's connection to the daemon's admin socket, and its exit codes.
// Core: none. Allocates: yes. Blocks: yes. Clock: none.
#pragma once

#include <functional>
#include <memory>
#include <string>

namespace levyctl {

enum Exit : int { exit_ok = 0, exit_refused = 1, exit_usage = 2, exit_unreachable = 3 };

struct Reply {
  bool reached = false;  // the daemon answered
  int status = 0;
  std::string body;
  std::string why;       // when not reached
  bool ok() const { return reached && status >= 200 && status < 300; }
};

class Client {
 public:
  explicit Client(std::string socket_path) : path_(std::move(socket_path)) {}
  const std::string& path() const { return path_; }

  Reply get(const std::string& route) const;
  Reply post(const std::string& route, const std::string& json) const;
  Reply remove(const std::string& route) const;
  // Sends what `next` gives until it gives nothing (false: broken off).
  Reply upload(const std::string& route, std::function<bool(std::string&)> next) const;
  // Gives each part of the answer to `take` until it returns false.
  Reply stream(const std::string& route, std::function<bool(const char*, std::size_t)> take) const;

 private:
  std::string path_;
};

// For a path element: everything but letters, digits and "-._~:@+" as %XX.
std::string escaped(const std::string& text);

}  // namespace levyctl
