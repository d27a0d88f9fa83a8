#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace nestor {

/// What errno tells, as "WHAT: reason": kNotFound, kPermissionDenied or kAlreadyExists where they
/// fit, else kInternal.
std::unexpected<Error> system_failure(std::string_view what);

/// All of a file, which may be one of the kernel's. Blocking. Errors: those of system_failure().
Result<std::string> read_file(const std::string& path);

}  // namespace nestor
