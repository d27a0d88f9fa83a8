#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vm/fence.hpp"
#include "vm/launcher/network.hpp"

/// A fence as input of `nft -f -`: table `bridge nestor` of the pod's network namespace, between
/// the guest's tap0 and everything else. Pure functions. It needs no connection tracking of the
/// bridge family, which many kernels are built without: TCP is held by its first segment, and the
/// answers of UDP by a set of what was asked lately.
namespace nestor::vm {

/// What is fixed for the life of a machine.
struct Fence {
  std::string mac;
  /// The guest's own, without prefix length.
  std::vector<std::string> addresses;
  std::vector<std::string> closed;
  std::vector<std::string> open;
  /// Asked at port 53 only.
  std::vector<std::string> resolvers;
};

/// `options` with what the pod shows: its own networks, gateways, node and API server are closed.
/// `host_addresses` is a list with commas. Errors: kInvalidArgument for an option that is no CIDR.
Result<Fence> make_fence(const FenceOptions& options, const PodLink& link, const Dns& dns,
                         std::string_view host_addresses, std::string_view api_address);

/// Everything, with nothing in the sets that `fence_update` fills. Replaces an older table at once.
std::string fence_rules(const Fence& fence);

/// Replaces what the machine may reach, in one transaction. What is no address is left out.
std::string fence_update(const FenceAccess& access);

}  // namespace nestor::vm
