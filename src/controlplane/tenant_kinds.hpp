#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/json.hpp"
#include "tenant/sessions.hpp"

/// The kinds of what we apply inside tenants, and the caches of those objects.
namespace nestor::controlplane {

/// The type of such an object. Errors: kNotFound for a kind that no manifest of ours has.
Result<kube::ResourceType> type_of(const Json& object);

/// From now on keeps, in every session, the metadata of the objects with our managed-by label, and
/// calls `changed` with the Cluster's key when one came, went or changed other than in its status.
void watch_tenant_objects(tenant::Sessions& sessions,
                          std::function<void(const kube::ObjectKey& cluster)> changed);

/// The metadata of such an object: nullptr when it is not there (or has lost our label), nothing
/// when the cache is not filled yet.
std::optional<std::shared_ptr<const kube::ObjectMeta>> find_tenant_object(
    tenant::Session& session, const kube::ResourceType& type, const kube::ObjectKey& key);

}  // namespace nestor::controlplane
