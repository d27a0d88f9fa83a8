#include <gmock/gmock.h>

#include "base/base64.hpp"
#include "controlplane/testing/world.hpp"
#include "kube/kubeconfig.hpp"

namespace nestor::controlplane::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

using api::core::Secret;
using api::kamaji::DataStore;
using api::kamaji::TenantControlPlane;

std::string decoded(const Secret& secret, const std::string& key) {
  const auto found = secret.data.find(key);
  return found == secret.data.end() ? "" : base64_decode(found->second).value();
}

TEST_F(World, MakesATenantFromServiceToDeployment) {
  management.put(sample());
  give_address("192.0.2.7");
  ASSERT_TRUE(until([&] { return has_deployment() && tcp().status.observedGeneration; }));

  EXPECT_THAT(secret("blue-ca").data,
              UnorderedElementsAre(Key("ca.crt"), Key("ca.key"), Key("tls.crt"), Key("tls.key")));
  EXPECT_THAT(secret("blue-sa-certificate").data,
              UnorderedElementsAre(Key("sa.pub"), Key("sa.key")));
  EXPECT_THAT(secret("blue-admin-kubeconfig").data,
              UnorderedElementsAre(Key("admin.conf"), Key("super-admin.conf"), Key("admin.svc"),
                                   Key("super-admin.svc")));
  EXPECT_THAT(secret("blue-datastore-certificate").data,
              UnorderedElementsAre(Key("ca.crt"), Key("server.crt"), Key("server.key")));
  const auto config =
      kube::parse_kubeconfig(decoded(secret("blue-admin-kubeconfig"), "admin.conf")).value();
  EXPECT_EQ(config.server, "https://192.0.2.7:6443");

  const auto info =
      pki::inspect(decoded(secret("blue-api-server-certificate"), "apiserver.crt")).value();
  EXPECT_THAT(info.ip_addresses, Contains("192.0.2.7"));
  EXPECT_THAT(info.dns_names, Contains("blue.team.svc"));

  const std::string uid = tcp().metadata.uid;
  const auto user =
      pki::inspect(decoded(secret("blue-datastore-certificate"), "server.crt")).value();
  EXPECT_EQ(user.common_name, uid);
  EXPECT_THAT(etcd.roles, ElementsAre(Pair(uid, "/" + uid + "/")));
  EXPECT_THAT(etcd.grants, ElementsAre(Pair(uid, uid)));
  EXPECT_TRUE(etcd.keys_were_private);
  EXPECT_EQ(tcp().status.controlPlaneEndpoint, "192.0.2.7:6443");
  EXPECT_EQ(tcp().status.storage.dataStoreName, "default");
}

TEST_F(World, PutsNoSecretOnACommandLine) {
  management.put(sample());
  give_address("192.0.2.7");
  ASSERT_TRUE(until([&] { return has_deployment(); }));
  ASSERT_FALSE(etcd.commands.empty());
  for (const auto& command : etcd.commands) {
    for (const std::string& word : command) EXPECT_EQ(word.find("PRIVATE"), std::string::npos);
  }
}

TEST_F(World, WaitsForTheLoadBalancerWithoutADeployment) {
  management.put(sample());
  ASSERT_TRUE(until([&] { return !secret("blue-ca").data.empty(); }));
  quiet();
  EXPECT_FALSE(has_deployment());
  EXPECT_EQ(tcp().status.controlPlaneEndpoint, "");
}

TEST_F(World, MakesNoPodThatIsNotAllowedUntilTheSpecIsMended) {
  TenantControlPlane greedy = sample();
  greedy.spec.controlPlane.deployment.additionalVolumes = {
      JsonObject{{"name", "host"}, {"hostPath", JsonObject{{"path", "/"}}}}};
  management.put(greedy);
  give_address("192.0.2.7");
  ASSERT_TRUE(until([&] { return !tcp().status.conditions.empty(); }));
  quiet();
  EXPECT_FALSE(has_deployment());
  const kube::Condition condition = tcp().status.conditions.front();
  EXPECT_EQ(condition.type, "PodAllowed");
  EXPECT_EQ(condition.status, "False");
  EXPECT_EQ(condition.reason, "PodNotAllowed");
  EXPECT_THAT(condition.message, HasSubstr("volumes[host].hostPath"));
  EXPECT_THAT(condition.message, HasSubstr("controlPlanes.privileged"));

  TenantControlPlane mended = tcp();
  mended.spec.controlPlane.deployment.additionalVolumes = {
      JsonObject{{"name", "host"}, {"emptyDir", JsonObject{}}}};
  management.put(mended);
  ASSERT_TRUE(until([&] { return has_deployment(); }));
  EXPECT_TRUE(until([&] { return tcp().status.conditions.empty(); }));
}

TEST_F(World, MakesAnyPodWhereThatIsSwitchedOn) {
  stop();
  privileged = true;
  start();
  TenantControlPlane greedy = sample();
  greedy.spec.controlPlane.deployment.additionalVolumes = {
      JsonObject{{"name", "host"}, {"hostPath", JsonObject{{"path", "/"}}}}};
  management.put(greedy);
  give_address("192.0.2.7");
  EXPECT_TRUE(until([&] { return has_deployment(); }));
  EXPECT_THAT(tcp().status.conditions, IsEmpty());
}

TEST_F(World, ANewManagerFindsEverythingDone) {
  management.put(sample());
  give_address("192.0.2.7");
  make_ready();
  ASSERT_TRUE(until([&] { return is_ready() && tcp().status.addons.coreDNS; }));
  quiet();
  stop();
  management.clear_calls();
  etcd.commands.clear();
  start();
  quiet();
  EXPECT_EQ(management.count("create", "secrets"), 0U);
  EXPECT_EQ(management.count("patch", "secrets"), 0U);
  EXPECT_EQ(management.count("patch", "tenantcontrolplanes"), 0U);
  // It asks, and makes nothing.
  EXPECT_THAT(etcd.verbs(), ElementsAre("auth status", "endpoint status"));
}

TEST_F(World, AsksAndWritesNothingWhenNothingChanged) {
  management.put(sample());
  give_address("192.0.2.7");
  make_ready();
  ASSERT_TRUE(until([&] { return is_ready() && tcp().status.addons.coreDNS; }));
  quiet();
  management.clear_calls();
  tenant.clear_calls();
  TenantControlPlane touched = tcp();
  touched.metadata.labels["touched"] = "yes";
  management.put(touched);
  quiet();
  for (const char* verb : {"get", "list", "create", "update", "patch", "apply", "delete"}) {
    EXPECT_EQ(management.count(verb), 0U) << verb;
    EXPECT_EQ(tenant.count(verb), 0U) << verb;
  }
}

TEST_F(World, PutsBackWhatOthersChange) {
  management.put(sample());
  give_address("192.0.2.7");
  make_ready();
  ASSERT_TRUE(until([&] { return is_ready(); }));
  quiet();
  const kube::ResourceType config_maps{"", "v1", "ConfigMap", "configmaps"};
  management.erase(config_maps, {"team", "blue-kubeadmconfig"});
  ASSERT_TRUE(until(
      [&] { return management.peek(config_maps, {"team", "blue-kubeadmconfig"}).has_value(); }));
  const auto replicas = [&] {
    const Json deployment = management.peek(api::apps::Deployment::kType, {"team", "blue"}).value();
    return find(deployment, {"spec", "replicas"})->to_number<int>();
  };
  Json changed = management.peek(api::apps::Deployment::kType, {"team", "blue"}).value();
  changed.as_object()["spec"].as_object()["replicas"] = 7;
  management.put(api::apps::Deployment::kType, std::move(changed));
  EXPECT_TRUE(until([&] { return replicas() == 1; }));
}

TEST_F(World, APausedOneIsNotEvenDeleted) {
  TenantControlPlane paused = sample();
  management.put(paused);
  ASSERT_TRUE(until([&] { return !tcp().metadata.finalizers.empty(); }));
  paused = tcp();
  paused.metadata.annotations["kamaji.clastix.io/paused"] = "";
  management.put(paused);
  quiet();
  management.erase(TenantControlPlane::kType, {"team", "blue"});
  quiet();
  ASSERT_TRUE(management.peek(TenantControlPlane::kType, {"team", "blue"}));
  paused = tcp();
  paused.metadata.annotations.clear();
  management.put(paused);
  EXPECT_TRUE(until(
      [&] { return !management.peek(TenantControlPlane::kType, {"team", "blue"}).has_value(); }));
}

TEST_F(World, FillsTheTenantOnceItsApiServerAnswers) {
  management.put(sample());
  give_address("192.0.2.7");
  make_ready();
  ASSERT_TRUE(until([&] { return is_ready() && tcp().status.addons.coreDNS; }));
  EXPECT_EQ(tcp().status.kubernetesResources.version.version, "v1.37.2");
  EXPECT_EQ(tenant_config.server, "https://10.96.0.77:6443");
  EXPECT_EQ(tenant_config.tls_server_name, "blue.team.svc");
  const kube::ResourceType config_map{"", "v1", "ConfigMap", "configmaps"};
  const kube::ResourceType daemon_set{"apps", "v1", "DaemonSet", "daemonsets"};
  EXPECT_TRUE(tenant.peek(config_map, {"kube-public", "cluster-info"}));
  EXPECT_TRUE(tenant.peek(config_map, {"kube-system", "kubeadm-config"}));
  EXPECT_TRUE(tenant.peek(daemon_set, {"kube-flannel", "kube-flannel-ds"}));
  EXPECT_TRUE(tcp().status.addons.kubeProxy->enabled);
  EXPECT_NE(tcp().status.kubeadmPhase.bootstrapToken.checksum, "");
}

TEST_F(World, PutsATunnelBetweenTheApiServerAndTheNodes) {
  TenantControlPlane wanted = sample();
  wanted.spec.addons.konnectivity.emplace();
  management.put(wanted);
  give_address("192.0.2.7");
  make_ready();
  ASSERT_TRUE(until([&] {
    const auto& status = tcp().status.addons.konnectivity;
    return is_ready() && status && status->agent && status->kubeconfig;
  }));
  const kube::ResourceType config_map{"", "v1", "ConfigMap", "configmaps"};
  const kube::ResourceType daemon_set{"apps", "v1", "DaemonSet", "daemonsets"};
  const kube::ObjectKey egress{"team", "blue-konnectivity-egress-selector-configuration"};
  EXPECT_TRUE(management.peek(config_map, egress));
  EXPECT_FALSE(secret("blue-konnectivity-kubeconfig").data.empty());
  EXPECT_TRUE(tenant.peek(daemon_set, {"kube-system", "konnectivity-agent"}));
  const Json deployment = management.peek(api::apps::Deployment::kType, {"team", "blue"}).value();
  const Json* containers = find(deployment, {"spec", "template", "spec", "containers"});
  EXPECT_EQ(containers->as_array().size(), 4U);
  const Json service = management.peek(api::core::Service::kType, {"team", "blue"}).value();
  EXPECT_EQ(find(service, {"spec", "ports"})->as_array().size(), 2U);

  TenantControlPlane changed = tcp();
  changed.spec.addons.konnectivity.reset();
  management.put(changed);
  ASSERT_TRUE(until([&] {
    return !tcp().status.addons.konnectivity && !management.peek(config_map, egress) &&
           !tenant.peek(daemon_set, {"kube-system", "konnectivity-agent"});
  }));
}

TEST_F(World, BringsMetricsServerAndTakesItAway) {
  TenantControlPlane wanted = sample();
  wanted.spec.addons.konnectivity.emplace();
  management.put(wanted);
  give_address("192.0.2.7");
  make_ready();
  const kube::ResourceType service{"apiregistration.k8s.io", "v1", "APIService", "apiservices",
                                   false};
  const kube::ResourceType deployment{"apps", "v1", "Deployment", "deployments"};
  const auto both = [&](bool there) {
    return tenant.peek(service, {"", "v1beta1.metrics.k8s.io"}).has_value() == there &&
           tenant.peek(deployment, {"kube-system", "metrics-server"}).has_value() == there;
  };
  ASSERT_TRUE(until([&] { return both(true); }));
  TenantControlPlane changed = tcp();
  changed.metadata.annotations["nestor.dev/metrics-server"] = "false";
  management.put(changed);
  ASSERT_TRUE(until([&] { return both(false); }));
  EXPECT_TRUE(tenant.peek(deployment, {"kube-system", "coredns"}));
}

TEST_F(World, RemovesAnAddonThatIsNoLongerWantedButNotSomebodyElses) {
  management.put(sample());
  give_address("192.0.2.7");
  make_ready();
  ASSERT_TRUE(until([&] { return is_ready() && tcp().status.addons.coreDNS; }));
  const kube::ResourceType deployment{"apps", "v1", "Deployment", "deployments"};
  const kube::ResourceType service{"", "v1", "Service", "services"};
  const kube::ResourceType budget{"policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"};
  ASSERT_TRUE(tenant.peek(deployment, {"kube-system", "coredns"}));
  EXPECT_TRUE(tenant.peek(budget, {"kube-system", "coredns"}));
  Json theirs = tenant.peek(service, {"kube-system", "kube-dns"}).value();
  theirs.as_object()["metadata"].as_object()["labels"] = JsonObject{{"k8s-app", "kube-dns"}};
  tenant.put(service, std::move(theirs));

  TenantControlPlane changed = tcp();
  changed.spec.addons.coreDNS.reset();
  management.put(changed);
  ASSERT_TRUE(until([&] { return !tcp().status.addons.coreDNS->enabled; }));
  EXPECT_FALSE(tenant.peek(deployment, {"kube-system", "coredns"}));
  EXPECT_FALSE(tenant.peek(budget, {"kube-system", "coredns"}));
  EXPECT_TRUE(tenant.peek(service, {"kube-system", "kube-dns"}));
}

TEST_F(World, WaitsUntilTheTenantIsReady) {
  tenant.fail_next("raw", Error{Code::kUnavailable, "connection refused", {}}, 3);
  management.put(sample());
  give_address("192.0.2.7");
  make_ready();
  ASSERT_TRUE(until([&] { return is_ready() && tcp().status.addons.coreDNS; }));
  EXPECT_EQ(tenant.count("raw"), 4U);
}

TEST_F(World, ATenantThatDoesNotAnswerKeepsItsWorkerForAMinuteOnly) {
  held = true;
  management.put(sample());
  give_address("192.0.2.7");
  make_ready();
  ASSERT_TRUE(until([&] { return is_ready(); }));
  quiet();
  held = false;
  clock.advance(std::chrono::seconds(59));
  quiet();
  EXPECT_FALSE(tcp().status.addons.coreDNS) << "it is waited for";
  clock.advance(std::chrono::seconds(1));
  ASSERT_TRUE(until([&] { return tcp().status.addons.coreDNS.has_value(); }));
}

TEST_F(World, TenantsThatWereSlowShareAQuarterOfTheWorkers) {
  held = true;
  constexpr int kTenants = 6;
  for (int i = 1; i <= kTenants; ++i) {
    TenantControlPlane one = sample();
    one.metadata.name = "slow-" + std::to_string(i);
    management.put(one);
    give_address("192.0.2." + std::to_string(i), one.metadata.name);
    make_ready(one.metadata.name);
  }
  ASSERT_TRUE(until([&] { return waiting == kTenants; }));
  clock.advance(std::chrono::minutes(1));
  ASSERT_TRUE(until([&] { return waiting == 0; }));
  clock.advance(std::chrono::seconds(1));
  quiet();
  EXPECT_EQ(waiting, 5);
}

TEST_F(World, ReissuesTheCertificateForANewNameAndRollsThePods) {
  management.put(sample());
  give_address("192.0.2.7");
  make_ready();
  ASSERT_TRUE(until([&] { return is_ready(); }));
  const std::string before = tcp().status.certificates.apiServer.checksum;
  const std::string authority = decoded(secret("blue-ca"), "ca.crt");
  TenantControlPlane changed = tcp();
  changed.spec.networkProfile.certSANs = {"api.example.org"};
  management.put(changed);
  ASSERT_TRUE(until([&] { return tcp().status.certificates.apiServer.checksum != before; }));
  const auto info =
      pki::inspect(decoded(secret("blue-api-server-certificate"), "apiserver.crt")).value();
  EXPECT_THAT(info.dns_names, Contains("api.example.org"));
  EXPECT_EQ(decoded(secret("blue-ca"), "ca.crt"), authority);
  const Json deployment = management.peek(api::apps::Deployment::kType, {"team", "blue"}).value();
  EXPECT_EQ(find_string(deployment, {"spec", "template", "metadata", "labels",
                                     "component.kamaji.clastix.io/api-server-certificate"}),
            tcp().status.certificates.apiServer.checksum);
}

TEST_F(World, RepairsTheStoreConfigButNeverReplacesADamagedAuthority) {
  management.put(sample());
  give_address("192.0.2.7");
  make_ready();
  ASSERT_TRUE(until([&] { return is_ready(); }));
  Secret config = secret("blue-datastore-config");
  config.data["DB_SCHEMA"] = base64_encode("other");
  management.put(config);
  ASSERT_TRUE(until(
      [&] { return decoded(secret("blue-datastore-config"), "DB_SCHEMA") == tcp().metadata.uid; }));
  Secret authority = secret("blue-ca");
  authority.data["ca.key"] = base64_encode("junk");
  management.put(authority);
  quiet();
  EXPECT_EQ(decoded(secret("blue-ca"), "ca.key"), "junk");
}

TEST_F(World, RotatesACertificateOnRequest) {
  management.put(sample());
  give_address("192.0.2.7");
  make_ready();
  ASSERT_TRUE(until([&] { return is_ready(); }));
  Secret leaf = secret("blue-front-proxy-client-certificate");
  const std::string before = leaf.data["front-proxy-client.crt"];
  leaf.metadata.annotations["certs.kamaji.clastix.io/rotate"] = "";
  management.put(leaf);
  ASSERT_TRUE(until([&] {
    return secret("blue-front-proxy-client-certificate").data["front-proxy-client.crt"] != before;
  }));
  quiet();
  const auto annotations = secret("blue-front-proxy-client-certificate").metadata.annotations;
  EXPECT_THAT(annotations.at("certs.kamaji.clastix.io/rotate"), HasSubstr("T"));
}

TEST_F(World, RenewsCertificatesBeforeTheyExpire) {
  management.put(sample());
  give_address("192.0.2.7");
  make_ready();
  ASSERT_TRUE(until([&] { return is_ready(); }));
  quiet();
  const std::string before = tcp().status.certificates.apiServer.checksum;
  clock.advance(std::chrono::hours(24 * 340));
  ASSERT_TRUE(until([&] { return tcp().status.certificates.apiServer.checksum != before; }));
}

TEST_F(World, ShowsANewVersionOnlyWhenItsPodsRun) {
  management.put(sample());
  give_address("192.0.2.7");
  make_ready();
  ASSERT_TRUE(until([&] { return is_ready(); }));
  TenantControlPlane newer = tcp();
  newer.spec.kubernetes.version = "v1.37.3";
  management.put(newer);
  ASSERT_TRUE(
      until([&] { return tcp().status.kubernetesResources.version.status == "Upgrading"; }));
  EXPECT_EQ(tcp().status.kubernetesResources.version.version, "v1.37.2");
  make_ready();
  ASSERT_TRUE(until([&] { return tcp().status.kubernetesResources.version.version == "v1.37.3"; }));
  EXPECT_TRUE(is_ready());
}

TEST_F(World, SleepsWithoutReplicas) {
  TenantControlPlane asleep = sample();
  asleep.spec.controlPlane.deployment.replicas = 0;
  management.put(asleep);
  give_address("192.0.2.7");
  ASSERT_TRUE(until([&] { return has_deployment() && tcp().status.observedGeneration; }));
  EXPECT_EQ(tcp().status.kubernetesResources.version.status, "Sleeping");
  EXPECT_EQ(tenant.count("apply"), 0U);
}

TEST_F(World, CleansTheStoreOnDeletion) {
  management.put(sample());
  give_address("192.0.2.7");
  ASSERT_TRUE(until([&] { return has_deployment() && tcp().status.observedGeneration; }));
  const std::string uid = tcp().metadata.uid;
  etcd.down = true;
  management.erase(TenantControlPlane::kType, {"team", "blue"});
  quiet();
  ASSERT_TRUE(management.peek(TenantControlPlane::kType, {"team", "blue"}));
  etcd.down = false;
  ASSERT_TRUE(until(
      [&] { return !management.peek(TenantControlPlane::kType, {"team", "blue"}).has_value(); }));
  EXPECT_THAT(etcd.users, IsEmpty());
  EXPECT_THAT(etcd.roles, IsEmpty());
  EXPECT_THAT(etcd.deleted_prefixes, Contains("/" + uid + "/"));
  EXPECT_FALSE(has_deployment());
}

TEST_F(World, RefusesASchemaThatAnotherTenantHas) {
  TenantControlPlane first = sample();
  first.spec.dataStoreSchema = "shared";
  first.metadata.name = "red";
  management.put(first);
  ASSERT_TRUE(until([&] { return etcd.roles.contains("shared") && etcd.grants.size() == 1; }));
  quiet();
  TenantControlPlane second = sample();
  second.spec.dataStoreSchema = "shared";
  management.put(second);
  give_address("192.0.2.7");
  quiet();
  EXPECT_FALSE(has_deployment());
  EXPECT_EQ(etcd.grants.size(), 1U);
}

TEST_F(World, TellsThatADataStoreIsValidAndWhoUsesIt) {
  management.put(sample());
  ASSERT_TRUE(until([&] {
    const auto store = management.peek<DataStore>({"", "default"}).value();
    return store.status.ready && !store.status.usedBy.empty();
  }));
  const auto store = management.peek<DataStore>({"", "default"}).value();
  EXPECT_THAT(store.status.usedBy, ElementsAre("team/blue"));
  EXPECT_TRUE(
      kube::condition_true(store.status.conditions, "kamaji.clastix.io/DataStoreValidation"));
  EXPECT_FALSE(
      kube::condition_true(store.status.conditions, "kamaji.clastix.io/DataStoreAllowedDeletion"));
  management.erase(DataStore::kType, {"", "default"});
  quiet();
  EXPECT_TRUE(management.peek(DataStore::kType, {"", "default"}));
}

TEST_F(World, NoticesWhenTheSecretOfADataStoreChanges) {
  ASSERT_TRUE(until([&] { return management.peek<DataStore>({"", "default"})->status.ready; }));
  Secret broken = management.peek<Secret>({"system", "etcd"}).value();
  broken.data.erase("tls.key");
  management.put(broken);
  ASSERT_TRUE(until([&] { return !management.peek<DataStore>({"", "default"})->status.ready; }));
  const auto store = management.peek<DataStore>({"", "default"}).value();
  const auto* condition =
      kube::find_condition(store.status.conditions, "kamaji.clastix.io/DataStoreValidation");
  ASSERT_NE(condition, nullptr);
  EXPECT_THAT(condition->message, HasSubstr("tls.key"));
}

TEST_F(World, SwitchesAuthenticationOnOnlyWhereItMay) {
  etcd.auth = false;
  const auto validation = [&] {
    const auto now = management.peek<DataStore>({"", "default"}).value();
    const auto* found =
        kube::find_condition(now.status.conditions, "kamaji.clastix.io/DataStoreValidation");
    return found ? *found : kube::Condition{};
  };
  ASSERT_TRUE(until([&] { return validation().status == "False"; }));
  EXPECT_FALSE(management.peek<DataStore>({"", "default"})->status.ready);
  EXPECT_EQ(validation().reason, "AuthenticationDisabled");
  EXPECT_THAT(validation().message, HasSubstr("nestor.dev/enable-auth: \"true\""));
  EXPECT_THAT(validation().message, HasSubstr("nestor.dev/single-tenant: \"true\""));
  EXPECT_FALSE(etcd.auth);
  DataStore own = management.peek<DataStore>({"", "default"}).value();
  own.metadata = {};
  own.metadata.name = "own";
  own.metadata.annotations["nestor.dev/enable-auth"] = "true";
  own.status = {};
  management.put(own);
  ASSERT_TRUE(until([&] { return management.peek<DataStore>({"", "own"})->status.ready; }));
  EXPECT_TRUE(etcd.auth);
}

TEST_F(World, SaysThatADriverIsNotSupported) {
  DataStore store;
  store.metadata.name = "sql";
  store.spec.driver = "MySQL";
  store.spec.endpoints = {"db:3306"};
  management.put(store);
  ASSERT_TRUE(
      until([&] { return !management.peek<DataStore>({"", "sql"})->status.conditions.empty(); }));
  const auto now = management.peek<DataStore>({"", "sql"}).value();
  EXPECT_FALSE(now.status.ready);
  EXPECT_EQ(now.status.conditions.front().reason, "DriverNotSupported");
}

}  // namespace
}  // namespace nestor::controlplane::testing
