#include "cli/node/progress_lines.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace nestor::node {

namespace {

constexpr const char* kGreen = "\033[32m";
constexpr const char* kRed = "\033[31m";

double seconds_since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

}  // namespace

ProgressLines::ProgressLines()
    : terminal_(::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr),
      first_(std::chrono::steady_clock::now()),
      begun_(first_) {}

void ProgressLines::begin(std::string text) {
  running_ = std::move(text);
  begun_ = std::chrono::steady_clock::now();
  if (!terminal_) return;
  fmt::print("  … {}", running_);
  std::fflush(stdout);
}

void ProgressLines::clear() {
  if (terminal_ && !running_.empty()) fmt::print("\r\033[K");
  running_.clear();
}

void ProgressLines::line(const char* mark, const char* colour, const std::string& text,
                         double seconds) {
  const char* reset = terminal_ ? "\033[0m" : "";
  fmt::print("  {}{}{} {:<56} {:6.1f}s\n", terminal_ ? colour : "", mark, reset, text, seconds);
  std::fflush(stdout);
}

void ProgressLines::done(const std::string& text) {
  const double seconds = seconds_since(begun_);
  clear();
  line("✓", kGreen, text, seconds);
  begun_ = std::chrono::steady_clock::now();
}

void ProgressLines::note(const std::string& text) {
  clear();
  fmt::print("  - {}\n", text);
  std::fflush(stdout);
}

int ProgressLines::fail(const Error& error, int exit_code) {
  if (!running_.empty()) {
    const std::string text = running_;
    const double seconds = seconds_since(begun_);
    clear();
    line("✗", kRed, text, seconds);
  }
  fmt::print(stderr, "error: {}\n", error.message);
  return exit_code;
}

double ProgressLines::total() const { return seconds_since(first_); }

}  // namespace nestor::node
