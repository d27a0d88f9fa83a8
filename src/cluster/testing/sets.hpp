#pragma once

#include <memory>
#include <string>
#include <utility>

#include "api/cluster/machine_deployment.hpp"
#include "api/cluster/machine_set.hpp"

namespace nestor::cluster::testing {

using api::cluster::MachineDeployment;
using api::cluster::MachineSet;

/// A rolling update with those limits.
inline MachineDeployment deployment_of(int replicas, Json surge = 1, Json unavailable = 0) {
  MachineDeployment out;
  out.metadata.name = "demo-md";
  out.metadata.namespace_ = "default";
  out.metadata.uid = "md-uid";
  out.spec.clusterName = "demo";
  out.spec.replicas = replicas;
  out.spec.template_.spec.version = "v1.37.2";
  out.spec.rollout.strategy.type = "RollingUpdate";
  out.spec.rollout.strategy.rollingUpdate.maxSurge = std::move(surge);
  out.spec.rollout.strategy.rollingUpdate.maxUnavailable = std::move(unavailable);
  return out;
}

/// Of `spec` wanted machines, `actual` there and `available` good ones; older names are older.
inline std::shared_ptr<MachineSet> set_with(int spec, int actual, int available,
                                            const std::string& version = "v1.37.2",
                                            const std::string& name = "s") {
  auto out = std::make_shared<MachineSet>();
  out->metadata.name = name;
  out->metadata.creationTimestamp = name;
  out->spec.template_.spec.version = version;
  out->spec.replicas = spec;
  out->status.replicas = actual;
  out->status.availableReplicas = available;
  return out;
}

}  // namespace nestor::cluster::testing
