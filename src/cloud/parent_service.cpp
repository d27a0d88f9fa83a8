#include "cloud/parent_service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "api/cluster/labels.hpp"
#include "api/infrastructure/labels.hpp"
#include "base/hash.hpp"
#include "cloud/cloud.hpp"
#include "cloud/names.hpp"
#include "kube/client.hpp"

namespace nestor::cloud {
namespace {

using api::core::Service;
using api::core::ServicePort;

constexpr std::size_t kNameLength = 32;

std::string hash_of(const std::string& text) {
  // The lowest digit first: names of Services that are there must stay.
  const std::string digits = fmt::format("{:016x}", fnv1a64(text));
  return {digits.rbegin(), digits.rend()};
}

/// Whether everything in `part` is also in `whole`; lists must have equal lengths.
bool contains(const Json& whole, const Json& part) {
  if (part.is_object()) {
    if (!whole.is_object()) return false;
    return std::ranges::all_of(part.get_object(), [&](const auto& item) {
      const Json* found = whole.get_object().if_contains(item.key());
      return found != nullptr && contains(*found, item.value());
    });
  }
  if (part.is_array()) {
    if (!whole.is_array() || whole.get_array().size() != part.get_array().size()) return false;
    return std::ranges::equal(whole.get_array(), part.get_array(), contains);
  }
  if (part.is_number() && whole.is_number()) {
    return part.to_number<std::int64_t>() == whole.to_number<std::int64_t>();
  }
  return whole == part;
}

/// What describes the tenant's copy of the object rather than the Service.
bool is_private(std::string_view annotation) {
  return annotation.starts_with("kubectl.kubernetes.io/") || annotation == kAppliedAnnotation ||
         annotation == kServedAnnotation;
}

bool is_passed(std::string_view annotation, const std::vector<std::string>& passed) {
  if (is_private(annotation)) return false;
  if (annotation == kAddressAnnotation) return true;
  return std::ranges::any_of(passed, [annotation](std::string_view entry) {
    if (!entry.ends_with('*')) return annotation == entry;
    entry.remove_suffix(1);
    return annotation.starts_with(entry);
  });
}

Result<std::vector<ServicePort>> parent_ports(const Service& tenant) {
  std::vector<ServicePort> out;
  for (const ServicePort& port : tenant.spec.ports) {
    if (port.nodePort.value_or(0) == 0) {
      return fail(Code::kFailedPrecondition,
                  "port " + std::to_string(port.port) +
                      " has no node port, which the load balancer needs: remove "
                      "spec.allocateLoadBalancerNodePorts: false");
    }
    ServicePort copy;
    copy.name = port.name;
    copy.protocol = port.protocol.empty() ? "TCP" : port.protocol;
    copy.appProtocol = port.appProtocol;
    copy.port = port.port;
    copy.targetPort = *port.nodePort;
    out.push_back(std::move(copy));
  }
  return out;
}

void put_metadata(const ParentInput& input, Service& parent) {
  auto& metadata = parent.metadata;
  metadata.name = input.name;
  metadata.namespace_ = input.cluster.metadata.namespace_;
  metadata.labels[std::string(kTenantServiceNameLabel)] = input.tenant.metadata.name;
  metadata.labels[std::string(kTenantServiceNamespaceLabel)] = input.tenant.metadata.namespace_;
  metadata.labels[std::string(api::cluster::kClusterNameLabel)] = input.cluster.metadata.name;
  for (const auto& [key, value] : input.tenant.metadata.annotations) {
    if (is_passed(key, input.passed_annotations)) metadata.annotations[key] = value;
  }
  // When the Cluster goes without us, the garbage collector takes the parent along.
  metadata.ownerReferences = {kube::owner_reference(input.cluster, false)};
}

void put_spec(const ParentInput& input, Service& parent) {
  const auto& from = input.tenant.spec;
  auto& spec = parent.spec;
  spec.type = "LoadBalancer";
  spec.externalTrafficPolicy = from.externalTrafficPolicy;
  spec.sessionAffinity = from.sessionAffinity;
  spec.sessionAffinityConfig = from.sessionAffinityConfig;
  spec.loadBalancerIP = from.loadBalancerIP;
  spec.loadBalancerSourceRanges = from.loadBalancerSourceRanges;
  // The tenant's families may be none of the management cluster's; it gives what it has.
  if (from.ipFamilyPolicy == "PreferDualStack" || from.ipFamilyPolicy == "RequireDualStack") {
    spec.ipFamilyPolicy = "PreferDualStack";
  }
  // A class can never be changed.
  spec.loadBalancerClass = input.current != nullptr ? input.current->spec.loadBalancerClass
                                                    : input.settings.parent_class;
  if (!input.node_ports && spec.loadBalancerClass.empty()) {
    spec.allocateLoadBalancerNodePorts = false;
  }
  if (!selectorless(input.tenant, input.settings)) {
    spec.selector[std::string(api::infrastructure::kRoleLabel)] = "worker";
    spec.selector[std::string(api::cluster::kClusterNameLabel)] = input.cluster.metadata.name;
  }
}

void set(Service& service, bool status, std::string_view reason, std::string message,
         WallTime now) {
  kube::set_condition(service.status.conditions,
                      kube::make_condition(kBalancerReady, status, reason, std::move(message)),
                      format_rfc3339(now));
}

}  // namespace

bool is_served_class(const Service& tenant) {
  const std::string& wanted = tenant.spec.loadBalancerClass;
  return wanted.empty() || wanted == kTenantClass;
}

bool wants_balancer(const Service& tenant) {
  return tenant.spec.type == "LoadBalancer" && !tenant.metadata.deleting() &&
         is_served_class(tenant);
}

bool has_balancer(const Service& tenant) {
  return tenant.metadata.has_finalizer(kBalancerFinalizer);
}

std::string parent_name(const Service& tenant) {
  std::string out = "a" + tenant.metadata.uid;
  std::erase(out, '-');
  if (out.size() > kNameLength) out.resize(kNameLength);
  return out;
}

std::string spare_parent_name(const api::cluster::Cluster& cluster, const Service& tenant) {
  const std::string both = cluster.metadata.uid + "/" + tenant.metadata.uid;
  std::string out = "a" + hash_of(both) + hash_of(both + "/");
  out.resize(kNameLength);
  return out;
}

bool selectorless(const Service& tenant, const Settings& settings) {
  return settings.selectorless || tenant.spec.externalTrafficPolicy == "Local";
}

Result<Service> parent_service(const ParentInput& input) {
  Service parent;
  put_metadata(input, parent);
  put_spec(input, parent);
  NESTOR_TRY(parent.spec.ports, parent_ports(input.tenant));
  parent.metadata.annotations[std::string(kAppliedAnnotation)] =
      hash_of(to_text(kube::to_object(parent)));
  return parent;
}

bool up_to_date(const Service& current, const Service& wanted) {
  return !current.metadata.deleting() && current.spec.selector == wanted.spec.selector &&
         current.spec.loadBalancerSourceRanges == wanted.spec.loadBalancerSourceRanges &&
         contains(to_json(current), to_json(wanted));
}

bool is_parent_of(const Service& parent, const api::cluster::Cluster& cluster,
                  const Service& tenant) {
  const auto& metadata = parent.metadata;
  if (metadata.namespace_ != cluster.metadata.namespace_) return false;
  const auto is_ours = [&](const kube::OwnerReference& owner) {
    return !owner.uid.empty() && owner.uid == cluster.metadata.uid;
  };
  if (std::ranges::any_of(metadata.ownerReferences, is_ours)) return true;
  return metadata.label(api::cluster::kClusterNameLabel) == cluster.metadata.name &&
         metadata.label(kTenantServiceNameLabel) == tenant.metadata.name &&
         metadata.label(kTenantServiceNamespaceLabel) == tenant.metadata.namespace_;
}

std::optional<Duration> until_late(const Service& parent, WallTime now) {
  if (!parent.status.loadBalancer.ingress.empty()) return std::nullopt;
  const auto since = parse_rfc3339(parent.metadata.creationTimestamp);
  if (!since || now >= *since + kPatience) return std::nullopt;
  return time_until(*since + kPatience, now);
}

Service with_balancer(const Service& tenant, const Service& parent, WallTime now) {
  Service out = tenant;
  out.status.loadBalancer = parent.status.loadBalancer;
  if (!parent.status.loadBalancer.ingress.empty()) {
    set(out, true, "Ensured", "", now);
    return out;
  }
  const auto* told = kube::find_condition(parent.status.conditions, kBalancerReady);
  if (told != nullptr && told->status == "False") {
    set(out, false, told->reason, told->message, now);
  } else if (until_late(parent, now)) {
    set(out, false, "Pending", "waiting for an address", now);
  } else {
    set(out, false, "NoAddressGiven",
        "the management cluster has given no address for a minute: perhaps nothing there serves "
        "Services of type LoadBalancer",
        now);
  }
  return out;
}

Service with_failure(const Service& tenant, const std::string& reason, const std::string& message,
                     WallTime now) {
  Service out = tenant;
  set(out, false, reason, message, now);
  return out;
}

Service without_balancer(const Service& tenant) {
  Service out = tenant;
  out.status.loadBalancer.ingress.clear();
  std::erase_if(out.status.conditions,
                [](const auto& condition) { return condition.type == kBalancerReady; });
  std::erase(out.metadata.finalizers, kBalancerFinalizer);
  out.metadata.annotations.erase(std::string(kServedAnnotation));
  return out;
}

}  // namespace nestor::cloud
