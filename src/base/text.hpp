#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nestor {

/// {"a", "b"} is "a,b".
inline std::string joined(const std::vector<std::string>& parts, std::string_view separator = ",") {
  std::string out;
  for (const std::string& part : parts) {
    if (&part != &parts.front()) out += separator;
    out += part;
  }
  return out;
}

}  // namespace nestor
