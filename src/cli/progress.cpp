#include "cli/progress.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/cluster/labels.hpp"
#include "base/text.hpp"

namespace nestor::cli {
namespace {

std::int64_t number(const Json& object, std::initializer_list<std::string_view> path) {
  const Json* value = find(object, path);
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

bool is_true(const Json& object, std::initializer_list<std::string_view> path) {
  const Json* value = find(object, path);
  return value != nullptr && value->is_bool() && value->get_bool();
}

const Json* condition(const Json& object, std::string_view type) {
  const Json* list = find(object, {"status", "conditions"});
  if (list == nullptr || !list->is_array()) return nullptr;
  for (const Json& one : list->get_array()) {
    if (find_string(one, {"type"}) == type) return &one;
  }
  return nullptr;
}

std::string name_of(const Json& object) {
  return std::string(find_string(object, {"metadata", "name"}));
}

std::string endpoint(const Json& object) {
  const std::string host(find_string(object, {"spec", "controlPlaneEndpoint", "host"}));
  if (host.empty()) return {};
  return host + ":" + std::to_string(number(object, {"spec", "controlPlaneEndpoint", "port"}));
}

bool is_deleting(const Json& object) {
  return find(object, {"metadata", "deletionTimestamp"}) != nullptr;
}

std::string control_plane_state(const ClusterState& state) {
  if (is_deleting(state.cluster)) {
    if (state.control_plane.is_null()) return "gone";
    return is_deleting(state.control_plane) ? "deleting" : "stays until its machines are gone";
  }
  if (is_true(state.control_plane, {"status", "initialization", "controlPlaneInitialized"})) {
    return "API answers at " + endpoint(state.control_plane);
  }
  if (const std::string where = endpoint(state.control_plane); !where.empty()) {
    return "starting at " + where;
  }
  return state.control_plane.is_null() ? "created" : "waiting for an address";
}

std::string machine_state(const Json& machine) {
  if (is_deleting(machine)) return "deleting";
  if (condition_status(machine, "NodeReady") == "True") return "node Ready";
  if (!find_string(machine, {"status", "nodeRef", "name"}).empty()) return "node joined";
  if (is_true(machine, {"status", "initialization", "infrastructureProvisioned"})) {
    return "virtual machine runs, node joins";
  }
  if (!find_string(machine, {"spec", "bootstrap", "dataSecretName"}).empty()) {
    return "virtual machine starts";
  }
  return "waiting for the control plane";
}

}  // namespace

std::string_view condition_status(const Json& object, std::string_view type) {
  const Json* one = condition(object, type);
  return one == nullptr ? std::string_view() : find_string(*one, {"status"});
}

std::vector<Milestone> milestones(const ClusterState& state) {
  std::vector<Milestone> out;
  out.push_back({"control plane", control_plane_state(state)});
  for (const Json& machine : state.machines) {
    out.push_back({"machine " + name_of(machine), machine_state(machine)});
  }
  return out;
}

std::int64_t wanted_nodes(const Json& deployment) {
  if (find(deployment, {"spec", "replicas"}) != nullptr) {
    return number(deployment, {"spec", "replicas"});
  }
  const auto text = find_string(
      deployment, {"metadata", "annotations", api::cluster::kAutoscalerMinSizeAnnotation});
  return parse_number<std::int64_t>(text).value_or(1);
}

bool complete(const ClusterState& state) {
  if (!is_true(state.control_plane, {"status", "initialization", "controlPlaneInitialized"})) {
    return false;
  }
  for (const Json& deployment : state.deployments) {
    const auto wanted = wanted_nodes(deployment);
    if (number(deployment, {"status", "observedGeneration"}) <
        number(deployment, {"metadata", "generation"})) {
      return false;
    }
    if (number(deployment, {"status", "readyReplicas"}) != wanted ||
        number(deployment, {"status", "replicas"}) != wanted) {
      return false;
    }
  }
  return true;
}

std::string what_is_missing(const ClusterState& state) {
  std::string out;
  const auto add = [&](const std::string& subject, const Json& object) {
    const Json* list = find(object, {"status", "conditions"});
    if (list == nullptr || !list->is_array()) return;
    for (const Json& one : list->get_array()) {
      if (find_string(one, {"status"}) == "True" || find_string(one, {"message"}).empty()) continue;
      out += "  " + subject + ": " + std::string(find_string(one, {"type"})) + ": " +
             std::string(find_string(one, {"message"})) + "\n";
    }
  };
  add("cluster", state.cluster);
  add("control plane", state.control_plane);
  for (const Json& machine : state.machines) add("machine " + name_of(machine), machine);
  if (!out.empty()) out.pop_back();
  return out;
}

}  // namespace nestor::cli
