#pragma once

#include "controlplane/arguments.hpp"
#include "controlplane/content.hpp"
#include "controlplane/work.hpp"

namespace nestor::controlplane {

/// Reads the contents of the tenant's DataStore. Errors: kFailedPrecondition while it is missing or
/// not ready; its next change wakes the reconcile.
Task<StoreContents> open_store(Work& work);

/// Ensures `<n>-datastore-config`, `<n>-datastore-certificate` and, unless the status says it is
/// done, the user and role in the store.
Task<> ensure_store(Work& work, const StoreContents& store, std::string etcdctl);

/// The stores' addresses for the API server. Errors: kNotFound for an unknown override.
Result<StoreAccess> store_access(const Work& work, const StoreContents& store);

/// Removes the tenant's user, role and keys. A store that is gone counts as cleaned.
Task<> clean_store(Work& work, std::string etcdctl);

}  // namespace nestor::controlplane
