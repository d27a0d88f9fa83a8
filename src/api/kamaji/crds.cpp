#include "api/all_crds.hpp"
#include "api/crd.hpp"
#include "api/kamaji/data_store.hpp"
#include "api/kamaji/tenant_control_plane.hpp"

namespace nestor::api::kamaji {
namespace {

const PrinterColumn kAge{"Age", "date", ".metadata.creationTimestamp"};

// Images, arguments and admission plugins have no defaults in the schema though upstream's has:
// a stored default would stay behind in the object when a newer Nestor brings newer ones.
Json tenant_control_plane_crd() {
  const std::string network = "spec.networkProfile";
  return make_crd<TenantControlPlane>({
      .short_names = {"tcp"},
      .categories = {"kamaji"},
      .columns = {{"Version", "string", ".spec.kubernetes.version"},
                  {"Installed Version", "string", ".status.kubernetesResources.version.version"},
                  {"Status", "string", ".status.kubernetesResources.version.status"},
                  {"Control-Plane endpoint", "string", ".status.controlPlaneEndpoint"},
                  {"Kubeconfig", "string", ".status.kubeconfig.admin.secretName"},
                  {"Datastore", "string", ".status.storage.dataStoreName"},
                  kAge},
      .rules =
          {{"spec", required({"controlPlane", "kubernetes"})},
           {"spec", settled({"dataStoreSchema", "dataStoreUsername"},
                            "it can be given only when the object is made")},
           {"spec.controlPlane", required({"service"})},
           {"spec.controlPlane.deployment.replicas", default_value(2)},
           {"spec.controlPlane.service", required({"serviceType"})},
           {"spec.controlPlane.service.serviceType",
            one_of({"ClusterIP", "NodePort", "LoadBalancer"})},
           {"spec.controlPlane.service.additionalPorts[]",
            required({"name", "port", "targetPort"})},
           {"spec.controlPlane.service.additionalPorts[].targetPort", int_or_string()},
           {"spec.kubernetes", required({"version"})},
           {"spec.kubernetes.kubelet.cgroupfs", one_of({"systemd", "cgroupfs"})},
           {"spec.kubernetes.kubelet.configurationJSONPatches[]", required({"op", "path"})},
           {"spec.dataStoreSchema", immutable("changing the dataStoreSchema is not supported")},
           {"spec.dataStoreUsername", immutable("changing the dataStoreUsername is not supported")},
           {network + ".port", default_value(6443)},
           {network + ".clusterDomain", default_value("cluster.local")},
           {network + ".clusterDomain", immutable("changing the cluster domain is not supported")},
           {network + ".loadBalancerClass", immutable("LoadBalancerClass is immutable")}},
      .scale = ScalePaths{".spec.controlPlane.deployment.replicas",
                          ".status.kubernetesResources.deployment.replicas",
                          ".status.kubernetesResources.deployment.selector"},
  });
}

Json data_store_crd() {
  return make_crd<DataStore>({
      .columns = {{"Driver", "string", ".spec.driver"},
                  {"Ready", "boolean", ".status.ready"},
                  kAge},
      .rules = {{"spec", required({"driver", "endpoints"})},
                {"spec.driver", one_of({"etcd", "MySQL", "PostgreSQL", "NATS"})},
                {"spec.driver", immutable("Datastore driver is immutable")},
                {"spec.endpoints", JsonObject{{"minItems", 1}}},
                {"spec.basicAuth", required({"username", "password"})},
                {"spec.tlsConfig", required({"certificateAuthority"})},
                {"spec.tlsConfig.certificateAuthority", required({"certificate"})}},
  });
}

}  // namespace

std::vector<Json> crds() { return {data_store_crd(), tenant_control_plane_crd()}; }

}  // namespace nestor::api::kamaji
