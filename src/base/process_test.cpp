#include "base/process.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/task_group.hpp"
#include "base/testing/co_test.hpp"

namespace nestor {
namespace {

class Process : public testing::Test {
 protected:
  Result<ProcessOutput> run(ProcessSpec spec) {
    return run_coroutine<ProcessOutput>(io_, runner_->run(std::move(spec)));
  }
  Result<ProcessOutput> shell(const std::string& script) {
    return run({.argv = {"sh", "-c", script}});
  }
  /// Whether this process has neither children nor zombies.
  static bool no_children() { return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD; }

  asio::io_context io_;
  std::unique_ptr<ProcessRunner> runner_ = make_process_runner(io_.get_executor());
};

TEST_F(Process, GivesOutputsAndExitCode) {
  const auto output = shell("echo out; echo err >&2; exit 3");
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(output->exit_code, 3);
  EXPECT_EQ(output->out, "out\n");
  EXPECT_EQ(output->err, "err\n");
  EXPECT_TRUE(no_children());
}

TEST_F(Process, PassesInputAndEnvironment) {
  std::string input(3 * 1024 * 1024, 'x');
  const auto output = run({.argv = {"sh", "-c", "wc -c; echo $NESTOR_TEST"},
                           .env = {{"NESTOR_TEST", "a b"}},
                           .input = input});
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(output->out, "3145728\na b\n");
}

TEST_F(Process, RunsInADirectoryAndWithACleanEnvironment) {
  ::setenv("NESTOR_SECRET", "of this process", 1);
  const auto output = run({.argv = {"/bin/sh", "-c", "pwd; echo $NESTOR_SECRET$ONLY"},
                           .env = {{"ONLY", "this"}},
                           .clean_env = true,
                           .directory = "/usr"});
  ::unsetenv("NESTOR_SECRET");
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(output->out, "/usr\nthis\n");
}

TEST_F(Process, AllocationsBeyondTheLimitFail) {
  // The wait lets the limit arrive: it is set after the program has begun.
  const char* script = "sleep 0.2; x=$(head -c 100000000 /dev/zero | tr '\\0' x); echo ${#x}";
  const auto free = run({.argv = {"bash", "-c", script}});
  ASSERT_TRUE(free) << free.error().message;
  EXPECT_EQ(free->out, "100000000\n") << free->err;
  const auto limited = run({.argv = {"bash", "-c", script}, .max_memory = 64U << 20U});
  ASSERT_TRUE(limited) << limited.error().message;
  EXPECT_NE(limited->exit_code, 0);
  EXPECT_EQ(limited->out, "");
}

TEST_F(Process, EchoesMoreThanAPipeHolds) {
  std::string input(2 * 1024 * 1024, 'y');
  const auto output = run({.argv = {"cat"}, .input = input});
  ASSERT_TRUE(output);
  EXPECT_EQ(output->out, input);
}

TEST_F(Process, SurvivesAProgramThatDoesNotRead) {
  const auto output = run({.argv = {"true"}, .input = std::string(1024 * 1024, 'z')});
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(output->exit_code, 0);
}

TEST_F(Process, CapsTheOutput) {
  const auto output = shell("head -c 20000000 /dev/zero");
  ASSERT_TRUE(output);
  EXPECT_EQ(output->out.size(), 16U * 1024 * 1024);
  EXPECT_EQ(output->exit_code, 0);
}

TEST_F(Process, ReportsAMissingProgram) {
  const auto output = run({.argv = {"nestor-no-such-program"}});
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code, Code::kNotFound);
  EXPECT_TRUE(no_children());
}

TEST_F(Process, ReportsASignalAsShellsDo) {
  const auto output = shell("kill -TERM $$");
  ASSERT_TRUE(output);
  EXPECT_EQ(output->exit_code, 128 + SIGTERM);
}

TEST_F(Process, KillsAtTheTimeLimitWithItsChildren) {
  const auto output =
      run({.argv = {"sh", "-c", "sleep 1000 & sleep 1000"}, .timeout = Duration(20)});
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code, Code::kDeadlineExceeded);
  EXPECT_TRUE(no_children());
}

TEST_F(Process, HasAProcessGroupOfItsOwnUnlessAsked) {
  const std::vector<std::string> group{"sh", "-c", "cut -d' ' -f5 /proc/$$/stat"};
  const std::string ours = std::to_string(::getpgrp()) + "\n";
  const auto own = run_blocking_process({.argv = group});
  ASSERT_TRUE(own) << own.error().message;
  EXPECT_NE(own->out, ours);
  const auto shared = run_blocking_process({.argv = group, .own_group = false});
  ASSERT_TRUE(shared) << shared.error().message;
  EXPECT_EQ(shared->out, ours);
  EXPECT_TRUE(no_children());
}

TEST_F(Process, DoesNotWaitForAGrandchildThatKeepsThePipe) {
  const auto output = shell("sleep 3 & echo done");
  ASSERT_TRUE(output);
  EXPECT_EQ(output->out, "done\n");
}

Task<> run_and_forget(ProcessRunner& runner, ProcessSpec spec) {
  const auto output = co_await runner.run(std::move(spec));
  if (!output) co_return std::unexpected(output.error());
  co_return Result<>{};
}

TEST_F(Process, CancellingKillsAndReaps) {
  TaskGroup tasks(io_.get_executor());
  tasks.spawn("sleep", run_and_forget(*runner_, {.argv = {"sleep", "1000"}}));
  settle(io_);
  EXPECT_FALSE(no_children());
  run_coroutine(io_, tasks.close());
  EXPECT_TRUE(no_children());
}

TEST_F(Process, CheckedRunQuotesTheLastLine) {
  const auto output = run_coroutine<ProcessOutput>(
      io_, run_checked(*runner_, {.argv = {"sh", "-c", "echo a >&2; echo why >&2; exit 1"}}));
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().message, "sh ended with code 1: why");
}

/// One after the other in one coroutine: the pipes of a program that has ended are reported in the
/// same turn of the loop in which the next one's descriptors, of the same numbers, are registered.
Task<int> run_in_a_row(ProcessRunner& runner, int programs) {
  int complete = 0;
  for (int i = 0; i < programs; ++i) {
    const bool slow = i % 2 == 1;
    ProcessSpec spec{.argv = {"sh", "-c", slow ? "sleep 0.01; echo word" : "echo word"}};
    NESTOR_CO_TRY(const ProcessOutput output, co_await runner.run(std::move(spec)));
    if (output.out == "word\n") ++complete;
  }
  co_return complete;
}

TEST_F(Process, LosesNoOutputOfProgramsInARow) {
  EXPECT_EQ(*run_coroutine<int>(io_, run_in_a_row(*runner_, 100)), 100);
}

}  // namespace
}  // namespace nestor
