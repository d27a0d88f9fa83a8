#pragma once

#include <map>
#include <optional>
#include <string>

#include "api/apps/deployment.hpp"
#include "api/core/config_map.hpp"
#include "api/core/secret.hpp"
#include "api/core/service.hpp"
#include "api/kamaji/data_store.hpp"
#include "controlplane/settings.hpp"
#include "kube/applier.hpp"
#include "kube/metadata.hpp"
#include "kube/runtime.hpp"

namespace nestor::controlplane {

/// The caches the steps read; of core kinds only what belongs to some TenantControlPlane.
struct Caches {
  explicit Caches(kube::Runtime& runtime);
  kube::Informer<TenantControlPlane> tcps;
  kube::Informer<api::kamaji::DataStore> stores;
  kube::Informer<api::core::Secret> secrets;
  kube::Informer<api::core::Service> services;
  kube::Informer<api::apps::Deployment> deployments;
  using ConfigMapMetadata = kube::MetadataOf<api::core::ConfigMap::kType>;
  kube::Informer<ConfigMapMetadata> config_maps;
};

/// Names in a DataStore that a control plane is about to note in its status.
struct Reservation {
  kube::ObjectKey holder;
  std::string data_store;
  std::string schema;
  std::string user;
};
/// By the holder's uid. In memory, since only the leader hands out names.
using Reservations = std::map<std::string, Reservation>;

/// One reconcile of one TenantControlPlane: what the steps read and write. Steps change only
/// `tcp.status`, which the controller writes back once, and `renew_at`.
struct Work {
  kube::Runtime& runtime;
  Caches& caches;
  /// Writes what is not as wanted.
  kube::Applier& applier;
  Reservations& reservations;
  TenantControlPlane tcp;
  Settings settings;
  /// When the first certificate is due for renewal.
  std::optional<WallTime> renew_at = {};

  std::string now() const { return format_rfc3339(runtime.clock().now()); }
};

/// metadata of an object of the control plane: name, namespace, the common labels, `component`, and
/// the TenantControlPlane as owner.
JsonObject metadata_for(const Work& work, const std::string& name, const std::string& component);

/// Ensures the ConfigMap `name` with `data`, annotated with their checksum; returns that.
Task<std::string> ensure_config_map(Work& work, std::string name, std::string component,
                                    std::map<std::string, std::string> data);

/// Sets checksum and, when it changed, lastUpdate. For status parts that have both.
template <class T>
void note(T& part, const std::string& sum, const std::string& now) {
  if (part.checksum == sum && !part.lastUpdate.empty()) return;
  part.checksum = sum;
  part.lastUpdate = now;
}

}  // namespace nestor::controlplane
