// The seal: operator new on a sealed thread aborts, in every build.
#include <gtest/gtest.h>

#include <new>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/memory.hpp"

namespace levy {
namespace {

void use(const volatile void*) {}

TEST(Seal, NewOnASealedThreadAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const char* said = "allocation of .* bytes on the sealed thread 'levy-core'";
  EXPECT_DEATH(
      {
        seal_thread("levy-core");
        use(::operator new(24));
      },
      said);
  EXPECT_DEATH(
      {
        seal_thread("levy-core");
        use(::operator new[](24, std::align_val_t{64}));
      },
      said);
  EXPECT_DEATH(
      {
        std::vector<int> grows(4);
        seal_thread("levy-core");
        grows.resize(1000);
        use(grows.data());
      },
      said);
  EXPECT_DEATH(
      {
        seal_thread("levy-core");
        const std::string text(100, 'x');
        use(text.data());
      },
      said);
}

TEST(Seal, BindsItsThreadOnlyAndEnds) {
  std::thread sealed([] {
    std::vector<int> kept(8);
    seal_thread("levy-core");
    kept.clear();  // giving back is no allocation
    unseal_thread();
    kept.resize(1000);
  });
  std::vector<int> free_here(1000);
  use(free_here.data());
  sealed.join();
}

}  // namespace
}  // namespace levy
