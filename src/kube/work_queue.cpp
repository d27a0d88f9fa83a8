#include "kube/work_queue.hpp"

#include <algorithm>

namespace nestor::kube {

void WorkQueue::add(const ObjectKey& key) {
  if (in_flight_.contains(key)) {
    dirty_.insert(key);
    return;
  }
  if (queued_.insert(key).second) ready_.push_back({key});
}

void WorkQueue::add_at(const ObjectKey& key, SteadyTime when) {
  const auto [it, added] = delayed_.try_emplace(key, when);
  if (!added) {
    if (it->second <= when) return;
    due_.erase({it->second, key});
    it->second = when;
  }
  due_.insert({when, key});
}

std::optional<ObjectKey> WorkQueue::next(SteadyTime now) {
  while (!due_.empty() && due_.begin()->first <= now) {
    const ObjectKey key = due_.begin()->second;
    due_.erase(due_.begin());
    delayed_.erase(key);
    add(key);
  }
  while (!ready_.empty()) {
    auto [key, held_for] = std::move(ready_.front());
    ready_.pop_front();
    std::string group;
    if (held_for) {
      group = std::move(*held_for);
    } else if (group_of_) {
      group = group_of_(key);
    }
    if (!admit(key, group)) continue;
    queued_.erase(key);
    in_flight_.emplace(key, std::move(group));
    if (const auto it = delayed_.find(key); it != delayed_.end()) {
      due_.erase({it->second, key});
      delayed_.erase(it);
    }
    return key;
  }
  return std::nullopt;
}

bool WorkQueue::admit(const ObjectKey& key, const std::string& group) {
  if (group.empty()) return true;
  Group& its = groups_[group];
  if (its.in_flight >= share_) {
    its.held.push_back(key);
    return false;
  }
  ++its.in_flight;
  return true;
}

void WorkQueue::leave(const std::string& group) {
  const auto it = groups_.find(group);
  if (it == groups_.end()) return;
  Group& its = it->second;
  --its.in_flight;
  if (!its.held.empty()) {
    ready_.push_back({std::move(its.held.front()), group});
    its.held.pop_front();
  }
  if (its.in_flight == 0 && its.held.empty()) groups_.erase(it);
}

std::optional<SteadyTime> WorkQueue::next_due() const {
  if (due_.empty()) return std::nullopt;
  return due_.begin()->first;
}

void WorkQueue::done(const ObjectKey& key) {
  if (const auto flight = in_flight_.extract(key)) leave(flight.mapped());
  if (dirty_.erase(key) > 0) add(key);
}

Duration WorkQueue::failed(const ObjectKey& key, Duration first_delay) {
  const std::size_t before = failures_[key]++;
  // Beyond 20 doublings every first delay is over the limit.
  const Duration delay = first_delay * (1LL << std::min<std::size_t>(before, 20));
  return std::min(delay, kMaxDelay);
}

void WorkQueue::succeeded(const ObjectKey& key) { failures_.erase(key); }

std::size_t WorkQueue::failures(const ObjectKey& key) const {
  const auto it = failures_.find(key);
  return it == failures_.end() ? 0 : it->second;
}

}  // namespace nestor::kube
