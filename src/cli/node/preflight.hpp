#pragma once

#include <string>

#include "cli/node/layout.hpp"

namespace nestor::node {

/// The directory with bin, cni and images: `given`, else $NESTOR_ASSETS, else ../assets beside
/// the executable, else the executable's own directory's assets, else /usr/share/nestor/assets.
/// kNotFound: names all places that were tried.
Result<std::string> find_assets(const std::string& given);

/// The Helm chart: `given`, else charts/nestor in, beside or two levels above the assets. Empty
/// when there is none and none was asked for.
Result<std::string> find_chart(const std::string& given, const std::string& assets);

/// What the machine must offer before anything is made. `running`: the node's supervisor lives,
/// so that its ports are rightly taken.
Result<> preflight(const Layout& layout, const Config& config, bool running);

}  // namespace nestor::node
