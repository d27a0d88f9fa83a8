#include "api/addons/helm_chart_proxy.hpp"
#include "api/addons/helm_release_proxy.hpp"
#include "api/all_crds.hpp"
#include "api/crd.hpp"

namespace nestor::api::addons {
namespace {

PrinterColumn ready_column(const std::string& name, const std::string& member, int priority = 0) {
  return {name, "string", ".status.conditions[?(@.type=='Ready')]." + member, priority};
}

/// What both kinds ask of the fields that they share.
std::vector<FieldRule> shared_rules() {
  return {
      {"spec.releaseName",
       JsonObject{
           {"maxLength", 53},
           {"pattern", "^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)?$"}}},
      {"spec.reconcileStrategy", one_of({"", "InstallOnce", "Continuous"})},
      {"spec.credentials", required({"key", "secret"})},
      {"spec.options.enableClientCache", default_value(false)},
      {"spec.options.install.createNamespace", default_value(true)},
      {"spec.options.upgrade.maxHistory", default_value(10)},
  };
}

Json helm_chart_proxy_crd() {
  std::vector<FieldRule> rules = shared_rules();
  rules.push_back({"spec", required({"chartName", "clusterSelector", "repoURL"})});
  rules.push_back({"spec.clusterSelector.matchExpressions[]", required({"key", "operator"})});
  return make_crd<HelmChartProxy>({
      .short_names = {"hcp"},
      .categories = {"cluster-api"},
      // clusterctl move takes it along with what it owns.
      .labels = {{"clusterctl.cluster.x-k8s.io/move-hierarchy", ""}},
      .columns = {ready_column("Ready", "status"), ready_column("Reason", "reason"),
                  ready_column("Message", "message", 1)},
      .rules = std::move(rules),
  });
}

Json helm_release_proxy_crd() {
  std::vector<FieldRule> rules = shared_rules();
  rules.push_back({"spec", required({"chartName", "clusterRef", "repoURL"})});
  return make_crd<HelmReleaseProxy>({
      .short_names = {"hrp"},
      .categories = {"cluster-api"},
      .columns = {{"Cluster", "string", ".spec.clusterRef.name"},
                  ready_column("Ready", "status"),
                  ready_column("Reason", "reason"),
                  ready_column("Message", "message", 1),
                  {"Status", "string", ".status.status"},
                  {"Revision", "string", ".status.revision"}},
      .rules = std::move(rules),
  });
}

}  // namespace

std::vector<Json> crds() { return {helm_chart_proxy_crd(), helm_release_proxy_crd()}; }

}  // namespace nestor::api::addons
