#include "cluster/preflight.hpp"

#include <algorithm>

#include "api/cluster/labels.hpp"
#include "api/kubernetes_version.hpp"

namespace nestor::cluster {

namespace {

constexpr int kMaxMinorsBehind = 3;

/// The oldest version that still runs (`status.versions`, older contracts: `status.version`).
std::string_view running_version(const Json& control_plane) {
  const Json* versions = find(control_plane, {"status", "versions"});
  if (versions != nullptr && versions->is_array() && !versions->get_array().empty()) {
    return find_string(versions->get_array().front(), {"version"});
  }
  return find_string(control_plane, {"status", "version"});
}

bool is_skipped(const api::cluster::MachineSet& set, std::string_view check) {
  std::string_view names = set.metadata.annotation(api::cluster::kSkipPreflightChecksAnnotation);
  while (!names.empty()) {
    const auto end = std::min(names.find(','), names.size());
    std::string_view name = names.substr(0, end);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (name == "All" || name == check) return true;
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return false;
}

}  // namespace

std::vector<std::string> failed_preflight_checks(const api::cluster::MachineSet& set,
                                                 const Json& control_plane) {
  std::vector<std::string> failed;
  const std::string_view wanted_text = find_string(control_plane, {"spec", "version"});
  const auto wanted = api::parse_kubernetes_version(wanted_text);
  if (!wanted) return failed;
  const auto running = api::parse_kubernetes_version(running_version(control_plane));
  if (!is_skipped(set, "ControlPlaneIsStable")) {
    if (!running) {
      failed.emplace_back("the control plane is not up yet (ControlPlaneIsStable)");
    } else if (*running < *wanted) {
      failed.push_back("the control plane is being upgraded to " + std::string(wanted_text) +
                       " (ControlPlaneIsStable)");
    }
  }
  const auto& spec = set.spec.template_.spec;
  const auto mine = api::parse_kubernetes_version(spec.version);
  if (!mine) return failed;
  const std::string between =
      "version " + spec.version + " and the control plane's " + std::string(wanted_text) + " ";
  const bool too_new = *mine > *wanted;
  const bool too_old = mine->minor + kMaxMinorsBehind < wanted->minor;
  if ((too_new || too_old) && !is_skipped(set, "KubernetesVersionSkew")) {
    failed.push_back(between + "do not go together (KubernetesVersionSkew)");
  }
  const bool kubeadm = spec.bootstrap.configRef.kind == "KubeadmConfigTemplate";
  if (kubeadm && mine->minor != wanted->minor && !is_skipped(set, "KubeadmVersionSkew")) {
    failed.push_back(between +
                     "differ in the minor, so that kubeadm cannot join "
                     "(KubeadmVersionSkew)");
  }
  return failed;
}

}  // namespace nestor::cluster
