#include "controlplane/konnectivity.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <map>
#include <string>

#include "controlplane/arguments.hpp"
#include "controlplane/deployment.hpp"
#include "controlplane/testing/samples.hpp"

namespace nestor::controlplane {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::json;
using ::testing::Not;
using testing::sample;
using testing::sample_address;
using testing::settings_of;
using ::testing::StartsWith;

TEST(Arguments, TunnelsServerTakesUpstreamsOptions) {
  TenantControlPlane tcp = sample();
  tcp.spec.addons.konnectivity.emplace();
  tcp.spec.addons.konnectivity->server.extraArgs = {"--agent-port=1",
                                                    "--proxy-strategies=destHost"};
  const auto arguments = konnectivity_server_arguments(tcp, settings_of(tcp));
  EXPECT_THAT(arguments, Contains("--agent-port=8132"));
  EXPECT_THAT(arguments, Not(Contains("--agent-port=1")));
  EXPECT_THAT(arguments, Contains("--proxy-strategies=destHost"));
  EXPECT_THAT(arguments, Contains("--server-count=2"));
  const auto api_server = api_server_arguments(tcp, settings_of(tcp), sample_address(), {});
  EXPECT_THAT(api_server, Contains(StartsWith("--egress-selector-config-file=")));
}

TEST(Egress, SendsAllThatTheTenantNamesThroughTheTunnel) {
  TenantControlPlane tcp = sample();
  const auto names = [&] {
    std::vector<std::string> out;
    const auto documents = parse_yaml_documents(egress_configuration(tcp)).value();
    for (const Json& selection : documents.at(0).at("egressSelections").as_array()) {
      out.emplace_back(find_string(selection, {"name"}));
      EXPECT_EQ(find_string(selection, {"connection", "transport", "uds", "udsName"}),
                "/run/konnectivity/konnectivity-server.socket");
    }
    return out;
  };
  EXPECT_THAT(names(), ElementsAre("cluster", "controlplane"));
  auto& extra = tcp.spec.controlPlane.deployment.extraArgs.apiServer;
  extra = {"--v=2", "--oidc-issuer-url=https://login.example.com"};
  EXPECT_THAT(names(), ElementsAre("cluster", "controlplane"));
  extra.emplace_back("--audit-webhook-config-file=/etc/audit/webhook.yaml");
  EXPECT_THAT(names(), ElementsAre("cluster"));
}

TEST(Containers, TunnelsServerHasNoKeysButItsOwn) {
  TenantControlPlane tcp = sample();
  tcp.spec.addons.konnectivity.emplace();
  const Settings settings = settings_of(tcp);
  const auto named = [](const JsonArray& all, std::string_view name) {
    const auto found = std::ranges::find_if(
        all, [&](const Json& item) { return find_string(item, {"name"}) == name; });
    return found == all.end() ? Json() : *found;
  };
  const JsonArray volumes = build_volumes(tcp, settings);
  const Json server =
      named(build_containers(tcp, settings, sample_address(), {}), "konnectivity-server");
  std::map<std::string, Json> sources;
  for (const Json& mount : find(server, {"volumeMounts"})->as_array()) {
    EXPECT_EQ(find_string(mount, {"subPath"}) == "konnectivity-server.conf",
              find_string(mount, {"name"}) == "konnectivity-server-kubeconfig");
    sources[std::string(find_string(mount, {"mountPath"}))] =
        named(volumes, find_string(mount, {"name"}));
  }
  EXPECT_EQ(sources.size(), 3U);
  EXPECT_EQ(*find(sources["/etc/kubernetes/pki"], {"secret"}), json(R"({
      "secretName": "blue-api-server-certificate", "defaultMode": 420,
      "items": [{"key": "apiserver.crt", "path": "apiserver.crt"},
                {"key": "apiserver.key", "path": "apiserver.key"}]})"));
  EXPECT_NE(find(sources["/run/konnectivity"], {"emptyDir"}), nullptr);
  const auto arguments = konnectivity_server_arguments(tcp, settings);
  EXPECT_THAT(arguments, Contains("--cluster-cert=/etc/kubernetes/pki/apiserver.crt"));
  EXPECT_THAT(arguments, Contains("--cluster-key=/etc/kubernetes/pki/apiserver.key"));
  EXPECT_EQ(std::ranges::count_if(
                arguments, [](const auto& a) { return a.find("/pki/") != std::string::npos; }),
            2);
}

}  // namespace
}  // namespace nestor::controlplane
