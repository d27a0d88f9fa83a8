#include <gtest/gtest.h>

#include "base/json.hpp"

namespace nestor {
namespace {

std::string as_json(std::string_view yaml) {
  const auto documents = parse_yaml_documents(yaml);
  if (!documents) return "error: " + documents.error().message;
  std::string out;
  for (const Json& document : *documents) {
    if (!out.empty()) out += ' ';
    out += to_text(document);
  }
  return out;
}

TEST(Yaml, ReadsScalarsByTheCoreSchema) {
  EXPECT_EQ(as_json("[true, False, null, ~, 1, -2, +3, 0x1f, 0o17, 010]"),
            "[true,false,null,null,1,-2,3,31,15,10]");
  EXPECT_EQ(as_json("[yes, no, on, 1_000, 12:30, 0x, 1.2.3, '1', \"true\", !!str 5]"),
            R"(["yes","no","on","1_000","12:30","0x","1.2.3","1","true","5"])");
  EXPECT_EQ(as_json("[18446744073709551615, 1e3, 1.5, .5]"),
            "[18446744073709551615,1E3,1.5E0,5E-1]");
  EXPECT_EQ(as_json("a:\nb: ''"), R"({"a":null,"b":""})");
  EXPECT_TRUE(as_json("[.inf]").starts_with("error"));
}

TEST(Yaml, ReadsSeveralDocumentsAndSkipsEmptyOnes) {
  EXPECT_EQ(as_json("---\na: 1\n---\n# nothing\n---\n- b\n---\n"), R"({"a":1} ["b"])");
  EXPECT_EQ(as_json(""), "");
}

TEST(Yaml, KeysAreStrings) { EXPECT_EQ(as_json("8080: x\ntrue: y"), R"({"8080":"x","true":"y"})"); }

TEST(Yaml, MergesAnchors) {
  EXPECT_EQ(as_json("base: &b {x: 1, y: 2}\nmore:\n  <<: *b\n  y: 3"),
            R"({"base":{"x":1,"y":2},"more":{"y":3,"x":1}})");
}

TEST(Yaml, ReportsErrorsWithALine) {
  const auto bad = parse_yaml_documents("a: 1\nb: [1, 2\nc: }");
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find("line"), std::string::npos) << bad.error().message;
  EXPECT_NE(as_json("a: 1\na: 2").find("twice"), std::string::npos);
  EXPECT_TRUE(as_json("? [a]\n: b").starts_with("error"));
}

TEST(Yaml, LimitsDepthAndExpansion) {
  EXPECT_TRUE(as_json(std::string(150, '[') + std::string(150, ']')).starts_with("error"));
  EXPECT_TRUE(as_json(std::string(5000, '[')).starts_with("error"));
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int j = 0; j < 9; ++j) bomb += "," + last;
    bomb += "]\n";
  }
  EXPECT_NE(as_json(bomb).find("too many"), std::string::npos);
}

TEST(Yaml, AliasesMakeNoMoreThanATextMayDescribe) {
  const auto code = [](const std::string& text) { return parse_yaml_documents(text).error().code; };
  const auto repeated = [](std::string_view text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += text;
    return out;
  };
  // Few values, but large ones.
  const std::string large = "- &a " + std::string(100'000, 'x') + "\n" + repeated("- *a\n", 10'000);
  EXPECT_EQ(code(large), Code::kInvalidArgument);
  const std::string keys = "- &a {" + std::string(1000, 'x') + ": 1}\n";
  EXPECT_EQ(code(keys + repeated("- *a\n", 10'000)), Code::kInvalidArgument);

  EXPECT_EQ(code(keys + repeated("- {<<: *a}\n", 10'000)), Code::kInvalidArgument);
  // Each document is modest: 100,000 values of a list's aliases.
  const std::string document =
      "---\n- &a [" + repeated("x,", 100) + "]\n" + repeated("- *a\n", 1'000);
  EXPECT_TRUE(parse_yaml_documents("- &a [x]\n" + repeated("- *a\n", 1'000)));
  EXPECT_EQ(code(repeated(document, 50)), Code::kInvalidArgument);
}

TEST(Yaml, ReadsWhateverHasNoAliases) {
  std::string dense = "[";
  for (int i = 0; i < 100'000; ++i) dense += "0,";
  EXPECT_TRUE(parse_yaml_documents(dense + "0]"));
}

TEST(Yaml, APlainTextIsOneSmallDocumentWithoutAliases) {
  EXPECT_EQ(parse_plain_yaml("---\na: [1]\n", 100).value(), (Json{{"a", {1}}}));
  EXPECT_EQ(parse_plain_yaml("", 100).value(), Json(nullptr));
  for (const char* text : {"a: &a 1\nb: *a\n", "a: 1\n---\nb: 1\n", "{a: &a {}, <<: *a}"}) {
    EXPECT_EQ(parse_plain_yaml(text, 100).error().code, Code::kInvalidArgument) << text;
  }
  EXPECT_EQ(parse_plain_yaml("a: 1234", 6).error().code, Code::kInvalidArgument);
}

TEST(Yaml, WritesBlockStyle) {
  const auto value = parse_json(
      R"({"kind":"Config","list":[{"a":1,"b":{"c":[]}},["x","y"],"z"],"none":null,"e":{}})");
  ASSERT_TRUE(value);
  EXPECT_EQ(to_yaml(*value),
            "kind: Config\nlist:\n  - a: 1\n    b:\n      c: []\n  - - x\n    - \"y\"\n  - z\n"
            "none: null\ne: {}\n");
}

TEST(Yaml, QuotesWhatWouldReadAsSomethingElse) {
  const auto written = [](std::string_view text) {
    return to_yaml(Json(boost::json::string(text)));
  };
  for (const char* text :
       {"true",  "Yes", "no",   "null", "~",  "",   "1",  "1.5", "0x1", "1e3",  "2026-01-02",
        "12:30", "- a", "a: b", "a #b", "#a", "*a", "&a", "!a",  "@a",  "'a",   "a:",
        " a",    "a ",  "[a",   "{a",   "y",  "<<", "=",  "%a",  "`a",  "a\tb", "..."}) {
    EXPECT_TRUE(written(text).starts_with('"')) << text << " -> " << written(text);
  }
  for (const char* text : {"abc", "a-b.c/d:e", "registry.k8s.io/pause:3.10", "a b"}) {
    EXPECT_EQ(written(text), std::string(text) + "\n");
  }
}

TEST(Yaml, ACommaOutsideOfBracketsIsAnErrorAndNoEndlessLoop) {
  for (const char* text :
       {"{},", "{}, a", "[1], 2", ", a", "\"a\", b", "{\"a\":1},\"b\":2", "{}}"}) {
    EXPECT_FALSE(parse_yaml_documents(text)) << text;
  }
  for (const char* text : {"", "---\n---\n", "--- {}\n--- {}\n", "a: 1\n---\n\n---\nb: 2\n",
                           "--- a\n...\n--- b", "a, b"}) {
    EXPECT_TRUE(parse_yaml_documents(text)) << text;
  }
}

TEST(Yaml, EveryStringSurvivesTheRoundTrip) {
  std::vector<std::string> texts = {"line\n",  "a\nb",         "a\n\nb\n",  "\na",   " a\nb",
                                    "a\n\n",   "\n",           "a\n  b\n ", "a\\b",  "\"q\"",
                                    "a\rb\n",  "tab\tx\ny",    "ü ☃ 😀",    "---\n", "# x\n",
                                    "a: b\nc", "key: |\n  x\n"};
  for (int i = 1; i < 128; ++i) {
    const char c = static_cast<char>(i);
    texts.push_back(std::string(1, c));
    texts.push_back(std::string("a") + c + "b");
    texts.push_back(std::string("a\n") + c + "b\n");
    texts.push_back(std::string("a") + c);
  }
  for (const std::string& text : texts) {
    JsonObject object;
    object["k"] = boost::json::string(text);
    object["l"] = JsonArray{Json(boost::json::string(text))};
    object[text] = 1;
    const std::string yaml = to_yaml(object);
    const auto back = parse_yaml_documents(yaml);
    ASSERT_TRUE(back) << yaml << back.error().message;
    ASSERT_EQ(back->size(), 1U) << yaml;
    EXPECT_EQ(back->front(), Json(object)) << yaml;
  }
}

TEST(Yaml, EndsWithTextThatIsNoDocument) {
  for (const char* text : {" ,<", ",", "---\n,\n", "a: 1\n---\n, b"}) {
    EXPECT_FALSE(parse_yaml_documents(text)) << text;
  }
  EXPECT_EQ(parse_yaml_documents("---\n---\na: 1\n---\n")->size(), 1u);
}

}  // namespace
}  // namespace nestor
