#include "kube/leader.hpp"

#include <gtest/gtest.h>

#include "base/task_group.hpp"
#include "base/testing/co_test.hpp"
#include "base/testing/manual_clock.hpp"
#include "kube/lease.hpp"
#include "kube/testing/fake_client.hpp"

namespace nestor::kube {
namespace {

using std::chrono::seconds;
using testing::FakeClient;

constexpr ResourceType kLease{"coordination.k8s.io", "v1", "Lease", "leases"};
const ObjectKey kKey{"system", "nestor"};

struct Candidate {
  Candidate(asio::io_context& io, FakeClient& client_in, Clock& clock_in, std::string name)
      : client(client_in), clock(clock_in), identity(std::move(name)), tasks(io.get_executor()) {
    tasks.spawn(identity, run());
  }
  Task<> run() {
    LeaderOptions options{"system", "nestor", identity};
    std::function<void()> started = [this] { ++starts; };
    end = co_await lead(client, clock, std::move(options), std::move(started));
    co_return Result<>();
  }

  FakeClient& client;
  Clock& clock;
  std::string identity;
  int starts = 0;
  std::optional<Result<>> end;
  TaskGroup tasks;
};

class LeaderTest : public ::testing::Test {
 protected:
  void pass(seconds time) {
    for (; time > seconds(0); time -= seconds(1)) {
      clock_.advance(seconds(1));
      settle(io_);
    }
  }
  std::string holder() const {
    return std::string(find_string(*client_.peek(kLease, kKey), {"spec", "holderIdentity"}));
  }

  asio::io_context io_;
  ManualClock clock_{io_.get_executor()};
  FakeClient client_{&clock_};
};

TEST_F(LeaderTest, OneOfTwoLeadsAndKeepsLeading) {
  Candidate one(io_, client_, clock_, "one");
  settle(io_);
  Candidate two(io_, client_, clock_, "two");
  pass(seconds(120));
  EXPECT_EQ(one.starts, 1);
  EXPECT_EQ(two.starts, 0);
  EXPECT_EQ(holder(), "one");
  EXPECT_FALSE(one.end.has_value());
  run_coroutine(io_, one.tasks.close());
  run_coroutine(io_, two.tasks.close());
}

TEST_F(LeaderTest, ReleasesTheLeaseWhenStopped) {
  Candidate one(io_, client_, clock_, "one");
  settle(io_);
  Candidate two(io_, client_, clock_, "two");
  settle(io_);
  run_coroutine(io_, one.tasks.close());
  EXPECT_EQ(holder(), "");
  ASSERT_TRUE(one.end.has_value());
  EXPECT_EQ(one.end->error().code, Code::kCancelled);
  pass(seconds(2));
  EXPECT_EQ(two.starts, 1);
  EXPECT_EQ(holder(), "two");
  run_coroutine(io_, two.tasks.close());
}

TEST_F(LeaderTest, TakesOverFromOneThatDied) {
  Candidate two(io_, client_, clock_, "two");
  Json foreign = LeaseKeeper({"system", "nestor", "dead"}).first(clock_.now());
  client_.put(kLease, foreign);
  settle(io_);
  pass(seconds(14));
  EXPECT_EQ(two.starts, 0);
  pass(seconds(3));
  EXPECT_EQ(two.starts, 1);
  const auto lease = client_.peek(kLease, kKey);
  EXPECT_EQ(find(*lease, {"spec", "leaseTransitions"})->to_number<int>(), 1);
  run_coroutine(io_, two.tasks.close());
}

TEST_F(LeaderTest, LosesTheLeaseWhenItCannotBeRenewed) {
  Candidate one(io_, client_, clock_, "one");
  settle(io_);
  ASSERT_EQ(one.starts, 1);
  client_.fail_next("", {Code::kUnavailable, "refused", {}}, 1000);
  pass(seconds(9));
  EXPECT_FALSE(one.end.has_value());
  pass(seconds(3));
  ASSERT_TRUE(one.end.has_value());
  EXPECT_EQ(one.end->error().code, Code::kAborted);
  run_coroutine(io_, one.tasks.close());
}

TEST_F(LeaderTest, TheLeaseCountsFromBeforeItWasTaken) {
  client_.on_call([this](const testing::FakeCall& call) -> std::optional<Error> {
    // An answer that takes long.
    if (call.verb == "create") clock_.advance(seconds(8));
    return std::nullopt;
  });
  Candidate one(io_, client_, clock_, "one");
  settle(io_);
  ASSERT_EQ(one.starts, 1);
  client_.fail_next("", {Code::kUnavailable, "refused", {}}, 1000);
  pass(seconds(3));
  ASSERT_TRUE(one.end.has_value());
  EXPECT_EQ(one.end->error().code, Code::kAborted);
  run_coroutine(io_, one.tasks.close());
}

TEST_F(LeaderTest, LosesTheLeaseWhenAnotherTookIt) {
  Candidate one(io_, client_, clock_, "one");
  settle(io_);
  Json lease = *client_.peek(kLease, kKey);
  lease.as_object()["spec"].as_object()["holderIdentity"] = "thief";
  client_.put(kLease, lease);
  pass(seconds(2));
  ASSERT_TRUE(one.end.has_value());
  EXPECT_EQ(one.end->error().code, Code::kAborted);
  EXPECT_EQ(holder(), "thief");
  run_coroutine(io_, one.tasks.close());
}

TEST_F(LeaderTest, SurvivesAShortOutage) {
  Candidate one(io_, client_, clock_, "one");
  settle(io_);
  client_.fail_next("", {Code::kUnavailable, "refused", {}}, 3);
  pass(seconds(60));
  EXPECT_FALSE(one.end.has_value());
  EXPECT_EQ(one.starts, 1);
  run_coroutine(io_, one.tasks.close());
}

TEST(MicroTime, HasSixDigits) {
  const WallTime time = WallTime(seconds(5)) + std::chrono::microseconds(42);
  EXPECT_EQ(format_micro_time(time), "1970-01-01T00:00:05.000042Z");
}

}  // namespace
}  // namespace nestor::kube
