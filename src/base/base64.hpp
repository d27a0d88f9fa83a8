#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

/// Base64 of RFC 4648, as Secrets, kubeconfigs and tokens use it.
namespace nestor {

/// Standard alphabet with padding.
std::string base64_encode(std::string_view bytes);

/// Reads it and the URL-safe alphabet (JSON web tokens), padded or not; line ends are skipped.
/// Errors: kInvalidArgument (the text itself is not in the message: it may be a secret).
Result<std::string> base64_decode(std::string_view text);

}  // namespace nestor
