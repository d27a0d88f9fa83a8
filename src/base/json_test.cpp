#include "base/json.hpp"

#include <gtest/gtest.h>

namespace nestor {
namespace {

Json json(std::string_view text) {
  auto value = parse_json(text);
  EXPECT_TRUE(value) << text;
  return value ? *value : Json();
}

TEST(Json, NamesThePlaceOfAnError) {
  const auto bad = parse_json("{\n  \"a\": 1,\n  \"b\": x\n}");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, Code::kInvalidArgument);
  EXPECT_NE(bad.error().message.find("line 3"), std::string::npos) << bad.error().message;
}

TEST(Json, RefusesIncompleteAndTrailingText) {
  for (const char* text : {"", " ", "{", "[1,", "{} {}", "nul", "\"\x01\""}) {
    EXPECT_FALSE(parse_json(text)) << text;
  }
  EXPECT_TRUE(parse_json(" {} \n"));
}

TEST(Json, LimitsDepth) {
  EXPECT_TRUE(parse_json(std::string(90, '[') + std::string(90, ']')));
  EXPECT_FALSE(parse_json(std::string(110, '[') + std::string(110, ']')));
}

TEST(Json, OfOthersTakesNoMoreMemoryThanItMay) {
  constexpr std::size_t kMost = 4UL << 20;
  const auto read = [](const std::string& text) { return parse_json(text, kMost); };
  EXPECT_EQ(read(R"({"a":[1,{"b":"c"}]})").value(), json(R"({"a":[1,{"b":"c"}]})"));
  EXPECT_EQ(read("[1,").error().code, Code::kInvalidArgument);
  std::string dense = "[";
  for (int i = 0; i < 50'000; ++i) dense += "0,";
  EXPECT_EQ(read(dense + "0]").error().code, Code::kResourceExhausted);
  // Not even begun: it would be an error later.
  EXPECT_EQ(read(dense).error().code, Code::kResourceExhausted);
  // What stands in a string is no value.
  std::string commas = "[\"\\\"";
  for (int i = 0; i < 50'000; ++i) commas += ",[{";
  EXPECT_TRUE(read(commas + "\"]"));
  EXPECT_EQ(read("\"" + std::string(kMost, 'x') + "\"").error().code, Code::kResourceExhausted);
}

TEST(Json, PrettyTextReadsBackTheSame) {
  const Json value = json(R"({"a":[1,{"b":[]},{}],"c":{"d":null}})");
  EXPECT_EQ(to_pretty_text(value),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    },\n    {}\n  ],\n"
            "  \"c\": {\n    \"d\": null\n  }\n}");
  EXPECT_EQ(json(to_pretty_text(value)), value);
}

TEST(Json, FindsByPath) {
  const Json pod = json(R"({"status":{"podIP":"10.0.0.1","n":1}})");
  EXPECT_EQ(find_string(pod, {"status", "podIP"}), "10.0.0.1");
  EXPECT_EQ(find_string(pod, {"status", "n"}), "");
  EXPECT_EQ(find_string(pod, {"status", "podIP", "x"}), "");
  EXPECT_EQ(find(pod, {"spec"}), nullptr);
  EXPECT_EQ(find(pod, {}), &pod);
}

TEST(MergePatch, IsRfc7386) {
  const auto patched = [](const char* target, const char* patch) {
    Json out = json(target);
    apply_merge_patch(out, json(patch));
    return out;
  };
  EXPECT_EQ(patched(R"({"a":{"b":1},"c":2})", R"({"a":{"b":null,"d":3}})"),
            json(R"({"a":{"d":3},"c":2})"));
  EXPECT_EQ(patched(R"({"a":[{"b":1}]})", R"({"a":[1]})"), json(R"({"a":[1]})"));
  EXPECT_EQ(patched(R"(["a"])", R"({"a":{"b":{"c":null}}})"), json(R"({"a":{"b":{}}})"));
  EXPECT_EQ(patched(R"({"a":1})", R"(["b"])"), json(R"(["b"])"));
}

TEST(MergeDiff, TurnsOneIntoTheOther) {
  const char* const documents[] = {
      R"({})",
      R"({"a":1})",
      R"({"a":{"b":1,"c":[1,2]},"d":"x"})",
      R"({"a":{"b":2,"c":[2]},"e":{}})",
      R"({"a":[{"b":1}]})",
      R"({"a":{"c":[1,2]}})",
  };
  for (const char* from : documents) {
    for (const char* to : documents) {
      Json value = json(from);
      apply_merge_patch(value, merge_diff(value, json(to)));
      EXPECT_EQ(value, json(to)) << from << " -> " << to;
    }
  }
}

TEST(MergeDiff, IsEmptyWhenEqualAndSmallWhenNot) {
  const Json value = json(R"({"a":{"b":[1]},"c":2})");
  EXPECT_EQ(merge_diff(value, value), json("{}"));
  EXPECT_EQ(merge_diff(value, json(R"({"a":{"b":[1]},"c":3})")), json(R"({"c":3})"));
  EXPECT_EQ(merge_diff(value, json(R"({"a":{},"c":2})")), json(R"({"a":{"b":null}})"));
}

}  // namespace
}  // namespace nestor
