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
using api::kamaji::TenantControlPlane;

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

TenantControlPlane control_plane(std::string cluster) {
  TenantControlPlane out;
  out.metadata.name = cluster;
  out.metadata.namespace_ = "tenants";
  out.metadata.uid = "of-" + cluster;
  out.metadata.labels = {{"cluster.x-k8s.io/cluster-name", cluster}};
  out.status.kubernetesResources.service.emplace().name = std::move(cluster);
  return out;
}

/// The Service of control_plane().
Service endpoint(std::string cluster) {
  Service service;
  service.metadata.ownerReferences = {kube::owner_reference(control_plane(cluster))};
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

/// What stands for a tenant's Service, with two addresses.
Service balancer(std::string name, int ports, std::string created = {}) {
  Service service = endpoint("demo");
  service.metadata.ownerReferences.clear();
  service.metadata.labels["cluster.x-k8s.io/tenant-service-name"] = name;
  service.status.conditions.emplace_back().type = "nestor.dev/TenantService";
  service.status.conditions[0].status = "True";
  const std::string last = "." + std::to_string(name.back());
  service.spec.clusterIP = "10.96.8" + last;
  service.spec.clusterIPs = {service.spec.clusterIP};
  service.status.loadBalancer.ingress[0].ip = "192.168.251" + last;
  service.metadata.name = std::move(name);
  service.metadata.creationTimestamp = std::move(created);
  service.spec.ports.assign(static_cast<std::size_t>(ports), {});
  for (int i = 0; i < ports; ++i) service.spec.ports[static_cast<std::size_t>(i)].port = 30000 + i;
  return service;
}

template <class... T>
auto shared(T... objects) {
  return std::vector{std::make_shared<const T>(std::move(objects))...};
}

TEST(FenceAccess, HoldsEachAddressAndPortOnce) {
  EXPECT_EQ(fence_peers(shared(launcher("b", "demo", "10.244.0.9"),
                               launcher("a", "demo", "10.244.0.5"), launcher("new", "demo", ""))),
            (std::vector<std::string>{"10.244.0.5", "10.244.0.9"}));
  EXPECT_EQ(fence_services(shared(endpoint("demo")), shared(control_plane("demo"))).open,
            (std::vector<FenceService>{{"10.96.3.4", "tcp", 6443},
                                       {"10.96.3.4", "udp", 53},
                                       {"192.168.250.128", "tcp", 6443},
                                       {"192.168.250.128", "udp", 53}}));
}

TEST(FenceAccess, ForgetsAMachineThatIsOnItsWayOut) {
  Pod deleting = launcher("a", "demo", "10.244.0.5");
  deleting.metadata.deletionTimestamp = "2026-01-02T03:04:05Z";
  Pod ended = launcher("b", "demo", "10.244.0.6");
  ended.status.phase = "Failed";
  EXPECT_TRUE(fence_peers(shared(deleting, ended)).empty());
}

TEST(FenceAccess, NoLabelOpensTheNetworkOfANode) {
  Pod of_node = launcher("c", "demo", "192.168.250.2");
  of_node.spec.hostNetwork = true;
  EXPECT_TRUE(fence_peers(shared(of_node)).empty());
}

TEST(FenceAccess, LeavesHeadlessServicesOut) {
  Service headless = endpoint("demo");
  headless.spec.clusterIP = "None";
  headless.spec.clusterIPs = {"None"};
  headless.status.loadBalancer.ingress.clear();
  Service named = endpoint("demo");
  named.spec.type = "ExternalName";
  for (const auto& service : {headless, named}) {
    EXPECT_TRUE(fence_services(shared(service), shared(control_plane("demo"))).open.empty());
  }
}

TEST(FenceAccess, ALabelAloneOpensNothing) {
  const auto control_planes = shared(control_plane("demo"));
  Service labelled = endpoint("demo");
  labelled.metadata.ownerReferences.clear();
  EXPECT_TRUE(fence_services(shared(labelled), control_planes).open.empty());
  Service second = endpoint("demo");
  second.metadata.name = "second";
  EXPECT_TRUE(fence_services(shared(second), control_planes).open.empty());
  Service of_another = endpoint("other");
  of_another.metadata.name = "demo";
  EXPECT_TRUE(fence_services(shared(of_another), control_planes).open.empty());
  // As one without selector would be, whose endpoints its author writes.
  Service like_a_parent = balancer("web", 1);
  like_a_parent.status.conditions.clear();
  EXPECT_TRUE(fence_services(shared(like_a_parent), control_planes).open.empty());
}

TEST(FenceAccess, NoExternalAddressButTheControlPlanesOwn) {
  TenantControlPlane at = control_plane("demo");
  at.spec.networkProfile.address = "192.0.2.10";
  Service service = endpoint("demo");
  service.spec.externalIPs = {"10.0.0.1", "192.0.2.10"};
  Service web = balancer("web", 1);
  web.spec.externalIPs = {"10.0.0.1", "192.0.2.10"};
  std::set<std::string> addresses;
  for (const auto& one : fence_services(shared(service, web), shared(at)).open) {
    addresses.insert(one.address + ":" + std::to_string(one.port));
  }
  EXPECT_FALSE(addresses.contains("10.0.0.1:30000"));
  EXPECT_FALSE(addresses.contains("10.0.0.1:6443"));
  EXPECT_FALSE(addresses.contains("192.0.2.10:30000"));
  EXPECT_TRUE(addresses.contains("192.0.2.10:6443"));
  EXPECT_EQ(addresses.size(), 8u);
}

TEST(FenceAccess, ServicesBeyondTheBoundAreLeftOutTheYoungestFirst) {
  const Service first = endpoint("demo");
  const Service oldest = balancer("z", 450, "2026-01-01T00:00:00Z");
  const Service too_much = balancer("a", 300, "2026-01-02T00:00:00Z");
  const Service small = balancer("b", 10, "2026-01-03T00:00:00Z");
  const FenceServices services =
      fence_services(shared(too_much, small, oldest, first), shared(control_plane("demo")));
  EXPECT_EQ(services.open.size(), 4u + 900u + 20u);
  ASSERT_EQ(services.left_out.size(), 1u);
  EXPECT_EQ(services.left_out[0]->metadata.name, "a");
}

/// The controller against an API server in memory.
class FenceControllerTest : public ::testing::Test {
 protected:
  FenceControllerTest() {
    for (const char* cluster : {"demo", "second"}) client_.put(control_plane(cluster));
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

  void put_endpoint(const std::string& cluster) {
    Service service = endpoint(cluster);
    const auto owner = client_.peek<TenantControlPlane>({"tenants", cluster}).value();
    service.metadata.ownerReferences = {kube::owner_reference(owner)};
    client_.put(service);
  }
  /// Events that a Service is not reached.
  std::size_t left_out() {
    settle(io_);
    const auto events = client_.all({"", "v1", "Event", "events"});
    return static_cast<std::size_t>(std::ranges::count_if(events, [](const Json& event) {
      return find_string(event, {"reason"}) == "FenceFull" &&
             event.at("count").to_number<int>() == 1;
    }));
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
  put_endpoint("demo");
  EXPECT_EQ(access("a").services.size(), 4u);
  EXPECT_TRUE(access("other").services.empty());
  client_.erase(Service::kType, {"tenants", "demo"});
  EXPECT_TRUE(access("a").services.empty());
}

/// As an API server does.
std::optional<Error> refuse_large_annotations(const kube::testing::FakeCall& call) {
  const auto text = find_string(call.body, {"metadata", "annotations", "nestor.dev/fence"});
  if (text.size() <= 256 * 1024) return std::nullopt;
  return Error{Code::kInvalidArgument, "metadata.annotations: Too long", {}};
}

TEST_F(FenceControllerTest, NoNumberOfPortsKeepsAPeerThatIsGone) {
  client_.on_call(refuse_large_annotations);
  for (const char* name : {"a", "b", "c"}) {
    client_.put(launcher(name, "demo", "10.244.0." + std::to_string(name[0])));
  }
  put_endpoint("demo");
  for (int i = 0; i < 5; ++i) client_.put(balancer("web" + std::to_string(i), 700));
  EXPECT_EQ(access("a").peers.size(), 3u);
  EXPECT_EQ(access("a").services.size(), 4u);
  EXPECT_EQ(left_out(), 5u);
  client_.erase(Pod::kType, {"tenants", "c"});
  EXPECT_EQ(access("a").peers, (Addresses{"10.244.0.97", "10.244.0.98"}));
  EXPECT_EQ(access("b").peers, access("a").peers);
  // Said once, and mended when others make room.
  EXPECT_EQ(left_out(), 5u);
  client_.put(balancer("web0", 100));
  EXPECT_EQ(access("a").services.size(), 204u);
}

TEST_F(FenceControllerTest, GoesOnPastAPodThatCannotBeUpdated) {
  client_.put(launcher("a", "demo", "10.244.0.5"));
  client_.put(launcher("b", "demo", "10.244.0.6"));
  client_.put(launcher("c", "demo", "10.244.0.7"));
  settle(io_);
  client_.on_call([](const kube::testing::FakeCall& call) {
    const bool bad = call.verb == "patch" && call.key.name == "a";
    return bad ? std::optional<Error>({Code::kPermissionDenied, "a webhook", {}}) : std::nullopt;
  });
  client_.erase(Pod::kType, {"tenants", "c"});
  EXPECT_EQ(access("b").peers, (Addresses{"10.244.0.5", "10.244.0.6"}));
  EXPECT_EQ(access("a").peers.size(), 3u);
}

TEST_F(FenceControllerTest, WritesPeersAloneWhereTheServicesAreRefused) {
  client_.on_call([](const kube::testing::FakeCall& call) {
    const auto text = find_string(call.body, {"metadata", "annotations", "nestor.dev/fence"});
    const bool bad = text.find("services") != std::string_view::npos;
    return bad ? std::optional<Error>({Code::kInvalidArgument, "too long", {}}) : std::nullopt;
  });
  put_endpoint("demo");
  client_.put(launcher("a", "demo", "10.244.0.5"));
  client_.put(launcher("b", "demo", "10.244.0.6"));
  EXPECT_EQ(access("a").peers, (Addresses{"10.244.0.5", "10.244.0.6"}));
  client_.erase(Pod::kType, {"tenants", "b"});
  EXPECT_EQ(access("a").peers, Addresses{"10.244.0.5"});
}

TEST_F(FenceControllerTest, FollowsWhatTheControlPlaneSaysOfItsService) {
  client_.put(launcher("a", "demo", "10.244.0.5"));
  put_endpoint("demo");
  TenantControlPlane unknown = client_.peek<TenantControlPlane>({"tenants", "demo"}).value();
  unknown.status.kubernetesResources.service.reset();
  client_.put(unknown);
  EXPECT_TRUE(access("a").services.empty());
  unknown.status.kubernetesResources.service.emplace().name = "demo";
  client_.put(unknown);
  EXPECT_EQ(access("a").services.size(), 4u);
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
