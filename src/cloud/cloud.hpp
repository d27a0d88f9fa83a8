#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "cloud/address_pool.hpp"
#include "kube/runtime.hpp"
#include "tenant/sessions.hpp"

/// What a cloud does for its clusters: the life of tenants' Nodes, load balancers for their
/// Services, and addresses for those of the management cluster.
namespace nestor::cloud {

struct Options {
  /// Whether Nodes get the zone and region of the management node that their machine runs on; the
  /// manager must then be allowed to watch nodes.
  bool zones = true;
  /// Whether load balancers of the management cluster need node ports. The embedded pool does not,
  /// and there are fewer of them than tenants' Services may be.
  bool node_ports = true;
  /// Load balancers that one tenant may have, at least 1. Each takes an address, and with
  /// externalTrafficPolicy Local a node port of the management cluster.
  std::size_t max_load_balancers = 32;
  /// Annotations of tenants' Services that their load balancers have too: keys, or what keys begin
  /// with, ended by "*". What acts on them has the management cluster's rights. Always passed on:
  /// kAddressAnnotation.
  std::vector<std::string> passed_annotations = {};
};

/// Adds the controllers "cloud.node" and "cloud.load-balancer", which serve all tenants.
void add_controllers(kube::Runtime& runtime, tenant::Sessions& sessions, Options options);

/// Services with this class, or without any, get their address from the pool.
inline constexpr std::string_view kPoolClass = "nestor.dev/pool";
/// On a Service: the address it wants, or none at all. spec.loadBalancerIP says the same.
inline constexpr std::string_view kAddressAnnotation = "nestor.dev/load-balancer-address";

/// Adds the controller "address-pool", which writes status.loadBalancer. It keeps no state: what
/// the Services hold is what is taken.
void add_address_pool(kube::Runtime& runtime, AddressPool pool);

}  // namespace nestor::cloud
