#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>

/// Structured lines on standard error: time, level, component, message. `component` is the folder
/// or controller that speaks ("kube.informer", "cluster.machine"). Never pass a secret.
namespace nestor::log {

enum class Level { kDebug, kInfo, kWarn, kError };

/// Sets what is written from now on. Default kInfo.
void set_level(Level level);
bool enabled(Level level);
void write(Level level, std::string_view component, std::string_view message);

template <class... Args>
void debug(std::string_view component, fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(Level::kDebug)) {
    write(Level::kDebug, component, fmt::format(text, std::forward<Args>(args)...));
  }
}
template <class... Args>
void info(std::string_view component, fmt::format_string<Args...> text, Args&&... args) {
  write(Level::kInfo, component, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void warn(std::string_view component, fmt::format_string<Args...> text, Args&&... args) {
  write(Level::kWarn, component, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void error(std::string_view component, fmt::format_string<Args...> text, Args&&... args) {
  write(Level::kError, component, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace nestor::log
