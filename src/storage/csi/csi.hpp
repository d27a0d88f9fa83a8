#pragma once

#include <cstdint>
#include <string>

/// The roles `nestor csi-node` and `nestor csi-controller`.
namespace nestor::storage {

struct CsiNodeOptions {
  /// Socket of the driver, as this process and as kubelet sees it.
  std::string endpoint = "/csi/csi.sock";
  std::string kubelet_endpoint = "/var/lib/kubelet/plugins/csi.kubevirt.io/csi.sock";
  /// Socket in the folder that kubelet watches for plugins; "" to register with nobody.
  std::string registration = "/registration/csi.kubevirt.io-reg.sock";
  std::string node_name = {};
  std::int64_t max_volumes = 64;
};
/// Serves until SIGTERM. Returns the exit code.
int csi_node_main(CsiNodeOptions options);

struct CsiControllerOptions {
  std::string endpoint = "/csi/csi.sock";
  /// Of the management cluster; "" for the pod's service account.
  std::string kubeconfig = {};
  /// The tenant's Cluster.
  std::string ns = {};
  std::string cluster = {};
};
/// Serves one tenant until SIGTERM, for those who run upstream's sidecars themselves: the manager
/// needs no such process. Returns the exit code.
int csi_controller_main(CsiControllerOptions options);

}  // namespace nestor::storage
