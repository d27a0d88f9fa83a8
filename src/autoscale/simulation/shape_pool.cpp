#include "autoscale/simulation/shape_pool.hpp"

#include <algorithm>

namespace nestor::autoscale {

std::shared_ptr<const PodShape> ShapePool::share(std::shared_ptr<const PodShape> shape) {
  const std::size_t hash = hash_of(*shape);
  const auto [from, to] = shapes_.equal_range(hash);
  for (auto it = from; it != to; ++it) {
    auto known = it->second.lock();
    if (known && (known == shape || *known == *shape)) return known;
  }
  if (shapes_.size() >= sweep_at_) sweep();
  shapes_.emplace(hash, shape);
  return shape;
}

void ShapePool::sweep() {
  std::erase_if(shapes_, [](const auto& one) { return one.second.expired(); });
  sweep_at_ = std::max<std::size_t>(256, shapes_.size() * 2);
}

}  // namespace nestor::autoscale
