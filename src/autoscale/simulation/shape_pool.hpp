#pragma once

#include <memory>
#include <unordered_map>

#include "autoscale/simulation/pod.hpp"

namespace nestor::autoscale {

/// Makes equal shapes one object, so that thirty thousand pods of three hundred workloads hold
/// three hundred of them. Keeps none alive that nobody else holds. Thread: one.
class ShapePool {
 public:
  /// The shape equal to `shape` that was shared first.
  std::shared_ptr<const PodShape> share(std::shared_ptr<const PodShape> shape);
  std::size_t size() const { return shapes_.size(); }

 private:
  void sweep();
  std::unordered_multimap<std::size_t, std::weak_ptr<const PodShape>> shapes_;
  std::size_t sweep_at_ = 256;
};

}  // namespace nestor::autoscale
