#include "kube/applier.hpp"

#include <functional>

namespace nestor::kube {

namespace {

/// Of what an object is, apart from its status. In memory only, so the value may differ elsewhere.
std::size_t mark_of(const ObjectMeta& metadata) {
  std::string all = metadata.uid;
  all += metadata.generation ? "/g" + std::to_string(*metadata.generation)
                             : "/v" + metadata.resourceVersion;
  all += metadata.deletionTimestamp;
  for (const auto* map : {&metadata.labels, &metadata.annotations}) {
    for (const auto& [key, value] : *map) all.append("\n").append(key).append("=").append(value);
    all += "\n";
  }
  return std::hash<std::string>{}(all);
}

std::size_t digest_of(const Json& object) { return std::hash<std::string>{}(to_text(object)); }

}  // namespace

Applier::Name Applier::name_of(const ResourceType& type, const ObjectKey& key) {
  return {std::string(type.group) + "/" + std::string(type.plural), key};
}

bool Applier::is_current(const ResourceType& type, const Json& object,
                         const ObjectMeta* cached) const {
  if (cached == nullptr) return false;
  const auto found = records_.find(name_of(type, key_of(object)));
  return found != records_.end() && found->second.wanted == digest_of(object) &&
         found->second.left == mark_of(*cached);
}

bool Applier::was_applied(const ResourceType& type, const Json& object) const {
  const auto found = records_.find(name_of(type, key_of(object)));
  return found != records_.end() && found->second.wanted == digest_of(object);
}

Task<Json> Applier::apply(Client& client, ResourceType type, Json object) {
  const ObjectKey key = key_of(object);
  const std::size_t wanted = digest_of(object);
  const ApplyOptions options{.field_manager = field_manager_};
  auto applied = co_await client.apply(type, std::move(object), options);
  if (!applied) {
    co_return with_context(std::move(applied).error(),
                           "applying " + std::string(type.kind) + " " + key.to_string());
  }
  ObjectMeta left = metadata_of(*applied);
  forget_last_applied(left);
  records_[name_of(type, key)] = {wanted, mark_of(left)};
  co_return applied;
}

void Applier::forget(const ResourceType& type, const ObjectKey& key) {
  records_.erase(name_of(type, key));
}

}  // namespace nestor::kube
