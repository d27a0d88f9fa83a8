#include "base/random.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/testing/seeded_random.hpp"

namespace nestor {
namespace {

TEST(Random, NameSuffixesUseKubernetesAlphabet) {
  SystemRandom random;
  std::set<std::string> seen;
  std::set<char> letters;
  for (int i = 0; i < 500; ++i) {
    const std::string suffix = random.name_suffix();
    EXPECT_EQ(suffix.size(), 5U);
    seen.insert(suffix);
    letters.insert(suffix.begin(), suffix.end());
  }
  EXPECT_GT(seen.size(), 490U);
  EXPECT_EQ(std::string(letters.begin(), letters.end()), "2456789bcdfghjklmnpqrstvwxz");
}

TEST(Random, SeededBytesRepeat) {
  SeededRandom a(7);
  SeededRandom b(7);
  EXPECT_EQ(a.hex(16), b.hex(16));
  EXPECT_EQ(a.hex(3).size(), 6U);
  EXPECT_NE(a.bytes(8), a.bytes(8));
  for (int i = 0; i < 100; ++i) {
    const double number = a.uniform();
    EXPECT_TRUE(number >= 0 && number < 1) << number;
  }
}

}  // namespace
}  // namespace nestor
