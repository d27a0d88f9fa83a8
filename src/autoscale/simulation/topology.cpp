#include "autoscale/simulation/topology.hpp"

#include <algorithm>
#include <limits>

namespace nestor::autoscale {
namespace {

bool namespace_matches(const PodTerm& term, const std::string& ns,
                       const std::map<std::string, LabelMap>& namespaces) {
  if (std::ranges::find(term.namespaces, ns) != term.namespaces.end()) return true;
  if (!term.namespace_selector) return false;
  if (term.namespace_selector->empty()) return true;
  if (const auto known = namespaces.find(ns); known != namespaces.end()) {
    return matches(*term.namespace_selector, known->second);
  }
  // Every namespace has this label.
  return matches(*term.namespace_selector, LabelMap{{"kubernetes.io/metadata.name", ns}});
}

}  // namespace

bool PodShape::selects_namespaces() const {
  const auto selects = [](const PodTerm& term) {
    return term.namespace_selector && !term.namespace_selector->empty();
  };
  return std::ranges::any_of(affinity, selects) || std::ranges::any_of(anti_affinity, selects);
}

TopologyKeys::Key TopologyKeys::add(const std::string& label, bool& added) {
  const auto found = std::ranges::find(keys_, label, &One::label);
  added = found == keys_.end();
  if (!added) return static_cast<Key>(found - keys_.begin());
  keys_.push_back({label, {}});
  return static_cast<Key>(keys_.size() - 1);
}

std::int32_t TopologyKeys::domain(Key key, const LabelMap& labels) {
  One& one = keys_[key];
  const auto label = labels.find(one.label);
  if (label == labels.end()) return kNoDomain;
  const auto next = static_cast<std::int32_t>(one.values.size());
  return one.values.try_emplace(label->second, next).first->second;
}

bool matches(const TermState& term, const PodShape& shape,
             const std::map<std::string, LabelMap>& namespaces) {
  return std::ranges::all_of(term.all, [&](const PodTerm& one) {
    return namespace_matches(one, shape.ns, namespaces) && one.selector &&
           matches(*one.selector, shape.labels);
  });
}

std::int32_t SpreadState::fewest() const {
  if (known_) return fewest_;
  std::int64_t domains = 0;
  fewest_ = std::numeric_limits<std::int32_t>::max();
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const auto domain = static_cast<std::int32_t>(i);
    if (nodes.at(domain) == 0) continue;
    ++domains;
    fewest_ = std::min(fewest_, pods.at(domain));
  }
  if (domains < constraint.min_domains || domains == 0) fewest_ = 0;
  known_ = true;
  return fewest_;
}

}  // namespace nestor::autoscale
