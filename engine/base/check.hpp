// Assertions that hold in every build: our own bugs abort with their values.
// Core: any. Allocates: never (until it aborts). Blocks: never. Clock: none.
//
// A failed check is a bug of Levy, never a peer's or an operator's fault: those are values
// (codec::ErrorCode, config::Diagnostics), not assertions.
#pragma once

#include <cstdint>

namespace levy {

// Prints "file:line: check failed: expression (a=…, b=…)" to stderr and aborts.
[[noreturn, gnu::cold]] void check_failed(const char* expression, const char* file, int line,
                                          std::int64_t a, std::int64_t b);

}  // namespace levy

// LEVY_CHECK(condition) or LEVY_CHECK(condition, value) or LEVY_CHECK(condition, value, value):
// the values are integers worth seeing in the abort message.
#define LEVY_CHECK_3(condition, a, b)                                                    \
  do {                                                                                   \
    if (!(condition)) [[unlikely]]                                                       \
      ::levy::check_failed(#condition, __FILE__, __LINE__, static_cast<std::int64_t>(a), \
                           static_cast<std::int64_t>(b));                                \
  } while (false)
#define LEVY_CHECK_2(condition, a) LEVY_CHECK_3(condition, a, 0)
#define LEVY_CHECK_1(condition) LEVY_CHECK_3(condition, 0, 0)
#define LEVY_CHECK_PICK(_1, _2, _3, NAME, ...) NAME
#define LEVY_CHECK(...) \
  LEVY_CHECK_PICK(__VA_ARGS__, LEVY_CHECK_3, LEVY_CHECK_2, LEVY_CHECK_1)(__VA_ARGS__)
