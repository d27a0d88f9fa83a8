#include "cli/cluster_request.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <regex>

#include "base/quantity.hpp"

namespace nestor::cli {
namespace {

/// The longest name whose MachineSets, Machines and host names still fit 63 characters
/// (`<name>-md-0-<5>-<5>`).
constexpr std::size_t kMaxName = 40;
constexpr std::size_t kMaxNamespace = 63;
constexpr int kMaxWorkers = 1000;
constexpr int kMaxCpu = 256;
/// kubelet, containerd and the add-ons do not fit into less.
constexpr std::int64_t kMinMemory = std::int64_t{1} << 30;
constexpr std::int64_t kMaxMemory = std::int64_t{4} << 40;

Result<> validate_size(const ClusterRequest& request) {
  if (request.workers && (*request.workers < 0 || *request.workers > kMaxWorkers)) {
    return fail(Code::kInvalidArgument,
                "--workers must be from 0 to " + std::to_string(kMaxWorkers));
  }
  if (request.cpu && (*request.cpu < 1 || *request.cpu > kMaxCpu)) {
    return fail(Code::kInvalidArgument, "--cpu must be from 1 to " + std::to_string(kMaxCpu));
  }
  if (!request.memory) return {};
  auto memory = parse_quantity(*request.memory);
  if (!memory) return with_context(std::move(memory).error(), "--memory " + *request.memory);
  if (*memory < kMinMemory || *memory > kMaxMemory) {
    return fail(Code::kInvalidArgument,
                "--memory " + *request.memory + " must be from 1Gi to 4Ti: a node needs that much");
  }
  return {};
}

/// The options given that are about workers, as a person wrote them.
std::vector<std::string> worker_options(const ClusterRequest& request) {
  std::vector<std::string> out;
  if (request.workers) out.emplace_back("--workers");
  if (request.cpu) out.emplace_back("--cpu");
  if (request.memory) out.emplace_back("--memory");
  if (request.worker_image) out.emplace_back("--worker-image");
  return out;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

}  // namespace

std::string with_v(const std::string& version) {
  return version.starts_with('v') ? version : "v" + version;
}

std::string node_group_name(const std::string& cluster, const std::string& group) {
  return cluster + "-" + group;
}

Result<> validate_version(const std::string& version) {
  static const std::regex kVersion("v?1\\.[0-9]{1,4}\\.[0-9]{1,4}");
  if (std::regex_match(version, kVersion)) return {};
  return fail(Code::kInvalidArgument,
              "Kubernetes version '" + version + "' must look like v1.37.2");
}

Result<> validate(const ClusterRequest& request) {
  static const std::regex kLabel("[a-z]([-a-z0-9]*[a-z0-9])?");
  if (!std::regex_match(request.name, kLabel) || request.name.size() > kMaxName) {
    return fail(Code::kInvalidArgument,
                "cluster name '" + request.name + "' must be at most " + std::to_string(kMaxName) +
                    " characters of a-z, 0-9 and '-', start with a letter and not end with '-'");
  }
  static const std::regex kNamespaceName("[a-z0-9]([-a-z0-9]*[a-z0-9])?");
  if (!std::regex_match(request.ns, kNamespaceName) || request.ns.size() > kMaxNamespace) {
    return fail(Code::kInvalidArgument, "namespace '" + request.ns + "' is not a valid name");
  }
  if (request.kubernetes_version) NESTOR_TRY_VOID(validate_version(*request.kubernetes_version));
  return validate_size(request);
}

Result<> validate_groups(const ClusterRequest& request, const std::vector<ValuesFile>& files) {
  const auto options = worker_options(request);
  std::vector<std::string> paths;
  std::vector<std::string> groups;
  for (const ValuesFile& file : files) {
    const Json* named = find(file.values, {"nodeGroups"});
    if (named == nullptr || !named->is_object() || named->get_object().empty()) continue;
    paths.push_back(file.path);
    for (const auto& [name, group] : named->get_object()) {
      // null takes away what a file before has named.
      std::erase(groups, std::string(name));
      if (!group.is_null()) groups.emplace_back(name);
    }
  }
  const bool meant = std::ranges::find(groups, kDefaultGroup) != groups.end();
  if (options.empty() || groups.empty() || meant) return {};
  return fail(Code::kInvalidArgument, joined(options) + (options.size() == 1 ? " is" : " are") +
                                          " for the node group " + kDefaultGroup + ", and " +
                                          joined(paths) + (paths.size() == 1 ? " has " : " have ") +
                                          joined(groups) + ": set it there");
}

Json chart_values(const ClusterRequest& request) {
  JsonObject group;
  if (request.workers) group["replicas"] = *request.workers;
  if (request.cpu) group["cpu"] = *request.cpu;
  if (request.memory) group["memory"] = *request.memory;
  if (request.worker_image) group["image"] = *request.worker_image;
  JsonObject network;
  if (request.pod_cidr) network["podCidrs"] = JsonArray{Json(*request.pod_cidr)};
  if (request.service_cidr) network["serviceCidrs"] = JsonArray{Json(*request.service_cidr)};
  JsonObject out;
  if (request.kubernetes_version) out["kubernetesVersion"] = with_v(*request.kubernetes_version);
  if (!network.empty()) out["network"] = std::move(network);
  if (request.data_store) {
    out["controlPlane"] = JsonObject{{"dataStore", *request.data_store}};
  }
  if (!group.empty()) out["nodeGroups"] = JsonObject{{kDefaultGroup, std::move(group)}};
  return out;
}

}  // namespace nestor::cli
