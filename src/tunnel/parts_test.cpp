#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "base/task_group.hpp"
#include "base/testing/co_test.hpp"
#include "base/testing/manual_clock.hpp"
#include "base/testing/seeded_random.hpp"
#include "tunnel/agent.hpp"
#include "tunnel/agent_choice.hpp"
#include "tunnel/flow.hpp"
#include "tunnel/packet.hpp"

namespace nestor::tunnel {
namespace {

template <class T>
T there_and_back(T packet) {
  const auto read = decode(encode(packet));
  EXPECT_TRUE(read);
  EXPECT_TRUE(std::holds_alternative<T>(*read));
  return std::get<T>(*read);
}

TEST(TunnelPacket, EveryTypeSurvivesTheTrip) {
  const auto request = there_and_back(DialRequest{"tcp", "10.0.0.1:443", -7});
  EXPECT_EQ(request.address, "10.0.0.1:443");
  EXPECT_EQ(request.random, -7);
  const auto response = there_and_back(DialResponse{"refused", 3, 4});
  EXPECT_EQ(response.error, "refused");
  EXPECT_EQ(response.connect_id, 3);
  EXPECT_EQ(response.random, 4);
  EXPECT_EQ(there_and_back(Data{5, std::string("a\0b", 3)}).bytes, std::string("a\0b", 3));
  EXPECT_EQ(there_and_back(CloseRequest{6}).connect_id, 6);
  EXPECT_EQ(there_and_back(CloseResponse{"x", 7}).error, "x");
  EXPECT_EQ(there_and_back(CloseDial{8}).random, 8);
  there_and_back(Drain{});
  const auto credit = there_and_back(Credit{9, 1000});
  EXPECT_EQ(credit.connect_id, 9);
  EXPECT_EQ(credit.bytes, 1000);
}

TEST(TunnelPacket, IsOnTheWireAsUpstreamWritesIt) {
  // type=DATA(4), field 4 (data): connectID=1, data="hi".
  EXPECT_EQ(encode(Data{1, "hi"}), std::string("\x08\x04\x22\x06\x08\x01\x1a\x02hi", 10));
  // As protobuf does: its own decoder reads what ours does not.
  const auto data = [](std::string_view bytes) {
    return std::get<Data>(decode(std::string(bytes)).value());
  };
  EXPECT_EQ(data({"\x08\x04\x22\x06\x1a\x02hi\x08\x01", 10}).bytes, "hi");
  EXPECT_EQ(data({"\x08\x04\x22\x09\x08\x01\x12\x01x\x1a\x02hi", 13}).bytes, "hi");
  EXPECT_EQ(data({"\x08\x04\x22\x02\x08\x05", 6}).connect_id, 5);
  const std::string large(70'000, 'l');
  EXPECT_EQ(encode(Data{300, large}).substr(0, 12),
            std::string("\x08\x04\x22\xf7\xa2\x04\x08\xac\x02\x1a\xf0\xa2", 12));
  EXPECT_TRUE(there_and_back(Data{300, large}).bytes == large);
  EXPECT_EQ(there_and_back(Data{-1, "x"}).connect_id, -1);
  EXPECT_FALSE(decode(std::string("\x08\x04\x22\x06\x08\x01\x1a\x03hi", 10)));
  EXPECT_FALSE(decode("\x08"));
  EXPECT_FALSE(decode(std::string("\x08\x32", 2)));
}

TEST(TunnelChoice, FollowsTheStrategiesInTheirOrder) {
  SeededRandom random;
  const auto a = parse_identifiers("ipv4=10.0.0.1&host=node-a").value();
  const auto b = parse_identifiers("host=node%2Db&default-route=true").value();
  const std::vector<Candidate> both{{&a}, {&b}};
  const auto strategies = parse_strategies("destHost,defaultRoute").value();
  EXPECT_EQ(choose_agent(both, strategies, "10.0.0.1", random), 0);
  EXPECT_EQ(choose_agent(both, strategies, "node-b", random), 1);
  EXPECT_EQ(choose_agent(both, strategies, "elsewhere", random), 1);
  EXPECT_EQ(choose_agent({{&a}}, strategies, "elsewhere", random), -1);
  EXPECT_FALSE(parse_strategies("default,other"));
  EXPECT_FALSE(parse_strategies(""));
  EXPECT_FALSE(parse_identifiers("color=red"));
}

TEST(TunnelChoice, SparesAnAgentThatDrains) {
  SeededRandom random;
  const Identifiers none;
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(choose_agent({{&none, true}, {&none}}, {Strategy::kDefault}, "x", random), 1);
  }
  EXPECT_EQ(choose_agent({{&none, true}}, {Strategy::kDefault}, "x", random), 0);
  EXPECT_EQ(choose_agent({}, {Strategy::kDefault}, "x", random), -1);
}

TEST(TunnelAgentDelay, GrowsToItsCap) {
  SeededRandom random;
  const Duration cap = std::chrono::seconds(10);
  Duration delay = std::chrono::seconds(1);
  for (int i = 0; i < 20; ++i) {
    const Duration next = next_delay(delay, cap, random);
    EXPECT_GE(next, std::min(delay + delay / 2, cap));
    EXPECT_LE(next, cap + cap / 10);
    delay = std::min(next, cap);
  }
  EXPECT_EQ(delay, cap);
}

/// Keeps what is sent.
class Recorder final : public PacketStream {
 public:
  Task<> write(Packet packet) override {
    packets.push_back(std::move(packet));
    co_return Result<>{};
  }
  void post(Packet packet) override { packets.push_back(std::move(packet)); }
  std::vector<Packet> packets;
};

class TunnelFlow : public testing::Test {
 protected:
  void TearDown() override { run_coroutine(io_, tasks_.close()); }

  std::shared_ptr<Flow> make(bool credits) {
    return std::make_shared<Flow>(clock_, stream_, 1, credits, memory_);
  }

  Task<> send_chunks(std::shared_ptr<Flow> flow, int count) {
    for (int i = 0; i < count; ++i) {
      std::string chunk(kChunk, 'c');
      last_ = co_await flow->send(std::move(chunk));
      if (!last_) co_return Result<>{};
      ++sent_;
    }
    co_return Result<>{};
  }

  Task<> deliver_chunks(std::shared_ptr<Flow> flow, int count) {
    for (int i = 0; i < count; ++i) {
      std::string chunk(kChunk, 'c');
      last_ = co_await flow->deliver(std::move(chunk));
      if (!last_) co_return Result<>{};
      ++sent_;
    }
    co_return Result<>{};
  }

  std::size_t receive(std::shared_ptr<Flow> flow) {
    const auto bytes = run_coroutine<std::optional<std::string>>(io_, flow->receive());
    return bytes && *bytes ? (*bytes)->size() : 0;
  }

  static constexpr int kFull = static_cast<int>(kFlowWindow / kChunk);
  asio::io_context io_;
  ManualClock clock_{io_.get_executor()};
  std::shared_ptr<Recorder> stream_ = std::make_shared<Recorder>();
  std::shared_ptr<FlowMemory> memory_ = std::make_shared<FlowMemory>(10 * kFlowWindow);
  int sent_ = 0;
  Result<> last_;
  TaskGroup tasks_{io_.get_executor()};
};

TEST_F(TunnelFlow, SenderWaitsForCredit) {
  const auto flow = make(true);
  tasks_.spawn("send", send_chunks(flow, kFull + 2));
  settle(io_);
  EXPECT_EQ(sent_, kFull);
  flow->add_credit(1);
  settle(io_);
  EXPECT_EQ(sent_, kFull + 1);
  flow->close({Code::kUnavailable, "gone", {}});
  settle(io_);
  EXPECT_EQ(sent_, kFull + 1);
  EXPECT_EQ(last_.error().message, "gone");
}

TEST_F(TunnelFlow, MoreCreditThanTheWindowCountsAsTheWindow) {
  const auto flow = make(true);
  for (int i = 0; i < 3; ++i) flow->add_credit(std::numeric_limits<std::int64_t>::max());
  flow->add_credit(std::numeric_limits<std::int64_t>::min());
  tasks_.spawn("send", send_chunks(flow, kFull + 2));
  settle(io_);
  EXPECT_EQ(sent_, kFull);
}

TEST_F(TunnelFlow, SenderNeedsNoCreditOfAnUpstreamPeer) {
  const auto flow = make(false);
  tasks_.spawn("send", send_chunks(flow, 3 * kFull));
  settle(io_);
  EXPECT_EQ(sent_, 3 * kFull);
}

TEST_F(TunnelFlow, ReceiverGivesCreditForWhatItHasTaken) {
  const auto flow = make(true);
  tasks_.spawn("deliver", deliver_chunks(flow, kFull));
  settle(io_);
  for (int i = 0; i < kFull / 4; ++i) EXPECT_EQ(receive(flow), kChunk);
  EXPECT_TRUE(stream_->packets.empty());
  EXPECT_EQ(receive(flow), kChunk);
  ASSERT_EQ(stream_->packets.size(), 1U);
  EXPECT_EQ(std::get<Credit>(stream_->packets[0]).bytes, kFlowWindow / 4);
}

TEST_F(TunnelFlow, PeerThatIgnoresItsCreditIsCutOff) {
  const auto flow = make(true);
  tasks_.spawn("deliver", deliver_chunks(flow, 6 * kFull));
  settle(io_);
  EXPECT_TRUE(flow->is_closed());
}

TEST_F(TunnelFlow, ConnectionsThatTakeNothingHoldNoMoreThanThereIsForAll) {
  std::vector<std::shared_ptr<Flow>> stalled;
  for (int i = 0; i < 10; ++i) {
    stalled.push_back(make(true));
    tasks_.spawn("deliver", deliver_chunks(stalled.back(), kFull));
  }
  settle(io_);
  EXPECT_EQ(memory_->used(), 10 * kFlowWindow);
  const auto lively = make(true);
  for (int i = 0; i < 100; ++i) {
    run_coroutine(io_, lively->deliver("x"));
    EXPECT_EQ(receive(lively), 1U);
  }
  EXPECT_FALSE(lively->is_closed());
  EXPECT_EQ(std::ranges::count_if(stalled, [](const auto& flow) { return flow->is_closed(); }), 1);
  EXPECT_LE(memory_->used(), 9 * kFlowWindow);
  stalled.clear();
  EXPECT_EQ(memory_->used(), 0);
}

TEST_F(TunnelFlow, FullConnectionOfAnUpstreamPeerIsClosedAfterAWhile) {
  const auto flow = make(false);
  tasks_.spawn("deliver", deliver_chunks(flow, kFull + 2));
  settle(io_);
  EXPECT_EQ(sent_, kFull);
  EXPECT_FALSE(flow->is_closed());
  clock_.advance(kCrowdedTimeout);
  settle(io_);
  EXPECT_TRUE(flow->is_closed());
  EXPECT_EQ(sent_, kFull + 2);
}

TEST_F(TunnelFlow, FullConnectionGoesOnWhenSomethingIsTaken) {
  const auto flow = make(false);
  tasks_.spawn("deliver", deliver_chunks(flow, kFull + 1));
  settle(io_);
  EXPECT_EQ(sent_, kFull);
  EXPECT_EQ(receive(flow), kChunk);
  settle(io_);
  EXPECT_EQ(sent_, kFull + 1);
  clock_.advance(kCrowdedTimeout);
  settle(io_);
  EXPECT_FALSE(flow->is_closed());
}

TEST_F(TunnelFlow, WhatCameBeforeTheEndIsReceived) {
  const auto flow = make(true);
  tasks_.spawn("deliver", deliver_chunks(flow, 2));
  settle(io_);
  flow->finish();
  EXPECT_EQ(receive(flow), kChunk);
  EXPECT_EQ(receive(flow), kChunk);
  const auto end = run_coroutine<std::optional<std::string>>(io_, flow->receive());
  ASSERT_TRUE(end);
  EXPECT_FALSE(*end);
}

}  // namespace
}  // namespace nestor::tunnel
