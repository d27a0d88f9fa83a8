#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

/// Where the node keeps its things, and what one `up` decided for later commands.
namespace nestor::node {

inline constexpr const char* kNodeName = "nestor";
inline constexpr const char* kNodeAddress = "192.168.250.2";
inline constexpr const char* kNodeNetwork = "192.168.250.0/24";
inline constexpr const char* kServiceNetwork = "10.96.0.0/12";
inline constexpr const char* kClusterNetwork = "10.244.0.0/16";
inline constexpr const char* kPodNetwork = "10.244.0.0/24";
inline constexpr const char* kBridge = "nestor0";
inline constexpr const char* kKubernetesVersion = "v1.37.2";
inline constexpr std::uint16_t kApiPort = 6443;
inline constexpr const char* kContainerdSocket = "/run/containerd/containerd.sock";

/// Paths below the state directory, as the host sees them.
struct Layout {
  std::string state_dir;

  std::string config() const { return state_dir + "/node.json"; }
  /// Held locked by a running `up` or `down`.
  std::string command_lock() const { return state_dir + "/command.lock"; }
  /// Held locked by the supervisor for as long as it lives.
  std::string supervisor_lock() const { return state_dir + "/supervisor.lock"; }
  /// The host's process id of the sandbox's process 1. Meaningful while the supervisor lives.
  std::string init_pid() const { return state_dir + "/init.pid"; }
  std::string kubeconfig() const { return state_dir + "/admin.kubeconfig"; }
  std::string log_dir() const { return state_dir + "/log"; }
  std::string log(const std::string& name) const { return log_dir() + "/" + name + ".log"; }
  /// What the sandbox sees as /etc, /var/lib and so on.
  std::string root() const { return state_dir + "/root"; }
  std::string var_lib() const { return root() + "/var-lib"; }
  std::string kubernetes() const { return root() + "/kubernetes"; }
  std::string cni() const { return root() + "/cni"; }
  std::string images() const { return state_dir + "/images"; }
};

/// Decided by `up`, read by the supervisor, `status` and `down`.
struct Config {
  std::string assets;
  std::uint16_t port = 6443;
  std::uint16_t proxy_port = 6442;
  /// Name of our control group in every hierarchy, without slash.
  std::string cgroup;

  std::string program(const std::string& name) const { return assets + "/bin/" + name; }
  bool operator==(const Config&) const = default;
};

Result<> save(const Layout& layout, const Config& config);
/// kNotFound when there was no `up` for this state directory.
Result<Config> load(const Layout& layout);

/// "nestor-xxxxxxxx", the same for the same (absolute, normalised) directory.
std::string cgroup_name(const std::string& state_dir);

/// Whether a node makes an entry of that name in its state directory.
bool is_node_entry(std::string_view name);

/// What somebody else keeps in a state directory without node.json: the first entry that is neither
/// of an `up` that came no further, nor what every new file system has. "": nothing. Errors:
/// kInvalidArgument where it cannot be read.
Result<std::string> foreign_entry(const Layout& layout);

/// The directory as an absolute path without links, even if it does not exist yet.
Result<std::string> absolute_directory(const std::string& path);

/// The process that holds the lock of that file, 0 if none.
Result<int> lock_holder(const std::string& path);

/// Takes the proxies of the machine's environment away from this process and those it starts: all
/// that a node speaks to is in its sandbox, which no proxy reaches.
void forget_proxies();

/// Puts assets/bin in front of PATH for this process and those it starts.
void use_programs_of(const Config& config);

/// argv that runs the rest inside the sandbox whose process 1 is `init_pid`.
std::vector<std::string> inside(int init_pid, std::vector<std::string> argv);

}  // namespace nestor::node
