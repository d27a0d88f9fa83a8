#include "storage/local_path.hpp"

#include "api/core/persistent_volume.hpp"
#include "api/core/persistent_volume_claim.hpp"
#include "api/storage/storage_class.hpp"
#include "base/quantity.hpp"
#include "storage/names.hpp"

namespace nestor::storage {
namespace {

using api::core::PersistentVolume;
using api::core::PersistentVolumeClaim;
using api::storage::StorageClass;

constexpr const char* kProvisioner = "rancher.io/local-path";

class LocalPathGrowth {
 public:
  explicit LocalPathGrowth(kube::Runtime& runtime)
      : runtime_(runtime),
        claims_(runtime.informers().of<PersistentVolumeClaim>()),
        classes_(runtime.informers().of<StorageClass>()) {}

  void watch(kube::Controller& controller) {
    controller.watch(claims_);
    controller.watch_mapped<StorageClass>(
        classes_, [](const StorageClass&) { return std::vector<kube::ObjectKey>{}; });
  }

  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key) {
    const auto claim = claims_.get(key);
    if (!claim || claim->status.phase != "Bound" || claim->metadata.deleting()) {
      co_return kube::ReconcileResult{};
    }
    const auto type = classes_.get({"", claim->spec.storageClassName.value_or("")});
    if (!type || type->provisioner != kProvisioner) co_return kube::ReconcileResult{};
    const std::string asked(find_string(claim->spec.resources, {"requests", kResource}));
    const auto capacity = claim->status.capacity.find(kResource);
    if (capacity == claim->status.capacity.end()) co_return kube::ReconcileResult{};
    NESTOR_CO_TRY(const std::int64_t wanted, parse_quantity(asked));
    NESTOR_CO_TRY(const std::int64_t has, parse_quantity(capacity->second));
    if (has >= wanted) co_return kube::ReconcileResult{};
    // The volume first, as external-resizer does: kubelet and people look there.
    JsonObject sizes{{kResource, asked}};
    Json body = JsonObject{{"spec", JsonObject{{"capacity", std::move(sizes)}}}};
    auto grown =
        co_await runtime_.client().patch(PersistentVolume::kType, {"", claim->spec.volumeName},
                                         kube::PatchType::kMerge, std::move(body));
    if (!grown) co_return std::unexpected(std::move(grown).error());
    PersistentVolumeClaim after = *claim;
    after.status.capacity[kResource] = asked;
    NESTOR_CO_TRY_VOID(co_await kube::patch_changes(runtime_.client(), *claim, after));
    co_return kube::ReconcileResult{};
  }

 private:
  kube::Runtime& runtime_;
  kube::Informer<PersistentVolumeClaim> claims_;
  kube::Informer<StorageClass> classes_;
};

}  // namespace

void add_local_path_growth(kube::Runtime& runtime) {
  auto& self = runtime.own<LocalPathGrowth>(runtime);
  auto& controller = runtime.add_controller("storage-local-path", [&self](kube::ObjectKey key) {
    return self.reconcile(std::move(key));
  });
  self.watch(controller);
}

}  // namespace nestor::storage
