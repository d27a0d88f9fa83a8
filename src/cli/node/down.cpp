#include <fmt/core.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/file.hpp"
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
  if (exists(layout.config())) return {};
  NESTOR_TRY(const std::string name, foreign_entry(layout));
  if (name.empty()) return {};
  return fail(Code::kInvalidArgument,
              fmt::format("{} holds {} and no node.json: it is not a state directory of a node",
                          layout.state_dir, name));
}

Result<> delete_all(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (!error) return {};
  return fail(Code::kInternal, "deleting " + path.string() + ": " + error.message());
}

/// Deletes without crossing into another file system: had a mount survived, its files are not
/// ours to delete.
Result<> remove_state(const Layout& layout) {
  NESTOR_TRY(const std::string mounts, read_file("/proc/self/mounts"));
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
    if (!is_node_entry(entry.path().filename().string())) continue;
    NESTOR_TRY_VOID(delete_all(entry.path()));
  }
  NESTOR_TRY_VOID(delete_all(layout.config()));
  NESTOR_TRY_VOID(delete_all(layout.command_lock()));
  // Stays where somebody keeps more in it, or where it is a mount point.
  ::rmdir(layout.state_dir.c_str());
  return {};
}

Result<> take_down(const Layout& layout, ProgressLines& progress) {
  NESTOR_TRY_VOID(check_ours(layout));
  progress.begin("stopping the node");
  // Before the lock: what an interrupted `up` still has at work in the sandbox ends with it.
  NESTOR_TRY_VOID(stop_session(layout));
  NESTOR_TRY(const UniqueFd held, lock_commands(layout, kDownPatience));
  NESTOR_TRY_VOID(stop_session(layout));
  progress.done("node stopped");
  progress.begin("removing its traces");
  NESTOR_TRY_VOID(remove_cgroups(cgroup_name(layout.state_dir)));
  NESTOR_TRY_VOID(restore_sysctls(layout.state_dir));
  NESTOR_TRY_VOID(remove_state(layout));
  progress.done("control groups, kernel settings and " +
                (exists(layout.state_dir) ? "its files in " : std::string()) + layout.state_dir +
                " removed");
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
  if (result) return 0;
  return progress.fail(result.error(), result.error().code == Code::kInvalidArgument ? 2 : 1);
}

}  // namespace nestor::node
