#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"

/// Konnectivity: how an API server reaches nodes that it has no route to. An agent beside the nodes
/// dials out to the server beside the API server, and the API server's connections go back through
/// that one stream.
/// Source of the protocol: sigs.k8s.io/apiserver-network-proxy, proto/.
namespace nestor::tunnel {

/// Open a connection. `random` names the request until it has a connection id.
struct DialRequest {
  std::string protocol = "tcp";
  std::string address = {};
  std::int64_t random = 0;
};
struct DialResponse {
  /// "" when connected.
  std::string error = {};
  /// Chosen by the agent, unique in its stream.
  std::int64_t connect_id = 0;
  std::int64_t random = 0;
};
struct Data {
  std::int64_t connect_id = 0;
  std::string bytes = {};
};
struct CloseRequest {
  std::int64_t connect_id = 0;
};
/// Answers a CloseRequest, or says that a connection ended by itself.
struct CloseResponse {
  std::string error = {};
  std::int64_t connect_id = 0;
};
/// Takes a DialRequest back.
struct CloseDial {
  std::int64_t random = 0;
};
/// The agent is about to leave: new connections should go to others.
struct Drain {};
/// Nestor's own, sent only when both ends said `kCreditHeader`: so many more bytes of the
/// connection may follow. On the wire a DialResponse under a packet type that upstream does not
/// have.
struct Credit {
  std::int64_t connect_id = 0;
  std::int64_t bytes = 0;
};

using Packet = std::variant<DialRequest, DialResponse, Data, CloseRequest, CloseResponse, CloseDial,
                            Drain, Credit>;

/// Metadata by which an end says that it knows Credit; its value is "1".
inline constexpr std::string_view kCreditHeader = "nestor-credit";

std::string encode(Packet packet);
/// What stands before the `size` bytes of a Data packet.
std::string encode_data_head(std::int64_t connect_id, std::size_t size);
/// Errors: kInvalidArgument (unreadable, or of an unknown type).
Result<Packet> decode(std::string bytes);

/// The type as upstream's metrics spell it: "DIAL_REQ".
std::string_view type_name(const Packet& packet);

}  // namespace nestor::tunnel
