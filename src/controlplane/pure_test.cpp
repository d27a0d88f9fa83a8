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
#include "controlplane/konnectivity.hpp"
#include "controlplane/manifest.hpp"
#include "controlplane/tenant_kinds.hpp"
#include "controlplane/tenant_objects.hpp"

namespace nestor::controlplane {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

Json json(const char* text) { return parse_json(text).value(); }

TenantControlPlane sample() {
  TenantControlPlane tcp;
  tcp.metadata.name = "blue";
  tcp.metadata.namespace_ = "team";
  tcp.metadata.uid = "u-1";
  tcp.spec.kubernetes.version = "v1.37.2";
  tcp.spec.controlPlane.service.serviceType = "ClusterIP";
  tcp.spec.addons.coreDNS.emplace();
  tcp.spec.addons.kubeProxy.emplace();
  return tcp;
}

Settings settings_of(const TenantControlPlane& tcp) { return resolve_settings(tcp).value(); }

Address sample_address() {
  return {.host = "10.1.2.3", .port = 6443, .advertise = "10.1.2.3", .cluster_ip = "10.96.0.77"};
}

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
  EXPECT_EQ(host_port("fd00::1", 6443), "[fd00::1]:6443");
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

const Json* object_named(const TenantObjects& objects, std::string_view kind,
                         std::string_view name) {
  for (const TenantGroup& group : objects.groups) {
    for (const Json& object : group.objects) {
      if (find_string(object, {"kind"}) == kind &&
          find_string(object, {"metadata", "name"}) == name)
        return &object;
    }
  }
  return nullptr;
}

TEST(TenantObjects, RenderWithTypesAndOurLabel) {
  const TenantControlPlane tcp = sample();
  const auto objects = build_tenant_objects(tcp, settings_of(tcp), "10.1.2.3:6443", "PEM").value();
  for (const TenantGroup& group : objects.groups) {
    for (const Json& object : group.objects) {
      EXPECT_TRUE(type_of(object)) << to_text(object);
      EXPECT_EQ(find_string(object, {"metadata", "labels", "app.kubernetes.io/managed-by"}),
                "nestor");
    }
  }
  const Json* dns = object_named(objects, "Service", "kube-dns");
  ASSERT_NE(dns, nullptr);
  EXPECT_EQ(find_string(*dns, {"spec", "clusterIP"}), "10.96.0.10");
  const Json* proxy = object_named(objects, "DaemonSet", "kube-proxy");
  ASSERT_NE(proxy, nullptr);
  EXPECT_THAT(to_text(*proxy), HasSubstr("registry.k8s.io/kube-proxy:v1.37.2"));
  const Json* flannel = object_named(objects, "ConfigMap", "kube-flannel-cfg");
  ASSERT_NE(flannel, nullptr);
  const Json network = json(std::string(find_string(*flannel, {"data", "net-conf.json"})).c_str());
  EXPECT_EQ(find_string(network, {"Network"}), "10.244.0.0/16");
}

const TenantGroup& group_named(const TenantObjects& objects, std::string_view name) {
  const auto found = std::ranges::find(objects.groups, name, &TenantGroup::name);
  EXPECT_NE(found, objects.groups.end());
  return *found;
}

TEST(TenantObjects, TunnelAgentRunsInTheFormThatTheSpecSays) {
  TenantControlPlane tcp = sample();
  auto objects = build_tenant_objects(tcp, settings_of(tcp), "10.1.2.3:6443", "PEM").value();
  EXPECT_FALSE(group_named(objects, "konnectivity").enabled);
  tcp.spec.addons.konnectivity.emplace();
  const Settings settings = resolve_settings(tcp, "nestor.dev/nestor:1").value();
  objects = build_tenant_objects(tcp, settings, "10.1.2.3:6443", "PEM").value();
  EXPECT_TRUE(group_named(objects, "konnectivity").enabled);
  EXPECT_TRUE(group_named(objects, "konnectivity-daemonset").enabled);
  EXPECT_FALSE(group_named(objects, "konnectivity-deployment").enabled);
  const std::string agent = to_text(*object_named(objects, "DaemonSet", "konnectivity-agent"));
  EXPECT_THAT(agent, HasSubstr("nestor.dev/nestor:1"));
  EXPECT_THAT(agent, HasSubstr("--proxy-server-host=10.1.2.3"));
  EXPECT_THAT(agent, HasSubstr("--proxy-server-port=8132"));

  tcp.spec.addons.konnectivity->agent.mode = "Deployment";
  tcp.spec.addons.konnectivity->agent.image = "registry.example/proxy-agent";
  objects = build_tenant_objects(tcp, settings, "10.1.2.3:6443", "PEM").value();
  EXPECT_FALSE(group_named(objects, "konnectivity-daemonset").enabled);
  EXPECT_TRUE(group_named(objects, "konnectivity-deployment").enabled);
  const std::string other = to_text(*object_named(objects, "Deployment", "konnectivity-agent"));
  EXPECT_THAT(other, HasSubstr("registry.example/proxy-agent:v0.37.0"));
  EXPECT_THAT(other, HasSubstr("/proxy-agent\""));
}

TEST(TenantObjects, MetricsServerComesWithTheTunnelUnlessItIsSwitchedOff) {
  TenantControlPlane tcp = sample();
  const auto enabled = [&tcp] {
    const auto objects =
        build_tenant_objects(tcp, settings_of(tcp), "10.1.2.3:6443", "PEM").value();
    return group_named(objects, "metrics-server").enabled;
  };
  EXPECT_FALSE(enabled());
  tcp.spec.addons.konnectivity.emplace();
  EXPECT_TRUE(enabled());
  tcp.metadata.annotations["nestor.dev/metrics-server"] = "false";
  EXPECT_FALSE(enabled());
}

TEST(TenantObjects, DisksComeToClustersUnlessTheyAreSwitchedOff) {
  TenantControlPlane tcp = sample();
  const auto build = [&tcp] {
    const Settings settings = resolve_settings(tcp, "nestor.dev/nestor:1").value();
    return build_tenant_objects(tcp, settings, "10.1.2.3:6443", "PEM").value();
  };
  EXPECT_FALSE(group_named(build(), "csi").enabled);
  KamajiControlPlane owner;
  owner.metadata.name = "blue";
  tcp.metadata.ownerReferences = {kube::owner_reference(owner)};
  const auto objects = build();
  const TenantGroup& disks = group_named(objects, "csi");
  EXPECT_TRUE(disks.enabled);
  EXPECT_THAT(to_text(*object_named(objects, "DaemonSet", "kubevirt-csi-node")),
              HasSubstr("nestor.dev/nestor:1"));
  ASSERT_EQ(disks.once.size(), 1U);
  EXPECT_TRUE(type_of(disks.once[0]));
  EXPECT_EQ(find_string(disks.once[0], {"metadata", "labels", "app.kubernetes.io/managed-by"}),
            "nestor");
  tcp.metadata.annotations["nestor.dev/storage"] = "false";
  EXPECT_FALSE(group_named(build(), "csi").enabled);
}

TEST(TenantObjects, MetricsServerKeepsNoNodeFromGoing) {
  const TenantControlPlane tcp = sample();
  const auto objects = build_tenant_objects(tcp, settings_of(tcp), "10.1.2.3:6443", "PEM").value();
  const auto& group = group_named(objects, "metrics-server");
  const Json* server = object_named(objects, "Deployment", "metrics-server");
  ASSERT_NE(server, nullptr);
  const Json* volumes = find(*server, {"spec", "template", "spec", "volumes"});
  ASSERT_EQ(volumes->as_array().size(), 1U);
  EXPECT_EQ(find_string(volumes->as_array()[0], {"emptyDir", "medium"}), "Memory");
  EXPECT_NE(object_named(objects, "PodDisruptionBudget", "metrics-server"), nullptr);
  // Removed before what serves it.
  EXPECT_EQ(find_string(group.objects.back(), {"kind"}), "APIService");
}

TEST(Arguments, TunnelsServerTakesUpstreamsOptions) {
  TenantControlPlane tcp = sample();
  tcp.spec.addons.konnectivity.emplace();
  tcp.spec.addons.konnectivity->server.extraArgs = {"--agent-port=1",
                                                    "--proxy-strategies=destHost"};
  const auto arguments = konnectivity_server_arguments(tcp, settings_of(tcp));
  EXPECT_THAT(arguments, Contains("--agent-port=8132"));
  EXPECT_THAT(arguments, Not(Contains("--agent-port=1")));
  EXPECT_THAT(arguments, Contains("--proxy-strategies=destHost"));
  EXPECT_THAT(arguments, Contains("--server-count=2"));
  const auto api_server = api_server_arguments(tcp, settings_of(tcp), sample_address(), {});
  EXPECT_THAT(api_server, Contains(StartsWith("--egress-selector-config-file=")));
}

TEST(Egress, SendsAllThatTheTenantNamesThroughTheTunnel) {
  TenantControlPlane tcp = sample();
  const auto names = [&] {
    std::vector<std::string> out;
    const auto documents = parse_yaml_documents(egress_configuration(tcp)).value();
    for (const Json& selection : documents.at(0).at("egressSelections").as_array()) {
      out.emplace_back(find_string(selection, {"name"}));
      EXPECT_EQ(find_string(selection, {"connection", "transport", "uds", "udsName"}),
                "/run/konnectivity/konnectivity-server.socket");
    }
    return out;
  };
  EXPECT_THAT(names(), ElementsAre("cluster", "controlplane"));
  auto& extra = tcp.spec.controlPlane.deployment.extraArgs.apiServer;
  extra = {"--v=2", "--oidc-issuer-url=https://login.example.com"};
  EXPECT_THAT(names(), ElementsAre("cluster", "controlplane"));
  extra.emplace_back("--audit-webhook-config-file=/etc/audit/webhook.yaml");
  EXPECT_THAT(names(), ElementsAre("cluster"));
}

TEST(Containers, TunnelsServerHasNoKeysButItsOwn) {
  TenantControlPlane tcp = sample();
  tcp.spec.addons.konnectivity.emplace();
  const Settings settings = settings_of(tcp);
  const auto named = [](const JsonArray& all, std::string_view name) {
    const auto found = std::ranges::find_if(
        all, [&](const Json& item) { return find_string(item, {"name"}) == name; });
    return found == all.end() ? Json() : *found;
  };
  const JsonArray volumes = build_volumes(tcp, settings);
  const Json server =
      named(build_containers(tcp, settings, sample_address(), {}), "konnectivity-server");
  std::map<std::string, Json> sources;
  for (const Json& mount : find(server, {"volumeMounts"})->as_array()) {
    EXPECT_EQ(find_string(mount, {"subPath"}) == "konnectivity-server.conf",
              find_string(mount, {"name"}) == "konnectivity-server-kubeconfig");
    sources[std::string(find_string(mount, {"mountPath"}))] =
        named(volumes, find_string(mount, {"name"}));
  }
  EXPECT_EQ(sources.size(), 3U);
  EXPECT_EQ(*find(sources["/etc/kubernetes/pki"], {"secret"}), json(R"({
      "secretName": "blue-api-server-certificate", "defaultMode": 420,
      "items": [{"key": "apiserver.crt", "path": "apiserver.crt"},
                {"key": "apiserver.key", "path": "apiserver.key"}]})"));
  EXPECT_NE(find(sources["/run/konnectivity"], {"emptyDir"}), nullptr);
  const auto arguments = konnectivity_server_arguments(tcp, settings);
  EXPECT_THAT(arguments, Contains("--cluster-cert=/etc/kubernetes/pki/apiserver.crt"));
  EXPECT_THAT(arguments, Contains("--cluster-key=/etc/kubernetes/pki/apiserver.key"));
  EXPECT_EQ(std::ranges::count_if(
                arguments, [](const auto& a) { return a.find("/pki/") != std::string::npos; }),
            2);
}

TEST(TenantObjects, TellNodesHowToJoin) {
  TenantControlPlane tcp = sample();
  tcp.spec.kubernetes.kubelet.configurationJSONPatches = {{"add", "/failCgroupV1", Json(false), ""},
                                                          {"remove", "/nothing", {}, ""}};
  const auto objects = build_tenant_objects(tcp, settings_of(tcp), "10.1.2.3:6443", "PEM").value();
  EXPECT_EQ(objects.warnings.size(), 1U);
  const Json* kubelet = object_named(objects, "ConfigMap", "kubelet-config");
  ASSERT_NE(kubelet, nullptr);
  const std::string text(find_string(*kubelet, {"data", "kubelet"}));
  const Json config = parse_yaml_documents(text).value().front();
  EXPECT_EQ(*find(config, {"failCgroupV1"}), Json(false));
  EXPECT_EQ(find_string(config, {"cgroupDriver"}), "systemd");
  const Json* info = object_named(objects, "ConfigMap", "cluster-info");
  ASSERT_NE(info, nullptr);
  const std::string kubeconfig(find_string(*info, {"data", "kubeconfig"}));
  EXPECT_THAT(kubeconfig, HasSubstr("https://10.1.2.3:6443"));
  EXPECT_THAT(kubeconfig, HasSubstr("UEVN"));
  EXPECT_THAT(kubeconfig, Not(HasSubstr("client-key")));
}

TEST(TenantObjects, FollowTheAddonsOfTheSpec) {
  TenantControlPlane tcp = sample();
  tcp.spec.addons.coreDNS.reset();
  tcp.spec.addons.kubeProxy = api::kamaji::ImageOverride{"mirror.example.org/k8s", "v1.37.9"};
  tcp.metadata.annotations["nestor.dev/cni"] = "none";
  const auto objects = build_tenant_objects(tcp, settings_of(tcp), "10.1.2.3:6443", "PEM").value();
  std::map<std::string, bool> enabled;
  for (const TenantGroup& group : objects.groups) enabled[group.name] = group.enabled;
  EXPECT_EQ(enabled, (std::map<std::string, bool>{{"kubeadm", true},
                                                  {"kube-proxy", true},
                                                  {"coredns", false},
                                                  {"flannel", false},
                                                  {"metrics-server", false},
                                                  {"csi", false},
                                                  {"konnectivity", false},
                                                  {"konnectivity-daemonset", false},
                                                  {"konnectivity-deployment", false}}));
  EXPECT_THAT(to_text(*object_named(objects, "DaemonSet", "kube-proxy")),
              HasSubstr("mirror.example.org/k8s/kube-proxy:v1.37.9"));
}

TEST(Endpoint, IsTakenApart) {
  EXPECT_EQ(parse_endpoint("10.0.0.1:6443")->host, "10.0.0.1");
  EXPECT_EQ(parse_endpoint("[fd00::1]:40000")->host, "fd00::1");
  EXPECT_EQ(parse_endpoint("[fd00::1]:40000")->port, 40000);
  EXPECT_FALSE(parse_endpoint("10.0.0.1"));
  EXPECT_FALSE(parse_endpoint("10.0.0.1:0"));
  EXPECT_FALSE(parse_endpoint(""));
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
