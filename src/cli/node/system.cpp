#include "cli/node/system.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/text.hpp"

namespace nestor::node {

namespace fs = std::filesystem;

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Result<> make_directory(const std::string& path, mode_t mode) {
  std::error_code error;
  const bool made = fs::create_directories(path, error);
  if (error) return fail(Code::kInternal, "making " + path + ": " + error.message());
  if (made && ::chmod(path.c_str(), mode) != 0) return system_failure("chmod " + path);
  return {};
}

namespace {

Result<> write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_failure("writing " + path);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace

Result<> write_text(const std::string& path, std::string_view text, mode_t mode) {
  const std::string temporary = path + ".new";
  ::unlink(temporary.c_str());
  UniqueFd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file) return system_failure("writing " + path);
  NESTOR_TRY_VOID(write_all(file.get(), text, path));
  if (::fchmod(file.get(), mode) != 0) return system_failure("chmod " + path);
  file.reset();
  if (::rename(temporary.c_str(), path.c_str()) != 0) return system_failure("writing " + path);
  return {};
}

Result<> write_kernel(const std::string& path, std::string_view text) {
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return system_failure("writing " + path);
  return write_all(file.get(), text, path);
}

std::string tail(const std::string& path, int lines) {
  auto text = read_file(path);
  if (!text) return {};
  std::size_t at = text->size();
  for (int i = 0; i <= lines && at != std::string::npos && at > 0; ++i) {
    at = text->rfind('\n', at - 1);
  }
  return at == std::string::npos || at == 0 ? *text : text->substr(at + 1);
}

bool in_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "/usr/sbin:/usr/bin:/sbin:/bin" : path;
  while (!rest.empty()) {
    const auto colon = rest.find(':');
    const std::string file = std::string(rest.substr(0, colon)) + "/" + program;
    if (::access(file.c_str(), X_OK) == 0) return true;
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  return false;
}

Result<ProcessOutput> run(ProcessSpec spec) {
  // Ctrl-C ends what `up` has started with it.
  spec.own_group = false;
  return run_blocking_process(std::move(spec));
}

Result<std::string> run_checked(ProcessSpec spec) {
  const std::string program = fs::path(spec.argv.at(0)).filename().string();
  NESTOR_TRY(ProcessOutput output, run(std::move(spec)));
  if (output.exit_code == 0) return std::move(output.out);
  std::string why = last_line(output.err);
  if (why.empty()) why = "exit code " + std::to_string(output.exit_code);
  return fail(Code::kInternal, program + ": " + why);
}

}  // namespace nestor::node
