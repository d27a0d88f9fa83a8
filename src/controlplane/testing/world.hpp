#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "api/apps/deployment.hpp"
#include "api/core/secret.hpp"
#include "api/core/service.hpp"
#include "api/kamaji/data_store.hpp"
#include "api/kamaji/tenant_control_plane.hpp"
#include "base/base64.hpp"
#include "base/testing/co_test.hpp"
#include "base/testing/manual_clock.hpp"
#include "controlplane/controlplane.hpp"
#include "controlplane/testing/fake_etcdctl.hpp"
#include "kube/runtime.hpp"
#include "kube/testing/fake_client.hpp"
#include "pki/pki.hpp"
#include "tenant/sessions.hpp"
#include "tenant/testing/forwarding_client.hpp"

namespace nestor::controlplane::testing {

using kube::testing::FakeClient;

/// Does not answer /readyz while `held`.
class HeldClient final : public tenant::testing::ForwardingClient {
 public:
  HeldClient(kube::Client& to, Clock& clock, const bool& held, int& waiting)
      : ForwardingClient(to), clock_(clock), held_(held), waiting_(waiting) {}
  Task<std::string> get_raw(std::string path) override {
    if (held_) {
      ++waiting_;
      const auto waited = co_await clock_.sleep_for(std::chrono::hours(1));
      --waiting_;
      if (!waited) co_return std::unexpected(waited.error());
    }
    co_return co_await ForwardingClient::get_raw(std::move(path));
  }

 private:
  Clock& clock_;
  const bool& held_;
  int& waiting_;
};

/// A management cluster, one tenant's API server and an etcd, all in memory, with the room's
/// controllers running over them.
class World : public ::testing::Test {
 protected:
  World() : clock(io.get_executor()), management(&clock), tenant(&clock) {
    // Keys are made with the machine's clock, so ours must agree with it.
    const auto ahead = std::chrono::system_clock::now() - clock.now();
    clock.advance(std::chrono::duration_cast<Duration>(ahead) + std::chrono::seconds(1));
    management.collect_garbage(true);
    tenant.set_raw("/readyz", "ok");
    put_store();
    start();
  }
  ~World() override { stop(); }

  void start() {
    runtime = std::make_unique<kube::Runtime>(io.get_executor(), management, clock, etcd, "test");
    Options options{.etcdctl = "etcdctl", .privileged = privileged, .connect = {}};
    options.connect = [this](Executor, kube::ClientConfig config) {
      tenant_config = std::move(config);
      return Result<std::unique_ptr<kube::Client>>(
          std::make_unique<HeldClient>(tenant, clock, held, waiting));
    };
    sessions = std::make_unique<tenant::Sessions>(*runtime, options.connect);
    add_controllers(*runtime, *sessions, std::move(options));
    runtime->start();
  }
  void stop() {
    if (!runtime) return;
    run_coroutine(io, runtime->close());
    run_coroutine(io, sessions->close());
    sessions.reset();
    runtime.reset();
  }
  /// Runs everything until `done`; false when it is not after sixty seconds. Moves the held clock
  /// so that back-off ends.
  bool until(const std::function<bool()>& done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!done()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      if (io.stopped()) io.restart();
      if (io.run_one_for(std::chrono::milliseconds(5)) == 0) clock.advance(std::chrono::seconds(1));
    }
    return true;
  }
  /// Runs until nothing is left to do for a while.
  void quiet() {
    for (int idle = 0; idle < 5;) {
      if (io.stopped()) io.restart();
      idle = io.run_one_for(std::chrono::milliseconds(5)) == 0 ? idle + 1 : 0;
    }
  }

  void put_store() {
    ca = pki::generate_ca("etcd").value();
    const pki::CertificateRequest request{.common_name = "root", .client = true};
    root = pki::issue(request, ca).value();
    api::core::Secret secret;
    secret.metadata.name = "etcd";
    secret.metadata.namespace_ = "system";
    secret.data = {{"ca.crt", base64_encode(ca.cert_pem)},
                   {"ca.key", base64_encode(ca.key_pem)},
                   {"tls.crt", base64_encode(root.cert_pem)},
                   {"tls.key", base64_encode(root.key_pem)}};
    management.put(secret);
    const auto ref = [](const char* key) {
      return api::kamaji::ContentRef{
          .content = "", .secretReference = api::kamaji::SecretKeyReference{"etcd", "system", key}};
    };
    api::kamaji::DataStore store;
    store.metadata.name = "default";
    store.spec.driver = "etcd";
    store.spec.endpoints = {"etcd-0:2379"};
    store.spec.tlsConfig.emplace();
    store.spec.tlsConfig->certificateAuthority = {ref("ca.crt"), ref("ca.key")};
    store.spec.tlsConfig->clientCertificate = {ref("tls.crt"), ref("tls.key")};
    management.put(store);
  }

  api::kamaji::TenantControlPlane sample() const {
    api::kamaji::TenantControlPlane tcp;
    tcp.metadata.name = "blue";
    tcp.metadata.namespace_ = "team";
    tcp.spec.kubernetes.version = "v1.37.2";
    tcp.spec.controlPlane.service.serviceType = "LoadBalancer";
    tcp.spec.controlPlane.deployment.replicas = 1;
    tcp.spec.addons.coreDNS.emplace();
    tcp.spec.addons.kubeProxy.emplace();
    return tcp;
  }
  api::kamaji::TenantControlPlane tcp() const {
    return management.peek<api::kamaji::TenantControlPlane>({"team", "blue"}).value();
  }
  api::core::Secret secret(const std::string& name) const {
    return management.peek<api::core::Secret>({"team", name}).value_or(api::core::Secret{});
  }
  bool has_deployment() const {
    return management.peek<api::apps::Deployment>({"team", "blue"}).has_value();
  }
  /// What the load balancer does.
  void give_address(const std::string& ip, const std::string& name = "blue") {
    ASSERT_TRUE(
        until([&] { return management.peek<api::core::Service>({"team", name}).has_value(); }));
    Json service = management.peek(api::core::Service::kType, {"team", name}).value();
    JsonArray ingress;
    ingress.push_back(JsonObject{{"ip", ip}});
    service.as_object()["status"] =
        JsonObject{{"loadBalancer", JsonObject{{"ingress", std::move(ingress)}}}};
    service.as_object()["spec"].as_object()["clusterIP"] = "10.96.0.77";
    management.put(api::core::Service::kType, std::move(service));
  }
  /// What the Deployment's controller does.
  void make_ready(const std::string& name = "blue") {
    ASSERT_TRUE(
        until([&] { return management.peek<api::apps::Deployment>({"team", name}).has_value(); }));
    Json deployment = management.peek(api::apps::Deployment::kType, {"team", name}).value();
    deployment.as_object()["status"] =
        JsonObject{{"replicas", 1},
                   {"readyReplicas", 1},
                   {"updatedReplicas", 1},
                   {"availableReplicas", 1},
                   {"observedGeneration", *find(deployment, {"metadata", "generation"})}};
    management.put(api::apps::Deployment::kType, std::move(deployment));
  }
  bool is_ready() const { return tcp().status.kubernetesResources.version.status == "Ready"; }

  /// Whether API servers of tenants leave who asks without an answer.
  bool held = false;
  /// Who asks so in vain.
  int waiting = 0;
  /// Options::privileged at the next start.
  bool privileged = false;
  asio::io_context io;
  ManualClock clock;
  FakeClient management;
  FakeClient tenant;
  FakeEtcdctl etcd;
  pki::KeyPair ca;
  pki::KeyPair root;
  kube::ClientConfig tenant_config;
  std::unique_ptr<kube::Runtime> runtime;
  std::unique_ptr<tenant::Sessions> sessions;
};

}  // namespace nestor::controlplane::testing
