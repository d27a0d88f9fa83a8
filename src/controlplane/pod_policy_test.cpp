#include "controlplane/pod_policy.hpp"

#include <gmock/gmock.h>

#include <vector>

namespace nestor::controlplane {
namespace {

using ::testing::HasSubstr;

/// Why a pod whose template has these members is refused; "" when it is not.
std::string refusal(const std::string& members) {
  const auto verdict = check_pod(parse_json("{" + members + "}").value());
  if (verdict) return "";
  EXPECT_EQ(verdict.error().code, Code::kInvalidArgument);
  return verdict.error().message;
}

std::string refusal_of_container(const std::string& members) {
  return refusal(R"("spec":{"containers":[{"name":"c",)" + members + "}]}");
}

TEST(PodPolicy, LetsPassWhatGivesNoRights) {
  EXPECT_EQ(refusal(R"("spec":{
    "securityContext":{"runAsUser":0,"fsGroup":1,"seccompProfile":{"type":"RuntimeDefault"},
                       "sysctls":[{"name":"net.ipv4.tcp_rmem","value":"1"}]},
    "containers":[{"name":"c","image":"i","ports":[{"containerPort":1,"hostPort":0}],
      "livenessProbe":{"httpGet":{"path":"/","port":1}},
      "securityContext":{"privileged":false,"allowPrivilegeEscalation":false,"procMount":"Default",
        "seLinuxOptions":{"type":"container_t","level":"s0"},
        "capabilities":{"add":["NET_BIND_SERVICE","CHOWN"],"drop":["ALL"]}}}],
    "initContainers":[{"name":"i"}],
    "volumes":[{"name":"1","emptyDir":{}},{"name":"2","configMap":{"name":"x"}},
      {"name":"3","secret":{"secretName":"x"}},{"name":"4","projected":{"sources":[]}},
      {"name":"5","persistentVolumeClaim":{"claimName":"x"}},{"name":"6","downwardAPI":{}},
      {"name":"7"}]})"),
            "");
  EXPECT_EQ(refusal(""), "");
}

TEST(PodPolicy, RefusesWhatContainersMustNotHave) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {R"("securityContext":{"privileged":true})", "containers[c].securityContext.privileged"},
      {R"("securityContext":{"allowPrivilegeEscalation":true})", "allowPrivilegeEscalation"},
      {R"("securityContext":{"capabilities":{"add":["CHOWN","SYS_ADMIN"]}})", "SYS_ADMIN"},
      {R"("securityContext":{"capabilities":{"add":["ALL"]}})", "capabilities.add"},
      {R"("securityContext":{"procMount":"Unmasked"})", "procMount"},
      {R"("securityContext":{"seccompProfile":{"type":"Unconfined"}})", "seccompProfile.type"},
      {R"("securityContext":{"appArmorProfile":{"type":"Unconfined"}})", "appArmorProfile.type"},
      {R"("securityContext":{"seLinuxOptions":{"type":"spc_t"}})", "seLinuxOptions.type"},
      {R"("securityContext":{"seLinuxOptions":{"user":"system_u"}})", "seLinuxOptions.user"},
      {R"("securityContext":{"windowsOptions":{"hostProcess":true}})", "hostProcess"},
      {R"("ports":[{"containerPort":1,"hostPort":80}])", "ports.hostPort"},
      {R"("readinessProbe":{"httpGet":{"host":"10.0.0.1","port":1}})",
       "readinessProbe.httpGet.host"},
      {R"("lifecycle":{"preStop":{"tcpSocket":{"host":"10.0.0.1","port":1}}})",
       "lifecycle.preStop"},
  };
  for (const auto& [members, field] : cases) {
    EXPECT_THAT(refusal_of_container(members), HasSubstr(field)) << members;
  }
  EXPECT_THAT(refusal(R"("spec":{"initContainers":[{"name":"i",
                           "securityContext":{"privileged":true}}]})"),
              HasSubstr("initContainers[i].securityContext.privileged"));
}

TEST(PodPolicy, RefusesWhatPodsMustNotHave) {
  for (const char* field : {"hostNetwork", "hostPID", "hostIPC"}) {
    EXPECT_THAT(refusal(R"("spec":{")" + std::string(field) + R"(":true})"), HasSubstr(field));
  }
  EXPECT_THAT(refusal(R"("spec":{"securityContext":{"seccompProfile":{"type":"Unconfined"}}})"),
              HasSubstr("seccompProfile"));
  EXPECT_THAT(refusal(R"("spec":{"securityContext":{"sysctls":[{"name":"kernel.msgmax"}]}})"),
              HasSubstr("kernel.msgmax"));
  EXPECT_THAT(refusal(R"("metadata":{"annotations":{
                "container.apparmor.security.beta.kubernetes.io/c":"unconfined"}})"),
              HasSubstr("apparmor"));
}

TEST(PodPolicy, RefusesOtherVolumes) {
  for (const char* source :
       {"hostPath", "nfs", "csi", "ephemeral", "image", "iscsi", "flexVolume"}) {
    EXPECT_THAT(refusal(R"("spec":{"volumes":[{"name":"v",")" + std::string(source) + R"(":{}}]})"),
                HasSubstr("volumes[v]." + std::string(source)));
  }
}

TEST(PodPolicy, NamesAllFaultsAtOnce) {
  const std::string all = refusal(R"("spec":{"volumes":[{"name":"v","hostPath":{}}],
      "containers":[{"name":"c","securityContext":{"privileged":true}}]})");
  EXPECT_THAT(all, HasSubstr("volumes[v].hostPath"));
  EXPECT_THAT(all, HasSubstr("containers[c].securityContext.privileged"));
}

}  // namespace
}  // namespace nestor::controlplane
