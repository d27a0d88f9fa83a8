#include "base/private_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

namespace nestor {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> failure(const std::string& what, int error) {
  return fail(Code::kInternal, what + ": " + std::generic_category().message(error));
}

Result<> write_all(int file, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t count = ::write(file, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failure("writing " + path, errno);
    content.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

/// A locked descriptor of the directory; none when it is none of ours, or in use.
UniqueFd lock(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat info{};
  if (file && ::fstat(file.get(), &info) == 0 && info.st_uid == ::geteuid() &&
      ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) {
    return file;
  }
  return {};
}

}  // namespace

Result<PrivateDirectory> PrivateDirectory::make(std::string_view prefix) {
  std::error_code error;
  const fs::path base = fs::temp_directory_path(error);
  if (error) return fail(Code::kInternal, "no directory for temporary files: " + error.message());
  std::string path = (base / (std::string(prefix) + "-XXXXXX")).string();
  if (::mkdtemp(path.data()) == nullptr) return failure("making " + path, errno);
  UniqueFd file = lock(path);
  if (!file) return failure("locking " + path, errno);
  return PrivateDirectory(std::move(path), std::move(file));
}

int PrivateDirectory::remove_left_behind(std::string_view prefix) {
  std::error_code ignored;
  int count = 0;
  const std::string begin = std::string(prefix) + "-";
  for (const auto& entry : fs::directory_iterator(fs::temp_directory_path(ignored), ignored)) {
    if (!entry.path().filename().string().starts_with(begin)) continue;
    const UniqueFd file = lock(entry.path().string());
    if (file && fs::remove_all(entry.path(), ignored) > 0) ++count;
  }
  return count;
}

PrivateDirectory::~PrivateDirectory() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

Result<std::string> PrivateDirectory::write(const std::string& name,
                                            std::string_view content) const {
  const fs::path path = fs::path(path_) / name;
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) return fail(Code::kInternal, "making " + path.parent_path().string());
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return failure("making " + path.string(), errno);
  NESTOR_TRY_VOID(write_all(file.get(), content, path.string()));
  return path.string();
}

Result<std::string> PrivateDirectory::make_directory(const std::string& name) const {
  const fs::path path = fs::path(path_) / name;
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return fail(Code::kInternal, "making " + path.string() + ": " + error.message());
  return path.string();
}

}  // namespace nestor
