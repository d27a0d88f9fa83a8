#include "cli/cluster_objects.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <regex>

#include "base/quantity.hpp"

namespace nestor::cli {
namespace {

constexpr std::string_view kClusterApi = "cluster.x-k8s.io/v1beta2";
constexpr std::string_view kInfrastructure = "infrastructure.cluster.x-k8s.io/v1alpha1";
constexpr std::string_view kBootstrap = "bootstrap.cluster.x-k8s.io/v1beta2";
constexpr std::string_view kControlPlane = "controlplane.cluster.x-k8s.io/v1alpha2";

/// The longest name whose MachineSets, Machines and host names still fit 63 characters
/// (`<name>-md-0-<5>-<5>`).
constexpr std::size_t kMaxName = 40;
constexpr int kMaxWorkers = 1000;
constexpr int kMaxCpu = 256;
/// kubelet, containerd and the add-ons do not fit into less.
constexpr std::int64_t kMinMemory = std::int64_t{1} << 30;
constexpr std::int64_t kMaxMemory = std::int64_t{4} << 40;

std::string with_v(const std::string& version) {
  return version.starts_with('v') ? version : "v" + version;
}

Json reference(std::string_view group, std::string_view kind, std::string_view name) {
  return JsonObject{{"apiGroup", group}, {"kind", kind}, {"name", name}};
}

JsonObject object(std::string_view api_version, std::string_view kind, const std::string& name,
                  const ClusterRequest& request) {
  return JsonObject{
      {"apiVersion", api_version},
      {"kind", kind},
      {"metadata",
       JsonObject{{"name", name},
                  {"namespace", request.ns},
                  {"labels", JsonObject{{"cluster.x-k8s.io/cluster-name", request.name}}}}}};
}

Json control_plane(const ClusterRequest& request) {
  JsonObject json = object(kControlPlane, "KamajiControlPlane", request.name, request);
  json["spec"] = JsonObject{
      {"version", with_v(request.kubernetes_version)},
      {"replicas", 1},
      {"dataStoreName", request.data_store},
      {"addons", JsonObject{{"coreDNS", JsonObject{}},
                            {"kubeProxy", JsonObject{}},
                            {"konnectivity", JsonObject{}}}},
      {"network", JsonObject{{"serviceType", "LoadBalancer"}}},
      {"kubelet", JsonObject{{"preferredAddressTypes", JsonArray{"InternalIP", "ExternalIP"}}}}};
  return json;
}

Json machine_template(const ClusterRequest& request) {
  const std::string image = worker_image(request);
  JsonObject domain{
      {"cpu", JsonObject{{"cores", request.cpu}}},
      {"memory", JsonObject{{"guest", request.memory}}},
      {"devices",
       JsonObject{
           {"networkInterfaceMultiqueue", true},
           {"interfaces", JsonArray{JsonObject{{"name", "default"}, {"bridge", JsonObject{}}}}},
           {"disks", JsonArray{JsonObject{{"name", "containervolume"},
                                          {"disk", JsonObject{{"bus", "virtio"}}}}}}}}};
  JsonObject vmi{
      {"domain", std::move(domain)},
      {"evictionStrategy", "External"},
      {"networks", JsonArray{JsonObject{{"name", "default"}, {"pod", JsonObject{}}}}},
      {"volumes", JsonArray{JsonObject{{"name", "containervolume"},
                                       {"containerDisk", JsonObject{{"image", image}}}}}}};
  JsonObject vm{{"runStrategy", "Always"}, {"template", JsonObject{{"spec", std::move(vmi)}}}};
  JsonObject json =
      object(kInfrastructure, "KubevirtMachineTemplate", worker_group_name(request.name), request);
  json["spec"] = JsonObject{
      {"template",
       JsonObject{
           {"spec",
            JsonObject{{"virtualMachineBootstrapCheck", JsonObject{{"checkStrategy", "none"}}},
                       {"virtualMachineTemplate",
                        JsonObject{{"metadata", JsonObject{{"namespace", request.ns}}},
                                   {"spec", std::move(vm)}}}}}}}};
  return json;
}

Json machine_deployment(const ClusterRequest& request) {
  const std::string name = worker_group_name(request.name);
  JsonObject machine{
      {"clusterName", request.name},
      {"version", with_v(request.kubernetes_version)},
      {"bootstrap", JsonObject{{"configRef", reference("bootstrap.cluster.x-k8s.io",
                                                       "KubeadmConfigTemplate", name)}}},
      {"infrastructureRef",
       reference("infrastructure.cluster.x-k8s.io", "KubevirtMachineTemplate", name)}};
  JsonObject json = object(kClusterApi, "MachineDeployment", name, request);
  json["spec"] = JsonObject{{"clusterName", request.name},
                            {"replicas", request.workers},
                            {"selector", JsonObject{{"matchLabels", JsonObject{}}}},
                            {"template", JsonObject{{"spec", std::move(machine)}}}};
  return json;
}

}  // namespace

std::string worker_group_name(const std::string& cluster) { return cluster + "-md-0"; }

Result<> validate(const ClusterRequest& request) {
  static const std::regex kLabel("[a-z]([-a-z0-9]*[a-z0-9])?");
  static const std::regex kVersion("v?1\\.[0-9]+\\.[0-9]+");
  if (!std::regex_match(request.name, kLabel) || request.name.size() > kMaxName) {
    return fail(Code::kInvalidArgument,
                "cluster name '" + request.name + "' must be at most " + std::to_string(kMaxName) +
                    " characters of a-z, 0-9 and '-', start with a letter and not end with '-'");
  }
  if (!std::regex_match(request.ns, kLabel)) {
    return fail(Code::kInvalidArgument, "namespace '" + request.ns + "' is not a valid name");
  }
  if (!std::regex_match(request.kubernetes_version, kVersion)) {
    return fail(Code::kInvalidArgument,
                "Kubernetes version '" + request.kubernetes_version + "' must look like v1.37.2");
  }
  if (request.workers < 0 || request.workers > kMaxWorkers) {
    return fail(Code::kInvalidArgument,
                "--workers must be from 0 to " + std::to_string(kMaxWorkers));
  }
  if (request.cpu < 1 || request.cpu > kMaxCpu) {
    return fail(Code::kInvalidArgument, "--cpu must be from 1 to " + std::to_string(kMaxCpu));
  }
  auto memory = parse_quantity(request.memory);
  if (!memory) return with_context(std::move(memory).error(), "--memory " + request.memory);
  if (*memory < kMinMemory || *memory > kMaxMemory) {
    return fail(Code::kInvalidArgument,
                "--memory " + request.memory + " must be from 1Gi to 4Ti: a node needs that much");
  }
  return {};
}

std::string worker_image(const ClusterRequest& request) {
  return request.worker_image.empty() ? "nestor.dev/worker:" + with_v(request.kubernetes_version)
                                      : request.worker_image;
}

std::vector<Json> cluster_objects(const ClusterRequest& request) {
  JsonObject cluster = object(kClusterApi, "Cluster", request.name, request);
  cluster["spec"] = JsonObject{
      {"clusterNetwork",
       JsonObject{{"pods", JsonObject{{"cidrBlocks", JsonArray{request.pod_cidr}}}},
                  {"services", JsonObject{{"cidrBlocks", JsonArray{request.service_cidr}}}}}},
      {"controlPlaneRef",
       reference("controlplane.cluster.x-k8s.io", "KamajiControlPlane", request.name)},
      {"infrastructureRef",
       reference("infrastructure.cluster.x-k8s.io", "KubevirtCluster", request.name)}};
  JsonObject infrastructure = object(kInfrastructure, "KubevirtCluster", request.name, request);
  infrastructure["metadata"].as_object()["annotations"] =
      JsonObject{{"cluster.x-k8s.io/managed-by", "kamaji"}};
  infrastructure["spec"] = JsonObject{};
  JsonObject bootstrap =
      object(kBootstrap, "KubeadmConfigTemplate", worker_group_name(request.name), request);
  bootstrap["spec"] = JsonObject{
      {"template",
       JsonObject{
           {"spec",
            JsonObject{{"joinConfiguration",
                        JsonObject{{"nodeRegistration",
                                    JsonObject{
                                        {"criSocket", "/var/run/containerd/containerd.sock"},
                                        {"kubeletExtraArgs",
                                         JsonArray{JsonObject{{"name", "cloud-provider"},
                                                              {"value", "external"}}}}}}}}}}}}};
  std::vector<Json> objects;
  objects.emplace_back(std::move(cluster));
  objects.emplace_back(std::move(infrastructure));
  objects.emplace_back(control_plane(request));
  objects.emplace_back(machine_template(request));
  objects.emplace_back(std::move(bootstrap));
  objects.emplace_back(machine_deployment(request));
  return objects;
}

}  // namespace nestor::cli
