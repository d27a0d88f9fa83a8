#include "api/controlplane/kamaji_control_plane.hpp"

#include <gmock/gmock.h>

#include "api/cluster/cluster.hpp"
#include "api/infrastructure/kubevirt_cluster.hpp"
#include "base/base64.hpp"
#include "controlplane/testing/world.hpp"

namespace nestor::controlplane::testing {
namespace {

using ::testing::HasSubstr;

using api::cluster::Cluster;
using api::controlplane::KamajiControlPlane;
using api::core::Secret;
using api::infrastructure::KubevirtCluster;
using api::kamaji::TenantControlPlane;

class KamajiWorld : public World {
 protected:
  void create() {
    Cluster cluster;
    cluster.metadata.name = "sky";
    cluster.metadata.namespace_ = "team";
    cluster.spec.clusterNetwork.pods.cidrBlocks = {"10.243.0.0/16"};
    cluster.spec.infrastructureRef = {"infrastructure.cluster.x-k8s.io", "KubevirtCluster", "sky"};
    cluster = management.put(cluster);
    KubevirtCluster infra;
    infra.metadata.name = "sky";
    infra.metadata.namespace_ = "team";
    infra.metadata.annotations["cluster.x-k8s.io/managed-by"] = "kamaji";
    management.put(infra);
    KamajiControlPlane kcp;
    kcp.metadata.name = "blue";
    kcp.metadata.namespace_ = "team";
    kcp.metadata.ownerReferences = {kube::owner_reference(cluster)};
    kcp.spec.version = "v1.37.2";
    kcp.spec.replicas = 1;
    management.put(kcp);
  }
  KamajiControlPlane kcp() const {
    return management.peek<KamajiControlPlane>({"team", "blue"}).value();
  }
  bool initialized() const {
    return kcp().status.initialization.controlPlaneInitialized.value_or(false);
  }
};

TEST_F(KamajiWorld, BecomesATenantAndTellsItsEndpoint) {
  create();
  give_address("192.0.2.7");
  make_ready();
  ASSERT_TRUE(until([&] { return initialized(); }));
  EXPECT_EQ(tcp().spec.networkProfile.podCidrs.front(), "10.243.0.0/16");
  EXPECT_EQ(kcp().spec.controlPlaneEndpoint->host, "192.0.2.7");
  EXPECT_EQ(kcp().spec.controlPlaneEndpoint->port, 6443);
  EXPECT_TRUE(kcp().status.externalManagedControlPlane.value_or(false));
  EXPECT_EQ(kcp().status.version, "v1.37.2");
  EXPECT_TRUE(kube::condition_true(kcp().status.conditions, "KamajiControlPlaneIsReady"));

  ASSERT_TRUE(until([&] {
    return management.peek<KubevirtCluster>({"team", "sky"})->status.ready.value_or(false);
  }));
  const auto infra = management.peek<KubevirtCluster>({"team", "sky"}).value();
  EXPECT_EQ(infra.spec.controlPlaneEndpoint.host, "192.0.2.7");

  const Secret kubeconfig = secret("sky-kubeconfig");
  EXPECT_EQ(kubeconfig.type, "cluster.x-k8s.io/secret");
  EXPECT_EQ(kubeconfig.metadata.label("cluster.x-k8s.io/cluster-name"), "sky");
  const std::string text = base64_decode(kubeconfig.data.at("value")).value();
  EXPECT_NE(text.find("sky-admin@sky"), std::string::npos);
  EXPECT_EQ(secret("sky-ca").data.at("tls.crt"), secret("blue-ca").data.at("ca.crt"));
}

TEST_F(KamajiWorld, PutsBackWhatTheTenantChangesOrDeletes) {
  create();
  give_address("192.0.2.7");
  make_ready();
  const kube::ObjectKey cluster{"team", "sky"};
  ASSERT_TRUE(until([&] { return initialized() && sessions->find(cluster) != nullptr; }));
  quiet();
  tenant.clear_calls();

  const kube::ResourceType config_maps{"", "v1", "ConfigMap", "configmaps"};
  const kube::ResourceType bindings{"rbac.authorization.k8s.io", "v1", "ClusterRoleBinding",
                                    "clusterrolebindings", false};
  const kube::ObjectKey config{"kube-system", "kubeadm-config"};
  const kube::ObjectKey binding{
      "", tenant.all(bindings).at(0).at("metadata").at("name").as_string().c_str()};
  ASSERT_TRUE(tenant.erase(bindings, binding));
  EXPECT_TRUE(until([&] { return tenant.peek(bindings, binding).has_value(); }));

  const Json before = tenant.peek(config_maps, config).value();
  Json changed = before;
  changed.as_object()["data"].as_object()["ClusterConfiguration"] = "mine";
  tenant.put(config_maps, std::move(changed));
  EXPECT_TRUE(until([&] {
    return *find(tenant.peek(config_maps, config).value(), {"data"}) == *find(before, {"data"});
  }));
  quiet();
  // These two and no other; and what else happens there is none of our business.
  EXPECT_EQ(tenant.count("apply"), 2U);
  Json foreign = JsonObject{{"metadata", JsonObject{{"name", "app"}, {"namespace", "default"}}}};
  tenant.put(config_maps, std::move(foreign));
  quiet();
  EXPECT_EQ(tenant.count("apply"), 2U);
}

class KamajiDisks : public KamajiWorld {
 protected:
  void SetUp() override {
    create();
    give_address("192.0.2.7");
    make_ready();
    const kube::ObjectKey cluster{"team", "sky"};
    ASSERT_TRUE(until([&] { return initialized() && sessions->find(cluster) != nullptr; }));
    quiet();
  }
  void enable(const char* value) {
    KamajiControlPlane changed = kcp();
    changed.metadata.annotations["nestor.dev/storage"] = value;
    management.put(changed);
  }
  bool has(const kube::ResourceType& type, const kube::ObjectKey& key) const {
    return tenant.peek(type, key).has_value();
  }

  const kube::ResourceType daemon_sets{"apps", "v1", "DaemonSet", "daemonsets"};
  const kube::ResourceType accounts{"", "v1", "ServiceAccount", "serviceaccounts"};
  const kube::ResourceType drivers{"storage.k8s.io", "v1", "CSIDriver", "csidrivers", false};
  const kube::ResourceType classes{"storage.k8s.io", "v1", "StorageClass", "storageclasses", false};
  const kube::ObjectKey node{"kubevirt-csi-driver", "kubevirt-csi-node"};
  const kube::ObjectKey account{"kubevirt-csi-driver", "kubevirt-csi-node-sa"};
  const kube::ObjectKey driver{"", "csi.kubevirt.io"};
  const kube::ObjectKey standard{"", "kubevirt"};
};

TEST_F(KamajiDisks, ComeBackWhateverOfThemIsChangedOrDeleted) {
  ASSERT_TRUE(has(drivers, driver));
  tenant.erase(drivers, driver);
  tenant.erase(accounts, account);
  Json changed = tenant.peek(daemon_sets, node).value();
  changed.at_pointer("/spec/template/spec/containers/0/image") = "theirs";
  tenant.put(daemon_sets, std::move(changed));
  EXPECT_TRUE(until([&] {
    return has(drivers, driver) && has(accounts, account) &&
           to_text(tenant.peek(daemon_sets, node).value()).find("theirs") == std::string::npos;
  }));
}

TEST_F(KamajiDisks, GoWhenSwitchedOffAndComeAgain) {
  const kube::ResourceType namespaces{"", "v1", "Namespace", "namespaces", false};
  const kube::ObjectKey ns{"", "kubevirt-csi-driver"};
  const auto all = [&](bool there) {
    return has(drivers, driver) == there && has(accounts, account) == there &&
           has(daemon_sets, node) == there && has(classes, standard) == there &&
           has(namespaces, ns) == there;
  };
  ASSERT_TRUE(all(true));
  enable("false");
  ASSERT_TRUE(until([&] { return all(false); }));
  enable("true");
  EXPECT_TRUE(until([&] { return all(true); }));
}

TEST_F(KamajiDisks, LeaveTheirClassToThePeopleOfTheTenant) {
  ASSERT_TRUE(has(classes, standard));
  const char* annotation = "/metadata/annotations/storageclass.kubernetes.io~1is-default-class";
  Json changed = tenant.peek(classes, standard).value();
  changed.at_pointer(annotation) = "false";
  tenant.put(classes, std::move(changed));
  stop();
  start();
  quiet();
  EXPECT_EQ(tenant.peek(classes, standard)->at_pointer(annotation), Json("false"));
  tenant.erase(classes, standard);
  stop();
  start();
  quiet();
  EXPECT_TRUE(has(daemon_sets, node));
  EXPECT_FALSE(has(classes, standard));
}

TEST_F(KamajiWorld, PutsBackTheKubeconfigAndWritesNothingElse) {
  create();
  give_address("192.0.2.7");
  make_ready();
  ASSERT_TRUE(until([&] { return initialized(); }));
  quiet();
  management.clear_calls();
  ASSERT_TRUE(management.erase(Secret::kType, {"team", "sky-kubeconfig"}));
  EXPECT_TRUE(until(
      [&] { return management.peek(Secret::kType, {"team", "sky-kubeconfig"}).has_value(); }));
  quiet();
  EXPECT_EQ(management.count("apply"), 1U);
}

TEST_F(KamajiWorld, SaysThatItsPodIsNotAllowed) {
  create();
  KamajiControlPlane greedy = kcp();
  greedy.spec.deployment.extraContainers = {
      JsonObject{{"name", "mine"}, {"securityContext", JsonObject{{"privileged", true}}}}};
  management.put(greedy);
  give_address("192.0.2.7");
  const auto refused = [&] {
    const KamajiControlPlane now = kcp();
    const auto* found = kube::find_condition(now.status.conditions, "PodAllowed");
    return found == nullptr ? kube::Condition{} : *found;
  };
  ASSERT_TRUE(until([&] { return refused().status == "False"; }));
  EXPECT_THAT(refused().message, HasSubstr("containers[mine].securityContext.privileged"));
  EXPECT_FALSE(has_deployment());

  greedy = kcp();
  greedy.spec.deployment.extraContainers.clear();
  management.put(greedy);
  EXPECT_TRUE(until([&] { return has_deployment() && refused().status.empty(); }));
}

TEST_F(KamajiWorld, FillsTheTenantAsSoonAsItsApiServerIsBack) {
  create();
  give_address("192.0.2.7");
  make_ready();
  const kube::ResourceType config_map{"", "v1", "ConfigMap", "configmaps"};
  const kube::ObjectKey info{"kube-public", "cluster-info"};
  ASSERT_TRUE(until([&] { return tenant.peek(config_map, info).has_value(); }));
  ASSERT_TRUE(until([&] { return sessions->find({"team", "sky"}) != nullptr; }));
  quiet();
  tenant.on_call([](const auto&) { return Error{Code::kUnavailable, "connection refused", {}}; });
  tenant.erase(config_map, info);
  // So long that the next try by itself is minutes away.
  for (int minute = 0; minute < 30; ++minute) {
    clock.advance(std::chrono::minutes(1));
    quiet();
  }
  ASSERT_EQ(sessions->find({"team", "sky"}), nullptr);
  ASSERT_FALSE(tenant.peek(config_map, info));
  tenant.on_call({});
  const SteadyTime back = clock.steady_now();
  ASSERT_TRUE(until([&] { return tenant.peek(config_map, info).has_value(); }));
  EXPECT_LE(clock.steady_now() - back, std::chrono::seconds(15));
}

TEST_F(KamajiWorld, DoesNothingWithoutItsCluster) {
  KamajiControlPlane lonely;
  lonely.metadata.name = "blue";
  lonely.metadata.namespace_ = "team";
  lonely.spec.version = "v1.37.2";
  management.put(lonely);
  quiet();
  EXPECT_FALSE(management.peek(TenantControlPlane::kType, {"team", "blue"}));
}

TEST_F(KamajiWorld, StandsStillWhileTheClusterIsPaused) {
  create();
  ASSERT_TRUE(until(
      [&] { return management.peek(TenantControlPlane::kType, {"team", "blue"}).has_value(); }));
  Cluster cluster = management.peek<Cluster>({"team", "sky"}).value();
  cluster.spec.paused = true;
  management.put(cluster);
  ASSERT_TRUE(until([&] { return kube::condition_true(kcp().status.conditions, "Paused"); }));
  KamajiControlPlane changed = kcp();
  changed.spec.replicas = 3;
  management.put(changed);
  quiet();
  EXPECT_EQ(tcp().spec.controlPlane.deployment.replicas, 1);
  management.erase(KamajiControlPlane::kType, {"team", "blue"});
  quiet();
  EXPECT_FALSE(tcp().metadata.deleting());
  cluster.spec.paused = false;
  management.put(cluster);
  EXPECT_TRUE(until(
      [&] { return !management.peek(KamajiControlPlane::kType, {"team", "blue"}).has_value(); }));
}

TEST_F(KamajiWorld, IsGoneOnlyAfterItsTenant) {
  create();
  give_address("192.0.2.7");
  make_ready();
  ASSERT_TRUE(until([&] { return initialized(); }));
  etcd.down = true;
  management.erase(KamajiControlPlane::kType, {"team", "blue"});
  quiet();
  EXPECT_TRUE(management.peek(KamajiControlPlane::kType, {"team", "blue"}));
  EXPECT_TRUE(tcp().metadata.deleting());
  etcd.down = false;
  ASSERT_TRUE(until(
      [&] { return !management.peek(KamajiControlPlane::kType, {"team", "blue"}).has_value(); }));
  EXPECT_FALSE(management.peek(TenantControlPlane::kType, {"team", "blue"}));
  EXPECT_TRUE(etcd.roles.empty());
}

}  // namespace
}  // namespace nestor::controlplane::testing
