#include "controlplane/tenant_objects.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <map>
#include <string>

#include "controlplane/tenant_kinds.hpp"
#include "controlplane/testing/samples.hpp"

namespace nestor::controlplane {
namespace {

using ::testing::HasSubstr;
using testing::json;
using ::testing::Not;
using testing::sample;
using testing::settings_of;

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

}  // namespace
}  // namespace nestor::controlplane
