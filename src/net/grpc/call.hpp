#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"

/// gRPC on our own event loop: docs/adr/0005-grpc.md. Source of the wire format:
/// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
namespace nestor::grpc {

/// Pairs of lower-case name and value. Values of names that end in "-bin" are base64, as on the
/// wire. Names that begin with ":" or "grpc-" are the protocol's own and not shown.
using Metadata = std::vector<std::pair<std::string, std::string>>;

/// The first value of that name, or "".
std::string_view find(const Metadata& metadata, std::string_view name);

/// Bounds of one connection, where nothing else is said.
struct Options {
  /// Bytes of one message; a larger one ends its call with kResourceExhausted.
  std::size_t max_message = 4 * 1024 * 1024;
  /// Bytes of one call that the peer may send ahead of the reader (HTTP/2 flow control).
  std::uint32_t window = 256 * 1024;
  /// Bytes of one call that wait for the peer; write() waits when there are more.
  std::size_t write_ahead = 128 * 1024;
  /// Calls at a time that a client may make.
  std::uint32_t max_calls = 10'000;
  /// After this long without a byte from the peer, it is asked for a sign of life. Zero: never.
  Duration keepalive_time = {};
  /// How long it may take to give it.
  Duration keepalive_timeout = std::chrono::seconds(20);
  /// A server closes a connection that has had no call for so long, at the latest after twice the
  /// time. Zero: never.
  Duration idle_timeout = {};
  /// What that time is measured by, which must outlive the server; the machine's clock if null.
  Clock* idle_clock = nullptr;
  /// Of all connections of a server: how many may be without a call, or not even through their
  /// handshake, at a time. Of more the oldest is closed.
  std::size_t max_idle_connections = std::numeric_limits<std::size_t>::max();
};

}  // namespace nestor::grpc
