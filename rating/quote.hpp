// quote: what some use would cost under a plan, step by step, as an ideal gateway would report it.
// Core: any (no state is shared). Allocates: never. Blocks: never. Clock: in the question.
//
// It drives charge() itself on an account of its own: every grant is used up in full, or to the
// end of its Validity-Time where the use takes time, so that what it says is what Levy charges.
#pragma once

#include <array>
#include <cstdint>

#include "rating/charge.hpp"

namespace levy::rating {

struct QuoteQuestion {
  const Plan* plan = nullptr;
  const Zones* zones = nullptr;
  // Who, where and what: conditions of the message; mscc[0] names the rating group. Its type and
  // units are quote()'s own.
  const ChargeRequest* request = nullptr;
  std::int64_t used = 0;      // units of the service that the request falls under
  std::uint32_t seconds = 0;  // how long the use takes, evenly; 0 = for seconds as long as `used`,
                              // for others at once
  Time start{};
};

// Use that was charged at one rate of one service, without interruption.
struct QuoteStep {
  Time from{};
  std::int64_t used = 0;
  std::int64_t charged = 0;  // micros, the fee included
  std::int64_t fee = 0;      // micros
  std::uint16_t service = 0xffff;
  std::uint16_t rate = 0;
};

struct Quote {
  static constexpr std::size_t steps_max = 256;
  Reason reason = Reason::ok;  // otherwise why the first grant, or a later one, was refused
  Unit unit{};
  std::int64_t used = 0;     // of the question's, as far as grants went
  std::int64_t charged = 0;  // micros
  std::uint32_t step_count = 0;
  bool cut = false;  // there were more steps; `used` and `charged` count them all
  std::array<QuoteStep, steps_max> steps{};
};

void quote(const QuoteQuestion& question, Quote& answer);

}  // namespace levy::rating
