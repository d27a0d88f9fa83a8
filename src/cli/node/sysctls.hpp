#pragma once

#include <string>

#include "base/result.hpp"

namespace nestor::node {

/// Values of the kernel that the node needs for the whole machine. They are raised while at
/// least one node exists and put back when the last one has gone.
///
/// The record of what was there before is /run/nestor.sysctls, shared by all nodes and written
/// before the first change. /run is empty after a reboot, as are the changes.

/// Raises what is too low in the name of that state directory.
Result<> raise_sysctls(const std::string& state_dir);

/// Takes that state directory out of the record and puts the values back if it was the last.
Result<> restore_sysctls(const std::string& state_dir);

}  // namespace nestor::node
