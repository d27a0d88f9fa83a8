#include "cli/usage.hpp"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

namespace nestor::cli {
namespace {

std::string answer(std::vector<std::string> words) {
  CLI::App app("", "nestor");
  app.require_subcommand(1);
  app.fallthrough();
  auto* get = app.add_subcommand("get", "");
  get->require_subcommand(1);
  std::string name;
  get->add_subcommand("clusters", "")->add_option("name", name)->required();
  get->add_subcommand("machines", "");
  app.add_subcommand("manager", "")->group("Roles");
  std::ranges::reverse(words);
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    const std::string text = usage_error(app, error);
    return text.substr(0, text.find('\n'));
  }
  return {};
}

TEST(Usage, NamesTheCommandsThatThereAre) {
  EXPECT_EQ(answer({}), "error: `nestor` takes a command: get");
  EXPECT_EQ(answer({"gte"}), "error: unknown command 'gte' of `nestor`: get");
  EXPECT_EQ(answer({"get"}), "error: `nestor get` takes a command: clusters, machines");
  EXPECT_EQ(answer({"--bogus"}), "error: `nestor` has no --bogus but takes a command: get");
  EXPECT_EQ(answer({"get", "-o", "clsuters"}),
            "error: unknown command 'clsuters' of `nestor get`: clusters, machines");
  EXPECT_EQ(answer({"get", "clusters"}), "error: name is required");
  EXPECT_NE(answer({"get", "machines", "stray"}).find("stray"), std::string::npos);
}

TEST(Usage, ReadsTimesInSecondsOrAsGoWritesThem) {
  EXPECT_EQ(parse_timeout("900").value(), std::chrono::minutes(15));
  EXPECT_EQ(parse_timeout("1h30m").value(), std::chrono::minutes(90));
  for (const char* text : {"", "0", "soon", "-5", "500ms", "25h", "99999999999999999999"}) {
    EXPECT_EQ(parse_timeout(text).error().code, Code::kInvalidArgument) << text;
  }
  EXPECT_EQ(timeout_text(std::chrono::minutes(30)), "30m");
}

TEST(Usage, LogLevelsAreNumbers) {
  for (const char* level : {"4", "=4", "5", "=10", "10", "40"}) {
    EXPECT_TRUE(is_debug_level(level)) << level;
  }
  for (const char* level : {"", "=", "0", "2", "=3", "-4", "4x", "high"}) {
    EXPECT_FALSE(is_debug_level(level)) << level;
  }
}

}  // namespace
}  // namespace nestor::cli
