#pragma once

#include "cli/node/layout.hpp"

namespace nestor::node {

/// What the machine must offer before anything is made. `running`: the node's supervisor lives,
/// so that its ports are rightly taken.
Result<> preflight(const Layout& layout, const Config& config, bool running);

}  // namespace nestor::node
