#include "cli/node/system.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

namespace nestor::node {

namespace fs = std::filesystem;

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
  return fail(code, std::string(what) + ": " + std::strerror(number));
}

int Fd::release() { return std::exchange(fd_, -1); }

void Fd::reset() {
  if (fd_ >= 0) ::close(release());
}

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Result<> make_directory(const std::string& path, mode_t mode) {
  std::error_code error;
  const bool made = fs::create_directories(path, error);
  if (error) return fail(Code::kInternal, "making " + path + ": " + error.message());
  if (made && ::chmod(path.c_str(), mode) != 0) return system_failure("chmod " + path);
  return {};
}

Result<std::string> read_text(const std::string& path) {
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
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
  Fd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file) return system_failure("writing " + path);
  NESTOR_TRY_VOID(write_all(file.get(), text, path));
  if (::fchmod(file.get(), mode) != 0) return system_failure("chmod " + path);
  file.reset();
  if (::rename(temporary.c_str(), path.c_str()) != 0) return system_failure("writing " + path);
  return {};
}

Result<> write_kernel(const std::string& path, std::string_view text) {
  Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return system_failure("writing " + path);
  return write_all(file.get(), text, path);
}

std::string tail(const std::string& path, int lines) {
  auto text = read_text(path);
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

namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

struct Pipe {
  Fd read;
  Fd write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_failure("pipe");
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

Result<pid_t> spawn(const Command& command, int in, int out, int err) {
  std::vector<char*> argv;
  for (const auto& arg : command.argv) argv.push_back(const_cast<char*>(arg.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in, 0);
  posix_spawn_file_actions_adddup2(&actions, out, 1);
  posix_spawn_file_actions_adddup2(&actions, err, 2);
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    errno = error;
    return system_failure("starting " + command.argv[0]);
  }
  return pid;
}

/// Reads what is there into `text`; closes the descriptor at its end.
void drain(Fd& from, std::string& text) {
  std::array<char, 16384> buffer;
  const ssize_t count = ::read(from.get(), buffer.data(), buffer.size());
  if (count > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(count));
  } else if (count == 0 || errno != EINTR) {
    from.reset();
  }
}

/// Writes a piece of the input; closes the descriptor when all is written.
void feed(Fd& to, std::string_view& input) {
  const ssize_t count = ::write(to.get(), input.data(), std::min<std::size_t>(input.size(), 4096));
  if (count > 0) input.remove_prefix(static_cast<std::size_t>(count));
  if (count < 0 || input.empty()) to.reset();
}

/// False when the deadline passed first.
bool pump(Fd& in, std::string_view input, Fd& out, Fd& err, Output& output, SteadyTime deadline) {
  if (input.empty()) in.reset();
  while (out || err || in) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    std::array<pollfd, 3> set{pollfd{out.get(), POLLIN, 0}, pollfd{err.get(), POLLIN, 0},
                              pollfd{in.get(), POLLOUT, 0}};
    if (::poll(set.data(), set.size(), static_cast<int>(left.count())) < 0) continue;
    if (set[0].revents != 0) drain(out, output.out);
    if (set[1].revents != 0) drain(err, output.err);
    if (set[2].revents != 0) feed(in, input);
  }
  return true;
}

std::string last_line(std::string_view text) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  const auto at = text.rfind('\n');
  return std::string(at == std::string_view::npos ? text : text.substr(at + 1));
}

}  // namespace

Result<Output> run(const Command& command) {
  NESTOR_TRY(Pipe in, make_pipe());
  NESTOR_TRY(Pipe out, make_pipe());
  NESTOR_TRY(Pipe err, make_pipe());
  NESTOR_TRY(const pid_t pid, spawn(command, in.read.get(), out.write.get(), err.write.get()));
  in.read.reset();
  out.write.reset();
  err.write.reset();
  Output output;
  const bool ended = pump(in.write, command.input, out.read, err.read, output,
                          std::chrono::steady_clock::now() + command.timeout);
  if (!ended) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(command.timeout).count();
    return fail(Code::kDeadlineExceeded, command.argv[0] + " did not end within " +
                                             std::to_string(seconds) +
                                             " s: " + last_line(output.err));
  }
  output.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return output;
}

Result<std::string> run_checked(const Command& command) {
  NESTOR_TRY(Output output, run(command));
  if (output.exit_code == 0) return std::move(output.out);
  std::string why = last_line(output.err);
  if (why.empty()) why = "exit code " + std::to_string(output.exit_code);
  return fail(Code::kInternal, fs::path(command.argv[0]).filename().string() + ": " + why);
}

}  // namespace nestor::node
