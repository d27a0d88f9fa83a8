#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/cluster/common.hpp"
#include "base/json.hpp"
#include "kube/object.hpp"

/// What the objects of providers tell the core controllers, read from whatever they are. Field
/// names of both contracts: v1beta2 (`status.initialization.…`) and v1beta1 (`status.ready`).
/// Source: Cluster API book, "Provider contracts".
namespace nestor::cluster {

/// `spec.controlPlaneEndpoint`; nothing when unset.
std::optional<api::cluster::Endpoint> control_plane_endpoint(const Json& object);
/// Of an InfraCluster or InfraMachine.
bool is_provisioned(const Json& infra);
/// Of a ControlPlane.
bool is_control_plane_initialized(const Json& control_plane);
/// Of a BootstrapConfig: its data Secret's name once it is there, else "".
std::string bootstrap_data_secret(const Json& config);

/// `status.conditions` of any object.
std::optional<kube::Condition> condition_of(const Json& object, std::string_view type);

bool is_deleting(const Json& object);

}  // namespace nestor::cluster
