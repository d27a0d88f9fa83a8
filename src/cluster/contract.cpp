#include "cluster/contract.hpp"

#include "base/json_convert.hpp"

namespace nestor::cluster {

namespace {

bool is_true(const Json& object, std::initializer_list<std::string_view> path) {
  const Json* value = find(object, path);
  return value != nullptr && value->is_bool() && value->get_bool();
}

}  // namespace

std::optional<api::cluster::Endpoint> control_plane_endpoint(const Json& object) {
  const Json* value = find(object, {"spec", "controlPlaneEndpoint"});
  if (value == nullptr) return std::nullopt;
  auto endpoint = from_json<api::cluster::Endpoint>(*value);
  if (!endpoint || !endpoint->valid()) return std::nullopt;
  return *std::move(endpoint);
}

bool is_provisioned(const Json& infra) {
  return is_true(infra, {"status", "initialization", "provisioned"}) ||
         is_true(infra, {"status", "ready"});
}

bool is_control_plane_initialized(const Json& control_plane) {
  return is_true(control_plane, {"status", "initialization", "controlPlaneInitialized"}) ||
         is_true(control_plane, {"status", "initialized"});
}

std::string bootstrap_data_secret(const Json& config) {
  const bool created = is_true(config, {"status", "initialization", "dataSecretCreated"}) ||
                       is_true(config, {"status", "ready"});
  if (!created) return {};
  return std::string(find_string(config, {"status", "dataSecretName"}));
}

std::optional<kube::Condition> condition_of(const Json& object, std::string_view type) {
  const Json* conditions = find(object, {"status", "conditions"});
  if (conditions == nullptr || !conditions->is_array()) return std::nullopt;
  for (const Json& item : conditions->get_array()) {
    if (find_string(item, {"type"}) != type) continue;
    if (auto condition = from_json<kube::Condition>(item)) return *condition;
  }
  return std::nullopt;
}

bool is_deleting(const Json& object) {
  return !find_string(object, {"metadata", "deletionTimestamp"}).empty();
}

}  // namespace nestor::cluster
