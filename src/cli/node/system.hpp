#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "base/process.hpp"
#include "base/result.hpp"

/// Thin blocking wrappers of the operating system for the node commands. They are used where
/// there is no event loop: in `up`, `down` and in the sandbox's process 1.
namespace nestor::node {

bool exists(const std::string& path);
/// The directory and its parents.
Result<> make_directory(const std::string& path, mode_t mode = 0755);
/// Replaces the file in one step (rename), so that a reader or a crash sees old or new.
Result<> write_text(const std::string& path, std::string_view text, mode_t mode = 0644);
/// Writes to a file of the kernel (/proc/sys, cgroups), which cannot be renamed over.
Result<> write_kernel(const std::string& path, std::string_view text);
/// The last `lines` lines of a file; empty if it cannot be read.
std::string tail(const std::string& path, int lines);

/// Runs a program to its end. Errors: those of run_blocking_process().
Result<ProcessOutput> run(ProcessSpec spec);
/// run(), where an exit code other than 0 is kInternal with the last line of standard error.
/// Returns standard output.
Result<std::string> run_checked(ProcessSpec spec);

/// Whether a program of that name is in PATH.
bool in_path(const std::string& program);

}  // namespace nestor::node
