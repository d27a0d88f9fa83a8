#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/cluster/cluster.hpp"
#include "kube/runtime.hpp"

namespace nestor::addon {

/// The kind behind a Cluster's controlPlaneRef or infrastructureRef, for .ControlPlane and
/// .InfraCluster of templates. Errors: kUnimplemented for kinds that Nestor does not serve.
Result<kube::ResourceType> template_object_type(const api::cluster::ContractReference& reference);

/// Which version of that object in `ns` the caches have; "" when none.
std::string cached_version(kube::Runtime& runtime, const api::cluster::ContractReference& reference,
                           const std::string& ns);

/// Reconciles the proxies of a Cluster when one of those objects changes. Their status alone does
/// not count: what templates need of them is in the spec.
void watch_template_objects(
    kube::Runtime& runtime, kube::Controller& controller,
    std::function<std::vector<kube::ObjectKey>(const api::cluster::Cluster&)> proxies_of);

}  // namespace nestor::addon
