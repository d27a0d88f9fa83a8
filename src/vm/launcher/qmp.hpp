#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.hpp"

/// The QEMU Machine Protocol without its I/O. Source: QEMU, docs/interop/qmp-spec.rst.
namespace nestor::vm {

/// The first message; commands are refused until `qmp_capabilities`.
struct QmpGreeting {
  /// "10.0.2", or "" when the greeting names none.
  std::string version;
};

/// The answer to the command with that id: its value, or why it failed.
struct QmpReply {
  std::int64_t id = 0;
  Result<Json> result;
};

/// What happened in the machine on its own, e.g. "SHUTDOWN" with {"guest": true, ...}.
struct QmpEvent {
  std::string name;
  Json data;
};

using QmpMessage = std::variant<QmpGreeting, QmpReply, QmpEvent>;

/// Cuts a byte stream into messages: one JSON object a line, in pieces of any size.
class QmpDecoder {
 public:
  /// A longer line ends the connection. Bytes.
  static constexpr std::size_t kMaxLine = 1024 * 1024;

  /// The messages completed by `bytes`; objects of unknown shape are skipped.
  /// Errors: kInvalidArgument (no JSON, or too long a line): the stream cannot be used any more.
  Result<std::vector<QmpMessage>> feed(std::string_view bytes);

 private:
  std::string rest_;
};

/// One command line, with its newline. `arguments` null: none.
std::string qmp_command(std::int64_t id, std::string_view name, const Json& arguments = nullptr);

}  // namespace nestor::vm
