#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"

namespace nestor::cli {

/// What `nestor create cluster` was asked for.
struct ClusterRequest {
  std::string name;
  std::string ns = "default";
  int workers = 1;
  int cpu = 2;
  /// A Kubernetes quantity.
  std::string memory = "2Gi";
  /// With or without the leading v.
  std::string kubernetes_version = "v1.37.2";
  std::string pod_cidr = "10.243.0.0/16";
  std::string service_cidr = "10.95.0.0/16";
  std::string data_store = "default";
  /// containerDisk of the workers; "" for ours of that version.
  std::string worker_image = {};
};

/// Checks names, sizes and ranges. Errors: kInvalidArgument with what to write instead.
Result<> validate(const ClusterRequest& request);

/// The containerDisk of its workers.
std::string worker_image(const ClusterRequest& request);

/// The objects a cluster consists of, in upstream's kinds: Cluster, KubevirtCluster,
/// KamajiControlPlane, KubevirtMachineTemplate, KubeadmConfigTemplate, MachineDeployment; in the
/// order in which they are applied.
std::vector<Json> cluster_objects(const ClusterRequest& request);

/// The name of the MachineDeployment that `create cluster` makes: `<cluster>-md-0`.
std::string worker_group_name(const std::string& cluster);

}  // namespace nestor::cli
