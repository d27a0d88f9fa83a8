#include "cluster/drain.hpp"

#include <algorithm>

namespace nestor::cluster {

namespace {

constexpr std::string_view kMirrorAnnotation = "kubernetes.io/config.mirror";
constexpr std::string_view kDrainLabel = "cluster.x-k8s.io/drain";

Task<> cordon(kube::Client& tenant, api::core::Node node) {
  if (node.spec.unschedulable.value_or(false)) co_return Result<>{};
  Json body = JsonObject{{"spec", JsonObject{{"unschedulable", true}}}};
  auto written = co_await tenant.patch(api::core::Node::kType, node.metadata.key(),
                                       kube::PatchType::kStrategicMerge, std::move(body));
  if (!written) co_return with_context(std::move(written).error(), "cordoning the Node");
  co_return Result<>{};
}

Task<> evict(kube::Client& tenant, kube::ObjectKey pod) {
  // The subresource takes a POST, like a collection of its own below the pod.
  const std::string path = "pods/" + pod.name + "/eviction";
  const kube::ResourceType type{.group = "", .version = "v1", .kind = "Eviction", .plural = path};
  Json body = JsonObject{{"apiVersion", "policy/v1"},
                         {"kind", "Eviction"},
                         {"metadata", JsonObject{{"name", pod.name}, {"namespace", pod.ns}}}};
  auto answer = co_await tenant.create(type, pod.ns, std::move(body));
  if (!answer && answer.error().code != Code::kNotFound) {
    co_return with_context(std::move(answer).error(), "evicting pod " + pod.to_string());
  }
  co_return Result<>{};
}

}  // namespace

bool must_leave(const api::core::Pod& pod) {
  if (api::core::finished(pod)) return false;
  if (pod.metadata.annotations.contains(std::string(kMirrorAnnotation))) return false;
  if (pod.metadata.label(kDrainLabel) == "skip") return false;
  const auto* owner = pod.metadata.controller();
  return owner == nullptr || owner->kind != "DaemonSet";
}

Task<DrainResult> drain_once(kube::Client& tenant, api::core::Node node) {
  NESTOR_CO_TRY_VOID(co_await cordon(tenant, node));
  kube::ListOptions options{.field_selector = "spec.nodeName=" + node.metadata.name};
  NESTOR_CO_TRY(const auto pods, co_await kube::list<api::core::Pod>(tenant, "", options));
  // Nobody confirms the end of pods on a Node that does not report any more.
  const auto* ready = kube::find_condition(node.status.conditions, "Ready");
  const bool unreachable = ready != nullptr && ready->status == "Unknown";
  DrainResult result;
  for (const auto& pod : pods) {
    if (!must_leave(pod) || (unreachable && pod.metadata.deleting())) continue;
    ++result.remaining;
    if (pod.metadata.deleting()) continue;
    const auto evicted = co_await evict(tenant, pod.metadata.key());
    if (evicted) continue;
    if (evicted.error().code == Code::kCancelled) co_return std::unexpected(evicted.error());
    if (result.message.empty()) result.message = evicted.error().message;
  }
  co_return result;
}

}  // namespace nestor::cluster
