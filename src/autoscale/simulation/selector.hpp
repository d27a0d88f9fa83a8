#pragma once

#include <boost/describe/class.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace nestor::autoscale {

using LabelMap = std::map<std::string, std::string>;

/// One condition of a label or node selector.
struct Requirement {
  enum class Operator : std::uint8_t { kIn, kNotIn, kExists, kDoesNotExist, kGreater, kLess };
  std::string key;
  Operator op = Operator::kIn;
  std::vector<std::string> values;
  bool operator==(const Requirement&) const = default;
};
BOOST_DESCRIBE_STRUCT(Requirement, (), (key, op, values))
/// All must hold; none holds always.
using Requirements = std::vector<Requirement>;

bool matches(const Requirement& requirement, const LabelMap& labels);
bool matches(const Requirements& requirements, const LabelMap& labels);

/// metav1.LabelSelector. Nothing when `selector` is absent or null (which selects nothing).
/// An operator that is not known makes a requirement that nothing satisfies.
std::optional<Requirements> read_label_selector(const Json* selector);
/// A list of {key, operator, values}, as in nodeSelectorTerms.
Requirements read_requirements(const Json* list);

/// corev1.NodeSelectorTerm: conditions on the node's labels and its name, all of which must hold.
struct NodeTerm {
  Requirements labels;
  Requirements fields;
  bool operator==(const NodeTerm&) const = default;
};
BOOST_DESCRIBE_STRUCT(NodeTerm, (), (labels, fields))
/// One term must hold. A term without conditions never does.
using NodeTerms = std::vector<NodeTerm>;
bool matches(const NodeTerms& terms, const LabelMap& labels, const std::string& node_name);
/// corev1.NodeSelector; nothing when absent.
std::optional<NodeTerms> read_node_selector(const Json* selector);

}  // namespace nestor::autoscale
