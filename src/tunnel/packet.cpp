#include "tunnel/packet.hpp"

#include <array>
#include <utility>

#include "konnectivity.pb.h"

namespace nestor::tunnel {

namespace {

namespace wire = konnectivity;

/// Beside upstream's 0..6, as proto3 allows.
constexpr auto kCreditType = static_cast<wire::PacketType>(100);

struct Writer {
  wire::Packet& out;

  void operator()(DialRequest& in) const {
    out.set_type(wire::DIAL_REQ);
    auto& to = *out.mutable_dialrequest();
    to.set_protocol(std::move(in.protocol));
    to.set_address(std::move(in.address));
    to.set_random(in.random);
  }
  void operator()(DialResponse& in) const {
    out.set_type(wire::DIAL_RSP);
    auto& to = *out.mutable_dialresponse();
    to.set_error(std::move(in.error));
    to.set_connectid(in.connect_id);
    to.set_random(in.random);
  }
  void operator()(Data&) const {}
  void operator()(CloseRequest& in) const {
    out.set_type(wire::CLOSE_REQ);
    out.mutable_closerequest()->set_connectid(in.connect_id);
  }
  void operator()(CloseResponse& in) const {
    out.set_type(wire::CLOSE_RSP);
    auto& to = *out.mutable_closeresponse();
    to.set_error(std::move(in.error));
    to.set_connectid(in.connect_id);
  }
  void operator()(CloseDial& in) const {
    out.set_type(wire::DIAL_CLS);
    out.mutable_closedial()->set_random(in.random);
  }
  void operator()(Drain&) const {
    out.set_type(wire::DRAIN);
    out.mutable_drain();
  }
  void operator()(Credit& in) const {
    out.set_type(kCreditType);
    auto& to = *out.mutable_dialresponse();
    to.set_connectid(in.connect_id);
    to.set_random(in.bytes);
  }
};

// Data packets are many and large. Protobuf would copy their bytes twice on each way, so they are
// written, and read when they look as all ends write them, by hand: the packet's type, then its
// field 4 with the connection and the bytes.
constexpr std::string_view kDataStart("\x08\x04\x22", 3);
constexpr char kIdTag = 0x08;
constexpr char kBytesTag = 0x1a;

void put_varint(std::string& to, std::uint64_t value) {
  for (; value > 127; value >>= 7) to += static_cast<char>((value & 127) | 128);
  to += static_cast<char>(value);
}

/// Takes a number from the front. False when there is none.
bool take_varint(std::string_view& from, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !from.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(from.front());
    from.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 127) << shift;
    if (byte < 128) return true;
  }
  return false;
}

bool take_tag(std::string_view& from, char tag) {
  if (from.empty() || from.front() != tag) return false;
  from.remove_prefix(1);
  return true;
}

/// Whether it is a Data packet of the usual shape; then `bytes` are those at its end.
bool read_data(std::string_view packet, std::int64_t& connect_id, std::size_t& bytes) {
  if (!packet.starts_with(kDataStart)) return false;
  packet.remove_prefix(kDataStart.size());
  std::uint64_t size = 0;
  std::uint64_t id = 0;
  if (!take_varint(packet, size) || size != packet.size()) return false;
  if (!take_tag(packet, kIdTag) || !take_varint(packet, id)) return false;
  if (!take_tag(packet, kBytesTag) || !take_varint(packet, size) || size != packet.size()) {
    return false;
  }
  connect_id = static_cast<std::int64_t>(id);
  bytes = packet.size();
  return true;
}

}  // namespace

std::string encode_data_head(std::int64_t connect_id, std::size_t size) {
  std::string inner(1, kIdTag);
  put_varint(inner, static_cast<std::uint64_t>(connect_id));
  inner += kBytesTag;
  put_varint(inner, size);
  std::string out(kDataStart);
  put_varint(out, inner.size() + size);
  return out + inner;
}

std::string encode(Packet packet) {
  if (const auto* data = std::get_if<Data>(&packet)) {
    return encode_data_head(data->connect_id, data->bytes.size()) + data->bytes;
  }
  wire::Packet out;
  std::visit(Writer{out}, packet);
  return out.SerializeAsString();
}

Result<Packet> decode(std::string bytes) {
  std::int64_t connect_id = 0;
  std::size_t count = 0;
  if (read_data(bytes, connect_id, count)) {
    bytes.erase(0, bytes.size() - count);
    return Data{connect_id, std::move(bytes)};
  }
  wire::Packet in;
  if (!in.ParseFromString(bytes)) return fail(Code::kInvalidArgument, "unreadable packet");
  switch (in.type()) {
    case wire::DIAL_REQ: {
      const auto& from = in.dialrequest();
      return DialRequest{from.protocol(), from.address(), from.random()};
    }
    case wire::DIAL_RSP: {
      const auto& from = in.dialresponse();
      return DialResponse{from.error(), from.connectid(), from.random()};
    }
    case wire::CLOSE_REQ:
      return CloseRequest{in.closerequest().connectid()};
    case wire::CLOSE_RSP:
      return CloseResponse{in.closeresponse().error(), in.closeresponse().connectid()};
    case wire::DATA:
      return Data{in.data().connectid(), std::move(*in.mutable_data()->mutable_data())};
    case wire::DIAL_CLS:
      return CloseDial{in.closedial().random()};
    case wire::DRAIN:
      return Drain{};
    case kCreditType:
      return Credit{in.dialresponse().connectid(), in.dialresponse().random()};
    default:
      return fail(Code::kInvalidArgument, "unknown packet type " + std::to_string(in.type()));
  }
}

std::string_view type_name(const Packet& packet) {
  constexpr std::array<std::string_view, std::variant_size_v<Packet>> kNames{
      "DIAL_REQ", "DIAL_RSP", "DATA", "CLOSE_REQ", "CLOSE_RSP", "DIAL_CLS", "DRAIN", "CREDIT"};
  return kNames[packet.index()];
}

}  // namespace nestor::tunnel
