#include "kube/client.hpp"

namespace nestor::kube {

namespace {

/// `object` without what the API server alone writes.
Json comparable(Json object) {
  if (JsonObject* fields = object.if_object()) {
    if (Json* metadata = fields->if_contains("metadata"); metadata && metadata->is_object()) {
      for (const char* own : {"resourceVersion", "uid", "generation", "creationTimestamp",
                              "deletionTimestamp", "managedFields", "name", "namespace"}) {
        metadata->get_object().erase(own);
      }
    } else {
      (*fields)["metadata"] = JsonObject();
    }
  }
  return object;
}

/// Takes the member `status` out of `object`; an empty object when it has none.
Json take_status(Json& object) {
  Json status = JsonObject();
  if (JsonObject* fields = object.if_object()) {
    if (Json* found = fields->if_contains("status"); found && found->is_object()) {
      status = std::move(*found);
    }
    fields->erase("status");
  }
  return status;
}

void pin(JsonObject& patch, const std::string& resource_version) {
  if (resource_version.empty()) return;
  Json& metadata = patch["metadata"];
  if (!metadata.is_object()) metadata = JsonObject();
  metadata.get_object()["resourceVersion"] = resource_version;
}

bool empty(const Json& patch) { return !patch.is_object() || patch.get_object().empty(); }

}  // namespace

Task<> patch_changes(Client& client, ResourceType type, ObjectKey key, Json before, Json after) {
  std::string resource_version(find_string(before, {"metadata", "resourceVersion"}));
  Json old_object = comparable(std::move(before));
  Json new_object = comparable(std::move(after));
  const Json old_status = take_status(old_object);
  const Json new_status = take_status(new_object);

  // The status goes first: the other patch may take the last finalizer, and the object with it.
  if (Json diff = merge_diff(old_status, new_status); !empty(diff)) {
    JsonObject patch;
    patch["status"] = std::move(diff);
    pin(patch, resource_version);
    Json body(std::move(patch));
    PatchOptions options{"status"};
    auto written =
        co_await client.patch(type, key, PatchType::kMerge, std::move(body), std::move(options));
    if (!written) co_return std::unexpected(std::move(written).error());
    resource_version = find_string(*written, {"metadata", "resourceVersion"});
  }
  if (Json diff = merge_diff(old_object, new_object); !empty(diff)) {
    pin(diff.as_object(), resource_version);
    PatchOptions options;
    auto written =
        co_await client.patch(type, key, PatchType::kMerge, std::move(diff), std::move(options));
    if (!written) co_return std::unexpected(std::move(written).error());
  }
  co_return Result<>();
}

}  // namespace nestor::kube
