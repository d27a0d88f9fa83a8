#include "base/go_duration.hpp"

#include <gtest/gtest.h>

namespace nestor {
namespace {

using namespace std::chrono_literals;

TEST(GoDuration, IsASumOfNumbersWithUnits) {
  EXPECT_EQ(parse_go_duration("10m").value(), 10min);
  EXPECT_EQ(parse_go_duration("1h30m").value(), 90min);
  EXPECT_EQ(parse_go_duration("1m30s").value(), 90s);
  EXPECT_EQ(parse_go_duration("1h2m3.5s").value(), 1h + 2min + 3500ms);
  EXPECT_EQ(parse_go_duration(".5h").value(), 30min);
  EXPECT_EQ(parse_go_duration("5.s").value(), 5s);
  EXPECT_EQ(parse_go_duration("250ms").value(), 250ms);
  EXPECT_EQ(parse_go_duration("1500us").value(), 2ms);
  EXPECT_EQ(parse_go_duration("3000µs").value(), 3ms);
  EXPECT_EQ(parse_go_duration("4000000ns").value(), 4ms);
  EXPECT_EQ(parse_go_duration("1ns").value(), 0ms);
  EXPECT_EQ(parse_go_duration("0").value(), 0ms);
  EXPECT_EQ(parse_go_duration("0s").value(), 0ms);
}

TEST(GoDuration, IsNothingElse) {
  for (const char* text : {"", "10", "m", "-5m", "+5m", "10 m", "5d", "1s2", "00", "1h0", "nan",
                           "inf", "infs", "inf s", "1e3s", "0x1s", ".s", "1..5s", "1s "}) {
    EXPECT_FALSE(parse_go_duration(text)) << text;
  }
  EXPECT_NE(parse_go_duration("5d").error().message.find("\"5d\""), std::string::npos);
}

TEST(GoDuration, ASumTooLongForGoIsRefused) {
  EXPECT_EQ(parse_go_duration("2562047h").value(), 2562047h);
  const std::string digits(400, '9');
  for (const std::string& text :
       {std::string("2562048h"), std::string("2562047h60m"), std::string("9223372036854775807h"),
        std::string("99999999999999999999ms"), digits + "h", digits + "ns"}) {
    EXPECT_FALSE(parse_go_duration(text)) << text;
  }
}

}  // namespace
}  // namespace nestor
