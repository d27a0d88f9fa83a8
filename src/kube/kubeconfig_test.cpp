#include "kube/kubeconfig.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "kube/path.hpp"

namespace nestor::kube {
namespace {

constexpr std::string_view kConfig = R"(
apiVersion: v1
kind: Config
current-context: one
contexts:
- name: one
  context: {cluster: c1, user: u1, namespace: tenants}
- name: two
  context: {cluster: c2, user: u2}
- name: three
  context: {cluster: c2, user: u3}
- name: broken
  context: {cluster: nowhere, user: u1}
clusters:
- name: c1
  cluster:
    server: https://10.0.0.1:6443
    certificate-authority-data: Q0E=
    tls-server-name: kubernetes
    proxy-url: http://proxy:3128
- name: c2
  cluster: {server: "https://[::1]:6443/base/", certificate-authority: ca.crt}
users:
- name: u1
  user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ}
- name: u2
  user: {tokenFile: token}
- name: u3
  user:
    exec: {command: login}
)";

TEST(Kubeconfig, ReadsTheCurrentContextWithInlineData) {
  const auto config = parse_kubeconfig(kConfig);
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->server, "https://10.0.0.1:6443");
  EXPECT_EQ(config->ca_pem, "CA");
  EXPECT_EQ(config->cert_pem, "CERT");
  EXPECT_EQ(config->key_pem, "KEY");
  EXPECT_EQ(config->tls_server_name, "kubernetes");
  EXPECT_EQ(config->proxy_url, "http://proxy:3128");
  EXPECT_EQ(config->default_namespace, "tenants");
}

TEST(Kubeconfig, ReadsFilesRelativeToItsFolder) {
  const auto dir = std::filesystem::path(::testing::TempDir()) / "nestor_kubeconfig_test";
  std::filesystem::create_directories(dir);
  std::ofstream(dir / "ca.crt") << "FILE-CA";
  std::ofstream(dir / "token") << "secret\n";
  const auto config = parse_kubeconfig(kConfig, "two", dir.string());
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->ca_pem, "FILE-CA");
  EXPECT_EQ(config->token, "secret");
  EXPECT_EQ(config->token_file, (dir / "token").string());
  EXPECT_EQ(config->default_namespace, "default");
  std::filesystem::remove_all(dir);
  EXPECT_EQ(parse_kubeconfig(kConfig, "two", dir.string()).error().code, Code::kInvalidArgument);
}

TEST(Kubeconfig, SaysWhatIsWrong) {
  const auto broken = parse_kubeconfig(kConfig, "broken");
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(broken.error().code, Code::kInvalidArgument);
  EXPECT_NE(broken.error().message.find("nowhere"), std::string::npos);
  EXPECT_EQ(parse_kubeconfig(kConfig, "none").error().code, Code::kInvalidArgument);
  EXPECT_EQ(parse_kubeconfig("[]").error().code, Code::kInvalidArgument);
  EXPECT_EQ(parse_kubeconfig("").error().code, Code::kInvalidArgument);
  EXPECT_EQ(parse_kubeconfig(kConfig, "three", "/nowhere").error().code, Code::kInvalidArgument);
}

TEST(Kubeconfig, RefusesLoginPlugins) {
  const auto dir = std::filesystem::path(::testing::TempDir()) / "nestor_kubeconfig_exec";
  std::filesystem::create_directories(dir);
  std::ofstream(dir / "ca.crt") << "FILE-CA";
  EXPECT_EQ(parse_kubeconfig(kConfig, "three", dir.string()).error().code, Code::kUnimplemented);
  std::filesystem::remove_all(dir);
}

TEST(Kubeconfig, OfOthersNamesNoFileOfOurs) {
  const auto read = [](const std::string& cluster, const std::string& user) {
    return parse_foreign_kubeconfig(
        "{current-context: x, contexts: [{name: x, context: {cluster: x, user: x}}], clusters: "
        "[{name: x, cluster: {server: 'https://h:1'" +
        cluster + "}}], users: [{name: x, user: {" + user + "}}]}");
  };
  EXPECT_EQ(read("", "token: abc")->token, "abc");
  EXPECT_FALSE(read(", certificate-authority: /etc/hostname", "token: abc"));
  for (const char* file : {"tokenFile", "client-certificate", "client-key"}) {
    const auto config = read("", std::string(file) + ": /etc/hostname");
    ASSERT_FALSE(config) << file;
    EXPECT_EQ(config.error().message,
              "kubeconfig names a file (" + std::string(file) + "); embed its content");
  }
}

TEST(Kubeconfig, OfOthersIsSmallAndSaysWhatItSays) {
  const std::string good =
      "{current-context: x, contexts: [{name: x, context: {cluster: x}}], clusters: "
      "[{name: x, cluster: {server: 'https://h:1'}}]}\n";
  EXPECT_TRUE(parse_foreign_kubeconfig(good));
  const auto refused = [](const std::string& text) {
    return parse_foreign_kubeconfig(text).error().code == Code::kInvalidArgument;
  };
  EXPECT_TRUE(refused("{x: &a [1], y: *a, " + good.substr(1)));
  EXPECT_TRUE(refused(good + "---\n" + good));
  EXPECT_TRUE(refused("#" + std::string(256UL * 1024, 'x') + "\n" + good));
}

TEST(Kubeconfig, OfOthersLeadsToAnHttpsServerThatIsForeign) {
  const auto read = [](const std::string& server) {
    return parse_foreign_kubeconfig(
        "{current-context: x, contexts: [{name: x, context: {cluster: x}}], clusters: "
        "[{name: x, cluster: {server: '" +
        server + "'}}]}\n");
  };
  EXPECT_TRUE(read("https://h:1/prefix")->foreign);
  for (const char* server :
       {"http://h:1", "h:1", "https://h/?a=", "https://h/x#", "https://h?a=", "ftp://h"}) {
    const auto config = read(server);
    ASSERT_FALSE(config) << server;
    EXPECT_EQ(config.error().code, Code::kInvalidArgument) << server;
  }
}

TEST(Kubeconfig, OfAFileNamesFilesBesideIt) {
  const auto dir = std::filesystem::path(::testing::TempDir()) / "nestor_kubeconfig_load";
  std::filesystem::create_directories(dir);
  std::ofstream(dir / "ca.crt") << "FILE-CA";
  std::ofstream(dir / "config") << "{current-context: x, contexts: [{name: x, context: "
                                   "{cluster: x}}], clusters: [{name: x, cluster: "
                                   "{server: 'https://h:1', certificate-authority: ca.crt}}]}";
  const auto config = load_config((dir / "config").string());
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->ca_pem, "FILE-CA");
  std::filesystem::remove_all(dir);
  EXPECT_EQ(load_config((dir / "config").string()).error().code, Code::kNotFound);
}

ClientConfig demo() {
  return {.server = "https://192.0.2.7:6443",
          .ca_pem = "authority\n",
          .cert_pem = "certificate\n",
          .key_pem = "key\n",
          .proxy_url = "http://127.0.0.1:8132",
          .default_namespace = "apps"};
}

TEST(Kubeconfig, NamesItsPartsAsKubeadmDoes) {
  EXPECT_EQ(make_kubeconfig(demo(), "demo", "demo-admin"), R"(apiVersion: v1
clusters:
  - cluster:
      certificate-authority-data: YXV0aG9yaXR5Cg==
      proxy-url: http://127.0.0.1:8132
      server: https://192.0.2.7:6443
    name: demo
contexts:
  - context:
      cluster: demo
      namespace: apps
      user: demo-admin
    name: demo-admin@demo
current-context: demo-admin@demo
kind: Config
users:
  - name: demo-admin
    user:
      client-certificate-data: Y2VydGlmaWNhdGUK
      client-key-data: a2V5Cg==
)");
}

TEST(Kubeconfig, IsReadBackAsItWasWritten) {
  const auto config = parse_foreign_kubeconfig(make_kubeconfig(demo()));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->server, "https://192.0.2.7:6443");
  EXPECT_EQ(config->ca_pem, "authority\n");
  EXPECT_EQ(config->cert_pem, "certificate\n");
  EXPECT_EQ(config->key_pem, "key\n");
  EXPECT_EQ(config->token, "");
  EXPECT_EQ(config->default_namespace, "apps");
  EXPECT_EQ(config->proxy_url, "http://127.0.0.1:8132");
}

TEST(Kubeconfig, WithATokenNeedsNoCertificate) {
  const std::string text = make_kubeconfig({.server = "https://a:1", .token = "true"});
  EXPECT_EQ(text.find("namespace"), std::string::npos) << text;
  const auto config = parse_foreign_kubeconfig(text);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->token, "true") << "text that looks like another type must stay text";
  EXPECT_EQ(config->cert_pem, "");
}

TEST(Kubeconfig, OfOtherContentsIsRefused) {
  EXPECT_FALSE(parse_foreign_kubeconfig(""));
  EXPECT_FALSE(parse_foreign_kubeconfig("kind: Config\n"));
  EXPECT_FALSE(parse_foreign_kubeconfig("x: &a [1]\ny: *a\n" + make_kubeconfig(demo())));
  EXPECT_FALSE(parse_foreign_kubeconfig(make_kubeconfig(demo()) + std::string(256UL * 1024, '#')));
  EXPECT_FALSE(parse_foreign_kubeconfig("clusters: [1, {name: 7}]\ncurrent-context: x\n"));
}

TEST(Path, BuildsResourcePaths) {
  const ResourceType pods{"", "v1", "Pod", "pods", true};
  const ResourceType nodes{"", "v1", "Node", "nodes", false};
  const ResourceType machines{"cluster.x-k8s.io", "v1beta2", "Machine", "machines", true};
  EXPECT_EQ(collection_path(pods, ""), "/api/v1/pods");
  EXPECT_EQ(object_path(pods, {"a", "b"}, "log"), "/api/v1/namespaces/a/pods/b/log");
  EXPECT_EQ(object_path(nodes, {"ignored", "n"}), "/api/v1/nodes/n");
  EXPECT_EQ(object_path(machines, {"a", "m"}, "status"),
            "/apis/cluster.x-k8s.io/v1beta2/namespaces/a/machines/m/status");
}

TEST(Path, EncodesQueryValues) {
  Query query("/p");
  query.add("labelSelector", "a in (b,c),d=é").add("empty", "").add("limit", "5");
  EXPECT_EQ(query.text(), "/p?labelSelector=a%20in%20%28b%2Cc%29%2Cd%3D%C3%A9&limit=5");
}

}  // namespace
}  // namespace nestor::kube
