#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/kamaji/tenant_control_plane.hpp"

namespace nestor::controlplane {

using api::kamaji::TenantControlPlane;

/// The spec of a TenantControlPlane with every default filled in. Pure data.
struct Settings {
  std::string name;
  std::string ns;
  std::string uid;
  /// "vX.Y.Z"
  std::string version;
  int minor = 0;
  int replicas = 2;
  int port = 6443;
  std::string domain;
  std::vector<std::string> service_cidrs;
  std::vector<std::string> pod_cidrs;
  std::vector<std::string> dns_ips;
  /// First address of each service network.
  std::vector<std::string> api_service_ips;
  std::string data_store;
  /// Prefix of the keys in etcd (without slashes), also the role's name.
  std::string schema;
  std::string username;
  std::vector<std::string> admission_plugins;
  std::vector<std::string> kubelet_address_types;
  std::string cgroup_driver;
  /// Nestor's own image, for what runs of it in control planes and tenants.
  std::string image;
  /// Whether we install a network plugin.
  bool cni = true;
  /// Whether we install metrics-server.
  bool metrics_server = true;
  /// Whether we install the node part of the CSI driver.
  bool storage = true;

  /// "<name>.<ns>.svc"
  std::string service_host() const { return name + "." + ns + ".svc"; }
};

/// Whether a tenant's user, role or keys may be called so: 1 to 63 of a-z, 0-9, - and _, as all
/// names are that upstream makes by itself. Not root, which is etcd's own.
bool is_store_name(std::string_view name);

/// The DataStore that is to hold a tenant's objects: the one its spec names, else "default", which
/// the chart makes.
std::string data_store_of(const TenantControlPlane& tcp);

/// Errors: kInvalidArgument naming the field.
Result<Settings> resolve_settings(const TenantControlPlane& tcp, const std::string& image = {});

}  // namespace nestor::controlplane
