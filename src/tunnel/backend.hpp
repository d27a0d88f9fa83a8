#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/signal.hpp"
#include "tunnel/agent_choice.hpp"
#include "tunnel/flow.hpp"

namespace nestor::tunnel {

/// One agent's stream, as the server sees it. Connection ids belong to the stream, not to the
/// agent: one that comes back starts anew.
class Backend : public std::enable_shared_from_this<Backend> {
 public:
  Backend(Clock& clock, std::shared_ptr<PacketStream> stream, std::string agent_id,
          Identifiers identifiers, bool credits, std::shared_ptr<FlowMemory> memory);

  const std::string& agent_id() const { return agent_id_; }
  const Identifiers& identifiers() const { return identifiers_; }
  bool draining() const { return draining_; }
  std::size_t connections() const { return flows_.size(); }

  /// Opens a connection to `address` on the agent's side. When the caller is cancelled the request
  /// is taken back. Errors: kUnavailable with the agent's reason.
  Task<std::shared_ptr<Flow>> dial(std::string protocol, std::string address);
  /// Ends a connection, at the agent too.
  void hang_up(Flow& flow);
  /// A packet of the agent. May wait, see Flow::deliver. Errors: the agent does what none does, and
  /// its stream is to be ended.
  Task<> on_packet(Packet packet);
  /// The stream is gone: every connection and dial ends.
  void lost();

 private:
  struct Dial;
  Result<> on_dial_response(DialResponse response);

  Clock& clock_;
  std::shared_ptr<PacketStream> stream_;
  const std::string agent_id_;
  const Identifiers identifiers_;
  const bool credits_;
  const std::shared_ptr<FlowMemory> memory_;
  bool draining_ = false;
  bool lost_ = false;
  std::int64_t next_dial_ = 1;
  std::map<std::int64_t, Dial*> dials_;
  /// Empty pointer: hung up, and the agent has not confirmed it yet.
  std::map<std::int64_t, std::shared_ptr<Flow>> flows_;
};

}  // namespace nestor::tunnel
