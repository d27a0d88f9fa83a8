#include "base/log.hpp"

#include <unistd.h>

#include <atomic>

#include "base/clock.hpp"
#include "base/text.hpp"

namespace nestor::log {

namespace {

std::atomic<Level> threshold{Level::kInfo};

std::string_view name(Level level) {
  switch (level) {
    case Level::kDebug:
      return "DEBUG";
    case Level::kInfo:
      return "INFO";
    case Level::kWarn:
      return "WARN";
    case Level::kError:
      return "ERROR";
  }
  return "ERROR";
}

/// Control characters are escaped: a message is one line, and foreign text in it cannot forge one.
void append_escaped(std::string& line, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      line += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      line += "\\x" + to_hex({&byte, 1});
    } else {
      line += c;
    }
  }
}

}  // namespace

void set_level(Level level) { threshold = level; }

bool enabled(Level level) { return level >= threshold.load(std::memory_order_relaxed); }

void write(Level level, std::string_view component, std::string_view message) {
  if (!enabled(level)) return;
  std::string line = format_rfc3339(std::chrono::system_clock::now());
  line += ' ';
  line += name(level);
  line += ' ';
  append_escaped(line, component);
  line += ' ';
  append_escaped(line, message);
  line += '\n';
  // One write per line keeps lines of several threads and processes whole.
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, rest.data(), rest.size());
    if (written <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace nestor::log
