#include "cli/fits.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "base/quantity.hpp"
#include "cli/progress.hpp"
#include "cli/worker_images.hpp"

namespace nestor::cli {
namespace {

/// The built-in runtime and KubeVirt request a tenth of a guest's CPUs by default.
constexpr std::int64_t kMilliPerCpu = 100;

std::int64_t allocatable(const api::core::Node& node, const std::string& resource) {
  const auto found = node.status.allocatable.find(resource);
  if (found == node.status.allocatable.end()) return 0;
  return parse_quantity_milli(found->second).value_or(0);
}

/// The names of the images that a node is known to have; kubelet reports the largest.
std::vector<std::string> image_names(const api::core::Node& node) {
  std::vector<std::string> names;
  for (const auto& image : node.status.images) {
    names.insert(names.end(), image.names.begin(), image.names.end());
  }
  const auto noted = node.metadata.annotations.find(kWorkerImagesAnnotation);
  if (noted == node.metadata.annotations.end()) return names;
  std::istringstream list(noted->second);
  for (std::string name; std::getline(list, name, ',');) names.push_back(name);
  return names;
}

/// The tags of our worker images that the nodes have, separated by commas.
std::string worker_tags(const std::vector<api::core::Node>& nodes) {
  const std::string prefix = std::string(kWorkerRepository) + ":";
  std::set<std::string> found;
  for (const auto& node : nodes) {
    for (const auto& name : image_names(node)) {
      if (name.starts_with(prefix)) found.insert(name.substr(prefix.size()));
    }
  }
  std::string text;
  for (const auto& tag : found) text += (text.empty() ? "" : ", ") + tag;
  return text;
}

Result<> has_image(const WorkerSize& worker, const std::vector<api::core::Node>& nodes) {
  const auto colon = worker.image.rfind(':');
  // Others come from a registry, which we do not ask; so do ours where no node has one.
  if (worker.image.substr(0, colon) != kWorkerRepository) return {};
  const std::string there = worker_tags(nodes);
  const std::string tag = worker.image.substr(colon + 1);
  if (there.empty() || (", " + there + ",").contains(" " + tag + ",")) return {};
  return fail(Code::kInvalidArgument, "no worker image of Kubernetes " + tag +
                                          " is on the nodes, there is " + there +
                                          "; --worker-image names another");
}

Result<> has_room(const WorkerSize& worker, const std::vector<api::core::Node>& nodes) {
  NESTOR_TRY(const std::int64_t memory, parse_quantity_milli(worker.memory));
  std::int64_t most_memory = 0;
  std::int64_t most_cpu = 0;
  for (const auto& node : nodes) {
    most_memory = std::max(most_memory, allocatable(node, "memory"));
    most_cpu = std::max(most_cpu, allocatable(node, "cpu"));
  }
  const std::string nobody = "no node can hold a worker of " + worker.group + " with ";
  if (memory > most_memory) {
    return fail(Code::kInvalidArgument, nobody + worker.memory + " of memory: the largest has " +
                                            format_bytes(most_memory / 1000));
  }
  if (worker.cpu * kMilliPerCpu > most_cpu) {
    return fail(Code::kInvalidArgument, nobody + std::to_string(worker.cpu) +
                                            " CPUs: the largest has " + format_milli(most_cpu) +
                                            " CPUs, which do for " +
                                            std::to_string(most_cpu / kMilliPerCpu));
  }
  return {};
}

WorkerSize size_of(const Json& machine_template) {
  WorkerSize out;
  const Json* vmi = find(machine_template, {"spec", "template", "spec", "virtualMachineTemplate",
                                            "spec", "template", "spec"});
  if (vmi == nullptr) return out;
  if (const Json* cpu = find(*vmi, {"domain", "cpu", "cores"}); cpu != nullptr && cpu->is_int64()) {
    out.cpu = cpu->get_int64();
  }
  if (const auto memory = find_string(*vmi, {"domain", "memory", "guest"}); !memory.empty()) {
    out.memory = memory;
  }
  const Json* volumes = find(*vmi, {"volumes"});
  if (volumes == nullptr || !volumes->is_array()) return out;
  for (const Json& volume : volumes->get_array()) {
    const auto image = find_string(volume, {"containerDisk", "image"});
    if (out.image.empty()) out.image = image;
  }
  return out;
}

}  // namespace

std::vector<WorkerSize> worker_sizes(const std::vector<Json>& objects) {
  std::map<std::string, WorkerSize, std::less<>> templates;
  for (const Json& object : objects) {
    if (find_string(object, {"kind"}) != "KubevirtMachineTemplate") continue;
    templates[std::string(find_string(object, {"metadata", "name"}))] = size_of(object);
  }
  std::vector<WorkerSize> out;
  for (const Json& object : objects) {
    if (find_string(object, {"kind"}) != "MachineDeployment" || wanted_nodes(object) == 0) continue;
    const auto found = templates.find(
        find_string(object, {"spec", "template", "spec", "infrastructureRef", "name"}));
    if (found == templates.end()) continue;
    out.push_back(found->second);
    out.back().group = find_string(object, {"metadata", "name"});
  }
  return out;
}

Result<> fits(const WorkerSize& worker, const std::vector<api::core::Node>& nodes) {
  if (nodes.empty()) return {};
  NESTOR_TRY_VOID(has_image(worker, nodes));
  return has_room(worker, nodes);
}

Task<> refuse_unfit(kube::Client& client, std::vector<Json> objects) {
  auto nodes = co_await kube::list<api::core::Node>(client, "");
  if (!nodes && nodes.error().code == Code::kPermissionDenied) co_return Result<>{};
  if (!nodes) co_return std::unexpected(std::move(nodes).error());
  for (const WorkerSize& worker : worker_sizes(objects)) {
    NESTOR_CO_TRY_VOID(fits(worker, *nodes));
  }
  co_return Result<>{};
}

}  // namespace nestor::cli
