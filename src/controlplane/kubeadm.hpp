#pragma once

#include <string>
#include <vector>

#include "controlplane/address.hpp"
#include "controlplane/work.hpp"

namespace nestor::controlplane {

/// kubeadm's ClusterConfiguration, as `kubeadm join` reads it. Pure.
Json cluster_configuration(const Settings& settings, const std::string& endpoint);
/// kubeadm's InitConfiguration. Pure.
Json init_configuration(const Settings& settings, const Address& address);

/// The nodes' KubeletConfiguration with the patches of the spec; what a patch could not remove is
/// named in `warnings`. Errors: kInvalidArgument for a bad patch.
Result<Json> kubelet_configuration(const TenantControlPlane& tcp, const Settings& settings,
                                   std::vector<std::string>& warnings);

/// Applies the ConfigMap `<n>-kubeadmconfig` and notes it in the status.
Task<> ensure_kubeadm_config(Work& work, const Address& address);

}  // namespace nestor::controlplane
