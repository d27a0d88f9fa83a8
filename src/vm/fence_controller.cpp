#include "vm/fence_controller.hpp"

#include "api/kubevirt/virtual_machine_instance.hpp"
#include "base/json_convert.hpp"
#include "vm/launcher_pod.hpp"

namespace nestor::vm {
namespace {

using api::core::Pod;
using api::core::Service;

constexpr const char* kIndex = "fence-cluster";

template <class T>
std::vector<std::string> index_of(const T& object) {
  const std::string_view cluster = fence_cluster(object.metadata);
  if (cluster.empty()) return {};
  return {object.metadata.namespace_ + "/" + std::string(cluster)};
}

template <class T>
std::vector<kube::ObjectKey> key_of(const T& object) {
  const std::string_view cluster = fence_cluster(object.metadata);
  if (cluster.empty()) return {};
  return {{object.metadata.namespace_, std::string(cluster)}};
}

FenceAccess access_of(kube::Runtime& runtime, const kube::ObjectKey& cluster) {
  auto pods = runtime.informers().of<Pod>(launcher_pods());
  auto services = runtime.informers().of<Service>();
  const std::string value = cluster.ns + "/" + cluster.name;
  return fence_access(pods.by_index(kIndex, value), services.by_index(kIndex, value));
}

class FenceController {
 public:
  explicit FenceController(kube::Runtime& runtime)
      : runtime_(runtime), pods_(runtime.informers().of<Pod>(launcher_pods())) {}

  Task<kube::ReconcileResult> reconcile(kube::ObjectKey cluster) {
    const std::string wanted = to_text(to_json(access_of(runtime_, cluster)));
    for (const auto& pod : pods_.by_index(kIndex, cluster.ns + "/" + cluster.name)) {
      if (api::core::finished(*pod)) continue;
      if (pod->metadata.annotation(kFenceAnnotation) == wanted) continue;
      Json patch = JsonObject{};
      patch.as_object()["metadata"] =
          JsonObject{{"annotations", JsonObject{{kFenceAnnotation, wanted}}}};
      auto done = co_await runtime_.client().patch(Pod::kType, pod->metadata.key(),
                                                   kube::PatchType::kMerge, std::move(patch));
      if (!done && done.error().code != Code::kNotFound) {
        co_return with_context(std::move(done).error(),
                               "updating the fence of pod " + pod->metadata.key().to_string());
      }
    }
    co_return kube::ReconcileResult{};
  }

 private:
  kube::Runtime& runtime_;
  kube::Informer<Pod> pods_;
};

}  // namespace

FenceAccess current_fence_access(kube::Runtime& runtime, const kube::ObjectMeta& metadata) {
  const std::string cluster(fence_cluster(metadata));
  if (cluster.empty()) return {};
  return access_of(runtime, {metadata.namespace_, cluster});
}

void add_fence_controller(kube::Runtime& runtime) {
  auto pods = runtime.informers().of<Pod>(launcher_pods());
  auto services = runtime.informers().of<Service>();
  pods.add_index(kIndex, index_of<Pod>);
  services.add_index(kIndex, index_of<Service>);
  auto& self = runtime.own<FenceController>(runtime);
  auto& controller = runtime.add_controller(
      "fence", [&self](kube::ObjectKey key) { return self.reconcile(std::move(key)); });
  controller.watch_mapped<Pod>(pods, key_of<Pod>);
  controller.watch_mapped<Service>(services, key_of<Service>);
}

}  // namespace nestor::vm
