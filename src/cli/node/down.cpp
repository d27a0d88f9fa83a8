#include <fmt/core.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/node/cgroups.hpp"
#include "cli/node/layout.hpp"
#include "cli/node/node.hpp"
#include "cli/node/progress_lines.hpp"
#include "cli/node/session.hpp"
#include "cli/node/sysctls.hpp"
#include "cli/node/system.hpp"

namespace nestor::node {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kDownPatience{20};

/// A state directory is one that `up` made: nothing else is ever deleted.
Result<> check_ours(const Layout& layout) {
  if (layout.state_dir == "/" || !fs::is_directory(layout.state_dir)) {
    return fail(Code::kInvalidArgument, layout.state_dir + " is not a state directory of a node");
  }
  if (exists(layout.config()) || exists(layout.command_lock())) return {};
  if (fs::is_empty(layout.state_dir)) return {};
  return fail(Code::kInvalidArgument,
              layout.state_dir + " holds no node.json: it is not a state directory of a node");
}

/// Deletes without crossing into another file system: had a mount survived, its files are not
/// ours to delete.
Result<> remove_state(const Layout& layout) {
  NESTOR_TRY(const std::string mounts, read_text("/proc/self/mounts"));
  std::istringstream lines(mounts);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string device;
    std::string path;
    words >> device >> path;
    if (path.starts_with(layout.state_dir + "/")) {
      return fail(Code::kFailedPrecondition, path + " is still mounted");
    }
  }
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(layout.state_dir, error)) {
    // Last, so that an interrupted `down` still knows what it works on.
    if (entry.path() == layout.config() || entry.path() == layout.command_lock()) continue;
    fs::remove_all(entry.path(), error);
    if (error)
      return fail(Code::kInternal, "deleting " + entry.path().string() + ": " + error.message());
  }
  fs::remove_all(layout.state_dir, error);
  if (error) return fail(Code::kInternal, "deleting " + layout.state_dir + ": " + error.message());
  return {};
}

Result<> take_down(const Layout& layout, ProgressLines& progress) {
  NESTOR_TRY_VOID(check_ours(layout));
  progress.begin("stopping the node");
  // Before the lock: what an interrupted `up` still has at work in the sandbox ends with it.
  NESTOR_TRY_VOID(stop_session(layout));
  NESTOR_TRY(const Fd held, lock_commands(layout, kDownPatience));
  NESTOR_TRY_VOID(stop_session(layout));
  progress.done("node stopped");
  progress.begin("removing its traces");
  NESTOR_TRY_VOID(remove_cgroups(cgroup_name(layout.state_dir)));
  NESTOR_TRY_VOID(restore_sysctls(layout.state_dir));
  NESTOR_TRY_VOID(remove_state(layout));
  progress.done("control groups, kernel settings and " + layout.state_dir + " removed");
  return {};
}

}  // namespace

int down(const DownOptions& options) {
  ProgressLines progress;
  const auto directory = absolute_directory(options.state_dir);
  if (!directory) return progress.fail(directory.error(), 2);
  if (::geteuid() != 0) {
    return progress.fail({Code::kPermissionDenied, "`nestor down` must run as root: try sudo", {}});
  }
  if (!exists(*directory)) {
    fmt::print("no node in {}\n", *directory);
    return 0;
  }
  const auto result = take_down(Layout{*directory}, progress);
  if (!result) return progress.fail(result.error());
  return 0;
}

}  // namespace nestor::node
