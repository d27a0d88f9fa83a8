#include "controlplane/address.hpp"

#include <algorithm>

#include "controlplane/cidr.hpp"

namespace nestor::controlplane {
namespace {

void insert_name(SubjectNames& names, const std::string& name) {
  if (name.empty()) return;
  // Certificates hold addresses in one spelling; another one would look missing for ever.
  const std::string ip = canonical_ip(name);
  std::vector<std::string>& list = ip.empty() ? names.dns : names.ips;
  const std::string& entry = ip.empty() ? name : ip;
  const auto place = std::ranges::lower_bound(list, entry);
  if (place == list.end() || *place != entry) list.insert(place, entry);
}

/// "host:port" without the port.
std::string host_of(const std::string& hostname) { return hostname.substr(0, hostname.find(':')); }

}  // namespace

SubjectNames api_server_names(const TenantControlPlane& tcp, const Settings& settings,
                              const Address& address) {
  SubjectNames names;
  const std::string in_cluster = "kubernetes.default.svc";
  for (const std::string& name :
       {std::string("kubernetes"), std::string("kubernetes.default"), in_cluster,
        in_cluster + "." + settings.domain, std::string("localhost"), std::string("127.0.0.1"),
        settings.name, settings.service_host(), settings.service_host() + ".cluster.local",
        address.host, address.advertise, address.cluster_ip,
        tcp.spec.networkProfile.advertiseAddress}) {
    insert_name(names, name);
  }
  for (const std::string& ip : settings.api_service_ips) insert_name(names, ip);
  for (const std::string& name : tcp.spec.networkProfile.certSANs) insert_name(names, name);
  const auto& plane = tcp.spec.controlPlane;
  if (plane.ingress) insert_name(names, host_of(plane.ingress->hostname));
  if (plane.gateway) insert_name(names, host_of(plane.gateway->hostname));
  return names;
}

}  // namespace nestor::controlplane
