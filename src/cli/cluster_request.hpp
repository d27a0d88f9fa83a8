#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace nestor::cli {

/// What `nestor create cluster` was asked for. What is not given is the chart's default.
struct ClusterRequest {
  std::string name;
  std::string ns = "default";
  std::optional<int> workers = {};
  std::optional<int> cpu = {};
  /// A Kubernetes quantity.
  std::optional<std::string> memory = {};
  /// With or without the leading v.
  std::optional<std::string> kubernetes_version = {};
  std::optional<std::string> pod_cidr = {};
  std::optional<std::string> service_cidr = {};
  std::optional<std::string> data_store = {};
  /// containerDisk of the workers.
  std::optional<std::string> worker_image = {};
};

/// Checks names, sizes and ranges. Errors: kInvalidArgument with what to write instead.
Result<> validate(const ClusterRequest& request);

/// What a file of values holds.
struct ValuesFile {
  std::string path;
  Json values;
};

/// Options of workers must not make a group md-0 beside those that files name, unless one of them
/// is md-0. Errors: kInvalidArgument with the options and the groups. Pure.
Result<> validate_groups(const ClusterRequest& request, const std::vector<ValuesFile>& files);

/// Errors: kInvalidArgument.
Result<> validate_version(const std::string& version);

/// "v1.37.2" of both spellings.
std::string with_v(const std::string& version);

/// The request as values of the chart `cluster`; what was not asked for is left out. Options of
/// workers are those of the node group md-0.
Json chart_values(const ClusterRequest& request);

/// The name of the MachineDeployment of a node group: `<cluster>-<group>`.
std::string node_group_name(const std::string& cluster, const std::string& group);
/// The group of a cluster made without saying anything about groups.
inline constexpr const char* kDefaultGroup = "md-0";

}  // namespace nestor::cli
