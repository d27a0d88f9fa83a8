#include "cli/context.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace nestor::cli {
namespace {

constexpr const char* kTwoClusters = R"(
current-context: near
contexts:
- {name: far, context: {cluster: one, user: x}}
- {name: near, context: {cluster: two, user: x}}
clusters:
- {name: one, cluster: {server: "https://192.0.2.1"}}
- name: two
  cluster:
    server: https://127.0.0.1:6443
    extensions: [{name: nestor.dev, extension: {tenant-proxy-url: "http://127.0.0.1:6442"}}]
)";

TEST(Kubeconfig, ProxyIsThatOfTheContextsCluster) {
  EXPECT_EQ(tenant_proxy_url(kTwoClusters, ""), "http://127.0.0.1:6442");
  EXPECT_EQ(tenant_proxy_url(kTwoClusters, "far"), "");
  EXPECT_EQ(tenant_proxy_url(kTwoClusters, "other"), "");
  EXPECT_EQ(tenant_proxy_url("[]", ""), "");
}

TEST(Kubeconfig, IsTheFirstOfTheListThatIsThere) {
  ConnectOptions options;
  ::unsetenv("KUBECONFIG");
  EXPECT_EQ(kubeconfig_path(options), "/var/lib/nestor/admin.kubeconfig");
  ::setenv("KUBECONFIG", "/nowhere:/dev/null:/dev/zero", 1);
  EXPECT_EQ(kubeconfig_path(options), "/dev/null");
  ::setenv("KUBECONFIG", "/nowhere:/nor/here", 1);
  EXPECT_EQ(kubeconfig_path(options), "/nowhere:/nor/here");
  EXPECT_EQ(namespace_without_connection(options).value(), "default");
  options.kubeconfig = "/named";
  EXPECT_EQ(kubeconfig_path(options), "/named");
  EXPECT_FALSE(namespace_without_connection(options));
  options.ns = "team";
  EXPECT_EQ(namespace_without_connection(options).value(), "team");
  ::unsetenv("KUBECONFIG");
}

TEST(Kubeconfig, HintIsAboutTheClusterThatWasAsked) {
  const Error down{Code::kUnavailable, "refused", {}};
  ::unsetenv("KUBECONFIG");
  ConnectOptions options;
  EXPECT_EQ(hint_of(down, options), "Is the management cluster up? `nestor status` tells.");
  options.state_dir = "/s";
  EXPECT_EQ(hint_of(down, options),
            "Is the management cluster up? `nestor status --state-dir /s` tells.");
  options.kubeconfig = "/named";
  EXPECT_EQ(hint_of(down, options), "Is the cluster of /named up, and reachable from here?");
  EXPECT_EQ(hint_of({Code::kNotFound, "no", {}}, options), "");
}

TEST(Kubeconfig, AdviceRepeatsWhatLeadsToTheSamePlace) {
  ConnectOptions options;
  EXPECT_EQ(same_place(options, "default"), "");
  options.ns = "team";
  EXPECT_EQ(same_place(options, "team"), "");
  EXPECT_EQ(same_place(options, "default"), " -n team");
  options.kubeconfig = "k";
  options.context = "c";
  EXPECT_EQ(same_place(options, "default"), " --kubeconfig k --context c -n team");
}

}  // namespace
}  // namespace nestor::cli
