#include "api/all_crds.hpp"
#include "api/crd.hpp"
#include "api/infrastructure/kubevirt_machine_template.hpp"

namespace nestor::api::infrastructure {
namespace {

// Only the v1beta1 contract, as upstream: a reader that takes the newest labelled one would wait
// for status.initialization.provisioned of an externally managed KubevirtCluster, which some
// control plane providers never set. We write both fields.
const std::map<std::string, std::string> kLabels{
    {"cluster.x-k8s.io/provider", "infrastructure-kubevirt"},
    {"cluster.x-k8s.io/v1beta1", "v1alpha1"}};

const PrinterColumn kAge{"Age", "date", ".metadata.creationTimestamp"};

std::vector<FieldRule> machine_rules(const std::string& at) {
  return {
      {at + ".virtualMachineTemplate.metadata", JsonObject{{"type", "object"}, {"nullable", true}}},
      {at + ".virtualMachineTemplate.spec", any_object()},
      {at + ".virtualMachineTemplate.spec", required({"template"})},
      {at + ".virtualMachineBootstrapCheck.checkStrategy", one_of({"none", "ssh"})},
      {at + ".virtualMachineBootstrapCheck.checkStrategy", default_value("ssh")},
  };
}

}  // namespace

std::vector<Json> crds() {
  const CrdOptions cluster{
      .categories = {"cluster-api"},
      .labels = kLabels,
      .columns = {{"Endpoint", "string", ".spec.controlPlaneEndpoint.host"},
                  {"Ready", "boolean", ".status.ready"},
                  kAge},
      .rules = {{"spec.controlPlaneEndpoint", required({"host", "port"})},
                {"spec.controlPlaneServiceTemplate.metadata",
                 JsonObject{{"type", "object"}, {"nullable", true}}},
                {"status.failureDomains[]", required({"name"})},
                {"status.ready", default_value(false)}},
  };
  std::vector<FieldRule> rules = machine_rules("spec");
  rules.push_back({"status.ready", default_value(false)});
  rules.push_back({"status.addresses[]", required({"address", "type"})});
  const CrdOptions machine{.categories = {"cluster-api"},
                           .labels = kLabels,
                           .columns = {{"Provider ID", "string", ".spec.providerID"},
                                       {"Ready", "boolean", ".status.ready"},
                                       kAge},
                           .rules = std::move(rules)};
  std::vector<FieldRule> template_rules = machine_rules("spec.template.spec");
  template_rules.push_back({"spec", required({"template"})});
  template_rules.push_back({"spec.template", required({"spec"})});
  // Upstream's webhook refuses changes too, but lets a dry run through (ClusterClass needs it); a
  // schema cannot tell a dry run, so that part waits for our own webhook.
  template_rules.push_back({"spec", immutable("KubevirtMachineTemplateSpec is immutable")});
  template_rules.push_back({"status.capacity{}", int_or_string()});
  const CrdOptions machine_template{.categories = {"cluster-api"},
                                    .labels = kLabels,
                                    .columns = {kAge},
                                    .rules = std::move(template_rules)};
  return {make_crd<KubevirtCluster>(cluster), make_crd<KubevirtMachine>(machine),
          make_crd<KubevirtMachineTemplate>(machine_template)};
}

}  // namespace nestor::api::infrastructure
