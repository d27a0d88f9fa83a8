#pragma once

#include <string>

#include "base/result.hpp"

namespace nestor::node {

/// Makes the control group in every hierarchy that is mounted (version 1, 2 or both).
Result<> make_cgroups(const std::string& name);

/// Kills what is still in it, then removes it and all below it from every hierarchy.
Result<> remove_cgroups(const std::string& name);

}  // namespace nestor::node
