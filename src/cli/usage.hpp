#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace CLI {
class App;
class Error;
}  // namespace CLI

/// What a person types, and what to answer where it is wrong.
namespace nestor::cli {

/// The answer to a wrong command line; a mistyped or missing command with those that there are.
std::string usage_error(const CLI::App& app, const CLI::Error& error);

/// How long a command waits: "90s", "1h30m" as Go writes it, or a number of seconds; up to a day.
/// Errors: kInvalidArgument.
Result<Duration> parse_timeout(std::string_view text);

/// That time for a person: "10m", "90s".
std::string timeout_text(Duration duration);

/// Whether a level of upstream's logging library, "4" or "=4" (of "-v=4"), means ours of debugging.
bool is_debug_level(std::string_view level);

}  // namespace nestor::cli
