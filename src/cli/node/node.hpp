#pragma once

#include <cstdint>
#include <optional>
#include <string>

/// The embedded management node: a one-node Kubernetes in a sandbox of its own namespaces
/// (`nestor up | status | down`). Everything it has is a process of ours, a control group named
/// after the state directory, or a file in the state directory; `down` removes all three.
///
/// The functions here are the commands: they speak to the terminal, block, and return the exit
/// code of the program (0 well, 1 failed, 2 wrong usage).
namespace nestor::node {

inline constexpr const char* kDefaultStateDir = "/var/lib/nestor";

struct UpOptions {
  std::string state_dir = kDefaultStateDir;
  /// Directory with bin, cni and images. Empty: as find_assets() looks for it (assets.hpp).
  std::string assets = {};
  /// Loopback port of the management cluster's API server. Nothing: that of the node which is there
  /// already, else 6443.
  std::optional<std::uint16_t> port = {};
  /// Loopback port of the HTTP CONNECT proxy into the sandbox's networks. Nothing: as above, 6442.
  std::optional<std::uint16_t> proxy_port = {};
  /// The Helm chart to install. Empty: charts/nestor beside the assets or above them.
  std::string chart = {};
  bool skip_chart = false;
};

/// Makes the node, or completes or repairs one that an earlier `up` left unfinished.
int up(const UpOptions& options);

struct DownOptions {
  std::string state_dir = kDefaultStateDir;
};

/// Stops the node and removes every trace of it. Works after any crash, and on nothing.
int down(const DownOptions& options);

struct StatusOptions {
  std::string state_dir = kDefaultStateDir;
  /// "" for a table, "json".
  std::string output = {};
};

/// Prints the state of each component; 0 only when all are well.
int status(const StatusOptions& options);

/// Of the two hidden commands `nestor node supervise` and `nestor node init`.
struct HiddenOptions {
  /// --state
  std::string state_dir;
  /// --ready-fd: where the process reports "ok" or why it failed. -1: nobody listens.
  int ready_fd = -1;
};

/// The process that keeps the sandbox alive and relays loopback ports into it.
int node_supervise(const HiddenOptions& options);

/// Process 1 of the sandbox: mounts, network, containerd and kubelet.
int node_init(const HiddenOptions& options);

}  // namespace nestor::node
