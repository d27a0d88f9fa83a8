#pragma once

#include <string>
#include <vector>

#include "cli/node/images.hpp"
#include "cli/node/layout.hpp"

/// What `up` does once the sandbox stands. Every step looks at the real state first and does
/// nothing when it is already as it should be.
namespace nestor::node {

struct Node {
  Layout layout;
  Config config;
  /// The host's process id of the sandbox's process 1.
  int init_pid = 0;
};

/// Waits until containerd answers on its socket. Follows the supervisor to a new sandbox when the
/// one we knew is dying.
Result<> wait_for_containerd(Node& node);

/// The control plane as kubeadm makes it, and our kubeconfig. True: it was already there.
Result<bool> make_control_plane(const Node& node);

/// kube-proxy and CoreDNS. True: they were already there.
Result<bool> make_addons(const Node& node);

/// Waits until the node is Ready and pods reach services.
Result<> wait_for_node(const Node& node);

/// The default storage class. Needs pods that reach services.
Result<> make_storage(const Node& node);

/// Installs or upgrades the chart and waits for its pods. Pods that run another `image_revision`
/// are replaced: an archive may bring a new image under the same name.
Result<> install_chart(const Node& node, const std::string& chart,
                       const std::string& image_revision);

/// argv of helm for it. Values that somebody gave the release besides ours stay. Pure.
std::vector<std::string> install_command(const Node& node, const std::string& chart,
                                         const std::string& image_revision, bool kvm);

/// Waits until the cluster's names and the storage class are served.
Result<> wait_for_pods(const Node& node);

/// Writes on the Node which images of workers' disks are among these archives.
Result<> note_worker_images(const Node& node, const std::vector<Archive>& archives);

/// argv of kubectl with our kubeconfig.
std::vector<std::string> kubectl(const Node& node, std::vector<std::string> rest);

}  // namespace nestor::node
