#pragma once

#include <string>
#include <string_view>

#include "kube/runtime.hpp"

/// Addresses for Services of type LoadBalancer of the management cluster.
namespace nestor::cloud {

/// Services with this class, or without any, get their address from the pool.
inline constexpr std::string_view kPoolClass = "nestor.dev/pool";
/// On a Service: the address it wants. Honoured if it is in the range and free.
inline constexpr std::string_view kAddressAnnotation = "nestor.dev/load-balancer-address";

/// A range of IPv4 addresses, both ends included, that reach the cluster's nodes.
struct PoolOptions {
  std::string first;
  std::string last;
};

/// Adds the controller "address-pool", which writes status.loadBalancer. It keeps no state: what
/// the Services hold is what is taken. An unreadable range is logged, and nothing is added.
void add_address_pool(kube::Runtime& runtime, PoolOptions options);

}  // namespace nestor::cloud
