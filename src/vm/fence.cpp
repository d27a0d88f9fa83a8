#include "vm/fence.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "api/cluster/labels.hpp"
#include "base/json_convert.hpp"
#include "base/text.hpp"

namespace nestor::vm {
namespace {

using api::core::Pod;
using api::core::Service;
using ControlPlanes = std::vector<std::shared_ptr<const api::kamaji::TenantControlPlane>>;

constexpr const char* kVolume = "fence";

/// The order in which Services have a claim to be open: a total one.
bool precedes(const std::shared_ptr<const Service>& a, const std::shared_ptr<const Service>& b) {
  const auto rank = [](const Service& service) {
    const auto& metadata = service.metadata;
    return std::tuple(!metadata.label(api::cluster::kTenantServiceNameLabel).empty(),
                      std::string_view(metadata.creationTimestamp), metadata.key());
  };
  return rank(*a) < rank(*b);
}

/// The one whose Service it is, or nullptr.
const api::kamaji::TenantControlPlane* control_plane_of(const Service& service,
                                                        const ControlPlanes& control_planes) {
  const auto* owner = service.metadata.controller();
  for (const auto& one : control_planes) {
    const auto& noted = one->status.kubernetesResources.service;
    const bool owned = owner != nullptr && owner->uid == one->metadata.uid;
    if (owned && noted && noted->name == service.metadata.name) return one.get();
  }
  return nullptr;
}

/// Its own, which nobody can choose: none of a headless Service or an ExternalName.
std::set<std::string> addresses_of(const Service& service) {
  if (service.spec.type == "ExternalName" || service.spec.clusterIP == "None") return {};
  std::set<std::string> out(service.spec.clusterIPs.begin(), service.spec.clusterIPs.end());
  out.insert(service.spec.clusterIP);
  for (const auto& ingress : service.status.loadBalancer.ingress) out.insert(ingress.ip);
  out.erase("");
  return out;
}

std::set<FenceService> entries_of(const Service& service, const ControlPlanes& control_planes) {
  std::set<FenceService> out;
  const auto* control_plane = control_plane_of(service, control_planes);
  if (control_plane == nullptr &&
      !kube::condition_true(service.status.conditions, api::cluster::kTenantServiceCondition)) {
    return out;
  }
  std::set<std::string> addresses = addresses_of(service);
  if (control_plane != nullptr && !addresses.empty()) {
    const std::string& chosen = control_plane->spec.networkProfile.address;
    if (std::ranges::count(service.spec.externalIPs, chosen) > 0) addresses.insert(chosen);
  }
  for (const std::string& address : addresses) {
    for (const auto& port : service.spec.ports) {
      out.insert({address, port.protocol.empty() ? "tcp" : lower(port.protocol), port.port});
    }
  }
  return out;
}

JsonArray& list_in(Json& object, std::string_view key) {
  Json& list = object.as_object()[key];
  if (!list.is_array()) list = JsonArray{};
  return list.as_array();
}

Json environment(std::string_view name, std::string value) {
  return JsonObject{{"name", name}, {"value", std::move(value)}};
}

}  // namespace

std::string_view fence_cluster(const kube::ObjectMeta& metadata) {
  return metadata.label(api::cluster::kClusterNameLabel);
}

std::vector<std::string> fence_peers(const std::vector<std::shared_ptr<const Pod>>& pods) {
  std::set<std::string> peers;
  for (const auto& pod : pods) {
    if (pod->metadata.deleting() || api::core::finished(*pod)) continue;
    // Its address is the node's. No launcher is like that, but the label is anybody's.
    if (pod->spec.hostNetwork.value_or(false)) continue;
    for (const auto& address : pod->status.podIPs) peers.insert(address.ip);
    peers.insert(pod->status.podIP);
  }
  peers.erase("");
  return {peers.begin(), peers.end()};
}

FenceServices fence_services(std::vector<std::shared_ptr<const Service>> services,
                             const ControlPlanes& control_planes) {
  std::ranges::sort(services, precedes);
  std::set<FenceService> open;
  FenceServices out;
  for (const auto& service : services) {
    if (service->metadata.deleting()) continue;
    const auto own = entries_of(*service, control_planes);
    if (own.empty()) continue;
    if (open.size() + own.size() > kMaxFenceServices) {
      out.left_out.push_back(service);
    } else {
      open.insert(own.begin(), own.end());
    }
  }
  out.open.assign(open.begin(), open.end());
  return out;
}

void add_fence(const FenceOptions& options, Json& pod) {
  if (!options.enabled) return;
  Json& spec = pod.as_object()["spec"];
  Json& compute = list_in(spec, "containers").at(0);
  JsonArray& variables = list_in(compute, "env");
  variables.push_back(environment(kFenceVariable, to_text(to_json(options))));
  const JsonObject host{{"fieldRef", JsonObject{{"fieldPath", "status.hostIPs"}}}};
  variables.push_back(JsonObject{{"name", kHostAddressVariable}, {"valueFrom", host}});
  list_in(compute, "volumeMounts")
      .push_back(JsonObject{{"name", kVolume}, {"mountPath", kFenceFolder}, {"readOnly", true}});

  const std::string path = "metadata.annotations['" + std::string(kFenceAnnotation) + "']";
  const JsonObject item{{"path", kFenceFile}, {"fieldRef", JsonObject{{"fieldPath", path}}}};
  list_in(spec, "volumes")
      .push_back(
          JsonObject{{"name", kVolume}, {"downwardAPI", JsonObject{{"items", JsonArray{item}}}}});
}

void set_fence_access(const FenceAccess& access, Json& pod) {
  Json& metadata = pod.as_object()["metadata"];
  Json& annotations = metadata.as_object()["annotations"];
  if (!annotations.is_object()) annotations = JsonObject{};
  annotations.as_object()[kFenceAnnotation] = to_text(to_json(access));
}

}  // namespace nestor::vm
