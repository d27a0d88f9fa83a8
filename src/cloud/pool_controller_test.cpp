#include "cloud/pool_controller.hpp"

#include <gtest/gtest.h>

#include "api/core/service.hpp"
#include "base/process.hpp"
#include "base/testing/co_test.hpp"
#include "base/testing/manual_clock.hpp"
#include "cloud/cloud.hpp"
#include "kube/testing/fake_client.hpp"

namespace nestor::cloud {
namespace {

using api::core::Service;

/// The controller with a pool of two addresses against an API server in memory.
class PoolTest : public ::testing::Test {
 protected:
  PoolTest() {
    add_address_pool(runtime_, AddressPool::parse("10.9.0.1-10.9.0.2").value());
    runtime_.start();
    settle(io_);
  }
  ~PoolTest() override { run_coroutine(io_, runtime_.close()); }

  void put(std::string name, std::string type = "LoadBalancer") {
    Service service = client_.peek<Service>({"default", name}).value_or(Service{});
    service.metadata.name = std::move(name);
    service.metadata.namespace_ = "default";
    service.spec.type = std::move(type);
    client_.put(service);
  }
  std::string address(const std::string& name) {
    const auto service = client_.peek<Service>({"default", name});
    if (!service || service->status.loadBalancer.ingress.empty()) return "";
    return service->status.loadBalancer.ingress[0].ip;
  }

  asio::io_context io_;
  ManualClock clock_{io_.get_executor()};
  kube::testing::FakeClient client_{&clock_};
  std::unique_ptr<ProcessRunner> processes_ = make_process_runner(io_.get_executor());
  kube::Runtime runtime_{io_.get_executor(), client_, clock_, *processes_, "test"};
};

TEST_F(PoolTest, GivesServicesMadeTogetherDifferentAddresses) {
  put("a");
  put("b");
  settle(io_);
  EXPECT_EQ(address("a"), "10.9.0.1");
  EXPECT_EQ(address("b"), "10.9.0.2");
  const auto service = client_.peek<Service>({"default", "a"});
  EXPECT_EQ(service->status.loadBalancer.ingress[0].ipMode, "VIP");
}

TEST_F(PoolTest, AServiceThatFoundNoneGetsTheFirstThatIsFreed) {
  put("a");
  put("b");
  put("c");
  settle(io_);
  EXPECT_EQ(address("c"), "");
  const auto waiting = client_.peek<Service>({"default", "c"});
  EXPECT_EQ(waiting->status.conditions.at(0).reason, "NoAddressLeft");
  client_.erase(Service::kType, {"default", "a"});
  settle(io_);
  EXPECT_EQ(address("c"), "10.9.0.1");
  EXPECT_EQ(client_.peek<Service>({"default", "c"})->status.conditions.at(0).status, "True");
}

TEST_F(PoolTest, SaysOnceThatNoneIsLeft) {
  put("a");
  put("b");
  put("c");
  settle(io_);
  client_.clear_calls();
  Service changed = client_.peek<Service>({"default", "c"}).value();
  changed.metadata.labels["x"] = "y";
  client_.put(changed);
  settle(io_);
  EXPECT_EQ(client_.count("", "events"), 0U);
  EXPECT_EQ(client_.count("patch"), 0U);
}

TEST_F(PoolTest, OneThatLosesItsAddressTakesNoneThatIsInUse) {
  put("a");
  put("b");
  settle(io_);
  clock_.advance(std::chrono::seconds(2));
  // Shows another's address, as after a restore.
  Service late = client_.peek<Service>({"default", "b"}).value();
  late.metadata = {};
  late.metadata.name = "c";
  late.metadata.namespace_ = "default";
  client_.put(late);
  settle(io_);
  EXPECT_EQ(address("a"), "10.9.0.1");
  EXPECT_EQ(address("b"), "10.9.0.2");
  EXPECT_NE(address("c"), "10.9.0.1");
  EXPECT_EQ(client_.peek<Service>({"default", "c"})->status.conditions.at(0).reason,
            "NoAddressLeft");
}

TEST_F(PoolTest, AForeignExternalIpTakesNoAddressAway) {
  put("thief", "ClusterIP");
  settle(io_);
  clock_.advance(std::chrono::seconds(2));
  put("a");
  settle(io_);
  Service thief = client_.peek<Service>({"default", "thief"}).value();
  thief.spec.externalIPs = {"10.9.0.1"};
  client_.put(thief);
  Service changed = client_.peek<Service>({"default", "a"}).value();
  changed.metadata.labels["x"] = "y";
  client_.put(changed);
  settle(io_);
  EXPECT_EQ(address("a"), "10.9.0.1");
  // Nor is such an address given to another.
  put("b");
  settle(io_);
  EXPECT_EQ(address("b"), "10.9.0.2");
}

TEST_F(PoolTest, AServiceThatChangesItsTypeFreesItsAddress) {
  put("a");
  put("b");
  put("c");
  settle(io_);
  put("b", "ClusterIP");
  settle(io_);
  EXPECT_EQ(address("b"), "");
  EXPECT_EQ(address("c"), "10.9.0.2");
}

TEST_F(PoolTest, LeavesOtherTypesAlone) {
  put("a", "ClusterIP");
  settle(io_);
  EXPECT_EQ(address("a"), "");
}

}  // namespace
}  // namespace nestor::cloud
