#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace nestor::controlplane {

/// The `offset`th address of a network in CIDR notation, IPv4 or IPv6: ("10.96.0.0/16", 10) is
/// "10.96.0.10". Errors: kInvalidArgument, kOutOfRange when the network is too small.
Result<std::string> nth_address(std::string_view cidr, std::uint32_t offset);

/// An IPv4 or IPv6 address in its one usual spelling, or "" when `text` is none.
std::string canonical_ip(std::string_view text);

}  // namespace nestor::controlplane
