#include "cli/node/cgroups.hpp"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <sstream>
#include <thread>
#include <vector>

#include "base/file.hpp"
#include "cli/node/system.hpp"

namespace nestor::node {

namespace {

namespace fs = std::filesystem;

/// The mount points of all hierarchies.
Result<std::vector<std::string>> hierarchies() {
  NESTOR_TRY(const std::string text, read_file("/proc/self/mounts"));
  std::vector<std::string> found;
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string device;
    std::string path;
    std::string type;
    words >> device >> path >> type;
    if (type == "cgroup" || type == "cgroup2") found.push_back(path);
  }
  if (found.empty()) {
    return fail(Code::kFailedPrecondition, "no control groups are mounted below /sys/fs/cgroup");
  }
  return found;
}

/// In version 2 a group has the controllers that its parent passes on; a kubelet wants these. Those
/// that the machine lacks are refused one by one.
void pass_controllers_on(const std::string& group) {
  const std::string file = group + "/cgroup.subtree_control";
  if (!exists(file)) return;
  for (const char* controller : {"+cpuset", "+cpu", "+io", "+memory", "+hugetlb", "+pids"}) {
    [[maybe_unused]] const auto refused = write_kernel(file, controller);
  }
}

/// A cpuset of version 1 takes no process before it is told its processors and memory nodes.
Result<> fill_cpuset(const std::string& hierarchy, const std::string& group) {
  for (const char* file : {"/cpuset.cpus", "/cpuset.mems"}) {
    if (!exists(hierarchy + file) || !exists(group + file)) continue;
    NESTOR_TRY(const std::string value, read_file(hierarchy + file));
    NESTOR_TRY_VOID(write_kernel(group + file, value));
  }
  return {};
}

void kill_members(const fs::path& group) {
  const auto text = read_file((group / "cgroup.procs").string());
  if (!text) return;
  std::istringstream pids(*text);
  for (pid_t pid = 0; pids >> pid;) {
    if (pid > 1) ::kill(pid, SIGKILL);
  }
}

/// Children first. True when nothing is left.
bool remove_tree(const fs::path& group) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(group, error)) {
    if (entry.is_directory(error) && !entry.is_symlink(error)) remove_tree(entry.path());
  }
  kill_members(group);
  return ::rmdir(group.c_str()) == 0 || errno == ENOENT;
}

}  // namespace

Result<> make_cgroups(const std::string& name) {
  NESTOR_TRY(const auto all, hierarchies());
  for (const auto& hierarchy : all) {
    const std::string group = hierarchy + "/" + name;
    NESTOR_TRY_VOID(make_directory(group));
    NESTOR_TRY_VOID(fill_cpuset(hierarchy, group));
    // The root's stay passed on after `down`: whoever else relies on them by then cannot be seen.
    // Ours passes them on at once, too: what a child uses, systemd does not take from the root
    // again.
    pass_controllers_on(hierarchy);
    pass_controllers_on(group);
  }
  return {};
}

Result<> remove_cgroups(const std::string& name) {
  // The name is joined to paths whose contents are killed.
  if (!name.starts_with("nestor-") || name.find('/') != std::string::npos) {
    return fail(Code::kInvalidArgument, "not a control group of ours: " + name);
  }
  NESTOR_TRY(const auto all, hierarchies());
  // The kernel takes a moment to bury the last process; there is no event for it in version 1.
  for (int attempt = 0; attempt < 100; ++attempt) {
    bool gone = true;
    for (const auto& hierarchy : all) gone = remove_tree(hierarchy + "/" + name) && gone;
    if (gone) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return fail(Code::kDeadlineExceeded, "control group " + name + " is still in use");
}

}  // namespace nestor::node
