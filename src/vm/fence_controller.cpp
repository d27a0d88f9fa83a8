#include "vm/fence_controller.hpp"

#include <map>
#include <set>

#include "api/kubevirt/virtual_machine_instance.hpp"
#include "base/json_convert.hpp"
#include "vm/launcher_pod.hpp"

namespace nestor::vm {
namespace {

using api::core::Pod;
using api::core::Service;
using api::kamaji::TenantControlPlane;

constexpr const char* kIndex = "fence-cluster";

template <class T>
std::vector<std::string> index_of(const T& object) {
  const std::string_view cluster = fence_cluster(object.metadata);
  if (cluster.empty()) return {};
  return {kube::ObjectKey{object.metadata.namespace_, std::string(cluster)}.to_string()};
}

template <class T>
std::vector<kube::ObjectKey> key_of(const T& object) {
  const std::string_view cluster = fence_cluster(object.metadata);
  if (cluster.empty()) return {};
  return {{object.metadata.namespace_, std::string(cluster)}};
}

std::vector<std::string> peers_of(kube::Runtime& runtime, const kube::ObjectKey& cluster) {
  auto pods = runtime.informers().of<Pod>(launcher_pods());
  return fence_peers(pods.by_index(kIndex, cluster.to_string()));
}

FenceServices services_of(kube::Runtime& runtime, const kube::ObjectKey& cluster) {
  auto services = runtime.informers().of<Service>();
  auto control_planes = runtime.informers().of<TenantControlPlane>();
  return fence_services(services.by_index(kIndex, cluster.to_string()),
                        control_planes.by_index(kIndex, cluster.to_string()));
}

std::string text_of(const FenceAccess& access) { return to_text(to_json(access)); }

class FenceController {
 public:
  explicit FenceController(kube::Runtime& runtime)
      : runtime_(runtime), pods_(runtime.informers().of<Pod>(launcher_pods())) {}

  Task<kube::ReconcileResult> reconcile(kube::ObjectKey cluster) {
    FenceServices services = services_of(runtime_, cluster);
    tell_left_out(cluster, services);
    const FenceAccess access{peers_of(runtime_, cluster), std::move(services.open)};
    const std::string wanted = text_of(access);
    const std::string peers_only = text_of({access.peers, {}});
    Result<> first;
    // One that fails must not keep the others open to a peer that is gone.
    for (const auto& pod : pods_.by_index(kIndex, cluster.to_string())) {
      if (api::core::finished(*pod)) continue;
      auto done = co_await write(pod, wanted);
      if (!done && done.error().code == Code::kInvalidArgument) {
        // Refused, perhaps for its size: rather without Services than with peers of yesterday.
        (void)co_await write(pod, peers_only);
      }
      if (!done && first) {
        first = with_context(std::move(done).error(),
                             "updating the fence of pod " + pod->metadata.key().to_string());
      }
    }
    if (!first) co_return std::unexpected(std::move(first).error());
    co_return kube::ReconcileResult{};
  }

 private:
  Task<> write(std::shared_ptr<const Pod> pod, std::string fence) {
    if (pod->metadata.annotation(kFenceAnnotation) == fence) co_return Result<>{};
    Json patch = JsonObject{};
    patch.as_object()["metadata"] =
        JsonObject{{"annotations", JsonObject{{kFenceAnnotation, std::move(fence)}}}};
    auto done = co_await runtime_.client().patch(Pod::kType, pod->metadata.key(),
                                                 kube::PatchType::kMerge, std::move(patch));
    if (done || done.error().code == Code::kNotFound) co_return Result<>{};
    co_return std::unexpected(std::move(done).error());
  }

  /// As events of the Services, once each.
  void tell_left_out(const kube::ObjectKey& cluster, const FenceServices& services) {
    std::set<std::string> uids;
    for (const auto& service : services.left_out) {
      uids.insert(service->metadata.uid);
      if (told_[cluster].contains(service->metadata.uid)) continue;
      runtime_.events().warning(
          *service, "FenceFull",
          "the cluster's own machines do not reach it: its Services have more than " +
              std::to_string(kMaxFenceServices) + " ports");
    }
    if (uids.empty()) {
      told_.erase(cluster);
    } else {
      told_[cluster] = std::move(uids);
    }
  }

  kube::Runtime& runtime_;
  kube::Informer<Pod> pods_;
  /// The uids of the Services that are left out, by cluster.
  std::map<kube::ObjectKey, std::set<std::string>> told_;
};

}  // namespace

FenceAccess current_fence_access(kube::Runtime& runtime, const kube::ObjectMeta& metadata) {
  const std::string cluster(fence_cluster(metadata));
  if (cluster.empty()) return {};
  const kube::ObjectKey key{metadata.namespace_, cluster};
  return {peers_of(runtime, key), services_of(runtime, key).open};
}

void add_fence_controller(kube::Runtime& runtime) {
  auto pods = runtime.informers().of<Pod>(launcher_pods());
  auto services = runtime.informers().of<Service>();
  auto control_planes = runtime.informers().of<TenantControlPlane>();
  pods.add_index(kIndex, index_of<Pod>);
  services.add_index(kIndex, index_of<Service>);
  control_planes.add_index(kIndex, index_of<TenantControlPlane>);
  auto& self = runtime.own<FenceController>(runtime);
  auto& controller = runtime.add_controller(
      "fence", [&self](kube::ObjectKey key) { return self.reconcile(std::move(key)); });
  controller.watch_mapped<Pod>(pods, key_of<Pod>);
  controller.watch_mapped<Service>(services, key_of<Service>);
  controller.watch_mapped<TenantControlPlane>(control_planes, key_of<TenantControlPlane>);
}

}  // namespace nestor::vm
