#pragma once

#include <string>
#include <vector>

#include "controlplane/settings.hpp"

namespace nestor::controlplane {

/// Where the API server is reached.
struct Address {
  /// What nodes and users dial: an IP address, or the host of an Ingress or Gateway.
  std::string host;
  int port = 0;
  /// What the API server says of itself.
  std::string advertise;
  /// Of the Service; "" when headless.
  std::string cluster_ip;
};

/// The names in the API server's certificate, sorted and without duplicates.
struct SubjectNames {
  std::vector<std::string> dns;
  std::vector<std::string> ips;
};
SubjectNames api_server_names(const TenantControlPlane& tcp, const Settings& settings,
                              const Address& address);

}  // namespace nestor::controlplane
