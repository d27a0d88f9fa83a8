#include "autoscale/simulation/selector.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/text.hpp"

namespace nestor::autoscale {
namespace {

using Operator = Requirement::Operator;

Requirement read_requirement(const Json& json) {
  Requirement out;
  out.key = find_string(json, {"key"});
  if (const Json* values = find(json, {"values"}); values != nullptr && values->is_array()) {
    for (const Json& value : values->get_array()) {
      if (value.is_string()) out.values.emplace_back(std::string_view(value.get_string()));
    }
  }
  const std::string_view op = find_string(json, {"operator"});
  if (op == "NotIn") {
    out.op = Operator::kNotIn;
  } else if (op == "Exists") {
    out.op = Operator::kExists;
  } else if (op == "DoesNotExist") {
    out.op = Operator::kDoesNotExist;
  } else if (op == "Gt") {
    out.op = Operator::kGreater;
  } else if (op == "Lt") {
    out.op = Operator::kLess;
  } else if (op != "In") {
    out.values.clear();
  }
  return out;
}

}  // namespace

bool matches(const Requirement& requirement, const LabelMap& labels) {
  const auto label = labels.find(requirement.key);
  const bool exists = label != labels.end();
  const auto listed = [&] {
    return exists &&
           std::ranges::find(requirement.values, label->second) != requirement.values.end();
  };
  const auto compared = [&](bool greater) {
    if (!exists || requirement.values.size() != 1) return false;
    const auto is = parse_number<std::int64_t>(label->second);
    const auto bound = parse_number<std::int64_t>(requirement.values.front());
    return is && bound && (greater ? *is > *bound : *is < *bound);
  };
  switch (requirement.op) {
    case Operator::kIn:
      return listed();
    case Operator::kNotIn:
      return !listed();
    case Operator::kExists:
      return exists;
    case Operator::kDoesNotExist:
      return !exists;
    case Operator::kGreater:
      return compared(true);
    case Operator::kLess:
      return compared(false);
  }
  return false;
}

bool matches(const Requirements& requirements, const LabelMap& labels) {
  return std::ranges::all_of(requirements, [&](const auto& one) { return matches(one, labels); });
}

Requirements read_requirements(const Json* list) {
  Requirements out;
  if (list == nullptr || !list->is_array()) return out;
  for (const Json& one : list->get_array()) out.push_back(read_requirement(one));
  return out;
}

std::optional<Requirements> read_label_selector(const Json* selector) {
  if (selector == nullptr || !selector->is_object()) return std::nullopt;
  Requirements out;
  if (const Json* labels = find(*selector, {"matchLabels"});
      labels != nullptr && labels->is_object()) {
    for (const auto& item : labels->get_object()) {
      if (!item.value().is_string()) continue;
      out.push_back({std::string(item.key()),
                     Operator::kIn,
                     {std::string(std::string_view(item.value().get_string()))}});
    }
  }
  for (Requirement& one : read_requirements(find(*selector, {"matchExpressions"}))) {
    out.push_back(std::move(one));
  }
  return out;
}

bool matches(const NodeTerms& terms, const LabelMap& labels, const std::string& node_name) {
  return std::ranges::any_of(terms, [&](const NodeTerm& term) {
    if (term.labels.empty() && term.fields.empty()) return false;
    if (!matches(term.labels, labels)) return false;
    return term.fields.empty() || matches(term.fields, LabelMap{{"metadata.name", node_name}});
  });
}

std::optional<NodeTerms> read_node_selector(const Json* selector) {
  if (selector == nullptr || !selector->is_object()) return std::nullopt;
  NodeTerms out;
  const Json* terms = find(*selector, {"nodeSelectorTerms"});
  if (terms == nullptr || !terms->is_array()) return out;
  for (const Json& term : terms->get_array()) {
    out.push_back({read_requirements(find(term, {"matchExpressions"})),
                   read_requirements(find(term, {"matchFields"}))});
  }
  return out;
}

}  // namespace nestor::autoscale
