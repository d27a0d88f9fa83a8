#include "cli/usage.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/go_duration.hpp"
#include "base/text.hpp"
#include "cli/table.hpp"

namespace nestor::cli {
namespace {

constexpr std::chrono::hours kLongest{24};

/// The commands for people; those of Nestor's own pods have a group of their own.
std::string commands_of(const CLI::App& app) {
  std::string out;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (sub->get_group() != "Subcommands") continue;
    out += (out.empty() ? "" : ", ") + sub->get_name();
  }
  return out;
}

/// What was typed instead of a command of `path`: the first word that nothing took.
std::string missing_command(const CLI::App& app, const std::string& path) {
  const auto words = app.remaining(true);
  const auto word = std::ranges::find_if(words, [](const auto& w) { return !w.starts_with('-'); });
  if (word != words.end()) return "unknown command '" + *word + "' of `" + path + "`";
  if (!words.empty()) return "`" + path + "` has no " + words.front() + " but takes a command";
  return "`" + path + "` takes a command";
}

}  // namespace

std::string usage_error(const CLI::App& app, const CLI::Error& error) {
  const CLI::App* at = &app;
  std::string path = app.get_name();
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    path += " " + at->get_name();
  }
  std::string text = error.what();
  if (at->get_require_subcommand_min() > 0 && error.get_name() == "RequiredError") {
    text = missing_command(app, path) + ": " + commands_of(*at);
  }
  return "error: " + text + "\nRun with --help for more information.\n";
}

Result<Duration> parse_timeout(std::string_view text) {
  const bool seconds = !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::isdigit(c) != 0;
  });
  const auto duration = parse_go_duration(seconds ? std::string(text) + "s" : std::string(text));
  if (duration && *duration >= std::chrono::seconds(1) && *duration <= kLongest) return *duration;
  return fail(Code::kInvalidArgument, "'" + std::string(text) +
                                          "' is not a time from 1s to 24h such as 90s, 10m or "
                                          "1h30m");
}

std::string timeout_text(Duration duration) {
  return human_duration(std::chrono::duration_cast<std::chrono::seconds>(duration));
}

bool is_debug_level(std::string_view level) {
  constexpr int kDebug = 4;
  if (level.starts_with('=')) level.remove_prefix(1);
  return parse_number<int>(level).value_or(0) >= kDebug;
}

}  // namespace nestor::cli
