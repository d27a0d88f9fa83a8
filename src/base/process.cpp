#include "base/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/fd.hpp"
#include "base/run.hpp"
#include "base/text.hpp"

namespace nestor {

namespace {

using Descriptor = asio::posix::stream_descriptor;

/// What is kept of each output; the rest is read and dropped so that the program can go on.
constexpr std::size_t kMaxOutput = 16 * 1024 * 1024;

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

std::unexpected<Error> system_failure(std::string_view what, int error) {
  Code code = Code::kInternal;
  if (error == ENOENT || error == ENOTDIR) code = Code::kNotFound;
  if (error == EACCES || error == EPERM) code = Code::kPermissionDenied;
  if (error == EMFILE || error == ENFILE || error == EAGAIN || error == ENOMEM) {
    code = Code::kResourceExhausted;
  }
  return fail(code, std::string(what) + ": " + std::generic_category().message(error));
}

Result<Pipe> make_pipe() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) return system_failure("pipe", errno);
  return Pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

/// The spawn attributes and file actions of one child.
class SpawnSetup {
 public:
  explicit SpawnSetup(bool own_group) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t defaults;
    ::sigemptyset(&none);
    ::sigemptyset(&defaults);
    ::sigaddset(&defaults, SIGPIPE);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &defaults);
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    if (own_group) flags |= POSIX_SPAWN_SETPGROUP;
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(&attributes_, flags);
  }
  ~SpawnSetup() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;

  void change_directory(const std::string& path) {
    ::posix_spawn_file_actions_addchdir_np(&actions_, path.c_str());
  }
  void redirect(int from, int to) { ::posix_spawn_file_actions_adddup2(&actions_, from, to); }
  int spawn(pid_t* pid, char** argv, char** env) {
    return ::posix_spawnp(pid, argv[0], &actions_, &attributes_, argv, env);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

std::vector<std::string> environment_of(const ProcessSpec& spec) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr && !spec.clean_env; ++entry) {
    const std::string_view text = *entry;
    if (!spec.env.contains(std::string(text.substr(0, text.find('='))))) out.emplace_back(text);
  }
  for (const auto& [name, value] : spec.env) out.push_back(name + "=" + value);
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (std::string& text : strings) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

/// A running child with its pipes. Callbacks hold it through a shared pointer; destroying it kills
/// and reaps, so no path leaves a process or a zombie behind.
class Child : public std::enable_shared_from_this<Child> {
 public:
  explicit Child(const Executor& executor)
      : pidfd_(executor), in_(executor), out_(executor), err_(executor), timer_(executor) {}
  ~Child() { kill_and_reap(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  Result<> start(ProcessSpec& spec);
  /// Lets the pipes and the time limit run; they end with stop().
  void pump(std::string input, Duration timeout);
  Descriptor& pidfd() { return pidfd_; }
  /// Whether the program has ended: the pidfd may be called readable too early (Asio passes on
  /// what it learned of an earlier descriptor of the same number).
  bool ended() const;
  /// After it has ended: reaps and takes what is left in the pipes.
  ProcessOutput finish();
  void kill_and_reap();
  void stop();
  bool timed_out() const { return timed_out_; }

 private:
  void kill() const { ::kill(own_group_ ? -pid_ : pid_, SIGKILL); }
  void write_more();
  void read_more(Descriptor& from, std::string& into);
  /// Reads until nothing is there. False at the end of the stream.
  static bool drain(Descriptor& from, std::string& into);

  pid_t pid_ = -1;
  bool own_group_ = true;
  Descriptor pidfd_;
  Descriptor in_;
  Descriptor out_;
  Descriptor err_;
  asio::steady_timer timer_;
  std::string input_;
  std::size_t written_ = 0;
  ProcessOutput output_;
  bool timed_out_ = false;
};

Result<> Child::start(ProcessSpec& spec) {
  if (spec.argv.empty()) return fail(Code::kInvalidArgument, "no program to run");
  NESTOR_TRY(Pipe in, make_pipe());
  NESTOR_TRY(Pipe out, make_pipe());
  NESTOR_TRY(Pipe err, make_pipe());
  SpawnSetup setup(spec.own_group);
  setup.redirect(in.read_end.get(), STDIN_FILENO);
  setup.redirect(out.write_end.get(), STDOUT_FILENO);
  setup.redirect(err.write_end.get(), STDERR_FILENO);
  if (!spec.directory.empty()) setup.change_directory(spec.directory);
  std::vector<std::string> environment = environment_of(spec);
  std::vector<char*> argv = pointers(spec.argv);
  std::vector<char*> env = pointers(environment);
  pid_t pid = -1;
  if (const int error = setup.spawn(&pid, argv.data(), env.data()); error != 0) {
    return system_failure("starting " + spec.argv[0], error);
  }
  pid_ = pid;
  own_group_ = spec.own_group;
  if (spec.max_memory > 0) {
    // From outside: posix_spawn has no limits. What it has until then is small.
    const rlimit limit{spec.max_memory, spec.max_memory};
    if (::prlimit(pid, RLIMIT_DATA, &limit, nullptr) != 0) return system_failure("prlimit", errno);
  }
  const auto pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) return system_failure("pidfd_open", errno);
  pidfd_.assign(pidfd);
  for (const int fd : {in.write_end.get(), out.read_end.get(), err.read_end.get()}) {
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
  }
  in_.assign(in.write_end.release());
  out_.assign(out.read_end.release());
  err_.assign(err.read_end.release());
  return {};
}

void Child::pump(std::string input, Duration timeout) {
  input_ = std::move(input);
  write_more();
  read_more(out_, output_.out);
  read_more(err_, output_.err);
  if (timeout <= Duration::zero()) return;
  timer_.expires_after(timeout);
  timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (error || self->pid_ < 0) return;
    self->timed_out_ = true;
    self->kill();  // The pidfd tells the waiting coroutine.
  });
}

void Child::write_more() {
  while (written_ < input_.size()) {
    const ssize_t count =
        ::write(in_.native_handle(), input_.data() + written_, input_.size() - written_);
    if (count > 0) {
      written_ += static_cast<std::size_t>(count);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) break;  // EPIPE: the program does not want the rest.
    in_.async_wait(Descriptor::wait_write,
                   [self = shared_from_this()](boost::system::error_code error) {
                     if (!error) self->write_more();
                   });
    return;
  }
  boost::system::error_code ignored;
  in_.close(ignored);
}

void Child::read_more(Descriptor& from, std::string& into) {
  // Waiting and reading apart, so that no bytes are under way in a handler when finish() drains.
  from.async_wait(Descriptor::wait_read,
                  [self = shared_from_this(), &from, &into](boost::system::error_code error) {
                    if (error || !from.is_open()) return;
                    if (drain(from, into)) self->read_more(from, into);
                  });
}

bool Child::drain(Descriptor& from, std::string& into) {
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t count = ::read(from.native_handle(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN;
    if (count == 0) return false;
    const auto size = static_cast<std::size_t>(count);
    into.append(buffer.data(), std::min(size, kMaxOutput - into.size()));
  }
}

bool Child::ended() const {
  siginfo_t info{};
  const int done = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
  return done != 0 || info.si_pid == pid_;
}

ProcessOutput Child::finish() {
  // A grandchild may keep the pipes open for ever: what the program wrote itself is there by now.
  drain(out_, output_.out);
  drain(err_, output_.err);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  // As shells report it: 128 + signal.
  output_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return std::move(output_);
}

void Child::kill_and_reap() {
  if (pid_ < 0) return;
  kill();
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

void Child::stop() {
  boost::system::error_code ignored;
  timer_.cancel();
  for (Descriptor* descriptor : {&pidfd_, &in_, &out_, &err_}) descriptor->close(ignored);
}

/// Kills, reaps and closes when the calling coroutine ends in whatever way.
struct ChildScope {
  std::shared_ptr<Child> child;
  ~ChildScope() {
    child->kill_and_reap();
    child->stop();
  }
};

class SystemProcessRunner final : public ProcessRunner {
 public:
  explicit SystemProcessRunner(Executor executor) : executor_(std::move(executor)) {}

  Task<ProcessOutput> run(ProcessSpec spec) override {
    const ChildScope scope{std::make_shared<Child>(executor_)};
    Child& child = *scope.child;
    NESTOR_CO_TRY_VOID(child.start(spec));
    child.pump(std::move(spec.input), spec.timeout);
    do {
      const auto [error] = co_await child.pidfd().async_wait(Descriptor::wait_read,
                                                             asio::as_tuple(asio::use_awaitable));
      if (error) co_return fail(Code::kCancelled, "cancelled while running " + spec.argv[0]);
    } while (!child.ended());
    ProcessOutput output = child.finish();
    if (child.timed_out()) {
      const std::string said = last_line(output.err);
      co_return fail(Code::kDeadlineExceeded,
                     spec.argv[0] + " did not end in time" + (said.empty() ? "" : ": " + said));
    }
    co_return output;
  }

 private:
  Executor executor_;
};

}  // namespace

std::unique_ptr<ProcessRunner> make_process_runner(Executor executor) {
  // A child that closes its input early must not end this process.
  ::signal(SIGPIPE, SIG_IGN);
  return std::make_unique<SystemProcessRunner>(std::move(executor));
}

Task<ProcessOutput> run_checked(ProcessRunner& runner, ProcessSpec spec) {
  const std::string name = spec.argv.empty() ? "" : spec.argv[0];
  NESTOR_CO_TRY(ProcessOutput output, co_await runner.run(std::move(spec)));
  if (output.exit_code != 0) {
    const std::string why = last_line(output.err);
    co_return fail(Code::kInternal, name + " ended with code " + std::to_string(output.exit_code) +
                                        ": " + (why.empty() ? "no message" : why));
  }
  co_return output;
}

Result<ProcessOutput> run_blocking_process(ProcessSpec spec) {
  asio::io_context io(1);
  const auto runner = make_process_runner(io.get_executor());
  return run_to_end(io, runner->run(std::move(spec)));
}

}  // namespace nestor
