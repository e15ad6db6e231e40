// Mutations: the messages that the fuzz targets start from, and what bends them.
// Core: tests. Allocates: freely. Blocks: never. Clock: none.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <random>

#include "config/limits.hpp"
#include "tests/support/gateways.hpp"
#include "tests/support/messages.hpp"

namespace levy::test {

inline std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

inline std::vector<Bytes> corpus() {
  std::vector<Bytes> out;
  for (const auto ccr : {open5gs_ccr, ergw_ccr, magma_ccr, nokia_ccr}) {
    for (std::uint32_t type = 1; type <= 3; ++type) out.push_back(ccr(type, type - 1));
  }
  Units money;
  money.money = {125, -2};
  money.currency = 978;
  Ccr event = Ccr::event("gw;9;9", 1).imsi("00101").identity(2, "sip:a@b").identity(4, "p");
  event.command_requested = money;
  event.command_service = 4;
  event.extra.append(proxy_info("proxy", "state")).text(282, "relay");
  out.push_back(event.bytes());
  Ccr many = Ccr::update("gw;8;8", 5).retransmitted();
  for (std::uint32_t i = 0; i < limits::mscc_max; ++i) {
    many.mscc(Mscc(i).service(i).rsu(i).usu(i).reason(i % 10));
  }
  out.push_back(many.bytes());
  return out;
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t end) { return end == 0 ? 0 : random_() % end; }

  // Wrong bits, wrong lengths, cuts, repeats, foreign AVPs: one to four of them.
  Bytes operator()(const std::vector<Bytes>& from) {
    Bytes m = from[below(from.size())];
    for (std::size_t n = 1 + below(4); n > 0; --n) change(m, from[below(from.size())]);
    if (below(8) != 0) m.resize(m.size() / 4 * 4);
    if (m.size() > limits::message_bytes_max) m.resize(limits::message_bytes_max);
    return m;
  }

 private:
  void change(Bytes& m, const Bytes& other) {
    if (m.size() < 24) return;
    const std::size_t at = 20 + below(m.size() - 20);
    const std::size_t word = at / 4 * 4;
    switch (below(9)) {
      case 0: m[at] ^= static_cast<std::uint8_t>(1u << below(8)); break;
      case 1: m[at] = static_cast<std::uint8_t>(random_()); break;
      case 2: m[word + 3 < m.size() ? word + 3 : at] = static_cast<std::uint8_t>(below(40)); break;
      case 3: m.resize(at); break;
      case 4: erase(m, word, below(16) * 4); break;
      case 5: insert(m, word, other); break;
      case 6:
        for (std::size_t i = 0; i < 8 && word + i < m.size(); ++i) m[word + i] = 0xff;
        break;
      case 7: {  // a known code, any flags and length
        static constexpr std::uint16_t codes[] = {263, 264, 268, 279, 283, 284, 296, 412, 413, 415,
                                                  416, 421, 432, 437, 439, 443, 445, 446, 456, 873};
        const std::uint16_t code = codes[below(std::size(codes))];
        if (word + 8 > m.size()) break;
        m[word] = m[word + 1] = 0;
        m[word + 2] = static_cast<std::uint8_t>(code >> 8);
        m[word + 3] = static_cast<std::uint8_t>(code);
        break;
      }
      default: m[4] = static_cast<std::uint8_t>(random_()); break;
    }
  }
  static void erase(Bytes& m, std::size_t at, std::size_t size) {
    const auto first = m.begin() + static_cast<std::ptrdiff_t>(at);
    m.erase(first, first + static_cast<std::ptrdiff_t>(std::min(size, m.size() - at)));
  }
  void insert(Bytes& m, std::size_t at, const Bytes& other) {
    const std::size_t from = 20 + below((other.size() - 20) / 4) * 4;
    const std::size_t size = std::min(4 + below(40) * 4, other.size() - from);
    const auto first = other.begin() + static_cast<std::ptrdiff_t>(from);
    m.insert(m.begin() + static_cast<std::ptrdiff_t>(at), first,
             first + static_cast<std::ptrdiff_t>(size));
  }

  std::mt19937_64 random_;
};

}  // namespace levy::test
