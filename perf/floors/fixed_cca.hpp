// FixedCca: the least that a credit-control server can do with a CCR and still be believed.
// Core: load. Allocates: when a new shape of message is seen. Blocks: never. Clock: none.
//
// The answer is a canned CCA (2001, a fixed grant per MSCC) under the request's own Hop-by-Hop,
// End-to-End, Session-Id, CC-Request-Number and Rating-Groups. Where those stand is remembered per
// shape of message and only verified (AVP code words at the remembered places) on the next one, so
// the work per message is a copy and some compares: no walk, no look-up, no charging.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace levy::floors {

class FixedCca {
 public:
  static constexpr std::size_t answer_bytes_max = 2048;

  FixedCca(std::string origin_host, std::string origin_realm);

  // Writes the answer to any request of a Diameter client (CCR, CER, DWR, DPR, else 3001) to `out`,
  // which has answer_bytes_max; 0 when the message is malformed or an answer.
  std::size_t answer(std::span<const std::uint8_t> message, std::uint8_t* out);

  std::size_t shapes() const { return shapes_.size(); }

 private:
  static constexpr std::size_t mscc_max = 16;
  struct Shape {
    std::size_t message_bytes = 0, session_bytes = 0;
    std::size_t type = 0, number = 0;  // of the AVPs' data in the request
    std::size_t mscc = 0;
    std::array<std::size_t, mscc_max> rating_group{};
    std::vector<std::uint8_t> canned;
    std::size_t canned_type = 0, canned_number = 0;
    std::array<std::size_t, mscc_max> canned_rating_group{};
  };

  const Shape* find(std::span<const std::uint8_t> message) const;
  bool learn(std::span<const std::uint8_t> message);
  bool locate(std::span<const std::uint8_t> message, Shape& shape) const;
  void can(std::span<const std::uint8_t> message, Shape& shape) const;
  std::size_t answer_base(std::span<const std::uint8_t> message, std::uint8_t* out) const;

  std::string origin_host_, origin_realm_;
  std::vector<Shape> shapes_;  // the latest few; a handful is all a gateway sends
  std::size_t next_shape_ = 0;
};

}  // namespace levy::floors
