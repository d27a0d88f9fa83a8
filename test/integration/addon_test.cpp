// Add-ons with the real helm; one real API server is the management cluster and the tenant.

#include "addon/addon.hpp"

#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "addon/helm.hpp"
#include "addon/values_template.hpp"
#include "api/addons/helm_chart_proxy.hpp"
#include "api/addons/helm_release_proxy.hpp"
#include "api/cluster/cluster.hpp"
#include "api/controlplane/kamaji_control_plane.hpp"
#include "api/core/config_map.hpp"
#include "api/core/secret.hpp"
#include "api/infrastructure/kubevirt_cluster.hpp"
#include "base/base64.hpp"
#include "base/process.hpp"
#include "integration/management.hpp"
#include "kube/kubeconfig.hpp"
#include "kube/runtime.hpp"
#include "net/http.hpp"
#include "net/testing/certificates.hpp"
#include "pki/pki.hpp"
#include "tenant/sessions.hpp"

namespace nestor::integration {
namespace {

using api::addons::HelmChartProxy;
using api::addons::HelmReleaseProxy;
using api::cluster::Cluster;
using api::controlplane::KamajiControlPlane;
using api::core::ConfigMap;
using api::core::Secret;
using api::infrastructure::KubevirtCluster;
using std::chrono::seconds;

constexpr const char* kTemplate = R"(apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-made
data:
  name: {{ .Values.name | quote }}
)";

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

class AddonTest : public ApiServerTest {
 protected:
  void SetUp() override {
    ApiServerTest::SetUp();
    if (IsSkipped()) return;
    helm_ = helm_program();
    if (helm_.empty()) GTEST_SKIP() << "helm is not built, see upstream/build";
    must(install_crds(*client_));
    make_cluster();
    runtime_ =
        std::make_unique<kube::Runtime>(io_.get_executor(), *client_, clock_, *processes_, "test");
    sessions_ = std::make_unique<tenant::Sessions>(*runtime_);
    addon::add_controllers(*runtime_, *sessions_, {.helm = helm_});
    runtime_->start();
    proxies_.emplace(runtime_->informers().of<HelmChartProxy>());
    releases_.emplace(runtime_->informers().of<HelmReleaseProxy>());
  }
  void TearDown() override {
    if (runtime_) run_coroutine(io_, runtime_->close());
    if (sessions_) run_coroutine(io_, sessions_->close());
    sessions_.reset();
    runtime_.reset();
  }

  void make_cluster() {
    Cluster cluster;
    cluster.metadata.name = "demo";
    cluster.metadata.namespace_ = ns_;
    cluster.metadata.labels["web"] = "yes";
    cluster.spec.clusterNetwork.apiServerPort = 6443;
    cluster = must(kube::create(*client_, cluster));
    Cluster ready = cluster;
    ready.status.initialization.controlPlaneInitialized = true;
    must(kube::patch_changes(*client_, cluster, ready));
    Secret secret;
    secret.metadata.name = "demo-kubeconfig";
    secret.metadata.namespace_ = ns_;
    secret.metadata.labels["cluster.x-k8s.io/cluster-name"] = "demo";
    api::core::set_secret_value(secret, "value", kube::make_kubeconfig(server_->admin()));
    must(kube::create(*client_, secret));
  }
  ConfigMap chart() const {
    ConfigMap map;
    map.metadata.name = "charts";
    map.metadata.namespace_ = ns_;
    map.metadata.labels["nestor.dev/helm-chart"] = "";
    map.data = {{"Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n"},
                {"made.yaml", kTemplate}};
    return map;
  }
  /// The chart as an archive.
  std::string packed_chart() {
    auto job = addon::HelmJob::make(*processes_, helm_).value();
    EXPECT_TRUE(job.write("app/Chart.yaml", chart().data["Chart.yaml"]));
    EXPECT_TRUE(job.write("app/templates/made.yaml", kTemplate));
    const auto source = job.make_directory("app").value();
    const auto folder = job.make_directory("packed").value();
    const auto packed = run(job.run({"package", source, "--destination", folder}, seconds(30)));
    EXPECT_TRUE(packed && packed->exit_code == 0);
    return read_file(folder + "/app-1.0.0.tgz").value_or("");
  }
  HelmChartProxy proxy(const std::string& name, const std::string& repository) const {
    HelmChartProxy out;
    out.metadata.name = name;
    out.metadata.namespace_ = ns_;
    out.spec.clusterSelector.matchLabels["web"] = "yes";
    out.spec.chartName = "app";
    out.spec.repoURL = repository;
    out.spec.releaseName = name;
    out.spec.namespace_ = ns_ + "-apps";
    out.spec.valuesTemplate =
        "name: {{ .Cluster.metadata.name }}-{{ .Cluster.spec.clusterNetwork.apiServerPort }}\n";
    return out;
  }
  void apply(const HelmChartProxy& wanted) { must(kube::apply(*client_, wanted, "test")); }
  void apply(const ConfigMap& wanted) { must(kube::apply(*client_, wanted, "test")); }

  /// Waits until the proxy's Ready condition of its present spec has this status; returns its
  /// message.
  std::string ready(const std::string& name, const std::string& status) {
    const kube::ObjectKey key{ns_, name};
    const auto now = must(kube::get<HelmChartProxy>(*client_, key));
    std::string message;
    const auto done = run(proxies_->wait_until(
        [&] {
          const auto one = proxies_->get(key);
          if (!one || one->status.observedGeneration != now.metadata.generation) return false;
          const auto* found = kube::find_condition(one->status.conditions, "Ready");
          if (found == nullptr || found->status != status) return false;
          if (found->reason == "HelmReleasePending") return false;
          message = found->message;
          return true;
        },
        seconds(50)));
    EXPECT_TRUE(done) << name << " did not become " << status << ": " << conditions(key);
    return message;
  }
  std::string conditions(const kube::ObjectKey& key) {
    const auto one = proxies_->get(key);
    return one ? to_text(to_json(one->status)) : "gone";
  }
  /// The value in the ConfigMap that the chart makes.
  std::string made(const std::string& release) {
    auto map = run(kube::get<ConfigMap>(*client_, {ns_ + "-apps", release + "-made"}));
    return map ? map->data["name"] : "none";
  }
  HelmReleaseProxy release(const std::string& name) {
    for (const auto& one : releases_->list(ns_)) {
      if (one->spec.releaseName == name) return *one;
    }
    return {};
  }

  std::string helm_;
  std::unique_ptr<ProcessRunner> processes_ = make_process_runner(io_.get_executor());
  std::unique_ptr<kube::Runtime> runtime_;
  std::unique_ptr<tenant::Sessions> sessions_;
  std::optional<kube::Informer<HelmChartProxy>> proxies_;
  std::optional<kube::Informer<HelmReleaseProxy>> releases_;
};

TEST_F(AddonTest, InstallsUpgradesTellsFaultsAndUninstalls) {
  apply(chart());
  auto wanted = proxy("app", "configmap://charts");
  apply(wanted);
  ready("app", "True");
  EXPECT_EQ(made("app"), "demo-6443");
  EXPECT_EQ(release("app").status.revision, 1);

  wanted.spec.valuesTemplate = "name: {{ list 1 2 | toJson | quote }}\n";
  apply(wanted);
  ready("app", "True");
  EXPECT_EQ(made("app"), "[1,2]");
  EXPECT_EQ(release("app").status.revision, 2);
  EXPECT_EQ(release("app").status.status, "deployed");

  auto broken = chart();
  broken.data["more.yaml"] = "apiVersion: nowhere/v1\nkind: Nothing\nmetadata: {name: x}\n";
  apply(broken);
  const std::string words = ready("app", "False");
  EXPECT_NE(words.find("no matches for kind \"Nothing\" in version \"nowhere/v1\""),
            std::string::npos)
      << words;
  EXPECT_EQ(words.find("/tmp"), std::string::npos) << words;
  apply(chart());
  ready("app", "True");

  wanted.spec.valuesTemplate = "a: 1\nname: {{ .Cluster.nothing.here }}\n";
  apply(wanted);
  EXPECT_EQ(
      ready("app", "False"),
      "demo: valuesTemplate:2:17: executing \"valuesTemplate\" at <.Cluster.nothing.here>: nil "
      "pointer evaluating interface {}.here");
  EXPECT_EQ(made("app"), "[1,2]");

  must(client_->remove(HelmChartProxy::kType, {ns_, "app"}));
  EXPECT_TRUE(run(proxies_->wait_until([&] { return !proxies_->get({ns_, "app"}); }, seconds(50))));
  EXPECT_EQ(made("app"), "none");
  kube::ListOptions records;
  records.label_selector = "owner=helm";
  EXPECT_TRUE(must(client_->list(Secret::kType, ns_ + "-apps", records)).items.empty());
}

TEST_F(AddonTest, ShowsTemplatesTheObjectsBehindTheCluster) {
  KamajiControlPlane plane;
  plane.metadata.name = "plane";
  plane.metadata.namespace_ = ns_;
  plane.spec.version = "v1.37.2";
  plane = must(kube::create(*client_, plane));
  KubevirtCluster infrastructure;
  infrastructure.metadata.name = "metal";
  infrastructure.metadata.namespace_ = ns_;
  must(kube::create(*client_, infrastructure));
  const auto cluster = must(kube::get<Cluster>(*client_, {ns_, "demo"}));
  Cluster whole = cluster;
  whole.spec.controlPlaneRef = {"controlplane.cluster.x-k8s.io", "KamajiControlPlane", "plane"};
  whole.spec.infrastructureRef = {"infrastructure.cluster.x-k8s.io", "KubevirtCluster", "metal"};
  must(kube::patch_changes(*client_, cluster, whole));
  apply(chart());
  auto wanted = proxy("app", "configmap://charts");
  wanted.spec.valuesTemplate =
      "name: {{ .ControlPlane.spec.version }}/{{ .InfraCluster.metadata.name }}\n";
  apply(wanted);
  ready("app", "True");
  EXPECT_EQ(made("app"), "v1.37.2/metal");

  KamajiControlPlane newer = plane;
  newer.spec.version = "v1.37.3";
  must(kube::patch_changes(*client_, plane, newer));
  EXPECT_TRUE(
      run(releases_->wait_until([&] { return release("app").status.revision == 2; }, seconds(50))));
  EXPECT_EQ(made("app"), "v1.37.3/metal");
}

TEST_F(AddonTest, HealsAReleaseWhoseHelmWasKilled) {
  auto stuck = chart();
  stuck.data["pod.yaml"] =
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: never}\nspec:\n  selector: "
      "{matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n    spec: {containers: "
      "[{name: a, image: b}]}\n";
  auto job = addon::HelmJob::make(*processes_, helm_).value();
  ASSERT_TRUE(job.use_kubeconfig(kube::make_kubeconfig(server_->admin())));
  const auto folder = job.make_directory("chart/templates").value();
  ASSERT_TRUE(job.write("chart/Chart.yaml", stuck.data["Chart.yaml"]));
  ASSERT_TRUE(job.write("chart/templates/made.yaml", stuck.data["made.yaml"]));
  ASSERT_TRUE(job.write("chart/templates/pod.yaml", stuck.data["pod.yaml"]));
  const auto path = std::filesystem::path(folder).parent_path().string();
  // No controller makes its pod, so helm waits until it is killed.
  const auto killed = run(job.run(
      {"install", "app", path, "--wait", "--create-namespace", "--namespace=" + ns_ + "-apps"},
      seconds(5)));
  ASSERT_FALSE(killed);
  EXPECT_EQ(killed.error().code, Code::kDeadlineExceeded);
  apply(chart());
  apply(proxy("app", "configmap://charts"));
  ready("app", "True");
  EXPECT_EQ(made("app"), "demo-6443");
  EXPECT_EQ(release("app").status.status, "deployed");
}

TEST_F(AddonTest, PullsFromARepository) {
  auto job = addon::HelmJob::make(*processes_, helm_).value();
  const auto served = job.make_directory("served").value();
  ASSERT_TRUE(job.write("served/app-1.0.0.tgz", packed_chart()));
  const auto indexed = run(job.run({"repo", "index", served}, seconds(30)));
  ASSERT_TRUE(indexed && indexed->exit_code == 0);
  auto server = net::make_http_server(
      io_.get_executor(), {.address = "127.0.0.1"},
      [&served](net::HttpRequest request) -> asio::awaitable<net::HttpResponse> {
        const auto content = read_file(served + request.target);
        net::HttpResponse response;
        response.status = content ? 200 : 404;
        response.body = content.value_or("");
        co_return response;
      });
  ASSERT_TRUE(server) << server.error().message;
  const std::string url = "http://127.0.0.1:" + std::to_string((*server)->port());
  auto wanted = proxy("pulled", url);
  wanted.spec.version = "9.9.9";
  apply(wanted);
  const std::string words = ready("pulled", "False");
  EXPECT_NE(words.find("9.9.9"), std::string::npos) << words;
  wanted.spec.version = "1.0.0";
  apply(wanted);
  ready("pulled", "True");
  EXPECT_EQ(made("pulled"), "demo-6443");
  run_coroutine(io_, (*server)->stop());
}

/// The part of a registry that pulls one chart, for those who show `login`.
/// Source: the distribution specification, "Pull"; media types: helm's.
class ChartRegistry {
 public:
  ChartRegistry(std::string archive, std::string login)
      : chart_(std::move(archive)), authorization_("Basic " + base64_encode(login)) {
    manifest_ = to_text(JsonObject{
        {"schemaVersion", 2},
        {"mediaType", kManifest},
        {"config", descriptor("application/vnd.cncf.helm.config.v1+json", config_)},
        {"layers",
         JsonArray{descriptor("application/vnd.cncf.helm.chart.content.v1.tar+gzip", chart_)}},
    });
  }
  net::HttpResponse answer(const net::HttpRequest& request) const {
    net::HttpResponse out;
    std::string authorization;
    for (const auto& [name, value] : request.headers) {
      if (name == "Authorization" || name == "authorization") authorization = value;
    }
    if (authorization != authorization_) {
      out.status = 401;
      out.headers.emplace_back("WWW-Authenticate", "Basic realm=\"charts\"");
      return out;
    }
    const std::string* content = nullptr;
    const std::string repository = "/v2/team/charts/app/";
    for (const std::string& tag : {std::string("1.0.0"), digest(manifest_)}) {
      if (request.target == repository + "manifests/" + tag) content = &manifest_;
    }
    for (const std::string* blob : {&config_, &chart_}) {
      if (request.target == repository + "blobs/" + digest(*blob)) content = blob;
    }
    out.status = content != nullptr ? 200 : 404;
    if (content == nullptr) return out;
    out.body = *content;
    out.headers = {{"Content-Type", content == &manifest_ ? kManifest : "application/octet-stream"},
                   {"Docker-Content-Digest", digest(*content)}};
    return out;
  }

 private:
  static constexpr const char* kManifest = "application/vnd.oci.image.manifest.v1+json";
  static std::string digest(const std::string& content) {
    return "sha256:" + pki::sha256_hex(content);
  }
  static JsonObject descriptor(const char* type, const std::string& content) {
    return {{"mediaType", type}, {"digest", digest(content)}, {"size", content.size()}};
  }
  std::string config_ = R"({"name":"app","version":"1.0.0","apiVersion":"v2"})";
  std::string chart_;
  std::string manifest_;
  std::string authorization_;
};

TEST_F(AddonTest, PullsFromARegistryWithALogin) {
  const auto ca = net::make_test_ca("charts");
  const auto leaf = net::make_test_leaf(ca, {"IP:127.0.0.1"});
  const ChartRegistry registry(packed_chart(), "reader:secret");
  net::HttpServerOptions options{.address = "127.0.0.1"};
  options.tls = {.cert_pem = leaf.cert_pem, .key_pem = leaf.key_pem};
  auto server = net::make_http_server(
      io_.get_executor(), options,
      [&registry](net::HttpRequest request) -> asio::awaitable<net::HttpResponse> {
        co_return registry.answer(request);
      });
  ASSERT_TRUE(server) << server.error().message;
  const std::string host = "127.0.0.1:" + std::to_string((*server)->port());

  Secret trust;
  trust.metadata.name = "registry";
  trust.metadata.namespace_ = ns_;
  api::core::set_secret_value(trust, "ca.crt", ca.cert_pem);
  const auto login = [&](const std::string& password) {
    return R"({"auths":{")" + host + R"(":{"auth":")" + base64_encode("reader:" + password) +
           R"("}}})";
  };
  api::core::set_secret_value(trust, "config.json", login("wrong"));
  trust = must(kube::create(*client_, trust));
  auto wanted = proxy("pulled", "oci://" + host + "/team/charts");
  wanted.spec.version = "1.0.0";
  wanted.spec.credentials = api::addons::Credentials{{"registry", ns_}, "config.json"};
  wanted.spec.tlsConfig.emplace();
  wanted.spec.tlsConfig->caSecret = {"registry", ns_};
  apply(wanted);
  const std::string words = ready("pulled", "False");
  EXPECT_NE(words.find("401"), std::string::npos) << words;
  EXPECT_EQ(words.find("wrong"), std::string::npos) << words;

  Secret right = trust;
  api::core::set_secret_value(right, "config.json", login("secret"));
  must(kube::patch_changes(*client_, trust, right));
  ready("pulled", "True");
  EXPECT_EQ(made("pulled"), "demo-6443");
  run_coroutine(io_, (*server)->stop());
}

}  // namespace
}  // namespace nestor::integration
