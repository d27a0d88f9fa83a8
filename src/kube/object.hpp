#pragma once

#include <boost/describe/class.hpp>
#include <compare>
#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace nestor::kube {

/// A kind as the API server serves it. Constant data of the program.
struct ResourceType {
  /// "" for the core group.
  std::string_view group;
  std::string_view version;
  std::string_view kind;
  std::string_view plural;
  bool namespaced = true;
  /// "apps/v1", or "v1" for the core group.
  std::string api_version() const;
  friend bool operator==(const ResourceType&, const ResourceType&) = default;
};

/// Names one object of a type. `ns` is "" for cluster-scoped objects.
struct ObjectKey {
  std::string ns;
  std::string name;
  friend auto operator<=>(const ObjectKey&, const ObjectKey&) = default;
  /// "ns/name", or "name".
  std::string to_string() const;
};

struct OwnerReference {
  std::string apiVersion;
  std::string kind;
  std::string name;
  std::string uid;
  std::optional<bool> controller;
  std::optional<bool> blockOwnerDeletion;
  friend bool operator==(const OwnerReference&, const OwnerReference&) = default;
};
BOOST_DESCRIBE_STRUCT(OwnerReference, (),
                      (apiVersion, kind, name, uid, controller, blockOwnerDeletion))

/// The part of metav1.ObjectMeta that Nestor uses. Writers never send a whole object built from
/// it over an existing one (server-side apply and patches only), so nothing else is lost.
struct ObjectMeta {
  std::string name;
  std::string generateName;
  // Spelled with a trailing underscore in C++ because it is a keyword; `namespace` in JSON.
  std::string namespace_;
  std::string uid;
  std::string resourceVersion;
  std::optional<std::int64_t> generation;
  std::string creationTimestamp;
  std::string deletionTimestamp;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  std::vector<OwnerReference> ownerReferences;
  std::vector<std::string> finalizers;

  ObjectKey key() const { return {namespace_, name}; }
  bool deleting() const { return !deletionTimestamp.empty(); }
  bool has_finalizer(std::string_view finalizer) const;
  /// The owner reference with controller: true, or nullptr.
  const OwnerReference* controller() const;
  /// "" when absent.
  std::string_view label(std::string_view key) const;
  std::string_view annotation(std::string_view key) const;
  friend bool operator==(const ObjectMeta&, const ObjectMeta&) = default;
};
BOOST_DESCRIBE_STRUCT(ObjectMeta, (),
                      (name, generateName, namespace_, uid, resourceVersion, generation,
                       creationTimestamp, deletionTimestamp, labels, annotations, ownerReferences,
                       finalizers))

/// Of an object as JSON; "" for what it does not say.
ObjectKey key_of(const Json& object);
/// The same, without a namespace where the type knows none.
ObjectKey key_of(const ResourceType& type, const Json& object);
/// Of an object as JSON; empty when it has none that can be read.
ObjectMeta metadata_of(const Json& object);

/// What is true of an object just now, and why (metav1.Condition).
struct Condition {
  /// What it is about, such as Ready.
  std::string type;
  /// True, False or Unknown.
  std::string status;
  /// The metadata.generation of the object that was looked at.
  std::optional<std::int64_t> observedGeneration;
  /// When the status changed last.
  std::string lastTransitionTime;
  /// Why, as one word for programs.
  std::string reason;
  /// Why, as a sentence for people. Often empty when all is well.
  std::string message;
  friend bool operator==(const Condition&, const Condition&) = default;
};
BOOST_DESCRIBE_STRUCT(Condition, (),
                      (type, status, observedGeneration, lastTransitionTime, reason, message))

/// A struct for (a part of) a kind: `static constexpr ResourceType kType` and `metadata`.
template <class T>
concept Resource = requires(T t) {
  { T::kType } -> std::convertible_to<ResourceType>;
  { t.metadata } -> std::convertible_to<ObjectMeta>;
};

/// An owner reference to `owner`; `controller` as given, blockOwnerDeletion true.
OwnerReference owner_reference(const ResourceType& type, const ObjectMeta& owner, bool controller);
template <Resource T>
OwnerReference owner_reference(const T& owner, bool controller = true) {
  return owner_reference(T::kType, owner.metadata, controller);
}

/// Takes out the annotation in which `kubectl apply` keeps a copy of the whole object.
void forget_last_applied(ObjectMeta& metadata);

/// A condition for set_condition(), which gives it its time. `generation`: of the object that was
/// looked at, where conditions of its kind tell it.
Condition make_condition(std::string_view type, bool status, std::string_view reason = {},
                         std::string message = {}, std::optional<std::int64_t> generation = {});
// "False" would be true.
Condition make_condition(std::string_view type, const char* status, auto&&...) = delete;
/// The same with the status Unknown.
Condition make_unknown_condition(std::string_view type, std::string_view reason,
                                 std::string message = {},
                                 std::optional<std::int64_t> generation = {});

/// Puts or replaces the condition of that type; lastTransitionTime moves only when the status does.
/// Returns whether anything changed.
bool set_condition(std::vector<Condition>& conditions, Condition condition,
                   std::string_view now_rfc3339);
const Condition* find_condition(const std::vector<Condition>& conditions, std::string_view type);
bool condition_true(const std::vector<Condition>& conditions, std::string_view type);

}  // namespace nestor::kube
