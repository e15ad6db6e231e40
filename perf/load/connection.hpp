// Connection: one Diameter client connection: buffers, message cutting, the base protocol.
// Core: load. Allocates: at start-up. Blocks: only open(), close_politely(). Clock: their limits.
//
// One recv and one send per turn. CER/CEA at open(), DWR answered, RAR and ASR answered with 2001,
// DPR at the end. Credit-control answers are handed to the caller as views into the buffer, valid
// until the next receive().
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "diameter/codec/header.hpp"
#include "perf/load/options.hpp"
#include "perf/load/socket.hpp"

namespace levy::load {

// Who answered the CER.
struct PeerIdentity {
  std::string origin_host, origin_realm;
};

enum class Arrived : std::uint8_t { nothing, answer, re_auth, abort, watchdog, closed };

class Connection {
 public:
  // Connects and exchanges CER/CEA (a PeerKind::echo gets none); empty = open.
  std::string open(const Options& options, std::uint32_t index, std::uint32_t origin_state_id);
  const PeerIdentity& peer() const { return peer_; }
  int fd() const { return socket_.fd(); }

  // One recv; false when the connection is gone.
  bool receive();
  // The next whole message. Base requests are answered into the send buffer here; `message` is
  // given for answers, RAR and ASR. `closed` on nonsense or DPR.
  Arrived next(std::span<const std::uint8_t>& message);

  // Room for a message of at most `bytes`; commit() the length written.
  std::uint8_t* reserve(std::size_t bytes);
  void commit(std::size_t bytes) { out_end_ += bytes; }
  std::size_t unsent() const { return out_end_ - out_begin_; }
  // One send of all that is waiting; false when the connection is gone.
  bool flush();

  // DPR, wait shortly for the DPA, close.
  void close_politely();
  bool is_open() const { return socket_.is_open(); }
  void drop() { socket_.close(); }

 private:
  void answer_base(std::span<const std::uint8_t> request, const codec::Header& header);
  void write_cer(std::string_view address);
  std::string read_cea(double timeout_s);
  bool wait_readable(double seconds);

  Socket socket_;
  std::vector<std::uint8_t> in_, out_;
  std::size_t in_begin_ = 0, in_end_ = 0, out_begin_ = 0, out_end_ = 0;
  std::string origin_host_, origin_realm_;
  PeerIdentity peer_;
  std::uint32_t origin_state_id_ = 0;
  bool diameter_ = true;
};

}  // namespace levy::load
