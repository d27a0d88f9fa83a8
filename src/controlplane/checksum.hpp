#pragma once

#include <map>
#include <string>
#include <string_view>

namespace nestor::controlplane {

/// MD5 in lower-case hexadecimal. A change mark that fits a label value and agrees with what other
/// tools of these kinds compute; it protects nothing.
std::string md5_hex(std::string_view data);

/// The mark of a Secret or ConfigMap: over its values (as bytes, not base64) in key order.
std::string checksum(const std::map<std::string, std::string>& values);

}  // namespace nestor::controlplane
