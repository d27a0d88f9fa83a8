#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "controlplane/arguments.hpp"
#include "controlplane/checksum.hpp"
#include "controlplane/cidr.hpp"
#include "controlplane/deployment.hpp"
#include "controlplane/exposure.hpp"
#include "controlplane/json_patch.hpp"
#include "controlplane/kamaji_control_plane_controller.hpp"
#include "controlplane/manifest.hpp"
#include "controlplane/testing/samples.hpp"

namespace nestor::controlplane {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::json;
using ::testing::Not;
using testing::sample;
using testing::sample_address;
using testing::settings_of;
using ::testing::StartsWith;

TEST(Cidr, CountsFromTheNetworksStart) {
  EXPECT_EQ(nth_address("10.96.0.0/16", 10), "10.96.0.10");
  EXPECT_EQ(nth_address("10.96.7.9/16", 1), "10.96.0.1");
  EXPECT_EQ(nth_address("10.0.0.0/8", 70000), "10.1.17.112");
  EXPECT_EQ(nth_address("fd00:1::/64", 0x10), "fd00:1::10");
  EXPECT_EQ(nth_address("10.0.0.0/30", 10).error().code, Code::kOutOfRange);
  EXPECT_EQ(nth_address("10.0.0.0", 1).error().code, Code::kInvalidArgument);
  EXPECT_EQ(nth_address("10.0.0.0/33", 1).error().code, Code::kInvalidArgument);
  EXPECT_EQ(nth_address("10.0.0.0/8x", 1).error().code, Code::kInvalidArgument);
}

TEST(Cidr, SpellsAddressesInOneWay) {
  EXPECT_EQ(canonical_ip("FD00:0:0::1"), "fd00::1");
  EXPECT_EQ(canonical_ip("example.org"), "");
}

TEST(Checksum, IsTheMd5OfValuesInKeyOrder) {
  EXPECT_EQ(checksum({{"b", "lo"}, {"a", "hel"}}), md5_hex("hello"));
  EXPECT_EQ(md5_hex("hello"), "5d41402abc4b2a76b9719d911017c592");
}

TEST(JsonPatch, AppliesEveryOperation) {
  Json document = json(R"({"a":{"b":[1,2,3]},"x/y":1,"old":5})");
  std::vector<std::string> warnings;
  const auto done = apply_json_patch(document,
                                     {{"add", "/a/b/1", Json(9), ""},
                                      {"add", "/a/b/-", Json(4), ""},
                                      {"replace", "/x~1y", Json(2), ""},
                                      {"remove", "/a/b/0", {}, ""},
                                      {"move", "/new", {}, "/old"},
                                      {"copy", "/copy", {}, "/a/b"},
                                      {"test", "/new", Json(5), ""}},
                                     warnings);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(document, json(R"({"a":{"b":[9,2,3,4]},"x/y":2,"new":5,"copy":[9,2,3,4]})"));
  EXPECT_THAT(warnings, ElementsAre());
}

TEST(JsonPatch, RemovingWhatIsNotThereOnlyWarns) {
  Json document = json(R"({"a":1})");
  std::vector<std::string> warnings;
  ASSERT_TRUE(apply_json_patch(document, {{"remove", "/b/c", {}, ""}}, warnings));
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("/b/c")));
  EXPECT_EQ(document, json(R"({"a":1})"));
}

TEST(JsonPatch, RefusesWhatMakesNoSense) {
  Json document = json(R"({"a":[1]})");
  std::vector<std::string> warnings;
  const auto code = [&](api::kamaji::JsonPatch patch) {
    return apply_json_patch(document, {std::move(patch)}, warnings).error().code;
  };
  EXPECT_EQ(code({"add", "/b/c", Json(1), ""}), Code::kInvalidArgument);
  EXPECT_EQ(code({"add", "/a/5", Json(1), ""}), Code::kInvalidArgument);
  EXPECT_EQ(code({"replace", "/b", Json(1), ""}), Code::kInvalidArgument);
  EXPECT_EQ(code({"test", "/a", Json(1), ""}), Code::kFailedPrecondition);
  EXPECT_EQ(code({"move", "/a/0", {}, "/a"}), Code::kInvalidArgument);
  EXPECT_EQ(code({"add", "a", Json(1), ""}), Code::kInvalidArgument);
  EXPECT_EQ(code({"grow", "/a", Json(1), ""}), Code::kInvalidArgument);
}

TEST(JsonPatch, TakesABoundedNumberOfOperations) {
  std::vector<std::string> warnings;
  std::vector<api::kamaji::JsonPatch> patches(kMaxJsonPatches, {"add", "/a", Json(1), ""});
  Json document = JsonObject{};
  EXPECT_TRUE(apply_json_patch(document, patches, warnings));
  patches.push_back(patches.front());
  const auto refused = apply_json_patch(document, patches, warnings);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
  EXPECT_THAT(refused.error().message, HasSubstr("at most 64"));
}

TEST(JsonPatch, EndsWhatDoublesTheDocument) {
  // Each step puts all that is there into itself: 2^64 bytes at the end.
  Json document = json(R"({"a":"some text"})");
  std::vector<api::kamaji::JsonPatch> patches;
  for (int i = 0; i < 64; ++i) patches.push_back({"copy", "/b" + std::to_string(i), {}, ""});
  std::vector<std::string> warnings;
  const auto refused = apply_json_patch(document, patches, warnings);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
  EXPECT_THAT(refused.error().message, HasSubstr("larger than 1048576 bytes"));
  EXPECT_LT(to_text(document).size(), 2 * kMaxPatchedBytes + 100);
}

TEST(Manifest, KeepsTheTypeOfAWholeVariable) {
  Json document = json(R"({"n":"${N}","text":"at ${HOST}:${N}","list":["${L}"]})");
  ASSERT_TRUE(substitute(document, {{"N", Json(7)}, {"HOST", Json("h")}, {"L", json("[1]")}}));
  EXPECT_EQ(document, json(R"({"n":7,"text":"at h:7","list":[[1]]})"));
}

TEST(Manifest, RefusesUnknownVariablesAndWrongPlaces) {
  Json unknown = json(R"({"a":"x ${NOPE}"})");
  EXPECT_THAT(substitute(unknown, {}).error().message, HasSubstr("NOPE"));
  Json list = json(R"({"a":"x ${L}"})");
  EXPECT_EQ(substitute(list, {{"L", json("[]")}}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(render_manifest("nothing", {}).error().code, Code::kNotFound);
}

TEST(Settings, FillsDefaults) {
  const Settings settings = settings_of(sample());
  EXPECT_EQ(settings.minor, 37);
  EXPECT_EQ(settings.replicas, 2);
  EXPECT_EQ(settings.schema, "u-1");
  EXPECT_EQ(settings.data_store, "default");
  EXPECT_THAT(settings.dns_ips, ElementsAre("10.96.0.10"));
  EXPECT_THAT(settings.api_service_ips, ElementsAre("10.96.0.1"));
  EXPECT_EQ(settings.cgroup_driver, "systemd");
  EXPECT_TRUE(settings.cni);
}

TEST(Settings, RefusesASchemaThatReachesIntoAnother) {
  TenantControlPlane tcp = sample();
  tcp.spec.dataStoreSchema = "a/b";
  EXPECT_EQ(resolve_settings(tcp).error().code, Code::kInvalidArgument);
  tcp = sample();
  tcp.spec.dataStoreUsername = "root";
  EXPECT_THAT(resolve_settings(tcp).error().message, HasSubstr("dataStoreUsername"));
  for (const char* name : {"root", "", "-x", "_x", "A", "a.b", "a b", "--user=root"}) {
    EXPECT_FALSE(is_store_name(name)) << name;
  }
  EXPECT_FALSE(is_store_name(std::string(64, 'a')));
  for (const char* name : {"default_k8s_126", "2ba1a1f2-4a5e-4e6c-9c5e-000000000000", "roots"}) {
    EXPECT_TRUE(is_store_name(name)) << name;
  }
  tcp = sample();
  tcp.spec.kubernetes.version = "1.37";
  EXPECT_EQ(resolve_settings(tcp).error().code, Code::kInvalidArgument);
}

TEST(Settings, RefuseOverridesWhichNobodyServes) {
  TenantControlPlane tcp = sample();
  tcp.spec.dataStoreOverrides = {{.resource = "/events", .dataStore = "other"}};
  EXPECT_THAT(resolve_settings(tcp).error().message, HasSubstr("dataStoreOverrides"));
}

TEST(SubjectNames, HoldEveryWayToTheApiServer) {
  TenantControlPlane tcp = sample();
  tcp.spec.networkProfile.certSANs = {"api.example.org", "FD00::5", "localhost"};
  const SubjectNames names = api_server_names(tcp, settings_of(tcp), sample_address());
  EXPECT_THAT(names.dns,
              ElementsAre("api.example.org", "blue", "blue.team.svc", "blue.team.svc.cluster.local",
                          "kubernetes", "kubernetes.default", "kubernetes.default.svc",
                          "kubernetes.default.svc.cluster.local", "localhost"));
  EXPECT_THAT(names.ips,
              ElementsAre("10.1.2.3", "10.96.0.1", "10.96.0.77", "127.0.0.1", "fd00::5"));
}

TEST(Arguments, TheIssuerIsOfTheClustersDomain) {
  TenantControlPlane tcp = sample();
  tcp.spec.networkProfile.clusterDomain = "example.org";
  EXPECT_THAT(
      api_server_arguments(tcp, settings_of(tcp), sample_address(), {.endpoints = {"e-0:2379"}}),
      Contains("--service-account-issuer=https://kubernetes.default.svc.example.org"));
}

TEST(Arguments, OursWinWhereTheyMustAndRepeatedExtrasSurvive) {
  TenantControlPlane tcp = sample();
  tcp.spec.controlPlane.deployment.extraArgs.apiServer = {
      "--secure-port=1", "--allow-privileged=false", "--oidc-x=1", "--oidc-x=2",
      "--authorization-config=/a"};
  const auto arguments = api_server_arguments(tcp, settings_of(tcp), sample_address(),
                                              {.endpoints = {"e-0:2379", "e-1:2379"}});
  EXPECT_THAT(arguments, Contains("--secure-port=6443"));
  EXPECT_THAT(arguments, Not(Contains("--secure-port=1")));
  EXPECT_THAT(arguments, Not(Contains("--allow-privileged=true")));
  EXPECT_THAT(arguments, Contains("--etcd-servers=https://e-0:2379,https://e-1:2379"));
  EXPECT_THAT(arguments, Contains("--etcd-prefix=/u-1"));
  EXPECT_THAT(arguments, Not(Contains(StartsWith("--authorization-mode"))));
  const std::vector<std::string> tail(arguments.end() - 4, arguments.end());
  EXPECT_THAT(tail, ElementsAre("--allow-privileged=false", "--oidc-x=1", "--oidc-x=2",
                                "--authorization-config=/a"));
  EXPECT_TRUE(std::is_sorted(arguments.begin(), arguments.end() - 4));
}

TEST(Arguments, WatchesEndWithAnApiServerThatCanEndThem) {
  const auto ends_watches = Contains(StartsWith("--shutdown-watch-termination-grace-period="));
  TenantControlPlane tcp = sample();
  EXPECT_THAT(api_server_arguments(tcp, settings_of(tcp), sample_address(), {}), ends_watches);
  tcp.spec.kubernetes.version = "v1.26.15";
  EXPECT_THAT(api_server_arguments(tcp, settings_of(tcp), sample_address(), {}), Not(ends_watches));
}

TEST(Arguments, TheUserWinsForTheControllerManagerOnly) {
  TenantControlPlane tcp = sample();
  tcp.spec.controlPlane.deployment.extraArgs.controllerManager = {"--leader-elect=false"};
  tcp.spec.controlPlane.deployment.extraArgs.scheduler = {"--leader-elect=false"};
  EXPECT_THAT(controller_manager_arguments(tcp, settings_of(tcp)),
              Not(Contains("--leader-elect=true")));
  EXPECT_THAT(scheduler_arguments(tcp), Not(Contains("--leader-elect=false")));
}

TEST(Exposure, PrefersTheFixedAddress) {
  TenantControlPlane tcp = sample();
  api::core::Service service;
  service.spec.clusterIP = "10.96.0.77";
  EXPECT_EQ(address_of(tcp, settings_of(tcp), service).value()->host, "10.96.0.77");
  tcp.spec.controlPlane.service.serviceType = "LoadBalancer";
  EXPECT_FALSE(address_of(tcp, settings_of(tcp), service).value().has_value());
  service.status.loadBalancer.ingress.push_back({"", "lb.example.org", "", {}});
  const Address by_name = address_of(tcp, settings_of(tcp), service).value().value();
  EXPECT_EQ(by_name.host, "lb.example.org");
  EXPECT_EQ(by_name.advertise, "10.96.0.77");
  service.status.loadBalancer.ingress.front().ip = "192.0.2.9";
  EXPECT_EQ(address_of(tcp, settings_of(tcp), service).value()->host, "192.0.2.9");
  tcp.spec.networkProfile.address = "192.0.2.50";
  EXPECT_EQ(address_of(tcp, settings_of(tcp), service).value()->host, "192.0.2.50");
  tcp.spec.networkProfile.address.clear();
  tcp.spec.controlPlane.service.serviceType = "NodePort";
  EXPECT_EQ(address_of(tcp, settings_of(tcp), service).error().code, Code::kInvalidArgument);
}

TEST(TenantFromKamaji, TakesNetworksFromTheCluster) {
  KamajiControlPlane kcp;
  kcp.metadata.name = "blue";
  kcp.metadata.namespace_ = "team";
  kcp.metadata.uid = "k-1";
  kcp.spec.version = "1.37.2";
  kcp.spec.addons.coreDNS.emplace();
  kcp.spec.addons.coreDNS->dnsServiceIPs = {"10.95.0.10"};
  api::cluster::Cluster cluster;
  cluster.spec.clusterNetwork.pods.cidrBlocks = {"10.243.0.0/16"};
  cluster.spec.clusterNetwork.services.cidrBlocks = {"10.95.0.0/16"};
  const Json object = build_tenant_control_plane(kcp, cluster);
  const auto tcp = from_json<TenantControlPlane>(object).value();
  EXPECT_EQ(tcp.spec.kubernetes.version, "v1.37.2");
  EXPECT_EQ(tcp.spec.controlPlane.service.serviceType, "LoadBalancer");
  EXPECT_EQ(tcp.spec.controlPlane.deployment.replicas, 2);
  EXPECT_THAT(tcp.spec.networkProfile.podCidrs, ElementsAre("10.243.0.0/16"));
  EXPECT_THAT(tcp.spec.networkProfile.dnsServiceIPs, ElementsAre("10.95.0.10"));
  EXPECT_TRUE(tcp.spec.addons.coreDNS.has_value());
  EXPECT_FALSE(tcp.spec.addons.kubeProxy.has_value());
  EXPECT_EQ(tcp.metadata.ownerReferences.front().uid, "k-1");
  EXPECT_EQ(object.as_object().if_contains("status"), nullptr);
}

}  // namespace
}  // namespace nestor::controlplane
