#include "pki/kubeconfig.hpp"

#include <gtest/gtest.h>

#include "base/json.hpp"

namespace nestor::pki {
namespace {

KubeconfigSpec demo() {
  return {.cluster_name = "demo",
          .server = "https://192.0.2.7:6443",
          .ca_pem = "authority\n",
          .user_name = "demo-admin",
          .cert_pem = "certificate\n",
          .key_pem = "key\n",
          .namespace_ = "apps",
          .proxy_url = "http://127.0.0.1:8132"};
}

TEST(Kubeconfig, NamesItsPartsAsKubeadmDoes) {
  const auto documents = parse_yaml_documents(make_kubeconfig(demo()));
  ASSERT_TRUE(documents) << documents.error().message;
  ASSERT_EQ(documents->size(), 1);
  const Json& config = documents->front();
  EXPECT_EQ(find_string(config, {"apiVersion"}), "v1");
  EXPECT_EQ(find_string(config, {"kind"}), "Config");
  EXPECT_EQ(find_string(config, {"current-context"}), "demo-admin@demo");
  const Json& context = config.at("contexts").at(0);
  EXPECT_EQ(find_string(context, {"name"}), "demo-admin@demo");
  EXPECT_EQ(find_string(context, {"context", "cluster"}), "demo");
  EXPECT_EQ(find_string(context, {"context", "user"}), "demo-admin");
  EXPECT_EQ(find_string(context, {"context", "namespace"}), "apps");
  EXPECT_EQ(find_string(config.at("clusters").at(0), {"cluster", "certificate-authority-data"}),
            "YXV0aG9yaXR5Cg==");
}

TEST(Kubeconfig, IsReadBackAsItWasWritten) {
  const auto spec = read_kubeconfig(make_kubeconfig(demo()));
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->cluster_name, "demo");
  EXPECT_EQ(spec->server, "https://192.0.2.7:6443");
  EXPECT_EQ(spec->ca_pem, "authority\n");
  EXPECT_EQ(spec->cert_pem, "certificate\n");
  EXPECT_EQ(spec->key_pem, "key\n");
  EXPECT_EQ(spec->token, "");
  EXPECT_EQ(spec->namespace_, "apps");
  EXPECT_EQ(spec->proxy_url, "http://127.0.0.1:8132");
}

TEST(Kubeconfig, TokenNeedsNoCertificate) {
  const auto spec = read_kubeconfig(
      make_kubeconfig({.server = "https://a:1", .user_name = "bot", .token = "true"}));
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->token, "true") << "text that looks like another type must stay text";
  EXPECT_EQ(spec->cert_pem, "");
}

TEST(Kubeconfig, OfOtherContentsIsRefused) {
  EXPECT_FALSE(read_kubeconfig(""));
  EXPECT_FALSE(read_kubeconfig("kind: Config\n"));
  EXPECT_FALSE(read_kubeconfig("x: &a [1]\ny: *a\n" + make_kubeconfig(demo())));
  EXPECT_FALSE(read_kubeconfig(make_kubeconfig(demo()) + std::string(256UL * 1024, '#')));
  EXPECT_FALSE(read_kubeconfig("clusters: [1, {name: 7}]\ncurrent-context: x\n"));
}

}  // namespace
}  // namespace nestor::pki
