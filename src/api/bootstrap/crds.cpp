#include "api/all_crds.hpp"
#include "api/bootstrap/kubeadm_config_template.hpp"
#include "api/crd.hpp"

namespace nestor::api::bootstrap {
namespace {

// Upstream also labels its CRDs with v1beta1, a version that is not served here: a reader of that
// label must not be sent to it.
const std::map<std::string, std::string> kLabels{{"cluster.x-k8s.io/v1beta2", "v1beta2"}};

const PrinterColumn kAge{"Age", "date", ".metadata.creationTimestamp"};

/// The rules of a KubeadmConfigSpec at `at`.
std::vector<FieldRule> config_rules(const std::string& at) {
  const std::string registration = at + ".joinConfiguration.nodeRegistration";
  std::vector<FieldRule> rules{
      {registration + ".imagePullPolicy", one_of({"Always", "IfNotPresent", "Never"})},
      {registration + ".kubeletExtraArgs[]", required({"name", "value"})},
      {registration + ".taints[]", required({"key", "effect"})},
      {at + ".joinConfiguration.discovery.file", required({"kubeConfigPath"})},
      {at + ".files[]", required({"path"})},
      {at + ".files[].encoding", one_of({"base64", "gzip", "gzip+base64"})},
      {at + ".files[].contentFormat", one_of({"Raw", "Template"})},
      {at + ".files[].contentFrom", required({"secret"})},
      {at + ".files[].contentFrom.secret", required({"name", "key"})},
      {at + ".users[]", required({"name"})},
      {at + ".users[].passwdFrom", required({"secret"})},
      {at + ".users[].passwdFrom.secret", required({"name", "key"})},
      {at + ".format", one_of({"cloud-config", "ignition"})},
  };
  for (const char* free_form :
       {".clusterConfiguration", ".initConfiguration", ".joinConfiguration.controlPlane",
        ".joinConfiguration.patches", ".joinConfiguration.timeouts",
        ".joinConfiguration.discovery.file.kubeConfig", ".diskSetup", ".ignition"}) {
    rules.push_back({at + free_form, any_object()});
  }
  return rules;
}

}  // namespace

std::vector<Json> crds() {
  const CrdOptions config{
      .categories = {"cluster-api"},
      .labels = kLabels,
      .columns = {{"Cluster", "string", R"(.metadata.labels['cluster\.x-k8s\.io/cluster-name'])"},
                  {"Paused", "string", R"(.status.conditions[?(@.type=="Paused")].status)", 10},
                  {"Data secret created", "string", ".status.initialization.dataSecretCreated"},
                  kAge},
      .rules = config_rules("spec"),
  };
  std::vector<FieldRule> template_rules = config_rules("spec.template.spec");
  template_rules.push_back({"spec", required({"template"})});
  const CrdOptions config_template{
      .categories = {"cluster-api"},
      .labels = kLabels,
      .columns = {{"Cluster", "string", R"(.metadata.ownerReferences[?(@.kind=="Cluster")].name)"},
                  kAge},
      .rules = std::move(template_rules),
      .status = false,
  };
  return {make_crd<KubeadmConfig>(config), make_crd<KubeadmConfigTemplate>(config_template)};
}

}  // namespace nestor::api::bootstrap
