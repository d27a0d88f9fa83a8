#include "vm/launcher/qmp.hpp"

#include <gtest/gtest.h>

#include "vm/launcher/qmp_client.hpp"

namespace nestor::vm {
namespace {

constexpr std::string_view kStream =
    R"({"QMP": {"version": {"qemu": {"micro": 2, "minor": 0, "major": 10}, "package": ""}, "capabilities": ["oob"]}})"
    "\r\n"
    R"({"return": {"status": "running", "running": true}, "id": 7})"
    "\r\n"
    R"({"timestamp": {"seconds": 1, "microseconds": 2}, "event": "SHUTDOWN", "data": {"guest": true}})"
    "\r\n"
    R"({"id": 8, "error": {"class": "CommandNotFound", "desc": "The command x has not been found"}})"
    "\r\n";

void expect_all(const std::vector<QmpMessage>& messages) {
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(std::get<QmpGreeting>(messages[0]).version, "10.0.2");
  const auto& reply = std::get<QmpReply>(messages[1]);
  EXPECT_EQ(reply.id, 7);
  EXPECT_EQ(find_string(reply.result.value(), {"status"}), "running");
  const auto& event = std::get<QmpEvent>(messages[2]);
  EXPECT_EQ(event.name, "SHUTDOWN");
  EXPECT_TRUE(find(event.data, {"guest"})->as_bool());
  const auto& error = std::get<QmpReply>(messages[3]);
  EXPECT_EQ(error.id, 8);
  EXPECT_EQ(error.result.error().code, Code::kUnimplemented);
  EXPECT_EQ(error.result.error().message, "The command x has not been found");
}

TEST(QmpDecoder, ReadsAWholeStreamAtOnce) {
  QmpDecoder decoder;
  expect_all(decoder.feed(kStream).value());
}

TEST(QmpDecoder, ReadsTheSameHoweverTheStreamIsCut) {
  for (std::size_t size = 1; size < 40; ++size) {
    QmpDecoder decoder;
    std::vector<QmpMessage> messages;
    for (std::size_t at = 0; at < kStream.size(); at += size) {
      auto part = decoder.feed(kStream.substr(at, size));
      ASSERT_TRUE(part) << size;
      for (auto& message : *part) messages.push_back(std::move(message));
    }
    expect_all(messages);
  }
}

TEST(QmpTimeout, IsLongerForWhatReadsADisk) {
  EXPECT_GT(qmp_timeout("device_add"), qmp_timeout("block_resize"));
}

TEST(QmpDecoder, KeepsAnUnfinishedLine) {
  QmpDecoder decoder;
  EXPECT_TRUE(decoder.feed("{\"event\": \"RES").value().empty());
  const auto messages = decoder.feed("ET\"}\n").value();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(std::get<QmpEvent>(messages[0]).name, "RESET");
}

TEST(QmpDecoder, SkipsWhatItDoesNotKnow) {
  QmpDecoder decoder;
  EXPECT_TRUE(decoder.feed("\n[1]\n{\"x\": 1}\n{\"error\": {\"desc\": \"no id\"}}\n{\"id\": 3}\n")
                  .value()
                  .empty());
}

TEST(QmpDecoder, RefusesGarbageAndEndlessLines) {
  QmpDecoder garbage;
  EXPECT_EQ(garbage.feed("hello\n").error().code, Code::kInvalidArgument);
  QmpDecoder endless;
  const std::string part(QmpDecoder::kMaxLine / 2 + 1, ' ');
  EXPECT_TRUE(endless.feed(part));
  EXPECT_FALSE(endless.feed(part));
}

TEST(QmpCommand, IsOneLineWithIdAndArguments) {
  EXPECT_EQ(qmp_command(3, "quit"), "{\"execute\":\"quit\",\"id\":3}\n");
  const std::string text = qmp_command(4, "device_del", JsonObject{{"id", "a\nb"}});
  EXPECT_EQ(text.find('\n'), text.size() - 1);
}

}  // namespace
}  // namespace nestor::vm
