#include "api/all_crds.hpp"
#include "api/controlplane/kamaji_control_plane.hpp"
#include "api/crd.hpp"

namespace nestor::api::controlplane {

std::vector<Json> crds() {
  const CrdOptions options{
      .short_names = {"ktcp"},
      .categories = {"cluster-api", "kamaji"},
      .labels = {{"cluster.x-k8s.io/v1beta2", "v1alpha2"}},
      .columns = {{"Version", "string", ".spec.version"},
                  {"Initialized", "boolean", ".status.initialization.controlPlaneInitialized"},
                  {"Ready", "boolean", ".status.ready"},
                  {"Age", "date", ".metadata.creationTimestamp"}},
      .rules = {{"spec", required({"version"})},
                {"spec", settled({"dataStoreSchema", "dataStoreUsername"},
                                 "it can be given only when the object is made")},
                {"spec.dataStoreSchema",
                 immutable("changing the dataStoreSchema is not supported")},
                {"spec.replicas", default_value(2)},
                {"spec.controlPlaneEndpoint.port", between(1, 65535)},
                {"spec.kubelet.cgroupfs", one_of({"systemd", "cgroupfs"})},
                {"spec.kubelet.configurationJSONPatches[]", required({"op", "path"})},
                {"spec.kubelet.configurationJSONPatches[].op",
                 one_of({"add", "remove", "replace", "move", "copy", "test"})},
                {"spec.network", default_value(JsonObject{{"serviceType", "LoadBalancer"}})},
                {"spec.network.serviceType", one_of({"ClusterIP", "NodePort", "LoadBalancer"})},
                {"spec.network.serviceType", default_value("LoadBalancer")},
                {"spec.network.additionalServicePorts[]", required({"name", "port", "targetPort"})},
                {"spec.network.additionalServicePorts[].targetPort", int_or_string()},
                {"spec.network.ingress", required({"hostname"})},
                {"spec.network.gateway", required({"name", "namespace", "hostname"})},
                {"spec.network.loadBalancerConfig.loadBalancerClass",
                 immutable("LoadBalancerClass is immutable")},
                {"spec.dataStoreUsername",
                 immutable("changing the dataStoreUsername is not supported")},
                {"status.externalManagedControlPlane", default_value(true)}},
      .scale = ScalePaths{},
  };
  return {make_crd<KamajiControlPlane>(options)};
}

}  // namespace nestor::api::controlplane
