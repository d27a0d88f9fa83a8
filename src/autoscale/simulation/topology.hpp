#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "autoscale/simulation/pod.hpp"

/// Counts of pods by topology domain, behind Snapshot. Pure.
namespace nestor::autoscale {

/// Numbers for the values of the topology keys in use.
class TopologyKeys {
 public:
  using Key = std::uint32_t;
  static constexpr std::int32_t kNoDomain = -1;

  /// The number of `label`; `added` says whether it is new.
  Key add(const std::string& label, bool& added);
  std::int32_t domain(Key key, const LabelMap& labels);
  std::size_t size() const { return keys_.size(); }
  std::size_t domains(Key key) const { return keys_[key].values.size(); }

 private:
  struct One {
    std::string label;
    std::map<std::string, std::int32_t> values;
  };
  std::vector<One> keys_;
};

/// One count per domain, growing with its index.
class DomainCounts {
 public:
  std::int32_t at(std::int32_t domain) const {
    return domain >= 0 && static_cast<std::size_t>(domain) < counts_.size()
               ? counts_[static_cast<std::size_t>(domain)]
               : 0;
  }
  void add(std::int32_t domain, std::int32_t by) {
    if (domain < 0) return;
    if (static_cast<std::size_t>(domain) >= counts_.size()) {
      counts_.resize(static_cast<std::size_t>(domain) + 1);
    }
    counts_[static_cast<std::size_t>(domain)] += by;
    total_ += by;
  }
  std::int64_t total() const { return total_; }
  std::size_t size() const { return counts_.size(); }

 private:
  std::vector<std::int32_t> counts_;
  std::int64_t total_ = 0;
};

/// A term of pod affinity or anti-affinity with the pods it speaks of: those that match every one
/// of `all` (affinity of several terms counts only pods that match them all).
struct TermState {
  std::vector<PodTerm> all;
  TopologyKeys::Key key = 0;
  /// Pods it speaks of, by domain.
  DomainCounts matched;
  /// Pods that have it as their anti-affinity, by domain.
  DomainCounts owners;
};

bool matches(const TermState& term, const PodShape& shape,
             const std::map<std::string, LabelMap>& namespaces);

/// A spread constraint of one class: matching pods and nodes by domain, of the nodes that a pod of
/// the class may use.
struct SpreadState {
  SpreadConstraint constraint;
  std::string ns;
  TopologyKeys::Key key = 0;
  /// Whose constraint it is.
  std::shared_ptr<const PodShape> owner;
  /// By node.
  std::vector<bool> eligible;
  DomainCounts pods;
  DomainCounts nodes;
  bool matches_itself = false;

  bool matches(const PodShape& shape) const {
    return constraint.selector && shape.ns == ns &&
           autoscale::matches(*constraint.selector, shape.labels);
  }
  /// The fewest pods in any domain; 0 while there are fewer domains than wanted.
  std::int32_t fewest() const;
  /// After pods or nodes changed.
  void touched() { known_ = false; }

 private:
  mutable bool known_ = false;
  mutable std::int32_t fewest_ = 0;
};

}  // namespace nestor::autoscale
