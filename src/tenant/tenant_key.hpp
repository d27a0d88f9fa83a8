#pragma once

#include <optional>
#include <string>

#include "kube/object.hpp"

namespace nestor::tenant {

/// An object inside a tenant: the key of a controller that serves all tenants.
struct TenantKey {
  kube::ObjectKey cluster;
  kube::ObjectKey object;

  /// As a work queue takes it: no name of Kubernetes contains a slash, so no two are alike.
  kube::ObjectKey packed() const { return {cluster.to_string(), object.to_string()}; }
  /// The group of a packed key for a controller's options: each tenant has its share of the
  /// workers.
  static std::string group_of(const kube::ObjectKey& packed) { return packed.ns; }
  /// Nothing when `key` was not made by packed().
  static std::optional<TenantKey> unpack(const kube::ObjectKey& key) {
    const auto slash = key.ns.find('/');
    if (slash == std::string::npos) return std::nullopt;
    TenantKey out;
    out.cluster = {key.ns.substr(0, slash), key.ns.substr(slash + 1)};
    const auto inner = key.name.find('/');
    if (inner == std::string::npos) {
      out.object = {"", key.name};
    } else {
      out.object = {key.name.substr(0, inner), key.name.substr(inner + 1)};
    }
    return out;
  }
};

}  // namespace nestor::tenant
