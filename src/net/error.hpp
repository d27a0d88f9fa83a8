#pragma once

#include <boost/system/error_code.hpp>
#include <string_view>

#include "base/result.hpp"

/// Inner part of net/http.hpp.
namespace nestor::net {

/// An Asio error as ours: kCancelled for an aborted operation, kUnavailable for what a new try may
/// mend, with "what: " in front.
std::unexpected<Error> network_failure(std::string_view what, boost::system::error_code error);

}  // namespace nestor::net
