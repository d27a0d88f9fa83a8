#pragma once

#include <chrono>
#include <string>

#include "base/result.hpp"

namespace nestor::node {

/// One line per step on standard output: on a terminal the running step is shown and then
/// replaced by a check mark with its time, elsewhere only finished steps are printed.
class ProgressLines {
 public:
  ProgressLines();

  void begin(std::string text);
  /// Ends the running step; `text` says what is true now.
  void done(const std::string& text);
  /// Of a step that was not needed or not possible.
  void note(const std::string& text);
  /// Ends the running step with a cross, and prints the error. Returns `exit_code`.
  int fail(const Error& error, int exit_code = 1);
  /// Seconds since this object was made.
  double total() const;

 private:
  void line(const char* mark, const char* colour, const std::string& text, double seconds);
  void clear();

  bool terminal_ = false;
  std::string running_;
  std::chrono::steady_clock::time_point first_;
  std::chrono::steady_clock::time_point begun_;
};

}  // namespace nestor::node
