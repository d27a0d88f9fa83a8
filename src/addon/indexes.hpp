#pragma once

#include <string>

#include "api/addons/helm_release_proxy.hpp"
#include "kube/informer.hpp"

namespace nestor::addon {

/// Of the cache of HelmReleaseProxies: "namespace/cluster".
inline constexpr const char* kByCluster = "helmreleaseproxy.cluster";

inline void index_by_cluster(kube::Informer<api::addons::HelmReleaseProxy> releases) {
  releases.add_index(kByCluster, [](const api::addons::HelmReleaseProxy& release) {
    const kube::ObjectKey cluster{release.metadata.namespace_, release.spec.clusterRef.name};
    return std::vector<std::string>{cluster.to_string()};
  });
}

}  // namespace nestor::addon
