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

/// A condition on one label.
struct LabelSelectorRequirement {
  /// Key of the label.
  std::string key;
  /// In, NotIn (its value is, or is not, among the values), Exists or DoesNotExist.
  std::string operator_;
  /// The values for In and NotIn.
  std::vector<std::string> values;
  bool operator==(const LabelSelectorRequirement&) const = default;
};
BOOST_DESCRIBE_STRUCT(LabelSelectorRequirement, (), (key, operator_, values))

/// Selects objects by their labels: all conditions must hold (metav1.LabelSelector).
struct LabelSelector {
  /// Labels that must be there with these values.
  std::map<std::string, std::string> matchLabels;
  /// Further conditions on labels.
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
  /// Labels for what is made from the template.
  std::map<std::string, std::string> labels;
  /// Annotations for what is made from the template.
  std::map<std::string, std::string> annotations;
  bool operator==(const TemplateMetadata&) const = default;
};
BOOST_DESCRIBE_STRUCT(TemplateMetadata, (), (labels, annotations))

/// A reference by name: kind and namespace follow from the field.
struct LocalReference {
  /// Name of the object.
  std::string name;
  bool operator==(const LocalReference&) const = default;
};
BOOST_DESCRIBE_STRUCT(LocalReference, (), (name))

/// A reference to any object (corev1.ObjectReference).
struct ObjectReference {
  /// API version of the object, such as cluster.x-k8s.io/v1beta2.
  std::string apiVersion;
  /// Kind of the object.
  std::string kind;
  /// Namespace of the object.
  std::string namespace_;
  /// Name of the object.
  std::string name;
  /// UID of the object.
  std::string uid;
  /// The version of the object that is meant; usually empty.
  std::string resourceVersion;
  /// The part of the object that is meant; usually empty.
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
