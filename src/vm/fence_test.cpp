#include "vm/fence.hpp"

#include <gtest/gtest.h>

#include "base/json_convert.hpp"
#include "base/process.hpp"
#include "base/testing/co_test.hpp"
#include "base/testing/manual_clock.hpp"
#include "kube/testing/fake_client.hpp"
#include "vm/fence_controller.hpp"

namespace nestor::vm {
namespace {

using api::core::Pod;
using api::core::Service;

Pod launcher(std::string name, std::string cluster, std::string ip, std::string ns = "tenants") {
  Pod pod;
  pod.metadata.name = std::move(name);
  pod.metadata.namespace_ = std::move(ns);
  pod.metadata.labels = {{"kubevirt.io", "virt-launcher"},
                         {"cluster.x-k8s.io/cluster-name", std::move(cluster)}};
  pod.status.phase = "Running";
  pod.status.podIP = std::move(ip);
  if (!pod.status.podIP.empty()) pod.status.podIPs = {{pod.status.podIP}};
  return pod;
}

Service endpoint(std::string cluster) {
  Service service;
  service.metadata.name = cluster;
  service.metadata.namespace_ = "tenants";
  service.metadata.labels = {{"cluster.x-k8s.io/cluster-name", std::move(cluster)}};
  service.spec.clusterIP = "10.96.3.4";
  service.spec.clusterIPs = {"10.96.3.4"};
  service.spec.ports.resize(2);
  service.spec.ports[0].port = 6443;
  service.spec.ports[1].port = 53;
  service.spec.ports[1].protocol = "UDP";
  service.status.loadBalancer.ingress.resize(1);
  service.status.loadBalancer.ingress[0].ip = "192.168.250.128";
  return service;
}

template <class... T>
auto shared(T... objects) {
  return std::vector{std::make_shared<const T>(std::move(objects))...};
}

TEST(FenceAccess, HoldsEachAddressAndPortOnce) {
  const FenceAccess access =
      fence_access(shared(launcher("b", "demo", "10.244.0.9"), launcher("a", "demo", "10.244.0.5"),
                          launcher("new", "demo", "")),
                   shared(endpoint("demo")));
  EXPECT_EQ(access.peers, (std::vector<std::string>{"10.244.0.5", "10.244.0.9"}));
  EXPECT_EQ(access.services, (std::vector<FenceService>{{"10.96.3.4", "tcp", 6443},
                                                        {"10.96.3.4", "udp", 53},
                                                        {"192.168.250.128", "tcp", 6443},
                                                        {"192.168.250.128", "udp", 53}}));
}

TEST(FenceAccess, ForgetsAMachineThatIsOnItsWayOut) {
  Pod deleting = launcher("a", "demo", "10.244.0.5");
  deleting.metadata.deletionTimestamp = "2026-01-02T03:04:05Z";
  Pod ended = launcher("b", "demo", "10.244.0.6");
  ended.status.phase = "Failed";
  EXPECT_TRUE(fence_access(shared(deleting, ended), {}).peers.empty());
}

TEST(FenceAccess, LeavesHeadlessServicesOut) {
  Service headless = endpoint("demo");
  headless.spec.clusterIP = "None";
  headless.spec.clusterIPs = {"None"};
  headless.status.loadBalancer.ingress.clear();
  EXPECT_TRUE(fence_access({}, shared(headless)).services.empty());
}

/// The controller against an API server in memory.
class FenceControllerTest : public ::testing::Test {
 protected:
  FenceControllerTest() {
    add_fence_controller(runtime_);
    runtime_.start();
    settle(io_);
  }
  ~FenceControllerTest() override { run_coroutine(io_, runtime_.close()); }

  FenceAccess access(const std::string& name, const std::string& ns = "tenants") {
    settle(io_);
    const auto pod = client_.peek<Pod>({ns, name});
    if (!pod || pod->metadata.annotation(kFenceAnnotation).empty()) return {};
    const Json json = parse_json(pod->metadata.annotation(kFenceAnnotation)).value();
    return from_json<FenceAccess>(json).value();
  }

  asio::io_context io_;
  ManualClock clock_{io_.get_executor()};
  kube::testing::FakeClient client_{&clock_};
  std::unique_ptr<ProcessRunner> processes_ = make_process_runner(io_.get_executor());
  kube::Runtime runtime_{io_.get_executor(), client_, clock_, *processes_, "test"};
};

using Addresses = std::vector<std::string>;

TEST_F(FenceControllerTest, MachinesOfOneClusterLearnOfEachOther) {
  client_.put(launcher("a", "demo", "10.244.0.5"));
  client_.put(launcher("b", "demo", "10.244.0.6"));
  client_.put(launcher("other", "second", "10.244.0.7"));
  client_.put(launcher("namesake", "demo", "10.244.0.8", "elsewhere"));
  EXPECT_EQ(access("a").peers, (Addresses{"10.244.0.5", "10.244.0.6"}));
  EXPECT_EQ(access("b").peers, access("a").peers);
  EXPECT_EQ(access("other").peers, Addresses{"10.244.0.7"});
  EXPECT_EQ(access("namesake", "elsewhere").peers, Addresses{"10.244.0.8"});

  client_.erase(Pod::kType, {"tenants", "b"});
  EXPECT_EQ(access("a").peers, Addresses{"10.244.0.5"});
}

TEST_F(FenceControllerTest, OpensItsOwnControlPlaneOnly) {
  client_.put(launcher("a", "demo", "10.244.0.5"));
  client_.put(launcher("other", "second", "10.244.0.7"));
  client_.put(endpoint("demo"));
  EXPECT_EQ(access("a").services.size(), 4u);
  EXPECT_TRUE(access("other").services.empty());
  client_.erase(Service::kType, {"tenants", "demo"});
  EXPECT_TRUE(access("a").services.empty());
}

TEST_F(FenceControllerTest, WritesNothingWhenNothingChanged) {
  client_.put(launcher("a", "demo", "10.244.0.5"));
  settle(io_);
  client_.clear_calls();
  Pod again = client_.peek<Pod>({"tenants", "a"}).value();
  again.metadata.labels["x"] = "y";
  client_.put(again);
  settle(io_);
  EXPECT_EQ(client_.count("patch", "pods"), 0u);
}

TEST(FencePod, CarriesOptionsNodeAndTheFile) {
  Json pod =
      parse_json(R"({"metadata": {}, "spec": {"containers": [{"name": "compute"}]}})").value();
  add_fence({}, pod);
  set_fence_access({{"10.244.0.5"}, {}}, pod);
  const std::string text = to_text(pod);
  EXPECT_NE(text.find(R"("fieldPath":"metadata.annotations['nestor.dev/fence']")"),
            std::string::npos);
  EXPECT_NE(text.find(R"("fieldPath":"status.hostIPs")"), std::string::npos);
  EXPECT_EQ(find_string(pod, {"metadata", "annotations", "nestor.dev/fence"}),
            R"({"peers":["10.244.0.5"]})");
  Json open =
      parse_json(R"({"metadata": {}, "spec": {"containers": [{"name": "compute"}]}})").value();
  const Json before = open;
  FenceOptions off;
  off.enabled = false;
  add_fence(off, open);
  EXPECT_EQ(open, before);
}

}  // namespace
}  // namespace nestor::vm
