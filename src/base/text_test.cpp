#include "base/text.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace nestor {
namespace {

TEST(ParseNumber, ReadsTheWholeText) {
  EXPECT_EQ(parse_number<int>("0"), 0);
  EXPECT_EQ(parse_number<int>("-007"), -7);
  EXPECT_EQ(parse_number<std::int64_t>("9223372036854775807"), 9223372036854775807);
  EXPECT_EQ(parse_number<std::uint16_t>("65535"), 65535);
}

TEST(ParseNumber, TakesNothingElse) {
  for (const char* text : {"", " 3", "3 ", "3x", "+3", "0x3", "3.0", "-", "3000000000"}) {
    EXPECT_EQ(parse_number<int>(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_number<std::uint16_t>("-1"), std::nullopt);
  EXPECT_EQ(parse_number<std::uint16_t>("65536"), std::nullopt);
}

}  // namespace
}  // namespace nestor
