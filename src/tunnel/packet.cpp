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
  void operator()(Data& in) const {
    out.set_type(wire::DATA);
    auto& to = *out.mutable_data();
    to.set_connectid(in.connect_id);
    to.set_data(std::move(in.bytes));
  }
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

}  // namespace

std::string encode(Packet packet) {
  wire::Packet out;
  std::visit(Writer{out}, packet);
  return out.SerializeAsString();
}

Result<Packet> decode(const std::string& bytes) {
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
