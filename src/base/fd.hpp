#pragma once

#include <unistd.h>

#include <utility>

namespace nestor {

/// An open file descriptor, closed with its owner. -1: none. Thread: one at a time.
class UniqueFd {
 public:
  UniqueFd() = default;
  /// Takes `fd` over.
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  /// Gives it away: the caller closes it.
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  /// Closes what it has, then owns `fd`.
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace nestor
