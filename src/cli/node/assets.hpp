#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

/// Where upstream's programs, images and the chart of Nestor lie on this machine: the assets, a
/// directory with bin, cni, images and perhaps charts.
namespace nestor::node {

/// The places in which assets are looked for: $NESTOR_ASSETS alone where it is set, else beside the
/// executable as in a build (../assets, assets, ../../assets), as installed
/// (../share/nestor/assets), and /usr/share/nestor/assets.
std::vector<std::string> asset_places();

/// The assets: `given`, else the first place that has some. kNotFound: names all places.
Result<std::string> find_assets(const std::string& given);

/// A program of the assets that also works without them, such as helm: the path of the first that
/// is there, else the bare name, for PATH.
std::string find_program(const std::string& name);

/// The Helm chart: `given`, else charts/nestor in, beside or two levels above the assets.
/// kNotFound: says what to do instead.
Result<std::string> find_chart(const std::string& given, const std::string& assets);

}  // namespace nestor::node
