#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace nestor {

/// A temporary directory that only this user can read, removed with all its content when the object
/// goes. For files that a program we run wants to have: keys, kubeconfigs, values.
class PrivateDirectory {
 public:
  /// Below $TMPDIR; `prefix` begins its name. Errors: kInternal.
  static Result<PrivateDirectory> make(std::string_view prefix);
  /// Removes those that a process of this user left behind when it was killed: nobody holds their
  /// lock. Those of processes that run stay. Returns how many went.
  static int remove_left_behind(std::string_view prefix);
  PrivateDirectory(PrivateDirectory&& other) noexcept
      : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)) {}
  PrivateDirectory& operator=(PrivateDirectory&&) = delete;
  ~PrivateDirectory();

  /// Writes a new file of mode 0600, below directories that are made as needed; returns its path.
  /// Errors: kInternal (it exists, disk full). `name` is ours, never a user's.
  Result<std::string> write(const std::string& name, std::string_view content) const;
  /// Makes an empty directory in it; returns its path.
  Result<std::string> make_directory(const std::string& name) const;
  const std::string& path() const { return path_; }

 private:
  PrivateDirectory(std::string path, UniqueFd lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  /// A descriptor of the directory, locked while this lives; the kernel unlocks it in any case.
  UniqueFd lock_;
};

}  // namespace nestor
