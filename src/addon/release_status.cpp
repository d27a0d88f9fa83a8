#include "addon/release_status.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/addons/labels.hpp"
#include "api/cluster/cluster.hpp"
#include "base/json_convert.hpp"
#include "base/text.hpp"
#include "pki/pki.hpp"

namespace nestor::addon {
namespace {

namespace names = api::addons;

/// Names of objects and releases are cut so that a suffix still fits.
constexpr std::size_t kMaxObjectName = 253;
/// In a list of what is not ready, so that a condition stays readable.
constexpr std::size_t kMaxListed = 5;

/// `text` as the beginning of an object's name: lower case, other characters as "-".
std::string name_part(std::string_view text) {
  if (const auto slash = text.rfind('/'); slash != std::string_view::npos) {
    text.remove_prefix(slash + 1);
  }
  std::string out;
  for (const char c : text) {
    if (c >= 'A' && c <= 'Z') {
      out += static_cast<char>(c - 'A' + 'a');
    } else {
      out += (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
    }
  }
  while (out.starts_with('-')) out.erase(0, 1);
  return out.empty() ? "chart" : out;
}

std::string with_suffix(std::string name, const std::string& suffix, std::size_t most) {
  name.resize(std::min(name.size(), most - suffix.size() - 1));
  return name + "-" + suffix;
}

std::string short_hash(std::string_view text, std::size_t length) {
  return pki::sha256_hex(text).substr(0, length);
}

}  // namespace

std::string release_inputs(const Spec& spec, std::string_view chart_digest) {
  const JsonArray parts{Json(spec.chartName), Json(spec.repoURL),     Json(spec.version),
                        Json(spec.values),    Json(spec.releaseName), Json(release_namespace(spec)),
                        Json(chart_digest)};
  return short_hash(to_text(parts), 16);
}

std::string release_description(const std::string& inputs) { return "nestor " + inputs; }

void set_condition(std::vector<kube::Condition>& conditions, std::string_view type, bool value,
                   std::string_view reason, std::string message,
                   std::optional<std::int64_t> generation, std::string_view now) {
  kube::set_condition(
      conditions, kube::make_condition(type, value, reason, std::move(message), generation), now);
}

void summarize(std::vector<kube::Condition>& conditions,
               std::initializer_list<std::string_view> parts,
               std::optional<std::int64_t> generation, std::string_view now) {
  for (const std::string_view part : parts) {
    const auto* found = kube::find_condition(conditions, part);
    if (found != nullptr && found->status == "True") continue;
    const std::string reason = found == nullptr ? std::string(part) + "Unknown" : found->reason;
    const std::string message = found == nullptr ? "" : found->message;
    set_condition(conditions, names::kReadyCondition, false, reason, message, generation, now);
    return;
  }
  set_condition(conditions, names::kReadyCondition, true, "Ready", "", generation, now);
}

bool release_ready(const HelmReleaseProxy& release) {
  const auto* ready = kube::find_condition(release.status.conditions, names::kReadyCondition);
  return ready != nullptr && ready->status == "True" &&
         release.status.observedGeneration == release.metadata.generation &&
         !release.metadata.deleting();
}

void observe_releases(HelmChartProxy& proxy,
                      const std::vector<std::shared_ptr<const HelmReleaseProxy>>& releases,
                      const std::set<std::string>& written, std::string_view now) {
  std::string reason = "HelmReleasePending";
  std::vector<std::string> waiting(written.begin(), written.end());
  for (const auto& release : releases) {
    const std::string& cluster = release->spec.clusterRef.name;
    if (written.contains(cluster) || release_ready(*release)) continue;
    const auto* ready = kube::find_condition(release->status.conditions, names::kReadyCondition);
    if (ready == nullptr || ready->status == "True") {
      waiting.push_back(cluster);
      continue;
    }
    reason = ready->reason;
    waiting.push_back(cluster + ": " + (ready->message.empty() ? reason : ready->message));
  }
  if (waiting.empty()) reason = "HelmReleaseProxiesReady";
  if (waiting.size() > kMaxListed) {
    const std::size_t more = waiting.size() - kMaxListed;
    waiting.resize(kMaxListed);
    waiting.push_back("and " + std::to_string(more) + " more");
  }
  set_condition(proxy.status.conditions, names::kReleasesReadyCondition, waiting.empty(), reason,
                joined(waiting, "; "), proxy.metadata.generation, now);
}

std::string release_proxy_name(const HelmChartProxy& proxy, const std::string& cluster) {
  return with_suffix(name_part(proxy.spec.chartName) + "-" + cluster,
                     short_hash(proxy.metadata.name + "/" + cluster, 8), kMaxObjectName);
}

std::string generated_release_name(const HelmReleaseProxy& release) {
  return with_suffix(name_part(release.spec.chartName), short_hash(release.metadata.uid, 10),
                     kMaxReleaseName);
}

Spec wanted_spec(const HelmChartProxy& proxy, const kube::ObjectMeta& cluster, std::string values) {
  Spec out;
  out.clusterRef.apiVersion = api::cluster::Cluster::kType.api_version();
  out.clusterRef.kind = api::cluster::Cluster::kType.kind;
  out.clusterRef.name = cluster.name;
  out.clusterRef.namespace_ = cluster.namespace_;
  out.chartName = proxy.spec.chartName;
  out.repoURL = proxy.spec.repoURL;
  out.releaseName = proxy.spec.releaseName;
  out.namespace_ = proxy.spec.namespace_;
  out.version = proxy.spec.version;
  out.values = std::move(values);
  out.reconcileStrategy = proxy.spec.reconcileStrategy;
  out.options = proxy.spec.options;
  out.credentials = proxy.spec.credentials;
  out.tlsConfig = proxy.spec.tlsConfig;
  return out;
}

bool needs_reinstall(const Spec& wanted, const HelmReleaseProxy& existing) {
  const Spec& spec = existing.spec;
  const bool generated =
      existing.metadata.annotation(names::kReleaseNameGeneratedAnnotation) == "true";
  const bool other_name = wanted.releaseName.empty() ? !generated && !spec.releaseName.empty()
                                                     : wanted.releaseName != spec.releaseName;
  return other_name || wanted.chartName != spec.chartName || wanted.repoURL != spec.repoURL ||
         release_namespace(wanted) != release_namespace(spec);
}

}  // namespace nestor::addon
