#include "kube/watch.hpp"

#include <gtest/gtest.h>

#include "kube/status.hpp"

namespace nestor::kube {
namespace {

constexpr std::string_view kAdded =
    R"({"type":"ADDED","object":{"kind":"Pod","metadata":{"name":"ä","resourceVersion":"7"}}})";
constexpr std::string_view kBookmark =
    R"({"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"12"}}})";

TEST(WatchDecoder, ReadsEventsHoweverTheBytesAreCut) {
  const std::string text = std::string(kAdded) + "\n" + std::string(kBookmark) + "\r\n\n";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    WatchDecoder decoder;
    std::vector<WatchEvent> events;
    for (std::size_t i = 0; i < text.size(); i += size) {
      decoder.feed(std::string_view(text).substr(i, size));
      while (auto event = decoder.next()) {
        ASSERT_TRUE(event->has_value()) << size;
        events.push_back(std::move(**event));
      }
    }
    ASSERT_EQ(events.size(), 2U) << size;
    EXPECT_EQ(events[0].type, WatchEvent::Type::kAdded);
    EXPECT_EQ(find_string(events[0].object, {"metadata", "name"}), "ä");
    EXPECT_EQ(events[1].type, WatchEvent::Type::kBookmark);
    EXPECT_EQ(find_string(events[1].object, {"metadata", "resourceVersion"}), "12");
    EXPECT_EQ(decoder.buffered(), 0U);
  }
}

TEST(WatchDecoder, KeepsAnUnfinishedLine) {
  WatchDecoder decoder;
  decoder.feed(kAdded);
  EXPECT_FALSE(decoder.next().has_value());
  EXPECT_EQ(decoder.buffered(), kAdded.size());
  decoder.feed("\n");
  EXPECT_TRUE(decoder.next().has_value());
}

Code error_code(std::string_view line) {
  WatchDecoder decoder;
  decoder.feed(line);
  decoder.feed("\n");
  auto event = decoder.next();
  if (!event || event->has_value()) return Code::kUnknown;
  return event->error().code;
}

TEST(WatchDecoder, TurnsErrorEventsIntoErrors) {
  EXPECT_EQ(error_code(R"({"type":"ERROR","object":{"kind":"Status","status":"Failure",)"
                       R"("message":"too old resource version","reason":"Expired","code":410}})"),
            Code::kOutOfRange);
  EXPECT_EQ(error_code(R"({"type":"ERROR","object":{"kind":"Status","code":500}})"),
            Code::kInternal);
}

TEST(WatchDecoder, GivesTheRoomOfALargeEventBack) {
  WatchDecoder decoder;
  decoder.feed(R"({"type":"ADDED","object":{"x":")" + std::string(100'000, 'x') + "\"}}\n");
  EXPECT_GT(decoder.held(), 100'000U);
  ASSERT_TRUE(decoder.next().has_value());
  EXPECT_FALSE(decoder.next().has_value());
  EXPECT_LT(decoder.held(), 100U);
  decoder.feed("{\"type\":\"ADDED\",\"object\":{}}\n");
  EXPECT_TRUE(decoder.next().has_value());
}

TEST(WatchDecoder, RefusesWhatIsNoEvent) {
  EXPECT_EQ(error_code("{"), Code::kInvalidArgument);
  EXPECT_EQ(error_code("[]"), Code::kInternal);
  EXPECT_EQ(error_code(R"({"type":"ADDED"})"), Code::kInternal);
  EXPECT_EQ(error_code(R"({"type":"NEWS","object":{}})"), Code::kInternal);
}

Error status_error(int http, std::string_view reason) {
  return error_from_response(http,
                             R"({"kind":"Status","status":"Failure","message":"m","reason":")" +
                                 std::string(reason) + R"("})",
                             "");
}

TEST(Status, TellsTheTwoConflictsApart) {
  EXPECT_EQ(status_error(409, "AlreadyExists").code, Code::kAlreadyExists);
  EXPECT_EQ(status_error(409, "Conflict").code, Code::kAborted);
  EXPECT_EQ(status_error(409, "").code, Code::kAborted);
}

TEST(Status, MapsHttpCodesWithoutAStatus) {
  const auto code = [](int http) { return error_from_response(http, "oops", "").code; };
  EXPECT_EQ(code(400), Code::kInvalidArgument);
  EXPECT_EQ(code(401), Code::kUnauthenticated);
  EXPECT_EQ(code(403), Code::kPermissionDenied);
  EXPECT_EQ(code(404), Code::kNotFound);
  EXPECT_EQ(code(410), Code::kOutOfRange);
  EXPECT_EQ(code(422), Code::kInvalidArgument);
  EXPECT_EQ(code(429), Code::kResourceExhausted);
  EXPECT_EQ(code(500), Code::kInternal);
  EXPECT_EQ(code(503), Code::kUnavailable);
}

TEST(Status, KeepsTheMessageAndTheTimeToWait) {
  const Error error =
      error_from_response(429,
                          R"({"kind":"Status","message":"slow down","reason":"TooManyRequests",)"
                          R"("details":{"retryAfterSeconds":3}})",
                          "");
  EXPECT_EQ(error.message, "slow down");
  EXPECT_EQ(error.retry_after, std::chrono::seconds(3));
  EXPECT_EQ(error_from_response(503, "", "7").retry_after, std::chrono::seconds(7));
  EXPECT_EQ(error_from_response(503, "", "never").retry_after, std::nullopt);
  EXPECT_EQ(error_from_response(503, "", "7 days").retry_after, std::nullopt);
}

}  // namespace
}  // namespace nestor::kube
