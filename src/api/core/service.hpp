#pragma once

#include "api/json.hpp"
#include "api/meta.hpp"

namespace nestor::api::core {

struct ServicePort {
  std::string name;
  std::string protocol;
  std::string appProtocol;
  std::int32_t port = 0;
  /// Number or name.
  Json targetPort;
  std::optional<std::int32_t> nodePort;
  bool operator==(const ServicePort&) const = default;
};
BOOST_DESCRIBE_STRUCT(ServicePort, (), (name, protocol, appProtocol, port, targetPort, nodePort))

struct ServiceSpec {
  /// "ClusterIP", "NodePort", "LoadBalancer" or "ExternalName".
  std::string type;
  std::string clusterIP;
  std::vector<std::string> clusterIPs;
  std::vector<std::string> externalIPs;
  std::vector<std::string> ipFamilies;
  std::string ipFamilyPolicy;
  std::vector<ServicePort> ports;
  std::map<std::string, std::string> selector;
  std::string sessionAffinity;
  Json sessionAffinityConfig;
  std::string externalName;
  std::string externalTrafficPolicy;
  std::string internalTrafficPolicy;
  std::optional<std::int32_t> healthCheckNodePort;
  std::string loadBalancerIP;
  std::string loadBalancerClass;
  std::vector<std::string> loadBalancerSourceRanges;
  std::optional<bool> allocateLoadBalancerNodePorts;
  std::optional<bool> publishNotReadyAddresses;
  bool operator==(const ServiceSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(ServiceSpec, (),
                      (type, clusterIP, clusterIPs, externalIPs, ipFamilies, ipFamilyPolicy, ports,
                       selector, sessionAffinity, sessionAffinityConfig, externalName,
                       externalTrafficPolicy, internalTrafficPolicy, healthCheckNodePort,
                       loadBalancerIP, loadBalancerClass, loadBalancerSourceRanges,
                       allocateLoadBalancerNodePorts, publishNotReadyAddresses))

struct LoadBalancerIngress {
  std::string ip;
  std::string hostname;
  /// "VIP" or "Proxy".
  std::string ipMode;
  std::vector<Json> ports;
  bool operator==(const LoadBalancerIngress&) const = default;
};
BOOST_DESCRIBE_STRUCT(LoadBalancerIngress, (), (ip, hostname, ipMode, ports))

struct LoadBalancerStatus {
  std::vector<LoadBalancerIngress> ingress;
  bool operator==(const LoadBalancerStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(LoadBalancerStatus, (), (ingress))

struct ServiceStatus {
  LoadBalancerStatus loadBalancer;
  std::vector<kube::Condition> conditions;
  bool operator==(const ServiceStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(ServiceStatus, (), (loadBalancer, conditions))

struct Service {
  static constexpr kube::ResourceType kType{"", "v1", "Service", "services"};
  kube::ObjectMeta metadata;
  ServiceSpec spec;
  ServiceStatus status;
  bool operator==(const Service&) const = default;
};
BOOST_DESCRIBE_STRUCT(Service, (), (metadata, spec, status))

}  // namespace nestor::api::core

NESTOR_EXTERN_JSON(nestor::api::core::Service)
