#include "cluster/preflight.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "api/cluster/labels.hpp"

namespace nestor::cluster {

namespace {

constexpr int kMaxMinorsBehind = 3;
/// No version has a higher one; sums stay in range.
constexpr int kMaxPart = 1'000'000;

struct Version {
  std::array<int, 3> parts{};
  friend auto operator<=>(const Version&, const Version&) = default;
  int minor() const { return parts[1]; }
};

/// "v1.37.2" or "1.37"; what is behind the numbers does not count.
std::optional<Version> parse_version(std::string_view text) {
  if (text.starts_with('v')) text.remove_prefix(1);
  Version version;
  for (std::size_t i = 0; i < version.parts.size(); ++i) {
    int& part = version.parts[i];
    const auto read = std::from_chars(text.data(), text.data() + text.size(), part);
    if (read.ec != std::errc{} || part < 0 || part > kMaxPart) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
    if (!text.starts_with('.')) return i > 0 ? std::optional(version) : std::nullopt;
    text.remove_prefix(1);
  }
  return version;
}

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
  const auto wanted = parse_version(wanted_text);
  if (!wanted) return failed;
  const auto running = parse_version(running_version(control_plane));
  if (!is_skipped(set, "ControlPlaneIsStable")) {
    if (!running) {
      failed.emplace_back("the control plane is not up yet (ControlPlaneIsStable)");
    } else if (*running < *wanted) {
      failed.push_back("the control plane is being upgraded to " + std::string(wanted_text) +
                       " (ControlPlaneIsStable)");
    }
  }
  const auto& spec = set.spec.template_.spec;
  const auto mine = parse_version(spec.version);
  if (!mine) return failed;
  const std::string between =
      "version " + spec.version + " and the control plane's " + std::string(wanted_text) + " ";
  const bool too_new = *mine > *wanted;
  const bool too_old = mine->minor() + kMaxMinorsBehind < wanted->minor();
  if ((too_new || too_old) && !is_skipped(set, "KubernetesVersionSkew")) {
    failed.push_back(between + "do not go together (KubernetesVersionSkew)");
  }
  const bool kubeadm = spec.bootstrap.configRef.kind == "KubeadmConfigTemplate";
  if (kubeadm && mine->minor() != wanted->minor() && !is_skipped(set, "KubeadmVersionSkew")) {
    failed.push_back(between +
                     "differ in the minor, so that kubeadm cannot join "
                     "(KubeadmVersionSkew)");
  }
  return failed;
}

}  // namespace nestor::cluster
