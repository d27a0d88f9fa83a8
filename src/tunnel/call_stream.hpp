#pragma once

#include <utility>

#include "tunnel/flow.hpp"

namespace nestor::tunnel {

/// Packets over a gRPC call, of either side. Whoever owns the call detaches it before its end; the
/// flows that still hold this then see a lost stream.
template <class Call>
class CallStream final : public PacketStream {
 public:
  explicit CallStream(Call& call) : call_(&call) {}

  void detach() { call_ = nullptr; }

  Task<> write(Packet packet) override {
    if (call_ == nullptr) co_return fail(Code::kUnavailable, "the tunnel is gone");
    if (auto* data = std::get_if<Data>(&packet)) {
      std::string head = encode_data_head(data->connect_id, data->bytes.size());
      co_return co_await call_->write(std::move(head), std::move(data->bytes));
    }
    std::string bytes = encode(std::move(packet));
    co_return co_await call_->write(std::move(bytes));
  }
  void post(Packet packet) override {
    if (call_ != nullptr) call_->post(encode(std::move(packet)));
  }

 private:
  Call* call_;
};

/// Detaches at the end of a scope.
template <class Call>
struct DetachAtEnd {
  CallStream<Call>& stream;
  ~DetachAtEnd() { stream.detach(); }
};

}  // namespace nestor::tunnel
