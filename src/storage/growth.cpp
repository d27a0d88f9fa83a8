#include "storage/growth.hpp"

#include "base/quantity.hpp"
#include "storage/names.hpp"

namespace nestor::storage {
namespace {

constexpr const char* kResizing = "Resizing";
constexpr const char* kNodePending = "FileSystemResizePending";

void drop(std::vector<kube::Condition>& conditions, std::string_view type) {
  std::erase_if(conditions, [&](const kube::Condition& one) { return one.type == type; });
}

}  // namespace

api::core::PersistentVolumeClaim with_growth(const api::core::PersistentVolumeClaim& claim,
                                             std::int64_t size, GrowthStage stage,
                                             std::string_view now) {
  api::core::PersistentVolumeClaim out = claim;
  auto& status = out.status;
  if (stage == GrowthStage::kDone) {
    status.capacity[kResource] = format_bytes(size);
    status.allocatedResourceStatuses.erase(kResource);
    drop(status.conditions, kResizing);
    drop(status.conditions, kNodePending);
    return out;
  }
  status.allocatedResources[kResource] = format_bytes(size);
  std::string& state = status.allocatedResourceStatuses[kResource];
  if (stage == GrowthStage::kController) {
    state = "ControllerResizeInProgress";
    kube::set_condition(status.conditions, kube::make_condition(kResizing, true), now);
    return out;
  }
  // kubelet's own words about its part stay.
  if (!state.starts_with("NodeResize")) state = "NodeResizePending";
  drop(status.conditions, kResizing);
  kube::set_condition(
      status.conditions,
      kube::make_condition(
          kNodePending, true, "",
          "Waiting for user to (re-)start a pod to finish file system resize of volume on "
          "node."),
      now);
  return out;
}

}  // namespace nestor::storage
