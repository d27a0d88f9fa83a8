#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

/// Thin blocking wrappers of the operating system for the node commands. They are used where
/// there is no event loop: in `up`, `down` and in the sandbox's process 1.
namespace nestor::node {

/// kInternal "WHAT: strerror(errno)"; kPermissionDenied, kNotFound, kAlreadyExists where they fit.
std::unexpected<Error> system_failure(std::string_view what);

bool exists(const std::string& path);
/// The directory and its parents.
Result<> make_directory(const std::string& path, mode_t mode = 0755);
Result<std::string> read_text(const std::string& path);
/// Replaces the file in one step (rename), so that a reader or a crash sees old or new.
Result<> write_text(const std::string& path, std::string_view text, mode_t mode = 0644);
/// Writes to a file of the kernel (/proc/sys, cgroups), which cannot be renamed over.
Result<> write_kernel(const std::string& path, std::string_view text);
/// The last `lines` lines of a file; empty if it cannot be read.
std::string tail(const std::string& path, int lines);

struct Output {
  int exit_code = 0;
  std::string out;
  std::string err;
};

struct Command {
  std::vector<std::string> argv;
  std::string input = {};
  std::chrono::milliseconds timeout = std::chrono::seconds(60);
};

/// Runs a program to its end. After the timeout it is killed: kDeadlineExceeded.
Result<Output> run(const Command& command);
/// run(), where an exit code other than 0 is kInternal with the last line of standard error.
/// Returns standard output.
Result<std::string> run_checked(const Command& command);

/// Whether a program of that name is in PATH.
bool in_path(const std::string& program);

/// Closes a file descriptor when it goes.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release();
  void reset();

 private:
  int fd_ = -1;
};

}  // namespace nestor::node
