#pragma once

#include <boost/describe/class.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "kube/object.hpp"

/// Shapes that many kinds share. JSON names are those of Kubernetes everywhere in src/api; a member
/// is a std::optional where absent and zero mean different things.
namespace nestor::api {

struct LabelSelectorRequirement {
  std::string key;
  /// "In", "NotIn", "Exists" or "DoesNotExist".
  std::string operator_;
  std::vector<std::string> values;
  bool operator==(const LabelSelectorRequirement&) const = default;
};
BOOST_DESCRIBE_STRUCT(LabelSelectorRequirement, (), (key, operator_, values))

/// metav1.LabelSelector.
struct LabelSelector {
  std::map<std::string, std::string> matchLabels;
  std::vector<LabelSelectorRequirement> matchExpressions;
  bool empty() const { return matchLabels.empty() && matchExpressions.empty(); }
  bool operator==(const LabelSelector&) const = default;
};
BOOST_DESCRIBE_STRUCT(LabelSelector, (), (matchLabels, matchExpressions))

/// Whether `labels` satisfy every part of `selector`; an empty one selects everything. An unknown
/// operator matches nothing.
bool matches(const LabelSelector& selector, const std::map<std::string, std::string>& labels);

/// The selector as text, for list requests and status.selector of scale: "a=b,c in (d,e),!f".
std::string to_selector_text(const LabelSelector& selector);

/// The metadata a template gives to what is made from it.
struct TemplateMetadata {
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  bool operator==(const TemplateMetadata&) const = default;
};
BOOST_DESCRIBE_STRUCT(TemplateMetadata, (), (labels, annotations))

/// A reference to an object of the same namespace whose kind the member implies.
struct LocalReference {
  std::string name;
  bool operator==(const LocalReference&) const = default;
};
BOOST_DESCRIBE_STRUCT(LocalReference, (), (name))

/// corev1.ObjectReference.
struct ObjectReference {
  std::string apiVersion;
  std::string kind;
  std::string namespace_;
  std::string name;
  std::string uid;
  std::string resourceVersion;
  std::string fieldPath;
  bool operator==(const ObjectReference&) const = default;
};
BOOST_DESCRIBE_STRUCT(ObjectReference, (),
                      (apiVersion, kind, namespace_, name, uid, resourceVersion, fieldPath))

/// A status without anything of interest to us.
struct NoStatus {
  bool operator==(const NoStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(NoStatus, (), ())

}  // namespace nestor::api
