// levyctl trace: a subscriber's messages as text, and as a capture file with made-up TCP around
// them. Core: none. Allocates: yes. Blocks: until interrupted. Clock: none (times come from the
// daemon).
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "diameter/codec/print.hpp"
#include "tools/levyctl/commands.hpp"

namespace levyctl {

namespace {

using Json = nlohmann::ordered_json;
using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t pcap_ip_tcp_bytes = 40;

void put_big(Bytes& out, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}
void put_little(Bytes& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

// pcap with link type 101 (raw IP): one IPv4 and TCP packet for each message, 10.0.0.1 is the
// gateway, 10.0.0.2:3868 is Levy. Sequence numbers follow, so that streams can be put together.
class Capture {
 public:
  bool open(const std::string& path) {
    file_.reset(std::fopen(path.c_str(), "wb"));
    if (!file_) return false;
    Bytes head;
    put_little(head, 0xa1b2c3d4, 4);
    put_little(head, 2, 2);
    put_little(head, 4, 2);
    put_little(head, 0, 8);
    put_little(head, 65535, 4);
    put_little(head, 101, 4);
    return write(head);
  }

  bool add(std::int64_t micros, bool from_gateway, const Bytes& message) {
    if (!file_) return true;
    const std::size_t size = pcap_ip_tcp_bytes + message.size();
    std::uint32_t& mine = from_gateway ? gateway_sequence_ : levy_sequence_;
    const std::uint32_t theirs = from_gateway ? levy_sequence_ : gateway_sequence_;
    Bytes ip;
    put_big(ip, 0x4500, 2);
    put_big(ip, size, 2);
    put_big(ip, 0x00004000, 4);  // not fragmented
    put_big(ip, 0x4006, 2);      // time to live 64, TCP
    put_big(ip, 0, 2);           // checksum, filled in below
    put_big(ip, from_gateway ? 0x0a000001 : 0x0a000002, 4);
    put_big(ip, from_gateway ? 0x0a000002 : 0x0a000001, 4);
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < ip.size(); i += 2)
      sum += static_cast<std::uint32_t>(ip[i] << 8 | ip[i + 1]);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    ip[10] = static_cast<std::uint8_t>(~sum >> 8);
    ip[11] = static_cast<std::uint8_t>(~sum);
    Bytes packet;
    put_little(packet, static_cast<std::uint64_t>(micros / 1'000'000), 4);
    put_little(packet, static_cast<std::uint64_t>(micros % 1'000'000), 4);
    put_little(packet, size, 4);
    put_little(packet, size, 4);
    packet.insert(packet.end(), ip.begin(), ip.end());
    put_big(packet, from_gateway ? 40000 : 3868, 2);
    put_big(packet, from_gateway ? 3868 : 40000, 2);
    put_big(packet, mine, 4);
    put_big(packet, theirs, 4);
    put_big(packet, 0x5018ffff, 4);  // 20 bytes of header, PSH and ACK, full window
    put_big(packet, 0, 4);           // TCP checksum left out, as with offloading
    packet.insert(packet.end(), message.begin(), message.end());
    mine += static_cast<std::uint32_t>(message.size());
    return write(packet) && std::fflush(file_.get()) == 0;
  }

 private:
  bool write(const Bytes& bytes) {
    return std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) == bytes.size();
  }
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
  std::uint32_t gateway_sequence_ = 1, levy_sequence_ = 1;
};

Bytes bytes_of(const std::string& hex) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

// One line of the stream. false: the capture file cannot be written.
bool show_line(const std::string& line, bool json, Capture& capture) {
  const Json item = Json::parse(line, nullptr, false);
  if (item.is_discarded() || !item.is_object()) return true;
  if (json) fmt::print("{}\n", line);
  if (item.contains("lost")) {
    fmt::print(stderr, "{} messages lost: the reader is too slow\n", item["lost"].dump());
    return true;
  }
  const std::int64_t at = item.value("at", std::int64_t{0});
  const bool in = item.value("direction", "") == "in";
  const Bytes message = bytes_of(item.value("hex", ""));
  if (!json) {
    fmt::print("{:%Y-%m-%d %H:%M:%S}.{:06}Z {} {}\n{}\n", fmt::gmtime(at / 1'000'000),
               at % 1'000'000, in ? "from" : "to", item.value("peer", ""),
               levy::codec::print_message(message));
  }
  std::fflush(stdout);
  if (capture.add(at, in, message)) return true;
  fmt::print(stderr, "the capture file cannot be written\n");
  return false;
}

struct TraceOptions {
  std::string id, pcap;
  std::uint64_t seconds = 0, count = 0;
};

int run_trace(const Context& context, const TraceOptions& options) {
  Capture capture;
  if (!options.pcap.empty() && !capture.open(options.pcap)) {
    fmt::print(stderr, "{}: cannot be written\n", options.pcap);
    return exit_usage;
  }
  std::string partial;
  bool written = true, begun = false;
  const auto take = [&](const char* part, std::size_t size) {
    if (!std::exchange(begun, true)) {
      fmt::print(stderr, "tracing {}: end it with Ctrl-C\n", options.id);
      std::fflush(stderr);
    }
    partial.append(part, size);
    for (std::size_t end; written && (end = partial.find('\n')) != partial.npos;) {
      if (end > 0) written = show_line(partial.substr(0, end), context.json, capture);
      partial.erase(0, end + 1);
    }
    return written;
  };
  const std::string route = "/v1/trace/" + escaped(options.id) +
                            "?seconds=" + std::to_string(options.seconds) +
                            "&count=" + std::to_string(options.count);
  const Reply reply = context.client().stream(route, take);
  if (!reply.ok()) return report(reply, context.json);
  return written ? exit_ok : exit_refused;
}

}  // namespace

void add_trace(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("trace", "the messages of a subscriber's account, live");
  const auto options = std::make_shared<TraceOptions>();
  command->add_option("ID", options->id)->required();
  command->add_option("--pcap", options->pcap, "also into a capture file");
  command->add_option("--seconds", options->seconds, "end after this time");
  command->add_option("--count", options->count, "end after so many messages");
  command->callback([&context, options] {
    context.run = [&context, options] { return run_trace(context, *options); };
  });
}

}  // namespace levyctl
