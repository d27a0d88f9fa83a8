#include "controlplane/exposure.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/cluster/labels.hpp"
#include "controlplane/cidr.hpp"
#include "controlplane/names.hpp"
#include "net/url.hpp"

namespace nestor::controlplane {
namespace {

using api::core::Service;

JsonArray build_ports(const Work& work) {
  const auto& service = work.tcp.spec.controlPlane.service;
  const int port = work.settings.port;
  JsonObject main{
      {"name", "kube-apiserver"}, {"port", port}, {"targetPort", port}, {"protocol", "TCP"}};
  if (service.serviceType == "NodePort") main["nodePort"] = port;
  JsonArray ports{std::move(main)};
  if (const auto& tunnel = work.tcp.spec.addons.konnectivity) {
    const int agents = tunnel->server.port;
    JsonObject item{{"name", "konnectivity-server"},
                    {"port", agents},
                    {"targetPort", agents},
                    {"protocol", "TCP"}};
    if (service.serviceType == "NodePort") item["nodePort"] = agents;
    ports.push_back(std::move(item));
  }
  for (const auto& extra : service.additionalPorts) {
    Json item = to_json(extra);
    if (extra.protocol.empty()) item.as_object()["protocol"] = "TCP";
    ports.push_back(std::move(item));
  }
  return ports;
}

void add_metadata(JsonObject& metadata, const api::kamaji::AdditionalMetadata& extra) {
  // Ours win: the selectors of other objects depend on them.
  JsonObject labels;
  for (const auto& [key, value] : extra.labels) labels[key] = value;
  for (const auto& label : metadata["labels"].as_object()) labels[label.key()] = label.value();
  metadata["labels"] = std::move(labels);
  if (!extra.annotations.empty()) metadata["annotations"] = to_json(extra.annotations);
}

bool has_port(const Service& service, int port) {
  return std::ranges::any_of(service.spec.ports,
                             [port](const auto& item) { return item.port == port; });
}

/// Whether a control plane other than that of `own` is reached at this address and port.
bool is_of_another(const Work& work, const kube::ObjectKey& own, const std::string& ip, int port) {
  return std::ranges::any_of(work.caches.services.list(), [&](const auto& other) {
    return other->metadata.key() != own && has_port(*other, port) &&
           std::ranges::any_of(other->status.loadBalancer.ingress,
                               [&ip](const auto& ingress) { return ingress.ip == ip; });
  });
}

/// An external IP is an address that anybody may write down, also another's. Who answers there
/// already goes on: else it would come to a halt when somebody is given that address later.
Result<> check_external_ips(const Work& work, const Json& service) {
  NESTOR_TRY(const auto wanted, from_json<Service>(service));
  const kube::ObjectKey own = wanted.metadata.key();
  const auto now = work.caches.services.get(own);
  for (const std::string& ip : wanted.spec.externalIPs) {
    const bool there = now && std::ranges::count(now->spec.externalIPs, ip) > 0;
    for (const auto& item : wanted.spec.ports) {
      if (there && has_port(*now, item.port)) continue;
      if (!is_of_another(work, own, ip, item.port)) continue;
      return fail(Code::kFailedPrecondition,
                  "spec.networkProfile.address " + ip + " is that of another control plane");
    }
  }
  return {};
}

}  // namespace

Json build_service(const Work& work) {
  const auto& service = work.tcp.spec.controlPlane.service;
  const auto& profile = work.tcp.spec.networkProfile;
  JsonObject metadata = metadata_for(work, work.settings.name, "service");
  add_metadata(metadata, service.additionalMetadata);
  // By which the fences of the cluster's machines find it.
  if (const auto cluster = work.tcp.metadata.label(api::cluster::kClusterNameLabel);
      !cluster.empty()) {
    metadata["labels"].as_object()[api::cluster::kClusterNameLabel] = cluster;
  }
  JsonObject spec{{"type", service.serviceType},
                  {"selector", JsonObject{{kNameLabel, work.settings.name}}},
                  {"ports", build_ports(work)}};
  if (profile.allowAddressAsExternalIP.value_or(false) && !profile.address.empty()) {
    spec["externalIPs"] = JsonArray{Json(profile.address)};
  }
  if (service.serviceType == "LoadBalancer") {
    if (!profile.loadBalancerClass.empty()) spec["loadBalancerClass"] = profile.loadBalancerClass;
    if (!profile.loadBalancerSourceRanges.empty()) {
      spec["loadBalancerSourceRanges"] = to_json(profile.loadBalancerSourceRanges);
    }
    if (service.allocateLoadBalancerNodePorts) {
      spec["allocateLoadBalancerNodePorts"] = *service.allocateLoadBalancerNodePorts;
    }
  }
  return JsonObject{{"apiVersion", "v1"},
                    {"kind", "Service"},
                    {"metadata", std::move(metadata)},
                    {"spec", std::move(spec)}};
}

Result<std::optional<Address>> address_of(const TenantControlPlane& tcp, const Settings& settings,
                                          const Service& service) {
  const auto& profile = tcp.spec.networkProfile;
  Address out;
  out.port = settings.port;
  if (service.spec.clusterIP != "None") out.cluster_ip = service.spec.clusterIP;
  const std::string& type = tcp.spec.controlPlane.service.serviceType;
  if (!profile.address.empty()) {
    out.host = profile.address;
  } else if (type == "LoadBalancer") {
    const auto& ingress = service.status.loadBalancer.ingress;
    if (ingress.empty()) return std::nullopt;
    out.host = ingress.front().ip.empty() ? ingress.front().hostname : ingress.front().ip;
  } else if (type == "ClusterIP") {
    out.host = out.cluster_ip;
  } else {
    return fail(Code::kInvalidArgument,
                "a Service of type " + type + " needs spec.networkProfile.address");
  }
  if (out.host.empty()) return std::nullopt;
  // The API server advertises an address, so a load balancer known by name only cannot be it.
  out.advertise = canonical_ip(out.host).empty() ? out.cluster_ip : out.host;
  if (!profile.advertiseAddress.empty()) out.advertise = profile.advertiseAddress;
  return out;
}

Task<std::optional<Address>> ensure_service(Work& work) {
  Json wanted = build_service(work);
  NESTOR_CO_TRY_VOID(check_external_ips(work, wanted));
  NESTOR_CO_TRY(
      const auto service,
      co_await work.applier.ensure(work.runtime.client(), work.caches.services, std::move(wanted)));
  auto& status = work.tcp.status.kubernetesResources.service;
  if (!status) status.emplace();
  status->name = work.settings.name;
  status->namespace_ = work.settings.ns;
  status->port = work.settings.port;
  status->loadBalancer = to_json(service->status.loadBalancer);
  NESTOR_CO_TRY(auto address, address_of(work.tcp, work.settings, *service));
  if (address) work.tcp.status.controlPlaneEndpoint = net::authority(address->host, address->port);
  co_return address;
}

}  // namespace nestor::controlplane
