#include "controlplane/tenant_kinds.hpp"

#include "controlplane/names.hpp"
#include "kube/metadata.hpp"

namespace nestor::controlplane {
namespace {

using kube::ResourceType;

constexpr std::string_view kRbac = "rbac.authorization.k8s.io";
constexpr ResourceType kNamespace{"", "v1", "Namespace", "namespaces", false};
constexpr ResourceType kServiceAccount{"", "v1", "ServiceAccount", "serviceaccounts"};
constexpr ResourceType kConfigMap{"", "v1", "ConfigMap", "configmaps"};
constexpr ResourceType kService{"", "v1", "Service", "services"};
constexpr ResourceType kDaemonSet{"apps", "v1", "DaemonSet", "daemonsets"};
constexpr ResourceType kDeployment{"apps", "v1", "Deployment", "deployments"};
constexpr ResourceType kDisruptionBudget{"policy", "v1", "PodDisruptionBudget",
                                         "poddisruptionbudgets"};
constexpr ResourceType kRole{kRbac, "v1", "Role", "roles"};
constexpr ResourceType kRoleBinding{kRbac, "v1", "RoleBinding", "rolebindings"};
constexpr ResourceType kClusterRole{kRbac, "v1", "ClusterRole", "clusterroles", false};
constexpr ResourceType kClusterRoleBinding{kRbac, "v1", "ClusterRoleBinding", "clusterrolebindings",
                                           false};
constexpr ResourceType kApiService{"apiregistration.k8s.io", "v1", "APIService", "apiservices",
                                   false};
constexpr ResourceType kCsiDriver{"storage.k8s.io", "v1", "CSIDriver", "csidrivers", false};
constexpr ResourceType kStorageClass{"storage.k8s.io", "v1", "StorageClass", "storageclasses",
                                     false};

kube::Scope ours() {
  return {.label_selector = std::string(kManagedByLabel) + "=" + std::string(kManagedByValue)};
}

/// Calls `use.operator()<Metadata>()` for each kind.
template <class Use>
void for_each_kind(Use use) {
  const auto all = [&use]<const ResourceType&... Types>() {
    (use.template operator()<kube::MetadataOf<Types>>(), ...);
  };
  all.template operator()<kNamespace, kServiceAccount, kConfigMap, kService, kDaemonSet,
                          kDeployment, kDisruptionBudget, kRole, kRoleBinding, kClusterRole,
                          kClusterRoleBinding, kApiService, kCsiDriver, kStorageClass>();
}

/// Reports of a workload's progress move the resourceVersion alone.
bool same(const kube::ObjectMeta& old, const kube::ObjectMeta& now) {
  return old.uid == now.uid && old.generation && old.generation == now.generation &&
         old.labels == now.labels && old.annotations == now.annotations;
}

}  // namespace

Result<ResourceType> type_of(const Json& object) {
  const std::string_view kind = find_string(object, {"kind"});
  const std::string_view version = find_string(object, {"apiVersion"});
  std::optional<ResourceType> found;
  for_each_kind([&]<class T>() {
    if (T::kType.kind == kind && T::kType.api_version() == version) found = T::kType;
  });
  if (found) return *found;
  return fail(Code::kNotFound, "no resource for " + std::string(version) + " " + std::string(kind));
}

void watch_tenant_objects(tenant::Sessions& sessions,
                          std::function<void(const kube::ObjectKey& cluster)> changed) {
  for_each_kind([&]<class T>() {
    sessions.watch<T>(
        [changed](const kube::ObjectKey& cluster, const auto& old, const auto& now) {
          if (!old || !now || !same(old->metadata, now->metadata)) changed(cluster);
        },
        ours());
  });
}

std::optional<std::shared_ptr<const kube::ObjectMeta>> find_tenant_object(
    tenant::Session& session, const ResourceType& type, const kube::ObjectKey& key) {
  std::optional<std::shared_ptr<const kube::ObjectMeta>> out;
  for_each_kind([&]<class T>() {
    if (!(T::kType == type)) return;
    const auto cache = session.informers().of<T>(ours());
    if (!cache.synced()) return;
    const auto object = cache.get(key);
    // Shares the object's life.
    out = object ? std::shared_ptr<const kube::ObjectMeta>(object, &object->metadata) : nullptr;
  });
  return out;
}

}  // namespace nestor::controlplane
