// EchoServer: spinning non-blocking TCP, one thread: the floor of a round trip.
// Core: load. Allocates: per connection. Blocks: never, it spins. Clock: none.
//
// One recv and one send per connection and turn, like Levy's edge. Mode bytes returns what it
// reads; mode fixed_cca answers as FixedCca does.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "perf/floors/fixed_cca.hpp"
#include "perf/load/socket.hpp"

namespace levy::floors {

enum class EchoMode : std::uint8_t { bytes, fixed_cca };

class EchoServer {
 public:
  // Empty, or why it cannot listen.
  std::string listen(const std::string& host, const std::string& port, EchoMode mode,
                     const std::string& congestion);
  std::uint16_t port() const { return port_; }
  // Accepts, and serves every connection once; true when anything happened.
  bool turn();
  std::uint64_t messages() const { return messages_; }
  std::size_t connections() const { return lines_.size(); }

 private:
  struct Line {
    load::Socket socket;
    std::vector<std::uint8_t> in, out;
    std::size_t in_begin = 0, in_end = 0, out_begin = 0, out_end = 0;
    bool serving = true;
  };

  void accept_one();
  bool serve(Line& line);  // false: the connection is over
  bool answer_all(Line& line);
  bool flush(Line& line);
  bool poll_ready();

  EchoMode mode_ = EchoMode::bytes;
  std::string congestion_;
  std::uint16_t port_ = 0;
  load::Socket listener_, epoll_;
  FixedCca fixed_{"echo.floor.example", "floor.example"};
  std::vector<std::unique_ptr<Line>> lines_;
  std::uint64_t turns_ = 0, messages_ = 0;
};

}  // namespace levy::floors
