#include "kube/testing/fake_store.hpp"

#include <fmt/format.h>

#include "base/base64.hpp"

namespace nestor::kube::testing {

namespace {

JsonObject& metadata_of(Json& object) {
  Json& metadata = object.as_object()["metadata"];
  if (!metadata.is_object()) metadata = JsonObject();
  return metadata.get_object();
}

bool has_finalizers(const Json& object) {
  const Json* finalizers = find(object, {"metadata", "finalizers"});
  return finalizers != nullptr && finalizers->is_array() && !finalizers->get_array().empty();
}

bool deleting(const Json& object) {
  return !find_string(object, {"metadata", "deletionTimestamp"}).empty();
}

void copy_member(const Json& from, JsonObject& to, std::string_view name) {
  const Json* member = from.is_object() ? from.get_object().if_contains(name) : nullptr;
  if (member != nullptr) {
    to[name] = *member;
  } else {
    to.erase(name);
  }
}

/// The part whose changes count as a new generation.
Json desired(Json object) {
  object.as_object().erase("metadata");
  object.as_object().erase("status");
  return object;
}

Error not_found(const ResourceType& type, const ObjectKey& key) {
  return {Code::kNotFound, std::string(type.plural) + " \"" + key.name + "\" not found", {}};
}

/// As the API server stores a Secret: stringData goes into data.
void fold_string_data(Json& object) {
  if (find_string(object, {"kind"}) != "Secret") return;
  JsonObject& fields = object.as_object();
  const Json* plain = fields.if_contains("stringData");
  if (plain == nullptr || !plain->is_object()) return;
  const JsonObject texts = plain->get_object();
  Json& data = fields["data"];
  if (!data.is_object()) data = JsonObject();
  for (const auto& item : texts) {
    if (!item.value().is_string()) continue;
    data.get_object()[item.key()] = base64_encode(std::string_view(item.value().get_string()));
  }
  fields.erase("stringData");
}

bool new_finalizer(const Json& before, const Json& after) {
  const Json* wanted = find(after, {"metadata", "finalizers"});
  const Json* present = find(before, {"metadata", "finalizers"});
  if (wanted == nullptr || !wanted->is_array()) return false;
  for (const Json& one : wanted->get_array()) {
    bool known = false;
    if (present != nullptr && present->is_array()) {
      for (const Json& other : present->get_array()) known = known || other == one;
    }
    if (!known) return true;
  }
  return false;
}

}  // namespace

std::string collection_of(const ResourceType& type) {
  return std::string(type.group) + "/" + std::string(type.plural);
}

std::string FakeStore::now() const {
  return clock_ == nullptr ? "2026-01-01T00:00:00Z" : format_rfc3339(clock_->now());
}

const Json* FakeStore::find_object(const ResourceType& type, const ObjectKey& key) const {
  const Objects* all = objects(type);
  if (all == nullptr) return nullptr;
  const auto it = all->find(key);
  return it == all->end() ? nullptr : &it->second;
}

const FakeStore::Objects* FakeStore::objects(const ResourceType& type) const {
  const auto it = collections_.find(collection_of(type));
  return it == collections_.end() ? nullptr : &it->second;
}

void FakeStore::record(const std::string& collection, Json before, Json after) {
  history_.push_back({version_, collection, std::move(before), std::move(after), false});
  changed.notify();
}

void FakeStore::bookmark() {
  history_.push_back({version_, {}, {}, {}, true});
  changed.notify();
}

Result<Json> FakeStore::create(const ResourceType& type, Json object, bool keep_status) {
  JsonObject& metadata = metadata_of(object);
  if (find_string(object, {"metadata", "name"}).empty()) {
    const auto prefix = find_string(object, {"metadata", "generateName"});
    if (prefix.empty()) return fail(Code::kInvalidArgument, "name or generateName is required");
    metadata["name"] = std::string(prefix) + fmt::format("{:05}", ++serial_);
  }
  if (!type.namespaced) metadata.erase("namespace");
  const ObjectKey key = key_of(object);
  if (type.namespaced && key.ns.empty()) {
    return fail(Code::kInvalidArgument, key.name + ": a namespace is required");
  }
  if (find_object(type, key) != nullptr) {
    return fail(Code::kAlreadyExists,
                std::string(type.plural) + " \"" + key.name + "\" already exists");
  }
  // Different in front, where names are made from.
  metadata["uid"] = fmt::format("{:08x}-0000-4000-8000-000000000000", ++serial_);
  if (!metadata.contains("creationTimestamp")) metadata["creationTimestamp"] = now();
  metadata["resourceVersion"] = std::to_string(++version_);
  metadata["generation"] = 1;
  object.as_object()["apiVersion"] = type.api_version();
  object.as_object()["kind"] = type.kind;
  if (!keep_status) object.as_object().erase("status");
  fold_string_data(object);
  collections_[collection_of(type)][key] = object;
  record(collection_of(type), Json(), object);
  return object;
}

Result<Json> FakeStore::write(const ResourceType& type, const ObjectKey& key, Json object,
                              const std::string& subresource, bool whole) {
  const Json* found = find_object(type, key);
  if (found == nullptr) return std::unexpected(not_found(type, key));
  const Json before = *found;
  const std::string current(find_string(before, {"metadata", "resourceVersion"}));
  const auto given = find_string(object, {"metadata", "resourceVersion"});
  if (!given.empty() && given != current) {
    return fail(Code::kAborted, "Operation cannot be fulfilled on " + std::string(type.plural) +
                                    " \"" + key.name +
                                    "\": the object has been modified; read it again");
  }
  Json after = before;
  if (subresource == "status") {
    copy_member(object, after.as_object(), "status");
  } else {
    after = std::move(object);
    if (!whole) copy_member(before, after.as_object(), "status");
    for (const char* fixed : {"name", "namespace", "uid", "creationTimestamp", "deletionTimestamp",
                              "deletionGracePeriodSeconds", "generation"}) {
      copy_member(*find(before, {"metadata"}), metadata_of(after), fixed);
    }
    fold_string_data(after);
  }
  if (deleting(before) && new_finalizer(before, after)) {
    return fail(Code::kInvalidArgument, "no new finalizers can be added if the object is deleting");
  }
  metadata_of(after)["resourceVersion"] = current;
  after.as_object()["apiVersion"] = type.api_version();
  after.as_object()["kind"] = type.kind;
  if (after == before) return after;
  if (desired(after) != desired(before)) {
    const Json* generation = find(before, {"metadata", "generation"});
    metadata_of(after)["generation"] = (generation ? generation->to_number<std::int64_t>() : 0) + 1;
  }
  metadata_of(after)["resourceVersion"] = std::to_string(++version_);
  const bool gone = deleting(after) && !has_finalizers(after);
  Objects& all = collections_[collection_of(type)];
  if (gone) {
    all.erase(key);
  } else {
    all[key] = after;
  }
  record(collection_of(type), before, gone ? Json() : after);
  if (gone) collect(std::string(find_string(before, {"metadata", "uid"})));
  return after;
}

Result<> FakeStore::remove(const ResourceType& type, const ObjectKey& key, const std::string& uid) {
  const Json* found = find_object(type, key);
  if (found == nullptr) return std::unexpected(not_found(type, key));
  if (!uid.empty() && find_string(*found, {"metadata", "uid"}) != uid) {
    return fail(Code::kAborted, "the uid in the precondition does not match");
  }
  if (!has_finalizers(*found)) {
    erase_now(type, key);
    return {};
  }
  if (deleting(*found)) return {};
  const Json before = *found;
  Json after = before;
  JsonObject& metadata = metadata_of(after);
  metadata["deletionTimestamp"] = now();
  metadata["deletionGracePeriodSeconds"] = 0;
  const Json* generation = find(before, {"metadata", "generation"});
  metadata["generation"] = (generation ? generation->to_number<std::int64_t>() : 0) + 1;
  metadata["resourceVersion"] = std::to_string(++version_);
  collections_[collection_of(type)][key] = after;
  record(collection_of(type), before, std::move(after));
  return {};
}

bool FakeStore::erase_now(const ResourceType& type, const ObjectKey& key) {
  const auto it = collections_.find(collection_of(type));
  if (it == collections_.end()) return false;
  const auto object = it->second.find(key);
  if (object == it->second.end()) return false;
  const Json before = object->second;
  it->second.erase(object);
  ++version_;
  record(collection_of(type), before, Json());
  collect(std::string(find_string(before, {"metadata", "uid"})));
  return true;
}

void FakeStore::collect(const std::string& dead_uid) {
  if (!collect_garbage) return;
  std::set<std::string> living;
  for (const auto& [name, all] : collections_) {
    for (const auto& [key, object] : all) {
      living.insert(std::string(find_string(object, {"metadata", "uid"})));
    }
  }
  std::vector<std::pair<std::string, ObjectKey>> orphans;
  for (const auto& [name, all] : collections_) {
    for (const auto& [key, object] : all) {
      const Json* owners = find(object, {"metadata", "ownerReferences"});
      if (owners == nullptr || !owners->is_array()) continue;
      bool mine = false;
      bool owned = false;
      for (const Json& owner : owners->get_array()) {
        const std::string uid(find_string(owner, {"uid"}));
        mine = mine || uid == dead_uid;
        owned = owned || living.contains(uid);
      }
      if (mine && !owned) orphans.emplace_back(name, key);
    }
  }
  for (const auto& [name, key] : orphans) {
    const auto slash = name.rfind('/');
    ResourceType type{};
    type.group = std::string_view(name).substr(0, slash);
    type.plural = std::string_view(name).substr(slash + 1);
    // It may be gone already, as the orphan of another orphan.
    (void)remove(type, key, {});
  }
}

}  // namespace nestor::kube::testing
