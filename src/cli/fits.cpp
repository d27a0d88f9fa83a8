#include "cli/fits.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "base/quantity.hpp"

namespace nestor::cli {
namespace {

/// The built-in runtime and KubeVirt request a tenth of a guest's CPUs by default.
constexpr std::int64_t kMilliPerCpu = 100;

std::int64_t allocatable(const api::core::Node& node, const std::string& resource) {
  const auto found = node.status.allocatable.find(resource);
  if (found == node.status.allocatable.end()) return 0;
  return parse_quantity_milli(found->second).value_or(0);
}

/// The tags of a repository's images that the nodes have, separated by commas.
std::string tags(const std::vector<api::core::Node>& nodes, const std::string& repository) {
  std::set<std::string> found;
  for (const auto& node : nodes) {
    for (const auto& image : node.status.images) {
      for (const auto& name : image.names) {
        if (name.starts_with(repository + ":")) found.insert(name.substr(repository.size() + 1));
      }
    }
  }
  std::string text;
  for (const auto& tag : found) text += (text.empty() ? "" : ", ") + tag;
  return text;
}

Result<> has_image(const ClusterRequest& request, const std::vector<api::core::Node>& nodes) {
  if (!request.worker_image.empty()) return {};
  const std::string image = worker_image(request);
  const auto colon = image.rfind(':');
  const std::string there = tags(nodes, image.substr(0, colon));
  // Without one of ours, images come from a registry, which we do not ask.
  if (there.empty() || (", " + there + ",").contains(" " + image.substr(colon + 1) + ","))
    return {};
  return fail(Code::kInvalidArgument, "no worker image of Kubernetes " + image.substr(colon + 1) +
                                          " is on the nodes, there is " + there +
                                          "; --worker-image names another");
}

Result<> has_room(const ClusterRequest& request, const std::vector<api::core::Node>& nodes) {
  NESTOR_TRY(const std::int64_t memory, parse_quantity_milli(request.memory));
  std::int64_t most_memory = 0;
  std::int64_t most_cpu = 0;
  for (const auto& node : nodes) {
    most_memory = std::max(most_memory, allocatable(node, "memory"));
    most_cpu = std::max(most_cpu, allocatable(node, "cpu"));
  }
  if (memory > most_memory) {
    return fail(Code::kInvalidArgument, "no node can hold a worker with --memory " +
                                            request.memory + ": the largest has " +
                                            format_bytes(most_memory / 1000));
  }
  if (request.cpu * kMilliPerCpu > most_cpu) {
    return fail(Code::kInvalidArgument, "no node can hold a worker with --cpu " +
                                            std::to_string(request.cpu) + ": the largest has " +
                                            format_milli(most_cpu) + " CPUs, which do for " +
                                            std::to_string(most_cpu / kMilliPerCpu));
  }
  return {};
}

}  // namespace

Result<> fits(const ClusterRequest& request, const std::vector<api::core::Node>& nodes) {
  if (nodes.empty() || request.workers == 0) return {};
  NESTOR_TRY_VOID(has_image(request, nodes));
  return has_room(request, nodes);
}

}  // namespace nestor::cli
