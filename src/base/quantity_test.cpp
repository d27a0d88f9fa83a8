#include "base/quantity.hpp"

#include <gtest/gtest.h>

namespace nestor {
namespace {

TEST(Quantity, ReadsBytes) {
  EXPECT_EQ(parse_quantity("4Gi"), 4294967296);
  EXPECT_EQ(parse_quantity("1.5Gi"), 1610612736);
  EXPECT_EQ(parse_quantity("2G"), 2000000000);
  EXPECT_EQ(parse_quantity("128"), 128);
  EXPECT_EQ(parse_quantity("1e3"), 1000);
  EXPECT_EQ(parse_quantity("1E"), 1000000000000000000);
  EXPECT_EQ(parse_quantity("-1Ki"), -1024);
  EXPECT_EQ(parse_quantity("0.0"), 0);
}

TEST(Quantity, RoundsUp) {
  EXPECT_EQ(parse_quantity("100m"), 1);
  EXPECT_EQ(parse_quantity("1001m"), 2);
  EXPECT_EQ(parse_quantity_milli("1u"), 1);
  EXPECT_EQ(parse_quantity_milli("0.0001"), 1);
}

TEST(Quantity, ReadsMilli) {
  EXPECT_EQ(parse_quantity_milli("500m"), 500);
  EXPECT_EQ(parse_quantity_milli("2"), 2000);
  EXPECT_EQ(parse_quantity_milli("0.25"), 250);
  EXPECT_EQ(parse_quantity_milli(".5"), 500);
}

TEST(Quantity, RefusesWhatIsNone) {
  for (const char* text :
       {"", "-", ".", "Gi", "1gi", "1 Gi", "1GiB", "1.2.3", "1e", "1x", "0x1", "--1", "1e1.5"}) {
    const auto value = parse_quantity(text);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().code, Code::kInvalidArgument) << text;
  }
  for (const char* text :
       {"16Ei", "9999999999999999999", "1e999999999", "1e2147483647",
        "340282366920938463463374607431768211457n", "99999999999999999999999999999999999999999"}) {
    const auto value = parse_quantity(text);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().code, Code::kOutOfRange) << text;
  }
  EXPECT_EQ(parse_quantity("1e-999999999"), 1);
  EXPECT_EQ(parse_quantity_milli("1e-2147483648"), 1);
}

TEST(Quantity, Writes) {
  EXPECT_EQ(format_bytes(4294967296), "4Gi");
  EXPECT_EQ(format_bytes(1536), "1536");
  EXPECT_EQ(format_bytes(0), "0");
  EXPECT_EQ(format_milli(500), "500m");
  EXPECT_EQ(format_milli(2000), "2");
}

}  // namespace
}  // namespace nestor
