#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/async.hpp"
#include "base/clock.hpp"

namespace nestor {

/// A program to run to its end.
struct ProcessSpec {
  /// argv[0] is a path or is looked up in PATH. Never holds a secret: other users can read it.
  std::vector<std::string> argv;
  /// Added to this process's environment.
  std::map<std::string, std::string> env = {};
  /// `env` alone, without anything of this process's environment.
  bool clean_env = false;
  /// Where it runs; "" for this process's directory.
  std::string directory = {};
  /// Written to its standard input, which is then closed.
  std::string input = {};
  /// After this time it is killed and the result is kDeadlineExceeded. Zero: no limit.
  Duration timeout = std::chrono::seconds(60);
  /// In a process group of its own, all of which is killed with it. Otherwise it stays in ours, so
  /// that what a terminal sends (Ctrl-C) reaches it too, and is killed alone.
  bool own_group = true;
  /// Bytes of memory of its own (RLIMIT_DATA: heap and private mappings, touched or not), beyond
  /// which its allocations fail; so do its children's. Zero: no limit.
  std::uint64_t max_memory = 0;
};

struct ProcessOutput {
  int exit_code = 0;
  std::string out;
  std::string err;
};

/// Runs programs without blocking the event loop. Edge: tests use a fake.
class ProcessRunner {
 public:
  virtual ~ProcessRunner() = default;
  /// Errors: kNotFound (no such program), kDeadlineExceeded, kCancelled (the child is killed and
  /// reaped). A non-zero exit code is not an error here; see run_checked.
  virtual Task<ProcessOutput> run(ProcessSpec spec) = 0;
};

/// A runner on posix_spawn and pidfd, reaping its children itself.
std::unique_ptr<ProcessRunner> make_process_runner(Executor executor);

/// run(), with a non-zero exit code turned into kInternal with the program's name and the last line
/// of its standard error.
Task<ProcessOutput> run_checked(ProcessRunner& runner, ProcessSpec spec);

/// Runs a program to its end where there is no event loop. Errors: as ProcessRunner::run().
/// From then on this process ignores SIGPIPE.
Result<ProcessOutput> run_blocking_process(ProcessSpec spec);

}  // namespace nestor
