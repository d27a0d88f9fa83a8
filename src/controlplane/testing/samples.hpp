#pragma once

#include "base/json.hpp"
#include "controlplane/address.hpp"

/// Objects that several tests of this room look at.
namespace nestor::controlplane::testing {

inline Json json(const char* text) { return parse_json(text).value(); }

/// A control plane with the usual add-ons.
inline TenantControlPlane sample() {
  TenantControlPlane tcp;
  tcp.metadata.name = "blue";
  tcp.metadata.namespace_ = "team";
  tcp.metadata.uid = "u-1";
  tcp.spec.kubernetes.version = "v1.37.2";
  tcp.spec.controlPlane.service.serviceType = "ClusterIP";
  tcp.spec.addons.coreDNS.emplace();
  tcp.spec.addons.kubeProxy.emplace();
  return tcp;
}

inline Settings settings_of(const TenantControlPlane& tcp) { return resolve_settings(tcp).value(); }

inline Address sample_address() {
  return {.host = "10.1.2.3", .port = 6443, .advertise = "10.1.2.3", .cluster_ip = "10.96.0.77"};
}

}  // namespace nestor::controlplane::testing
