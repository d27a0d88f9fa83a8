#include "controlplane/deployment.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "controlplane/checksum.hpp"
#include "controlplane/names.hpp"

namespace nestor::controlplane {
namespace {

using api::apps::Deployment;
using api::kamaji::ControlPlaneDeployment;

/// Not root, and not one of the image's own users.
constexpr int kUser = 65532;

void put_all(JsonObject& out, const std::map<std::string, std::string>& items) {
  for (const auto& [key, value] : items) out[key] = value;
}

JsonObject pod_labels(const Work& work) {
  const auto& status = work.tcp.status;
  JsonObject labels;
  put_all(labels, work.tcp.spec.controlPlane.deployment.podAdditionalMetadata.labels);
  labels[kProjectLabel] = kProjectValue;
  labels[kNameLabel] = work.settings.name;
  labels[kComponentLabel] = "deployment";
  const std::string prefix = "component.kamaji.clastix.io/";
  const auto put = [&](const char* name, const std::string& value) {
    labels[prefix + name] = value;
  };
  put("api-server-certificate", status.certificates.apiServer.checksum);
  put("api-server-kubelet-client-certificate", status.certificates.apiServerKubeletClient.checksum);
  put("ca", status.certificates.ca.checksum);
  put("controller-manager-kubeconfig", status.kubeconfig.controllerManager.checksum);
  put("front-proxy-ca-certificate", status.certificates.frontProxyCA.checksum);
  put("front-proxy-client-certificate", status.certificates.frontProxyClient.checksum);
  put("service-account", status.certificates.sa.checksum);
  put("scheduler-kubeconfig", status.kubeconfig.scheduler.checksum);
  put("datastore", work.settings.data_store);
  return labels;
}

JsonObject pod_annotations(const Work& work) {
  JsonObject annotations;
  put_all(annotations, work.tcp.spec.controlPlane.deployment.podAdditionalMetadata.annotations);
  annotations["storage.kamaji.clastix.io/config"] = work.tcp.status.storage.config.checksum;
  annotations["storage.kamaji.clastix.io/certificate"] =
      work.tcp.status.storage.certificate.checksum;
  // Programs that read their files once.
  const auto& tunnel = work.tcp.status.addons.konnectivity;
  if (work.tcp.spec.addons.konnectivity && tunnel && tunnel->kubeconfig) {
    annotations["nestor.dev/konnectivity-kubeconfig"] = tunnel->kubeconfig->checksum;
  }
  if (work.tcp.spec.addons.konnectivity && tunnel && tunnel->configMap) {
    annotations["nestor.dev/konnectivity-egress"] = tunnel->configMap->checksum;
  }
  return annotations;
}

JsonArray spread_constraints(const Work& work, const ControlPlaneDeployment& spec) {
  JsonArray out;
  for (const Json& wanted : spec.topologySpreadConstraints) {
    Json item = wanted;
    if (item.is_object() && !item.as_object().contains("labelSelector")) {
      JsonObject labels{{kNameLabel, work.settings.name}};
      item.as_object()["labelSelector"] = JsonObject{{"matchLabels", std::move(labels)}};
    }
    out.push_back(std::move(item));
  }
  return out;
}

JsonObject pod_spec(const Work& work, const Address& address, const StoreAccess& store) {
  const ControlPlaneDeployment& spec = work.tcp.spec.controlPlane.deployment;
  JsonObject pod{
      {"containers", build_containers(work.tcp, work.settings, address, store)},
      {"volumes", build_volumes(work.tcp, work.settings)},
      {"automountServiceAccountToken", spec.automountServiceAccountToken.value_or(false)},
      {"enableServiceLinks", false},
      {"serviceAccountName",
       spec.serviceAccountName.empty() ? "default" : spec.serviceAccountName}};
  if (spec.podSecurityContext.is_null()) {
    pod["securityContext"] = JsonObject{{"runAsNonRoot", true},
                                        {"runAsUser", kUser},
                                        {"runAsGroup", kUser},
                                        {"seccompProfile", JsonObject{{"type", "RuntimeDefault"}}}};
  } else {
    pod["securityContext"] = spec.podSecurityContext;
  }
  if (!spec.nodeSelector.empty()) pod["nodeSelector"] = to_json(spec.nodeSelector);
  if (!spec.runtimeClassName.empty()) pod["runtimeClassName"] = spec.runtimeClassName;
  if (!spec.tolerations.empty()) pod["tolerations"] = to_json(spec.tolerations);
  if (!spec.affinity.is_null()) pod["affinity"] = spec.affinity;
  if (!spec.topologySpreadConstraints.empty()) {
    pod["topologySpreadConstraints"] = spread_constraints(work, spec);
  }
  if (!spec.additionalInitContainers.empty()) {
    pod["initContainers"] = to_json(spec.additionalInitContainers);
  }
  return pod;
}

Json strategy_of(const ControlPlaneDeployment& spec) {
  if (!spec.strategy.is_null()) return spec.strategy;
  return JsonObject{{"type", "RollingUpdate"},
                    {"rollingUpdate", JsonObject{{"maxUnavailable", 0}, {"maxSurge", "100%"}}}};
}

void note_deployment(Work& work, const Deployment& deployment) {
  auto& status = work.tcp.status.kubernetesResources.deployment;
  api::kamaji::DeploymentStatus now;
  now.name = deployment.metadata.name;
  now.namespace_ = deployment.metadata.namespace_;
  now.selector = std::string(kNameLabel) + "=" + work.settings.name;
  now.observedGeneration = deployment.status.observedGeneration;
  now.replicas = deployment.status.replicas;
  now.updatedReplicas = deployment.status.updatedReplicas;
  now.readyReplicas = deployment.status.readyReplicas;
  now.availableReplicas = deployment.status.availableReplicas;
  now.unavailableReplicas = deployment.status.unavailableReplicas;
  now.lastUpdate = status ? status->lastUpdate : "";
  if (!status || now.lastUpdate.empty() || to_json(now) != to_json(*status)) {
    now.lastUpdate = work.now();
  }
  status = std::move(now);
}

}  // namespace

Json build_deployment(const Work& work, const Address& address, const StoreAccess& store) {
  const ControlPlaneDeployment& spec = work.tcp.spec.controlPlane.deployment;
  JsonObject metadata = metadata_for(work, work.settings.name, "deployment");
  JsonObject labels;
  put_all(labels, spec.additionalMetadata.labels);
  for (const auto& label : metadata["labels"].as_object()) labels[label.key()] = label.value();
  metadata["labels"] = std::move(labels);
  JsonObject annotations;
  put_all(annotations, spec.additionalMetadata.annotations);
  std::string extra;
  for (const std::string& argument : spec.extraArgs.apiServer) extra += argument + "\n";
  annotations["kube-apiserver.kamaji.clastix.io/args"] = md5_hex(extra);
  metadata["annotations"] = std::move(annotations);

  JsonObject pod_metadata{{"labels", pod_labels(work)}, {"annotations", pod_annotations(work)}};
  JsonObject pod{{"metadata", std::move(pod_metadata)}, {"spec", pod_spec(work, address, store)}};
  JsonObject selector{{"matchLabels", JsonObject{{kNameLabel, work.settings.name}}}};
  JsonObject body{{"replicas", work.settings.replicas},
                  {"selector", std::move(selector)},
                  {"strategy", strategy_of(spec)},
                  {"revisionHistoryLimit", 2},
                  {"template", std::move(pod)}};
  return JsonObject{{"apiVersion", "apps/v1"},
                    {"kind", "Deployment"},
                    {"metadata", std::move(metadata)},
                    {"spec", std::move(body)}};
}

Task<> ensure_deployment(Work& work, Json wanted, std::optional<Deployment>& out) {
  NESTOR_CO_TRY(const auto deployment,
                co_await work.applier.ensure(work.runtime.client(), work.caches.deployments,
                                             std::move(wanted)));
  out = *deployment;
  note_deployment(work, *out);
  co_return Result<>();
}

}  // namespace nestor::controlplane
