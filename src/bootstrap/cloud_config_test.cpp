#include "bootstrap/cloud_config.hpp"

#include <gtest/gtest.h>

namespace nestor::bootstrap {
namespace {

const JoinInput kInput{.api_server_endpoint = "10.0.0.1:6443",
                       .token = "abcdef.0123456789abcdef",
                       .ca_cert_hash = "sha256:00ff",
                       .kubernetes_version = "v1.37.2"};

Json json(std::string_view text) { return parse_json(text).value(); }

/// The document below the head lines.
Json body_of(const std::string& text) {
  const auto start = text.find("#cloud-config\n");
  EXPECT_NE(start, std::string::npos);
  return json(text.substr(start + std::string_view("#cloud-config\n").size()));
}

TEST(JoinConfiguration, FillsDiscoveryAndTaint) {
  const Json join = join_configuration(json("{}"), kInput).value();
  EXPECT_EQ(find_string(join, {"apiVersion"}), "kubeadm.k8s.io/v1beta4");
  EXPECT_EQ(*find(join, {"discovery"}),
            json(R"({"bootstrapToken":{"apiServerEndpoint":"10.0.0.1:6443",
                     "token":"abcdef.0123456789abcdef","caCertHashes":["sha256:00ff"]}})"));
  EXPECT_EQ(*find(join, {"nodeRegistration", "taints"}),
            json(R"([{"key":"node.cluster.x-k8s.io/uninitialized","effect":"NoSchedule"}])"));
}

TEST(JoinConfiguration, KeepsWhatTheSpecSaysAndAddsToItsTaints) {
  const Json spec = json(R"({"joinConfiguration":{"nodeRegistration":{
      "criSocket":"/var/run/containerd/containerd.sock",
      "kubeletExtraArgs":[{"name":"v","value":"4"}],
      "taints":[{"key":"gpu","effect":"NoSchedule"}]},
      "timeouts":{"kubeletHealthCheckSeconds":240}}})");
  const Json join = join_configuration(spec, kInput).value();
  EXPECT_EQ(find_string(join, {"nodeRegistration", "criSocket"}),
            "unix:///var/run/containerd/containerd.sock");
  EXPECT_EQ(find(join, {"nodeRegistration", "taints"})->get_array().size(), 2U);
  EXPECT_TRUE(find(join, {"nodeRegistration", "kubeletExtraArgs"})->is_array());
  EXPECT_EQ(*find(join, {"timeouts"}), json(R"({"kubeletHealthCheck":"240s"})"));
}

TEST(JoinConfiguration, LeavesTheNodeToItsCloudProvider) {
  JoinInput cloud = kInput;
  cloud.external_cloud = true;
  const Json join = join_configuration(json("{}"), cloud).value();
  EXPECT_EQ(*find(join, {"nodeRegistration", "kubeletExtraArgs"}),
            json(R"([{"name":"cloud-provider","value":"external"}])"));
  cloud.kubernetes_version = "v1.30.4";
  const Json older = join_configuration(json("{}"), cloud).value();
  EXPECT_EQ(*find(older, {"nodeRegistration", "kubeletExtraArgs"}),
            json(R"({"cloud-provider":"external"})"));
}

TEST(JoinConfiguration, KeepsACloudProviderThatIsGiven) {
  JoinInput cloud = kInput;
  cloud.external_cloud = true;
  const Json spec = json(R"({"joinConfiguration":{"nodeRegistration":{
      "kubeletExtraArgs":[{"name":"cloud-provider","value":""}]}}})");
  const Json join = join_configuration(spec, cloud).value();
  EXPECT_EQ(*find(join, {"nodeRegistration", "kubeletExtraArgs"}),
            *find(spec, {"joinConfiguration", "nodeRegistration", "kubeletExtraArgs"}));
}

TEST(JoinConfiguration, SpeaksV1beta3ToOlderKubeadm) {
  JoinInput old = kInput;
  old.kubernetes_version = "v1.30.4";
  const Json spec = json(R"({"joinConfiguration":{"nodeRegistration":{
      "kubeletExtraArgs":[{"name":"v","value":"4"}]}}})");
  const Json join = join_configuration(spec, old).value();
  EXPECT_EQ(find_string(join, {"apiVersion"}), "kubeadm.k8s.io/v1beta3");
  EXPECT_EQ(*find(join, {"nodeRegistration", "kubeletExtraArgs"}), json(R"({"v":"4"})"));
}

TEST(JoinConfiguration, RefusesWhatKubeadmCannotJoin) {
  for (const char* version : {"v1.21.0", "2.0", "", "latest"}) {
    JoinInput bad = kInput;
    bad.kubernetes_version = version;
    const auto join = join_configuration(json("{}"), bad);
    ASSERT_FALSE(join.has_value()) << version;
    EXPECT_EQ(join.error().code, Code::kInvalidArgument);
  }
}

TEST(JoinConfiguration, LeavesDiscoveryByFileAlone) {
  const Json spec = json(R"({"joinConfiguration":{"discovery":{"file":{"kubeConfigPath":"/x"}}}})");
  const Json join = join_configuration(spec, kInput).value();
  EXPECT_EQ(find(join, {"discovery", "bootstrapToken"}), nullptr);
}

TEST(CloudConfig, RunsCommandsAroundTheJoinInOrder) {
  const Json spec = json(R"({"preKubeadmCommands":["echo \"a: b\" > /x"],
                             "postKubeadmCommands":["echo done"]})");
  const std::string text = cloud_config(spec, kInput).value();
  EXPECT_TRUE(text.starts_with("#cloud-config\n"));
  const Json body = body_of(text);
  const JsonArray& commands = find(body, {"runcmd"})->get_array();
  ASSERT_EQ(commands.size(), 3U);
  EXPECT_EQ(commands[0].as_string(), "echo \"a: b\" > /x");
  EXPECT_TRUE(commands[1].as_string().starts_with(
      "kubeadm join --config /run/kubeadm/kubeadm-join-config.yaml && "));
  EXPECT_TRUE(commands[1].as_string().ends_with(
      "echo success > /run/cluster-api/bootstrap-success.complete"));
  EXPECT_EQ(commands[2].as_string(), "echo done");
}

TEST(CloudConfig, WritesUserFilesFirstThenTheJoinConfiguration) {
  const Json spec = json(R"({"files":[{"path":"/etc/a","permissions":"0600",
      "content":"line: 'one'\n\ttwo \"3\"\n","encoding":"gzip"}]})");
  const Json body = body_of(cloud_config(spec, kInput).value());
  const JsonArray& files = find(body, {"write_files"})->get_array();
  ASSERT_EQ(files.size(), 3U);
  EXPECT_EQ(find_string(files[0], {"content"}), "line: 'one'\n\ttwo \"3\"\n");
  EXPECT_EQ(find_string(files[0], {"encoding"}), "gzip");
  EXPECT_EQ(find_string(files[1], {"path"}), kJoinConfigPath);
  const Json join = json(find_string(files[1], {"content"}));
  EXPECT_EQ(find_string(join, {"kind"}), "JoinConfiguration");
}

TEST(CloudConfig, IsATemplateOnlyWhenThereIsSomethingToFillIn) {
  const Json spec = json(R"({"joinConfiguration":{"nodeRegistration":{
      "name":"{{ ds.meta_data.local_hostname }}"}}})");
  EXPECT_TRUE(cloud_config(spec, kInput).value().starts_with("## template: jinja\n#cloud-config"));
  EXPECT_TRUE(cloud_config(json("{}"), kInput).value().starts_with("#cloud-config"));
}

TEST(CloudConfig, NamesUsersAsCloudInitDoes) {
  const Json spec = json(R"({"users":[{"name":"ops","sudo":"ALL=(ALL) NOPASSWD:ALL",
      "lockPassword":false,"sshAuthorizedKeys":["ssh-ed25519 AAAA"],"homeDir":"/ops"}]})");
  const Json body = body_of(cloud_config(spec, kInput).value());
  EXPECT_EQ(*find(body, {"users"}),
            json(R"([{"name":"ops","homedir":"/ops","sudo":"ALL=(ALL) NOPASSWD:ALL",
                      "ssh_authorized_keys":["ssh-ed25519 AAAA"],"lock_passwd":false}])"));
}

TEST(CloudConfig, SaysThatIgnitionIsNotThere) {
  const auto text = cloud_config(json(R"({"format":"ignition"})"), kInput);
  ASSERT_FALSE(text.has_value());
  EXPECT_EQ(text.error().code, Code::kUnimplemented);
}

}  // namespace
}  // namespace nestor::bootstrap
