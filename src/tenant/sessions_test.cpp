#include "tenant/sessions.hpp"

#include <gtest/gtest.h>

#include "api/core/config_map.hpp"
#include "kube/metrics.hpp"
#include "tenant/testing/world.hpp"

namespace nestor::tenant {
namespace {

struct SessionsTest : ::testing::Test {
  SessionsTest() {
    world.sessions->on_change([this](const kube::ObjectKey& cluster, bool connected) {
      log.push_back((connected ? "+" : "-") + cluster.to_string());
    });
    world.start();
  }
  void connect() {
    world.add_cluster();
    world.add_kubeconfig();
    world.tenant_up();
    world.run();
  }
  api::core::Node node(const std::string& name, const std::string& provider_id) {
    api::core::Node out;
    out.metadata.name = name;
    out.spec.providerID = provider_id;
    return out;
  }
  void put_config_map(const std::string& name, const std::string& app) {
    api::core::ConfigMap map;
    map.metadata.name = name;
    map.metadata.namespace_ = "kube-system";
    map.metadata.labels["app"] = app;
    world.tenant.put(map);
    world.run();
  }
  /// Writes into `seen` what watch() reports.
  void watch_config_maps(std::vector<std::string>& seen, const std::string& selector) {
    kube::Scope scope{.label_selector = selector};
    world.sessions->watch<api::core::ConfigMap>(
        [&seen](const kube::ObjectKey& cluster, const auto& old, const auto& now) {
          seen.push_back((now ? (old ? "~" : "+") : "-") + cluster.name + ":" +
                         (now ? now : old)->metadata.name);
        },
        scope);
  }
  using Strings = std::vector<std::string>;

  testing::World world;
  std::vector<std::string> log;
};

TEST_F(SessionsTest, ATenantIsConnectedOnceItsKubeconfigIsThereAndItAnswers) {
  world.add_cluster();
  world.run();
  EXPECT_EQ(world.sessions->find(world.demo), nullptr);
  EXPECT_EQ(world.opened, 0);
  world.add_kubeconfig();
  world.run();
  EXPECT_EQ(world.last_server, "https://10.0.0.1:6443");
  EXPECT_EQ(world.sessions->find(world.demo), nullptr);
  world.tenant_up();
  world.pass(std::chrono::seconds(1));
  EXPECT_NE(world.sessions->find(world.demo), nullptr);
  EXPECT_TRUE(world.sessions->probe(world.demo).connected);
  EXPECT_EQ(log, std::vector<std::string>{"+default/demo"});
}

TEST_F(SessionsTest, ANewTenantIsConnectedOnceItsAdministratorMayReadIt) {
  world.add_cluster();
  world.add_kubeconfig();
  world.tenant_up();
  bool bound = false;
  world.tenant.on_call([&](const kube::testing::FakeCall& call) -> std::optional<Error> {
    if (bound || call.key.name == "/readyz") return std::nullopt;
    return Error{Code::kPermissionDenied, "not bound yet", {}};
  });
  world.pass(std::chrono::seconds(1));
  EXPECT_EQ(world.sessions->find(world.demo), nullptr);
  EXPECT_EQ(world.sessions->probe(world.demo).message, "not bound yet");
  bound = true;
  world.pass(std::chrono::milliseconds(200));
  EXPECT_NE(world.sessions->find(world.demo), nullptr);
}

TEST_F(SessionsTest, AKubeconfigWithoutClusterIsNotUsed) {
  world.add_kubeconfig();
  world.tenant_up();
  world.run();
  EXPECT_EQ(world.opened, 0);
}

TEST_F(SessionsTest, FiveFailedProbesDisconnectAndTheSessionComesBackAsItWas) {
  connect();
  const auto before = world.sessions->find(world.demo);
  ASSERT_NE(before, nullptr);
  world.tenant.fail_next("raw", {Code::kUnavailable, "refused", {}}, 5);
  world.pass(std::chrono::seconds(45));
  EXPECT_NE(world.sessions->find(world.demo), nullptr);
  world.pass(std::chrono::seconds(5));
  EXPECT_EQ(world.sessions->find(world.demo), nullptr);
  EXPECT_EQ(world.sessions->probe(world.demo).message, "refused");
  world.pass(std::chrono::seconds(1));
  EXPECT_EQ(world.sessions->find(world.demo), before);
  EXPECT_EQ(log, (std::vector<std::string>{"+default/demo", "-default/demo", "+default/demo"}));
}

TEST_F(SessionsTest, ATenantWithTooManyObjectsIsDisconnectedUntilTheyFit) {
  bool fits = false;
  world.tenant.on_call([&](const kube::testing::FakeCall& call) -> std::optional<Error> {
    if (fits || call.verb != "list") return std::nullopt;
    return Error{Code::kResourceExhausted, "too many objects", {}};
  });
  std::vector<std::string> seen;
  watch_config_maps(seen, "");
  connect();
  world.pass(std::chrono::seconds(70));
  EXPECT_EQ(world.sessions->find(world.demo), nullptr);
  EXPECT_EQ(world.sessions->probe(world.demo).message, "too many objects");
  const std::size_t lists = world.tenant.count("list");
  world.pass(std::chrono::seconds(70));
  EXPECT_LE(world.tenant.count("list"), lists + 20);
  fits = true;
  world.pass(std::chrono::seconds(130));
  EXPECT_NE(world.sessions->find(world.demo), nullptr);
}

/// Two tenants, and less room than both may fill.
struct SessionsLimitTest : ::testing::Test {
  SessionsLimitTest() {
    world.others["https://10.0.0.2:6443"] = &other;
    world.sessions->watch<api::core::ConfigMap>([](const auto&, const auto&, const auto&) {});
    world.start();
    world.tenant_up();
    other.set_raw("/readyz", "ok");
    world.add_cluster();
    world.add_kubeconfig();
    world.run();
    world.add_cluster("second");
    world.add_kubeconfig("https://10.0.0.2:6443", "second");
    world.run();
  }
  static api::core::ConfigMap config_map(const std::string& name, std::size_t bytes) {
    api::core::ConfigMap map;
    map.metadata.name = name;
    map.metadata.namespace_ = "default";
    map.metadata.annotations["x"] = std::string(bytes, 'x');
    return map;
  }

  kube::testing::FakeClient other;
  // The last 30,000 of all are for who takes no more than 15,000.
  testing::World world{{.tenant = 100'000, .all = 120'000, .assured = 20'000}};
  const kube::ObjectKey second{"default", "second"};
};

TEST_F(SessionsLimitTest, TenantsTogetherMayNotTakeMoreThanThereIs) {
  world.tenant.put(config_map("a", 50'000));
  other.put(config_map("a", 50'000));
  world.pass(std::chrono::seconds(130));
  EXPECT_NE(world.sessions->find(world.demo), nullptr);
  EXPECT_EQ(world.sessions->find(second), nullptr);
  EXPECT_NE(world.sessions->probe(second).message.find("no more memory"), std::string::npos);
  world.tenant.erase(api::core::ConfigMap::kType, {"default", "a"});
  world.pass(std::chrono::seconds(130));
  EXPECT_NE(world.sessions->find(second), nullptr);
}

TEST_F(SessionsLimitTest, ASmallTenantHasItsPlaceWhateverOthersTake) {
  world.tenant.put(config_map("a", 50'000));
  other.put(config_map("a", 9'000));
  world.run();
  world.tenant.put(config_map("b", 29'000));
  world.run();
  other.put(config_map("b", 4'000));
  other.put(config_map("c", 500));
  world.pass(std::chrono::seconds(130));
  EXPECT_NE(world.sessions->find(second), nullptr);
}

TEST_F(SessionsTest, RefusedCredentialsMakeANewClient) {
  connect();
  const auto before = world.sessions->find(world.demo);
  world.tenant.fail_next("raw", {Code::kUnauthenticated, "401", {}});
  world.pass(std::chrono::seconds(11));
  EXPECT_EQ(world.opened, 2);
  EXPECT_NE(world.sessions->find(world.demo), nullptr);
  EXPECT_NE(world.sessions->find(world.demo), before);
}

TEST_F(SessionsTest, AChangedKubeconfigIsFollowed) {
  connect();
  world.add_kubeconfig("https://10.0.0.2:6443");
  world.run();
  EXPECT_EQ(world.last_server, "https://10.0.0.2:6443");
  EXPECT_NE(world.sessions->find(world.demo), nullptr);
  EXPECT_EQ(log, (std::vector<std::string>{"+default/demo", "-default/demo", "+default/demo"}));
}

TEST_F(SessionsTest, EndsWithItsCluster) {
  connect();
  world.management.erase_now(api::cluster::Cluster::kType, world.demo);
  world.run();
  EXPECT_EQ(world.sessions->find(world.demo), nullptr);
  EXPECT_EQ(log.back(), "-default/demo");
  EXPECT_EQ(world.tenant.open_watches(), 0U);
}

TEST_F(SessionsTest, ATenantThatIsGoneLeavesNoMetric) {
  Metrics metrics;
  kube::set_metrics(&metrics);
  connect();
  const std::string series = "nestor_tenant_connected{cluster=\"demo\",namespace=\"default\"}";
  EXPECT_NE(metrics.serialize().find(series + " 1"), std::string::npos) << metrics.serialize();
  world.management.erase_now(api::cluster::Cluster::kType, world.demo);
  world.run();
  EXPECT_EQ(metrics.serialize().find(series), std::string::npos) << metrics.serialize();
  kube::set_metrics(nullptr);
}

/// Of an API server that does not answer to the creation of objects.
class DeafClient final : public testing::ForwardingClient {
 public:
  DeafClient(kube::Client& to, Clock& clock) : ForwardingClient(to), clock_(clock) {}
  Task<Json> create(kube::ResourceType, std::string, Json, std::string) override {
    NESTOR_CO_TRY_VOID(co_await clock_.sleep_for(std::chrono::hours(1)));
    co_return fail(Code::kUnavailable, "deaf");
  }

 private:
  Clock& clock_;
};

Task<> close(Sessions& sessions, bool& done) {
  co_await sessions.close();
  done = true;
  co_return Result<>{};
}

TEST_F(SessionsTest, TenantsThatDoNotAnswerAreClosedAtTheSameTime) {
  Sessions deaf(*world.runtime, [this](Executor, const kube::ClientConfig&) {
    return std::make_unique<DeafClient>(world.tenant, world.clock);
  });
  world.tenant_up();
  const api::core::Node about = node("a", "");
  for (int i = 0; i < 20; ++i) {
    const std::string name = "c" + std::to_string(i);
    world.add_cluster(name);
    world.add_kubeconfig("https://10.0.0.1:6443", name);
    world.run();
    const auto session = deaf.find({"default", name});
    ASSERT_NE(session, nullptr);
    session->events().normal(api::core::Node::kType, about.metadata, "Test", "the end");
  }
  world.run();
  run_coroutine(world.io, world.runtime->close());
  bool closed = false;
  TaskGroup tasks(world.io.get_executor());
  tasks.spawn("close", close(deaf, closed));
  world.run();
  EXPECT_FALSE(closed);
  world.pass(std::chrono::seconds(2));
  EXPECT_TRUE(closed);
}

TEST_F(SessionsTest, TellsOfNodesAndFindsThemByProviderId) {
  std::vector<std::string> nodes;
  world.sessions->watch_nodes([&](const kube::ObjectKey&, const auto& old, const auto& now) {
    nodes.push_back((now ? (old ? "~" : "+") : "-") + (now ? now : old)->metadata.name);
  });
  world.tenant.put(node("a", "kubevirt://a"));
  connect();
  EXPECT_EQ(nodes, std::vector<std::string>{"+a"});
  const auto session = world.sessions->find(world.demo);
  ASSERT_NE(Sessions::find_node(*session, "kubevirt://a"), nullptr);
  EXPECT_EQ(Sessions::find_node(*session, "kubevirt://b"), nullptr);
  world.tenant.erase(api::core::Node::kType, {"", "a"});
  world.run();
  EXPECT_EQ(nodes.back(), "-a");
}

TEST_F(SessionsTest, ALaterSubscriberHearsOfWhatIsThere) {
  world.tenant.put(node("a", "kubevirt://a"));
  world.sessions->watch_nodes([](const auto&, const auto&, const auto&) {});
  connect();
  int seen = 0;
  world.sessions->watch_nodes([&](const auto&, const auto&, const auto&) { ++seen; });
  bool connected = false;
  world.sessions->on_change([&](const auto&, bool yes) { connected = yes; });
  EXPECT_EQ(seen, 1);
  EXPECT_TRUE(connected);
}

TEST_F(SessionsTest, AKindIsWatchedInItsScopeWithTheClustersName) {
  Strings seen;
  watch_config_maps(seen, "app=x");
  put_config_map("a", "x");
  put_config_map("other", "y");
  connect();
  EXPECT_EQ(seen, Strings{"+demo:a"});
  put_config_map("b", "x");
  world.tenant.erase(api::core::ConfigMap::kType, {"kube-system", "a"});
  world.run();
  EXPECT_EQ(seen, (Strings{"+demo:a", "+demo:b", "-demo:a"}));
  EXPECT_EQ(world.tenant.open_watches(), 1U);

  Strings later;
  watch_config_maps(later, "app=x");
  world.run();
  EXPECT_EQ(later, Strings{"+demo:b"});
  EXPECT_EQ(world.tenant.open_watches(), 1U);
}

TEST_F(SessionsTest, AWatchOutlivesADisconnectionAndALaterOneIsToldOfTheCache) {
  Strings seen;
  watch_config_maps(seen, "");
  put_config_map("a", "x");
  connect();
  world.tenant.fail_next("raw", {Code::kUnavailable, "refused", {}}, 5);
  world.pass(std::chrono::seconds(50));
  ASSERT_EQ(world.sessions->find(world.demo), nullptr);
  Strings later;
  watch_config_maps(later, "");
  EXPECT_EQ(later, Strings{"+demo:a"});
  world.pass(std::chrono::seconds(10));
  ASSERT_NE(world.sessions->find(world.demo), nullptr);
  EXPECT_EQ(seen, Strings{"+demo:a"});
}

TEST_F(SessionsTest, ANewSessionReportsItsObjectsAndAnEndedOneNothing) {
  Strings seen;
  watch_config_maps(seen, "");
  put_config_map("a", "x");
  connect();
  const auto first = world.sessions->find(world.demo);
  world.add_kubeconfig("https://10.0.0.2:6443");
  world.run();
  EXPECT_TRUE(first->ended());
  EXPECT_EQ(seen, (Strings{"+demo:a", "+demo:a"}));
  world.management.erase_now(api::cluster::Cluster::kType, world.demo);
  world.run();
  put_config_map("b", "x");
  EXPECT_EQ(seen, (Strings{"+demo:a", "+demo:a"}));
}

TEST_F(SessionsTest, AnIndexIsMadeInEverySession) {
  connect();
  world.sessions->add_index<api::core::ConfigMap>("app", [](const api::core::ConfigMap& map) {
    return std::vector<std::string>{std::string(map.metadata.label("app"))};
  });
  put_config_map("a", "x");
  const auto by_app = [this](const std::string& app) {
    const auto session = world.sessions->find(world.demo);
    return session->informers().of<api::core::ConfigMap>().by_index("app", app).size();
  };
  EXPECT_EQ(by_app("x"), 1U);
  EXPECT_EQ(by_app("y"), 0U);
  world.add_kubeconfig("https://10.0.0.2:6443");
  world.run();
  EXPECT_EQ(by_app("x"), 1U);
}

}  // namespace
}  // namespace nestor::tenant
