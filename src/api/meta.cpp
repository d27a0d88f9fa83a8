#include "api/meta.hpp"

#include <algorithm>

namespace nestor::api {
namespace {

bool matches(const LabelSelectorRequirement& requirement,
             const std::map<std::string, std::string>& labels) {
  const auto label = labels.find(requirement.key);
  const bool exists = label != labels.end();
  const bool listed =
      exists && std::ranges::find(requirement.values, label->second) != requirement.values.end();
  if (requirement.operator_ == "In") return listed;
  // As in Kubernetes, an absent label is not in any set of values.
  if (requirement.operator_ == "NotIn") return !listed;
  if (requirement.operator_ == "Exists") return exists;
  if (requirement.operator_ == "DoesNotExist") return !exists;
  return false;
}

std::string text_of(const LabelSelectorRequirement& requirement) {
  if (requirement.operator_ == "Exists") return requirement.key;
  if (requirement.operator_ == "DoesNotExist") return "!" + requirement.key;
  std::string text = requirement.key + (requirement.operator_ == "NotIn" ? " notin (" : " in (");
  for (std::size_t i = 0; i < requirement.values.size(); ++i) {
    if (i > 0) text += ',';
    text += requirement.values[i];
  }
  return text + ")";
}

}  // namespace

bool matches(const LabelSelector& selector, const std::map<std::string, std::string>& labels) {
  return std::ranges::all_of(selector.matchLabels,
                             [&](const auto& wanted) {
                               const auto label = labels.find(wanted.first);
                               return label != labels.end() && label->second == wanted.second;
                             }) &&
         std::ranges::all_of(selector.matchExpressions,
                             [&](const auto& requirement) { return matches(requirement, labels); });
}

std::string to_selector_text(const LabelSelector& selector) {
  std::string text;
  const auto append = [&](const std::string& part) {
    if (!text.empty()) text += ',';
    text += part;
  };
  for (const auto& [key, value] : selector.matchLabels) append(key + "=" + value);
  for (const auto& requirement : selector.matchExpressions) append(text_of(requirement));
  return text;
}

}  // namespace nestor::api
