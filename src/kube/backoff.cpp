#include "kube/backoff.hpp"

#include <algorithm>

namespace nestor::kube {

Duration Backoff::next() {
  current_ = current_ == Duration::zero() ? first_ : std::min(current_ * 2, max_);
  std::uniform_int_distribution<Duration::rep> shorter(0, current_.count() / 2);
  return current_ - Duration(shorter(random_));
}

}  // namespace nestor::kube
