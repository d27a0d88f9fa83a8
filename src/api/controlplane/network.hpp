#pragma once

#include "api/kamaji/common.hpp"

/// How the API server of a KamajiControlPlane is reached.
namespace nestor::api::controlplane {

/// Settings of a Service of type LoadBalancer.
struct LoadBalancerConfig {
  /// Which load balancer is to serve the Service. Cannot be changed.
  std::string loadBalancerClass;
  /// Address ranges from which the load balancer lets in. Default: all.
  std::vector<std::string> loadBalancerSourceRanges;
};
BOOST_DESCRIBE_STRUCT(LoadBalancerConfig, (), (loadBalancerClass, loadBalancerSourceRanges))

/// A host name of an Ingress. Nestor puts it into the certificate, but makes no Ingress.
struct Ingress {
  /// Class of the Ingress. Without effect.
  std::string className;
  /// Host name, which goes into the API server's certificate; a port behind it is cut off.
  std::string hostname;
  /// Labels for the Ingress. Without effect.
  std::map<std::string, std::string> extraLabels;
  /// Annotations for the Ingress. Without effect.
  std::map<std::string, std::string> extraAnnotations;
};
BOOST_DESCRIBE_STRUCT(Ingress, (), (className, hostname, extraLabels, extraAnnotations))

/// A host name of a Gateway. Nestor puts it into the certificate, but makes no route.
struct Gateway {
  /// Name of the Gateway. Without effect.
  std::string name;
  /// Namespace of the Gateway. Without effect.
  std::string namespace_;
  /// Host name, which goes into the API server's certificate; a port behind it is cut off.
  std::string hostname;
  /// Listener of the Gateway. Without effect.
  std::string sectionName;
  /// Port of the Gateway. Without effect.
  std::optional<std::int32_t> port;
  /// Labels for the route. Without effect.
  std::map<std::string, std::string> extraLabels;
  /// Annotations for the route. Without effect.
  std::map<std::string, std::string> extraAnnotations;
};
BOOST_DESCRIBE_STRUCT(Gateway, (),
                      (name, namespace_, hostname, sectionName, port, extraLabels,
                       extraAnnotations))

/// How the API server is reached. The networks of pods and Services are in the Cluster.
struct Network {
  /// LoadBalancer (the default), ClusterIP (reached in the management cluster only) or NodePort
  /// (needs serviceAddress; the API server's port is the node port).
  std::string serviceType;
  /// Where nodes and users reach the API server: an address or a name. Default: the load
  /// balancer's, or with ClusterIP the Service's.
  std::string serviceAddress;
  /// Address that the API server tells the tenant's pods (Service kubernetes). Default:
  /// serviceAddress if it is one, else the Service's.
  std::string advertiseAddress;
  /// Labels for the Service.
  std::map<std::string, std::string> serviceLabels;
  /// Annotations for the Service, for instance for a load balancer.
  std::map<std::string, std::string> serviceAnnotations;
  /// Further ports of the Service.
  std::vector<kamaji::ServicePort> additionalServicePorts;
  /// Further names and addresses for the API server's certificate.
  std::vector<std::string> certSANs;
  /// Addresses of the DNS Service. Default: the tenth of each service network (IPv6: the
  /// sixteenth).
  std::vector<std::string> dnsServiceIPs;
  /// Settings of a Service of type LoadBalancer.
  std::optional<LoadBalancerConfig> loadBalancerConfig;
  /// A host name of an Ingress. Nestor puts it into the certificate, but makes no Ingress.
  std::optional<Ingress> ingress;
  /// A host name of a Gateway. Nestor puts it into the certificate, but makes no route.
  std::optional<Gateway> gateway;
};
BOOST_DESCRIBE_STRUCT(Network, (),
                      (serviceType, serviceAddress, advertiseAddress, serviceLabels,
                       serviceAnnotations, additionalServicePorts, certSANs, dnsServiceIPs,
                       loadBalancerConfig, ingress, gateway))

}  // namespace nestor::api::controlplane
