#pragma once

#include <boost/describe/class.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json_convert.hpp"

/// What a volume's attachment pod and the machine's launcher say to each other: a JSON object a
/// line over a UNIX socket, a reply for each request, in order. When a read or write of the
/// volume fails, the launcher says so in a reply without a request, and closes the connection.
namespace nestor::vm {

/// In the launcher's pod; the attachment pods mount the same folder of the node.
inline constexpr std::string_view kHotplugFolder = "/run/nestor/hotplug";
inline constexpr std::string_view kHotplugSocket = "/run/nestor/hotplug/launcher.sock";

struct HotplugRequest {
  /// "attach" (with an open file: a raw image or a block device), "resize" or "detach".
  std::string action = {};
  /// The volume's name in the machine's spec.
  std::string name = {};
  std::string serial = {};
  std::optional<bool> readOnly = {};
  /// The file is a block device.
  std::optional<bool> block = {};
  /// Bytes, of "resize".
  std::optional<std::int64_t> size = {};
  friend bool operator==(const HotplugRequest&, const HotplugRequest&) = default;
};
BOOST_DESCRIBE_STRUCT(HotplugRequest, (), (action, name, serial, readOnly, block, size))

struct HotplugReply {
  std::optional<bool> ok = {};
  /// Why it is not.
  std::string error = {};
  /// No request's reply: the volume is in trouble. The connection's last.
  std::optional<bool> trouble = {};
};
BOOST_DESCRIBE_STRUCT(HotplugReply, (), (ok, error, trouble))

/// One line with its end.
template <class T>
std::string to_line(const T& message) {
  return to_text(to_json(message)) + "\n";
}
/// Errors: kInvalidArgument.
template <class T>
Result<T> from_line(std::string_view line) {
  NESTOR_TRY(const Json json, parse_json(line));
  return from_json<T>(json);
}

}  // namespace nestor::vm
