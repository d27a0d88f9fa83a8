#include "kube/object.hpp"

#include <algorithm>
#include <utility>

#include "base/json_convert.hpp"

namespace nestor::kube {

std::string ResourceType::api_version() const {
  if (group.empty()) return std::string(version);
  return std::string(group) + "/" + std::string(version);
}

std::string ObjectKey::to_string() const { return ns.empty() ? name : ns + "/" + name; }

bool ObjectMeta::has_finalizer(std::string_view finalizer) const {
  return std::ranges::find(finalizers, finalizer) != finalizers.end();
}

const OwnerReference* ObjectMeta::controller() const {
  for (const OwnerReference& owner : ownerReferences) {
    if (owner.controller.value_or(false)) return &owner;
  }
  return nullptr;
}

namespace {
std::string_view value_of(const std::map<std::string, std::string>& map, std::string_view key) {
  const auto it = map.find(std::string(key));
  return it == map.end() ? std::string_view() : std::string_view(it->second);
}
}  // namespace

std::string_view ObjectMeta::label(std::string_view key) const { return value_of(labels, key); }

std::string_view ObjectMeta::annotation(std::string_view key) const {
  return value_of(annotations, key);
}

ObjectKey key_of(const Json& object) {
  return {std::string(find_string(object, {"metadata", "namespace"})),
          std::string(find_string(object, {"metadata", "name"}))};
}

ObjectKey key_of(const ResourceType& type, const Json& object) {
  ObjectKey key = key_of(object);
  if (!type.namespaced) key.ns.clear();
  return key;
}

ObjectMeta metadata_of(const Json& object) {
  const Json* metadata = find(object, {"metadata"});
  return metadata == nullptr ? ObjectMeta{}
                             : from_json<ObjectMeta>(*metadata).value_or(ObjectMeta{});
}

OwnerReference owner_reference(const ResourceType& type, const ObjectMeta& owner, bool controller) {
  OwnerReference reference;
  reference.apiVersion = type.api_version();
  reference.kind = type.kind;
  reference.name = owner.name;
  reference.uid = owner.uid;
  reference.controller = controller;
  reference.blockOwnerDeletion = true;
  return reference;
}

void forget_last_applied(ObjectMeta& metadata) {
  metadata.annotations.erase("kubectl.kubernetes.io/last-applied-configuration");
}

Condition make_condition(std::string_view type, bool status, std::string_view reason,
                         std::string message, std::optional<std::int64_t> generation) {
  Condition out;
  out.type = type;
  out.status = status ? "True" : "False";
  out.observedGeneration = generation;
  out.reason = reason;
  out.message = std::move(message);
  return out;
}

Condition make_unknown_condition(std::string_view type, std::string_view reason,
                                 std::string message, std::optional<std::int64_t> generation) {
  Condition out = make_condition(type, false, reason, std::move(message), generation);
  out.status = "Unknown";
  return out;
}

bool set_condition(std::vector<Condition>& conditions, Condition condition,
                   std::string_view now_rfc3339) {
  const auto it = std::ranges::find(conditions, condition.type, &Condition::type);
  if (it == conditions.end()) {
    condition.lastTransitionTime = now_rfc3339;
    conditions.push_back(std::move(condition));
    return true;
  }
  condition.lastTransitionTime = it->status == condition.status && !it->lastTransitionTime.empty()
                                     ? it->lastTransitionTime
                                     : std::string(now_rfc3339);
  if (*it == condition) return false;
  *it = std::move(condition);
  return true;
}

const Condition* find_condition(const std::vector<Condition>& conditions, std::string_view type) {
  const auto it = std::ranges::find(conditions, type, &Condition::type);
  return it == conditions.end() ? nullptr : &*it;
}

bool condition_true(const std::vector<Condition>& conditions, std::string_view type) {
  const Condition* condition = find_condition(conditions, type);
  return condition != nullptr && condition->status == "True";
}

}  // namespace nestor::kube
