#include "base/file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "base/fd.hpp"

namespace nestor {

std::unexpected<Error> system_failure(std::string_view what) {
  const int number = errno;
  Code code = Code::kInternal;
  if (number == ENOENT) {
    code = Code::kNotFound;
  } else if (number == EACCES || number == EPERM) {
    code = Code::kPermissionDenied;
  } else if (number == EEXIST || number == EADDRINUSE) {
    code = Code::kAlreadyExists;
  }
  return fail(code, std::string(what) + ": " + std::generic_category().message(number));
}

Result<std::string> read_file(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return system_failure("reading " + path);
  std::string text;
  std::array<char, 16384> buffer;
  while (true) {
    const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_failure("reading " + path);
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace nestor
