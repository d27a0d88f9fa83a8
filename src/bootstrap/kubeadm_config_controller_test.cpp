#include <gtest/gtest.h>

#include "api/bootstrap/kubeadm_config.hpp"
#include "api/cluster/machine.hpp"
#include "bootstrap/bootstrap.hpp"
#include "bootstrap/token_secret.hpp"
#include "pki/pki.hpp"
#include "tenant/testing/world.hpp"

namespace nestor::bootstrap {
namespace {

using api::bootstrap::KubeadmConfig;
using api::cluster::Cluster;
using api::cluster::Machine;
using api::core::Secret;

struct BootstrapRoom : ::testing::Test {
  BootstrapRoom() {
    world.tenant_up();
    restart();
    world.add_cluster();
    Secret ca = named<Secret>("demo-ca");
    api::core::set_secret_value(ca, "tls.crt", authority().cert_pem);
    world.management.put(ca);
    Machine machine = named<Machine>("m");
    machine.spec.clusterName = "demo";
    machine.spec.version = "v1.37.2";
    machine.spec.bootstrap.configRef = {"bootstrap.cluster.x-k8s.io", "KubeadmConfig", "m"};
    machine = world.management.put(machine);
    KubeadmConfig config = named<KubeadmConfig>("m");
    config.metadata.labels["cluster.x-k8s.io/cluster-name"] = "demo";
    config.metadata.ownerReferences = {kube::owner_reference(machine)};
    world.management.put(config);
    world.run();
  }
  static const pki::KeyPair& authority() {
    static const pki::KeyPair kPair = pki::generate_ca("kubernetes").value();
    return kPair;
  }
  void restart() {
    world.stop();
    world.boot();
    add_controllers(*world.runtime, *world.sessions);
    world.start();
  }
  template <class T>
  static T named(const std::string& name) {
    T out;
    out.metadata.name = name;
    out.metadata.namespace_ = "default";
    return out;
  }
  void control_plane_up() {
    auto cluster = world.management.peek<Cluster>(world.demo).value();
    cluster.spec.controlPlaneEndpoint = {"10.0.0.1", 6443};
    cluster.status.initialization.infrastructureProvisioned = true;
    cluster.status.initialization.controlPlaneInitialized = true;
    world.management.put(cluster);
    world.add_kubeconfig();
    world.pass(std::chrono::seconds(1));
  }
  void node_is(std::string status) {
    auto machine = world.management.peek<Machine>({"default", "m"}).value();
    machine.status.nodeRef.name = "m";
    set(machine, "NodeReady", std::move(status));
  }
  void infrastructure_is(std::string status) {
    set(world.management.peek<Machine>({"default", "m"}).value(), "InfrastructureReady",
        std::move(status));
  }
  void starts_anew() {
    infrastructure_is("False");
    infrastructure_is("True");
  }
  /// A machine that joined long ago; the tenant has let go of its token, whose key is returned.
  kube::ObjectKey joined_long_ago() {
    control_plane_up();
    starts_anew();
    node_is("True");
    auto key = tokens().at(0).metadata.key();
    world.tenant.erase(Secret::kType, key);
    world.pass(std::chrono::minutes(40));
    EXPECT_TRUE(tokens().empty());
    return key;
  }
  void set(Machine machine, std::string_view type, std::string status) {
    kube::Condition condition;
    condition.type = type;
    condition.status = std::move(status);
    kube::set_condition(machine.status.conditions, condition, format_rfc3339(world.clock.now()));
    world.management.put(machine);
    world.run();
  }
  KubeadmConfig config() { return world.management.peek<KubeadmConfig>({"default", "m"}).value(); }
  std::vector<Secret> tokens() { return world.tenant.all<Secret>(); }
  tenant::testing::World world;
};

TEST_F(BootstrapRoom, WaitsForTheControlPlaneAndSaysSo) {
  const auto now = config();
  const auto* available = kube::find_condition(now.status.conditions, "DataSecretAvailable");
  ASSERT_NE(available, nullptr);
  EXPECT_EQ(available->status, "False");
  EXPECT_EQ(available->reason, "WaitingForControlPlaneInitialized");
  EXPECT_TRUE(tokens().empty());
}

TEST_F(BootstrapRoom, MakesTokenAndDataOnceTheTenantAnswers) {
  control_plane_up();
  EXPECT_EQ(config().status.dataSecretName, "m");
  EXPECT_EQ(config().status.initialization.dataSecretCreated, true);
  const auto token = config().spec.joinConfiguration.discovery.bootstrapToken->token;
  ASSERT_EQ(tokens().size(), 1U);
  EXPECT_EQ(tokens()[0].metadata.name, "bootstrap-token-" + token.substr(0, 6));
  const auto data = world.management.peek<Secret>({"default", "m"}).value();
  EXPECT_EQ(data.type, "cluster.x-k8s.io/secret");
  EXPECT_EQ(data.metadata.label("cluster.x-k8s.io/cluster-name"), "demo");
  ASSERT_NE(data.metadata.controller(), nullptr);
  EXPECT_EQ(data.metadata.controller()->kind, "KubeadmConfig");
  EXPECT_EQ(api::core::secret_value(data, "format").value(), "cloud-config");
  const auto text = api::core::secret_value(data, "value").value();
  EXPECT_NE(text.find(token), std::string::npos);
  EXPECT_NE(text.find("10.0.0.1:6443"), std::string::npos);
  EXPECT_NE(text.find(pki::public_key_hash(authority().cert_pem).value()), std::string::npos);
}

TEST_F(BootstrapRoom, KeepsTheTokenAliveUntilTheMachineHasJoined) {
  control_plane_up();
  world.pass(std::chrono::minutes(31));
  ASSERT_EQ(tokens().size(), 1U);
  EXPECT_FALSE(needs_refresh(tokens()[0], world.clock.now() - kTokenCheckPeriod));
  node_is("True");
  world.pass(std::chrono::minutes(20));
  EXPECT_TRUE(needs_refresh(tokens()[0], world.clock.now()));
}

TEST_F(BootstrapRoom, AMachineThatStartsAnewFindsItsTokenAgain) {
  const auto key = joined_long_ago();
  starts_anew();
  EXPECT_TRUE(tokens().empty()) << "kubeadm refuses while the Node is Ready";
  node_is("False");
  ASSERT_EQ(tokens().size(), 1U);
  EXPECT_EQ(tokens()[0].metadata.key(), key);
  const auto token = config().spec.joinConfiguration.discovery.bootstrapToken->token;
  EXPECT_EQ(api::core::secret_value(tokens()[0], "token-secret").value(), token.substr(7));
  world.pass(std::chrono::minutes(20));
  EXPECT_FALSE(needs_refresh(tokens()[0], world.clock.now() - kTokenCheckPeriod));
  node_is("True");
  world.tenant.erase(Secret::kType, key);
  world.pass(std::chrono::minutes(20));
  EXPECT_TRUE(tokens().empty());
}

TEST_F(BootstrapRoom, NobodyKeepsATokenAliveByTakingANodeAway) {
  joined_long_ago();
  node_is("False");
  world.pass(std::chrono::minutes(10));
  EXPECT_TRUE(tokens().empty());
  node_is("Unknown");
  starts_anew();
  EXPECT_TRUE(tokens().empty()) << "it may have been away only";
  node_is("False");
  ASSERT_EQ(tokens().size(), 1U);
  world.pass(kJoinsAgainFor + kTokenTtl);
  EXPECT_TRUE(needs_refresh(tokens()[0], world.clock.now()));
}

TEST_F(BootstrapRoom, ItsTokenComesBeforeAMachineIsReadyThatWaitsForItsKubelet) {
  joined_long_ago();
  infrastructure_is("False");
  node_is("False");
  EXPECT_EQ(tokens().size(), 1U);
}

TEST_F(BootstrapRoom, ATokenThatVanishedIsMadeAgain) {
  control_plane_up();
  const auto key = tokens().at(0).metadata.key();
  world.tenant.erase(Secret::kType, key);
  world.pass(std::chrono::minutes(6));
  EXPECT_TRUE(world.tenant.peek(Secret::kType, key).has_value());
}

TEST_F(BootstrapRoom, ACrashAnywhereLeavesOneTokenAndItsData) {
  for (int n = 1; n <= 6; ++n) {
    SCOPED_TRACE(n);
    int writes = 0;
    const auto kill = [&](const kube::testing::FakeCall& call) -> std::optional<Error> {
      const bool write = call.verb == "create" || call.verb == "patch" || call.verb == "apply";
      if (write && call.plural != "events") ++writes;
      if (writes < n) return std::nullopt;
      return Error{Code::kUnavailable, "killed", {}};
    };
    auto fresh = config();
    fresh.spec.joinConfiguration.discovery.bootstrapToken.reset();
    fresh.status = {};
    world.management.on_call(kill);
    world.tenant.on_call(kill);
    world.management.put(fresh);
    for (const auto& old : tokens()) world.tenant.erase(Secret::kType, old.metadata.key());
    control_plane_up();
    world.management.on_call({});
    world.tenant.on_call({});
    restart();
    world.pass(std::chrono::seconds(2));
    EXPECT_EQ(tokens().size(), 1U);
    EXPECT_EQ(config().status.initialization.dataSecretCreated, true);
    const auto data = world.management.peek<Secret>({"default", "m"}).value();
    const auto token = config().spec.joinConfiguration.discovery.bootstrapToken->token;
    EXPECT_NE(api::core::secret_value(data, "value")->find(token), std::string::npos);
  }
}

TEST_F(BootstrapRoom, AnInvalidConfigMakesNothingAndSaysWhy) {
  auto invalid = config();
  api::bootstrap::File file;
  file.path = "/a";
  invalid.spec.files = {file, file};
  world.management.put(invalid);
  control_plane_up();
  world.management.clear_calls();
  world.pass(std::chrono::minutes(1));
  EXPECT_TRUE(world.management.calls().empty());
  EXPECT_TRUE(tokens().empty());
  const auto status = config().status;
  const auto* ready = kube::find_condition(status.conditions, "Ready");
  ASSERT_NE(ready, nullptr);
  EXPECT_EQ(ready->reason, "InvalidSpec");
  EXPECT_NE(ready->message.find("spec.files[1].path"), std::string::npos) << ready->message;
  auto mended = config();
  mended.spec.files.pop_back();
  world.management.put(mended);
  world.pass(std::chrono::seconds(1));
  EXPECT_EQ(config().status.dataSecretName, "m");
  // From here on it changes nothing, and a Machine that runs is not called unready for it.
  invalid = config();
  invalid.spec.files.push_back(invalid.spec.files[0]);
  world.management.put(invalid);
  world.pass(std::chrono::seconds(1));
  EXPECT_TRUE(kube::condition_true(config().status.conditions, "Ready"));
}

TEST_F(BootstrapRoom, FilesComeFromTheirSecrets) {
  Secret source = named<Secret>("source");
  api::core::set_secret_value(source, "key", "the content");
  world.management.put(source);
  auto changed = config();
  changed.spec.files.resize(1);
  changed.spec.files[0].path = "/etc/x";
  changed.spec.files[0].contentFrom.emplace().secret = {"source", "key"};
  world.management.put(changed);
  control_plane_up();
  const auto data = world.management.peek<Secret>({"default", "m"}).value();
  EXPECT_NE(api::core::secret_value(data, "value")->find("the content"), std::string::npos);
}

TEST_F(BootstrapRoom, DataThatWasMadeElsewhereIsKept) {
  auto machine = world.management.peek<Machine>({"default", "m"}).value();
  machine.spec.bootstrap.dataSecretName = "moved";
  world.management.put(machine);
  world.run();
  EXPECT_EQ(config().status.dataSecretName, "moved");
  EXPECT_TRUE(tokens().empty());
  control_plane_up();
  starts_anew();
  node_is("False");
  EXPECT_TRUE(tokens().empty()) << "no other token would be of use";
}

}  // namespace
}  // namespace nestor::bootstrap
