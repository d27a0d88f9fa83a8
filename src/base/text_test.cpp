#include "base/text.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace nestor {
namespace {

TEST(Text, IsJoined) {
  EXPECT_EQ(joined({}), "");
  EXPECT_EQ(joined({"a", "b"}, "; "), "a; b");
  EXPECT_EQ(joined_some({}, 2), "");
  EXPECT_EQ(joined_some({"a", "b"}, 2), "a, b");
  EXPECT_EQ(joined_some({"a", "b", "c", "d"}, 2), "a, b and 2 more");
}

TEST(Text, HasALastLine) {
  EXPECT_EQ(last_line("a\nb c \n\r\n"), "b c");
  EXPECT_EQ(last_line("a"), "a");
  EXPECT_EQ(last_line("\n \n"), "");
}

TEST(Text, IsMadeLower) { EXPECT_EQ(lower("AZ@[az\xC3\x84-9"), "az@[az\xC3\x84-9"); }

TEST(Text, IsHexadecimal) {
  EXPECT_EQ(to_hex(std::vector<unsigned char>{0x00, 0x0f, 0xa5, 0xff}), "000fa5ff");
}

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
