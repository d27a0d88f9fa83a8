#include "net/grpc/wire.hpp"

#include <gtest/gtest.h>

namespace nestor::grpc {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

std::string framed(std::string_view message) {
  const Prefix prefix(message.size());
  return std::string(prefix.bytes, sizeof(prefix.bytes)).append(message);
}

TEST(GrpcWire, TimeoutsHaveAtMostEightDigits) {
  EXPECT_EQ(write_timeout(Duration(1)), "1m");
  EXPECT_EQ(write_timeout(Duration(99'999'999)), "99999999m");
  EXPECT_EQ(write_timeout(Duration(100'000'001)), "100001S");
  EXPECT_EQ(write_timeout(hours(1'000'000)), "60000000M");
  EXPECT_EQ(write_timeout(Duration::max()).size(), 9U);
}

TEST(GrpcWire, ReadsEveryUnitOfATimeout) {
  EXPECT_EQ(read_timeout("2H"), hours(2));
  EXPECT_EQ(read_timeout("3M"), std::chrono::minutes(3));
  EXPECT_EQ(read_timeout("4S"), seconds(4));
  EXPECT_EQ(read_timeout("5m"), Duration(5));
  EXPECT_EQ(read_timeout("1500u"), Duration(2));
  EXPECT_EQ(read_timeout("1n"), Duration(1));
  for (const auto* bad : {"", "m", "1", "1x", "-1S", "1S ", "1234567890S", "1.5S"}) {
    EXPECT_FALSE(read_timeout(bad)) << bad;
  }
}

TEST(GrpcWire, StatusMessagesSurviveTheTrip) {
  const std::string message = "100 % of \"/dev/vdb\"\nis full: \xE2\x82\xAC";
  const std::string written = write_status_message(message);
  EXPECT_EQ(written, "100 %25 of \"/dev/vdb\"%0Ais full: %E2%82%AC");
  EXPECT_EQ(read_status_message(written), message);
  EXPECT_EQ(read_status_message("50% %4"), "50% %4");
}

TEST(GrpcWire, StatusIsReadFromTrailers) {
  EXPECT_FALSE(read_status({}));
  EXPECT_TRUE(read_status({{"grpc-status", "0"}})->has_value());
  const auto error = read_status({{"grpc-status", "5"}, {"grpc-message", "no%20volume"}});
  EXPECT_EQ(error->error().code, Code::kNotFound);
  EXPECT_EQ(error->error().message, "no volume");
  EXPECT_EQ(read_status({{"grpc-status", "99"}})->error().code, Code::kUnknown);
  EXPECT_EQ(read_status({{"grpc-status", "0x"}})->error().code, Code::kUnknown);
  EXPECT_EQ(read_status({{"grpc-status", "5x"}})->error().code, Code::kUnknown);
}

TEST(GrpcWire, MessagesAreFoundWhereverTheBytesAreCut) {
  const std::string bytes = framed("one") + framed("") + framed("three");
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    MessageReader reader(100);
    EXPECT_TRUE(reader.feed(std::string_view(bytes).substr(0, cut)));
    EXPECT_TRUE(reader.feed(std::string_view(bytes).substr(cut)));
    EXPECT_EQ(reader.next(), "one");
    EXPECT_EQ(reader.next(), "");
    EXPECT_EQ(reader.next(), "three");
    EXPECT_EQ(reader.next(), std::nullopt);
    EXPECT_TRUE(reader.at_boundary());
  }
}

TEST(GrpcWire, ReaderKnowsAnUnfinishedMessage) {
  MessageReader reader(100);
  EXPECT_TRUE(reader.feed(framed("one").substr(0, 3)));
  EXPECT_FALSE(reader.at_boundary());
  EXPECT_TRUE(reader.feed(framed("one").substr(3, 3)));
  EXPECT_FALSE(reader.at_boundary());
  EXPECT_EQ(reader.next(), std::nullopt);
}

TEST(GrpcWire, RefusesLargeAndCompressedMessages) {
  MessageReader reader(3);
  EXPECT_TRUE(reader.feed(framed("123")));
  EXPECT_EQ(reader.feed(framed("1234")).error().code, Code::kResourceExhausted);
  std::string compressed = framed("x");
  compressed[0] = 1;
  EXPECT_EQ(MessageReader(3).feed(compressed).error().code, Code::kUnimplemented);
}

}  // namespace
}  // namespace nestor::grpc
