#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/clock.hpp"
#include "base/signal.hpp"
#include "tunnel/packet.hpp"

namespace nestor::tunnel {

/// The stream of packets between a server and an agent, as what is tunnelled through it sees it.
class PacketStream {
 public:
  virtual ~PacketStream() = default;
  /// Returns when there is room for more. Errors: those of the stream.
  virtual Task<> write(Packet packet) = 0;
  /// For small packets: does not wait.
  virtual void post(Packet packet) = 0;
};

/// Bytes of one connection that may be under way to an end that does not take them.
inline constexpr std::int64_t kFlowWindow = 1024 * 1024;
/// The most bytes that one Data packet should carry.
inline constexpr std::size_t kChunk = 64 * 1024;
/// How long a connection whose end takes nothing may hold up the stream of a peer without Credit.
inline constexpr Duration kCrowdedTimeout = std::chrono::seconds(5);

/// What all connections of a process may hold together. Bytes. An agent's pod may take 128 MiB.
inline constexpr std::int64_t kAgentFlowMemory = 64 * 1024 * 1024;
inline constexpr std::int64_t kServerFlowMemory = 256 * 1024 * 1024;

class Flow;

/// The memory that connections share: what came for them and was not taken yet. When it is used up,
/// the one that holds the most is closed. Thread: event loop.
class FlowMemory {
 public:
  explicit FlowMemory(std::int64_t limit) : limit_(limit) {}
  std::int64_t used() const { return used_; }

 private:
  friend class Flow;
  const std::int64_t limit_;
  std::int64_t used_ = 0;
  std::set<Flow*> flows_;
};

/// One tunnelled connection, at either end of the stream, with flow control of its own: a slow one
/// holds back its own sender and no other. With a peer that knows no Credit (upstream's), a full
/// connection holds up the stream for kCrowdedTimeout and is then closed.
/// Thread: event loop. Lifetime: shared; the stream is let go of by close().
class Flow {
 public:
  Flow(Clock& clock, std::shared_ptr<PacketStream> stream, std::int64_t id, bool credits,
       std::shared_ptr<FlowMemory> memory);
  ~Flow();
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;

  std::int64_t id() const { return id_; }

  /// Sends bytes to the other end, when it has room for them. Errors: kUnavailable (closed).
  Task<> send(std::string bytes);
  /// The next bytes from the other end, or nothing when it closed in order. Taking them makes room.
  /// Errors: why it was closed.
  Task<std::optional<std::string>> receive();

  /// For the reader of the stream: takes what came. May wait, see kCrowdedTimeout.
  Task<> deliver(std::string bytes);
  void add_credit(std::int64_t bytes);
  /// The other end is done: what was delivered can still be received.
  void finish();
  /// Ends both directions now. The first reason stays.
  void close(Error why);
  /// Returns once finish() or close() was called.
  Task<> ended();
  bool is_closed() const { return closed_.has_value() || finished_; }

 private:
  void give_back();
  /// Counts bytes that came, or (negative) went.
  void hold(std::int64_t bytes);

  Clock& clock_;
  std::shared_ptr<PacketStream> stream_;
  const std::int64_t id_;
  const bool credits_;
  const std::shared_ptr<FlowMemory> memory_;
  /// What may still be sent.
  std::int64_t window_ = kFlowWindow;
  std::deque<std::string> received_;
  std::int64_t received_bytes_ = 0;
  /// Taken, and not yet given back as credit.
  std::int64_t taken_ = 0;
  bool finished_ = false;
  std::optional<Error> closed_;
  Signal readable_;
  Signal room_;
  Signal window_open_;
  Signal ended_;
};

}  // namespace nestor::tunnel
