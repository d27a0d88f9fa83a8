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

/// The last line of `text` that says something, without the space after it; "" if none does.
inline std::string last_line(std::string_view text) {
  text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
  return std::string(text.substr(text.rfind('\n') + 1));
}

}  // namespace nestor
