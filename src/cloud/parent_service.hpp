#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/cluster/cluster.hpp"
#include "api/core/service.hpp"
#include "base/clock.hpp"
#include "cloud/settings.hpp"

/// What stands for a tenant's Service of type LoadBalancer in the management cluster: its
/// **parent** Service. Pure. Source: kubevirt/cloud-provider-kubevirt,
/// pkg/provider/loadbalancer.go.
namespace nestor::cloud {

/// Of our class or of none.
bool is_served_class(const api::core::Service& tenant);

/// Type LoadBalancer, of a class that is served, not being deleted.
bool wants_balancer(const api::core::Service& tenant);

/// Whether a balancer was made for it (or was about to be) that has to go.
bool has_balancer(const api::core::Service& tenant);

/// "a" and the first 31 hexadecimal digits of the tenant Service's uid.
std::string parent_name(const api::core::Service& tenant);
/// Where another tenant has that name already: one restored from a copy has the uids of the first.
std::string spare_parent_name(const api::cluster::Cluster& cluster,
                              const api::core::Service& tenant);

/// Whether the EndpointSlices of the parent are kept by us: for externalTrafficPolicy Local, where
/// only machines with a pod of the Service may be asked, and where the cluster wants it so.
bool selectorless(const api::core::Service& tenant, const Settings& settings);

struct ParentInput {
  /// parent_name() or spare_parent_name().
  std::string name;
  const api::cluster::Cluster& cluster;
  const api::core::Service& tenant;
  const Settings& settings;
  /// Whether what gives addresses here reaches Services by node ports, of which there are few.
  bool node_ports = true;
  /// See Options.
  std::vector<std::string> passed_annotations = {};
  /// As it stands, or nullptr.
  const api::core::Service* current = nullptr;
};

/// The parent to apply. Never taken over from the tenant, because they would reach beyond it:
/// annotations that are not in `passed_annotations`, externalIPs (which capture traffic of others)
/// and the health check's port (the management cluster gives its own). Errors: kFailedPrecondition
/// when a port has no node port.
Result<api::core::Service> parent_service(const ParentInput& input);

/// Whether `current` is as `wanted`, as applied before.
bool up_to_date(const api::core::Service& current, const api::core::Service& wanted);

/// Whether `parent`, which has one of the names above, belongs to that Service of that cluster: by
/// its labels, or, where somebody took these off, by its owner.
bool is_parent_of(const api::core::Service& parent, const api::cluster::Cluster& cluster,
                  const api::core::Service& tenant);

/// How long a parent may wait for its address before people are told.
inline constexpr Duration kPatience = std::chrono::minutes(1);

/// The tenant's Service with the addresses of its parent and the condition that tells of them.
api::core::Service with_balancer(const api::core::Service& tenant, const api::core::Service& parent,
                                 WallTime now);

/// When the condition of with_balancer() will change though nothing else does.
std::optional<Duration> until_late(const api::core::Service& parent, WallTime now);

/// The tenant's Service with the condition False; its addresses stay.
api::core::Service with_failure(const api::core::Service& tenant, const std::string& reason,
                                const std::string& message, WallTime now);

/// The tenant's Service without anything that a balancer gave it, the finalizer too.
api::core::Service without_balancer(const api::core::Service& tenant);

}  // namespace nestor::cloud
