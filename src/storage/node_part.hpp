#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "kube/runtime.hpp"
#include "tenant/sessions.hpp"

namespace nestor::storage {

/// On a Cluster: "false" leaves the node part of the driver and the storage class out of the
/// tenant.
inline constexpr std::string_view kNodePartAnnotation = "nestor.dev/storage";

/// What runs of the driver inside a tenant: CSIDriver, DaemonSet and its rights.
/// Errors: kInvalidArgument.
Result<std::vector<Json>> node_part(const std::string& image);
/// The class that claims without one get; a person may change or delete it.
Json default_storage_class();

/// "storage-node": keeps node_part() in every tenant. The default class is made once.
class NodePartController {
 public:
  NodePartController(kube::Runtime& runtime, tenant::Sessions& sessions, std::string image);
  void watch(kube::Controller& controller);
  /// The key is a Cluster's.
  Task<kube::ReconcileResult> reconcile(kube::ObjectKey cluster);

 private:
  Task<> ensure_class(std::shared_ptr<tenant::Session> session);
  kube::Runtime& runtime_;
  tenant::Sessions& sessions_;
  std::string image_;
};

}  // namespace nestor::storage
