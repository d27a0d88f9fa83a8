#include "base/hash.hpp"

#include <gtest/gtest.h>

namespace nestor {
namespace {

TEST(Fnv1a, IsWhatOthersCompute) {
  EXPECT_EQ(fnv1a32(""), 0x811c9dc5U);
  EXPECT_EQ(fnv1a32("foobar"), 0xbf9cf968U);
  EXPECT_EQ(fnv1a64(""), 0xcbf29ce484222325U);
  EXPECT_EQ(fnv1a64("foobar"), 0x85944171f73967e8U);
  EXPECT_NE(fnv1a64("\x80"), fnv1a64(""));
}

}  // namespace
}  // namespace nestor
