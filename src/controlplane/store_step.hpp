#pragma once

#include "controlplane/store_contents.hpp"
#include "controlplane/work.hpp"

namespace nestor::controlplane {

/// Reads the contents of the tenant's DataStore. Errors: kFailedPrecondition while it is missing or
/// not ready; its next change wakes the reconcile.
Task<StoreContents> open_store(Work& work);

/// Ensures, unless the status says it is done, the user and role in the store, then
/// `<n>-datastore-config` and `<n>-datastore-certificate`. Errors: kFailedPrecondition when the
/// names are another's, or not those that the tenant's data are under; kAborted when the status has
/// to be written first.
Task<> ensure_store(Work& work, const StoreContents& store, std::string etcdctl);

/// Removes the tenant's user, role and keys. A store that is gone counts as cleaned, and so
/// does what is not the tenant's own.
Task<> clean_store(Work& work, std::string etcdctl);

}  // namespace nestor::controlplane
