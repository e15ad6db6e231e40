// Credit-Control-Requests as the gateways of interop.md (b.1-b.5) shape them, for golden frames,
// fuzzing and benchmarks.
// Core: tests. Allocates: freely. Blocks: never. Clock: none.
#pragma once

#include <cstdint>

#include "tests/support/messages.hpp"

namespace levy::test {

// `type` is CC-Request-Type 1, 2 or 3.
Bytes open5gs_ccr(std::uint32_t type, std::uint32_t number);
Bytes ergw_ccr(std::uint32_t type, std::uint32_t number);
Bytes magma_ccr(std::uint32_t type, std::uint32_t number);
Bytes nokia_ccr(std::uint32_t type, std::uint32_t number);

}  // namespace levy::test
