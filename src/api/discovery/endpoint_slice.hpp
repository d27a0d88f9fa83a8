#pragma once

#include "api/json.hpp"
#include "api/meta.hpp"

namespace nestor::api::discovery {

/// An absent `ready` or `serving` means true, an absent `terminating` false.
struct EndpointConditions {
  std::optional<bool> ready;
  std::optional<bool> serving;
  std::optional<bool> terminating;
  bool operator==(const EndpointConditions&) const = default;
};
BOOST_DESCRIBE_STRUCT(EndpointConditions, (), (ready, serving, terminating))

struct Endpoint {
  std::vector<std::string> addresses;
  EndpointConditions conditions;
  std::string hostname;
  std::string nodeName;
  std::string zone;
  bool operator==(const Endpoint&) const = default;
};
BOOST_DESCRIBE_STRUCT(Endpoint, (), (addresses, conditions, hostname, nodeName, zone))

struct EndpointPort {
  std::string name;
  std::string protocol;
  std::optional<std::int32_t> port;
  std::string appProtocol;
  bool operator==(const EndpointPort&) const = default;
};
BOOST_DESCRIBE_STRUCT(EndpointPort, (), (name, protocol, port, appProtocol))

struct EndpointSlice {
  static constexpr kube::ResourceType kType{"discovery.k8s.io", "v1", "EndpointSlice",
                                            "endpointslices"};
  kube::ObjectMeta metadata;
  /// "IPv4", "IPv6" or "FQDN".
  std::string addressType;
  std::vector<Endpoint> endpoints;
  std::vector<EndpointPort> ports;
  bool operator==(const EndpointSlice&) const = default;
};
BOOST_DESCRIBE_STRUCT(EndpointSlice, (), (metadata, addressType, endpoints, ports))

/// On a slice: the Service it belongs to, and the controller that keeps it.
inline constexpr std::string_view kServiceNameLabel = "kubernetes.io/service-name";
inline constexpr std::string_view kManagedByLabel = "endpointslice.kubernetes.io/managed-by";

}  // namespace nestor::api::discovery

NESTOR_EXTERN_JSON(nestor::api::discovery::EndpointSlice)
