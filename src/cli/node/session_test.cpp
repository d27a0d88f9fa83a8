#include "cli/node/session.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

namespace nestor::node {
namespace {

namespace fs = std::filesystem;

/// A process that holds a supervisor's lock, and may have a child, its process 1.
class FakeSupervisor {
 public:
  /// It writes the child's id, or ends, a moment after the constructor has returned.
  FakeSupervisor(const Layout& layout, bool makes_sandbox) {
    int locked[2];
    EXPECT_EQ(::pipe(locked), 0);
    pid_ = ::fork();
    if (pid_ == 0) be(layout, makes_sandbox, locked[1]);
    char one = 0;
    EXPECT_EQ(::read(locked[0], &one, 1), 1);
    ::close(locked[0]);
    ::close(locked[1]);
  }
  ~FakeSupervisor() {
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  FakeSupervisor(const FakeSupervisor&) = delete;
  int pid() const { return pid_; }

 private:
  [[noreturn]] static void be(const Layout& layout, bool makes_sandbox, int locked) {
    ::setpgid(0, 0);
    const int file = ::open(layout.supervisor_lock().c_str(), O_RDWR | O_CREAT, 0600);
    struct flock lock{};
    lock.l_type = F_WRLCK;
    ::fcntl(file, F_SETLK, &lock);
    if (::write(locked, "", 1) != 1) ::_exit(1);
    ::usleep(100'000);
    if (!makes_sandbox) ::_exit(0);
    const pid_t init = ::fork();
    if (init != 0) (void)write_text(layout.init_pid(), std::to_string(init) + "\n");
    for (;;) ::pause();
  }

  pid_t pid_ = 0;
};

class SessionTest : public testing::Test {
 protected:
  SessionTest() {
    std::string pattern = fs::temp_directory_path() / "session_test.XXXXXX";
    layout_.state_dir = ::mkdtemp(pattern.data());
  }
  ~SessionTest() override { fs::remove_all(layout_.state_dir); }
  Layout layout_;
};

TEST_F(SessionTest, WithoutASupervisorThereIsNone) {
  const auto session = await_session(layout_);
  ASSERT_TRUE(session);
  EXPECT_FALSE(session->has_value());
}

TEST_F(SessionTest, WaitsForTheSandboxThatIsBeingMade) {
  const FakeSupervisor supervisor(layout_, true);
  const auto session = await_session(layout_);
  ASSERT_TRUE(session);
  ASSERT_TRUE(session->has_value());
  EXPECT_EQ((*session)->supervisor, supervisor.pid());
  EXPECT_GT((*session)->init, 1);
}

TEST_F(SessionTest, IsNoneWhenTheSupervisorEndsMeanwhile) {
  const FakeSupervisor supervisor(layout_, false);
  const auto session = await_session(layout_);
  ASSERT_TRUE(session);
  EXPECT_FALSE(session->has_value());
}

}  // namespace
}  // namespace nestor::node
