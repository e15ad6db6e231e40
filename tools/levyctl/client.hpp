// levyctl's connection to the daemon, by its Unix socket or by TCP, and its exit codes.
// Core: none. Allocates: yes. Blocks: yes. Clock: none.
#pragma once

#include <functional>
#include <memory>
#include <string>

namespace levyctl {

enum Exit : int { exit_ok = 0, exit_refused = 1, exit_usage = 2, exit_unreachable = 3 };

struct Reply {
  bool reached = false;  // the daemon answered
  bool usage = false;    // not reached: what was given says no place, or is no credential
  int status = 0;
  std::string body;
  std::string why;       // when not reached
  bool ok() const { return reached && status >= 200 && status < 300; }
};

// Where the daemon is, and who we are there. A URL goes before the socket.
struct Place {
  std::string socket = "./levyd.sock";
  std::string url;                // http(s)://host:port
  std::string token_file;         // its first line is the token
  std::string cacert, cert, key;  // PEM: who vouches for the daemon; our certificate and key
  bool plaintext_token = false;   // send it without TLS to any host
};

class Client {
 public:
  explicit Client(Place place) : place_(std::move(place)) {}

  Reply get(const std::string& route) const;
  Reply post(const std::string& route, const std::string& json) const;
  Reply remove(const std::string& route, const std::string& json) const;
  // Sends what `next` gives until it gives nothing (false: broken off).
  Reply upload(const std::string& route, std::function<bool(std::string&)> next) const;
  // Gives each part of the answer to `take` until it returns false.
  Reply stream(const std::string& route, std::function<bool(const char*, std::size_t)> take) const;

 private:
  Place place_;
};

// For a path element: everything but letters, digits and "-._~:@+" as %XX.
std::string escaped(const std::string& text);

}  // namespace levyctl
