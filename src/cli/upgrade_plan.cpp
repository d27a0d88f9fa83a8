#include "cli/upgrade_plan.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <optional>

#include "api/kubernetes_version.hpp"
#include "cli/cluster_request.hpp"

namespace nestor::cli {
namespace {

constexpr int kMaxNodeSkew = 3;

using Version = api::KubernetesVersion;

/// Without a patch it is none: what runs always has one.
std::optional<Version> read_version(std::string_view text) {
  return api::is_kubernetes_version(text) ? api::parse_kubernetes_version(text) : std::nullopt;
}

std::int64_t number(const Json& object, std::initializer_list<std::string_view> path,
                    std::int64_t absent) {
  const Json* value = find(object, path);
  return value != nullptr && value->is_int64() ? value->get_int64() : absent;
}

std::string minor_text(const Version& version) {
  return "v" + std::to_string(version.major) + "." + std::to_string(version.minor);
}

Result<> allow(const Version& from, const std::string& from_text, const Version& to,
               const std::string& to_text) {
  if (to < from) {
    return fail(Code::kInvalidArgument,
                "the cluster runs " + from_text + "; Kubernetes cannot go " + "back to " + to_text);
  }
  if (to.major != from.major || to.minor > from.minor + 1) {
    return fail(Code::kInvalidArgument, "from " + from_text + " to " + to_text +
                                            " skips a minor version: upgrade to " +
                                            minor_text({from.major, from.minor + 1, 0}) + " first");
  }
  return {};
}

/// "example.com/worker:1.37.2-3" names v1.37.2, but not v1.37.
bool names_version(std::string_view image, std::string_view version) {
  version.remove_prefix(1);  // v
  image.remove_prefix(image.rfind('/') + 1);
  const auto at = image.rfind(version);
  if (at == std::string_view::npos) return false;
  const auto digit = [&](std::size_t i) {
    return i < image.size() && image[i] >= '0' && image[i] <= '9';
  };
  return (at == 0 || !digit(at - 1)) && !digit(at + version.size());
}

}  // namespace

Result<UpgradePlan> plan_upgrade(const ClusterState& state, const std::string& target) {
  NESTOR_TRY_VOID(validate_version(target));
  UpgradePlan plan;
  plan.from = with_v(std::string(find_string(state.control_plane, {"spec", "version"})));
  const auto from = read_version(plan.from);
  const auto to = read_version(target);
  if (!from || !to) {
    return fail(Code::kFailedPrecondition, "the cluster has no control plane with a version yet");
  }
  NESTOR_TRY_VOID(allow(*from, plan.from, *to, with_v(target)));
  plan.control_plane = *from != *to;
  std::optional<Version> oldest;
  for (const Json& deployment : state.deployments) {
    const std::string text(find_string(deployment, {"spec", "template", "spec", "version"}));
    const auto version = read_version(text);
    if (!version) continue;
    plan.nodes = plan.nodes || *version != *to;
    if (oldest && *oldest <= *version) continue;
    oldest = version;
    plan.nodes_from = with_v(text);
  }
  if (oldest && to->minor > oldest->minor + kMaxNodeSkew) {
    return fail(Code::kInvalidArgument, "nodes run " + plan.nodes_from + ", too old for a " +
                                            with_v(target) + " control plane: upgrade them first");
  }
  if (oldest && *oldest > *to) {
    return fail(Code::kInvalidArgument, "nodes run " + plan.nodes_from +
                                            " already; Kubernetes cannot go back to " +
                                            with_v(target));
  }
  return plan;
}

Result<> validate_images(const Json& values, const std::vector<std::string>& sets,
                         const std::string& target) {
  const Json* groups = find(values, {"nodeGroups"});
  if (groups == nullptr || !groups->is_object()) return {};
  std::string unnamed;
  for (const auto& [name, group] : groups->get_object()) {
    const std::string_view image = find_string(group, {"image"});
    if (image.empty() || names_version(image, with_v(target))) continue;
    const std::string set = "nodeGroups." + std::string(name) + ".image=";
    if (std::ranges::any_of(sets, [&](const auto& one) { return one.contains(set); })) continue;
    unnamed += "\n  --set " + set + "IMAGE   (now " + std::string(image) + ")";
  }
  if (unnamed.empty()) return {};
  return fail(Code::kInvalidArgument,
              "node groups have images of their own, which stay when the version changes; name "
              "those of " +
                  with_v(target) + " with" + unnamed);
}

bool control_plane_at(const ClusterState& state, const std::string& version) {
  const Json& object = state.control_plane;
  const auto replicas = number(object, {"spec", "replicas"}, 2);
  return find_string(object, {"status", "version"}) == with_v(version) &&
         number(object, {"status", "readyReplicas"}, 0) >= replicas;
}

bool nodes_at(const ClusterState& state, const std::string& version) {
  return std::ranges::all_of(state.deployments, [&](const Json& deployment) {
    const auto wanted = wanted_nodes(deployment);
    const auto generation = number(deployment, {"metadata", "generation"}, 0);
    return find_string(deployment, {"spec", "template", "spec", "version"}) == with_v(version) &&
           number(deployment, {"status", "observedGeneration"}, 0) >= generation &&
           number(deployment, {"status", "replicas"}, 0) == wanted &&
           number(deployment, {"status", "upToDateReplicas"}, 0) == wanted &&
           number(deployment, {"status", "readyReplicas"}, 0) == wanted;
  });
}

}  // namespace nestor::cli
