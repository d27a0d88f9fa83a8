#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace nestor::manager {

struct Options {
  /// "" for the pod's service account.
  std::string kubeconfig = {};
  /// Health, readiness and metrics: /healthz, /readyz, /metrics.
  std::string address = "0.0.0.0";
  std::uint16_t port = 8080;
  bool leader_elect = false;
  /// Where the lease lives. Default: $POD_NAMESPACE.
  std::string lease_namespace = {};
  /// "builtin" or "none" (where KubeVirt is installed).
  std::string vm_runtime = "builtin";
  std::string vm_launcher_image = "nestor.dev/vm-launcher:dev";
  /// What gives machines KVM; see vm::Options.
  std::string vm_runtime_class = {};
  std::string vm_kvm_resource = {};
  /// Of the nodes' kubelets.
  std::string vm_kubelet_folder = "/var/lib/kubelet";
  /// Keeps guests inside their tenant; see vm::FenceOptions. Empty `closed`: private networks.
  bool vm_fence = true;
  std::vector<std::string> vm_fence_closed = {};
  std::vector<std::string> vm_fence_open = {};
  /// "FIRST-LAST" of the embedded pool of load-balancer addresses, or "" for none.
  std::string address_pool = {};
  /// Grow claims of the embedded node's local-path provisioner.
  bool grow_local_path = false;
  /// Nestor's own, for what runs of it in control planes and tenants.
  std::string image = "nestor.dev/nestor:dev";
  /// Control planes get any pod that their spec describes; see controlplane::Options.
  bool privileged_control_planes = false;
  /// Whether tenants' Nodes get the zone and region of the node their machine runs on.
  bool cloud_zones = true;
  /// Load balancers that one tenant may have.
  std::size_t cloud_max_load_balancers = 32;
  /// Annotations that tenants' load balancers take over; see cloud::Options.
  std::vector<std::string> cloud_pass_annotations = {};
  /// Programs, looked up in PATH.
  std::string etcdctl = "etcdctl";
  std::string helm = "helm";
};

/// Runs every controller until SIGINT or SIGTERM. Returns the exit code: 0 after a signal, 1 when
/// it cannot start or has lost its lease (the caller's supervisor starts it again).
int run(Options options);

}  // namespace nestor::manager
