// check_failed: says where and aborts.
// Core: any. Allocates: never (until it aborts). Blocks: never. Clock: none.
#include "engine/base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace levy {

void check_failed(const char* expression, const char* file, int line, std::int64_t a,
                  std::int64_t b) {
  std::fprintf(stderr, "%s:%d: check failed: %s (%lld, %lld)\n", file, line, expression,
               static_cast<long long>(a), static_cast<long long>(b));
  std::abort();
}

}  // namespace levy
