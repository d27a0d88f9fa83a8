#pragma once

#include "cli/node/layout.hpp"

/// What makes process 1's fresh namespaces a machine of its own. Called inside them only.
namespace nestor::node {

/// Mounts: nothing made here is seen outside, nothing of /etc, /run and /var/lib outside is
/// changed from inside.
Result<> make_mounts(const Layout& layout, const Config& config);

/// Loopback, the bridge with the node's address, and routes that let no packet out.
Result<> make_network();

/// Host name, resolver, hosts; configuration of containerd and of the pod network.
Result<> make_files(const Config& config);

}  // namespace nestor::node
