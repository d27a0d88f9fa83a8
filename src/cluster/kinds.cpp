#include "cluster/kinds.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <tuple>

namespace nestor::cluster {

namespace {

constexpr kube::ResourceType kCustomResourceDefinition{.group = "apiextensions.k8s.io",
                                                       .version = "v1",
                                                       .kind = "CustomResourceDefinition",
                                                       .plural = "customresourcedefinitions",
                                                       .namespaced = false};

constexpr std::array<kube::ResourceType, 7> kKnown{{
    {"infrastructure.cluster.x-k8s.io", "v1alpha1", "KubevirtCluster", "kubevirtclusters"},
    {"infrastructure.cluster.x-k8s.io", "v1alpha1", "KubevirtMachine", "kubevirtmachines"},
    {"infrastructure.cluster.x-k8s.io", "v1alpha1", "KubevirtMachineTemplate",
     "kubevirtmachinetemplates"},
    {"bootstrap.cluster.x-k8s.io", "v1beta2", "KubeadmConfig", "kubeadmconfigs"},
    {"bootstrap.cluster.x-k8s.io", "v1beta2", "KubeadmConfigTemplate", "kubeadmconfigtemplates"},
    {"controlplane.cluster.x-k8s.io", "v1alpha2", "KamajiControlPlane", "kamajicontrolplanes"},
    {"cluster.x-k8s.io", "v1beta2", "Cluster", "clusters"},
}};

/// (major, stability, minor): v2 > v1 > v1beta2 > v1beta1 > v1alpha3.
std::tuple<int, int, int> version_rank(std::string_view version) {
  int major = 0;
  int minor = 0;
  if (version.starts_with('v')) version.remove_prefix(1);
  const char* end = version.data() + version.size();
  const auto read = std::from_chars(version.data(), end, major);
  version.remove_prefix(static_cast<std::size_t>(read.ptr - version.data()));
  int stability = 3;
  for (const auto& [word, rank] : {std::pair<std::string_view, int>{"beta", 2}, {"alpha", 1}}) {
    if (!version.starts_with(word)) continue;
    stability = rank;
    version.remove_prefix(word.size());
    std::from_chars(version.data(), version.data() + version.size(), minor);
  }
  return {stability, major, minor};
}

}  // namespace

kube::ResourceType Kinds::Owned::type() const {
  return {.group = group, .version = version, .kind = kind, .plural = plural};
}

Task<kube::ResourceType> Kinds::resolve(std::string group, std::string kind) {
  const auto known = std::ranges::find_if(
      kKnown, [&](const auto& type) { return type.group == group && type.kind == kind; });
  if (known != kKnown.end()) co_return *known;
  const auto key = std::pair(group, kind);
  if (const auto it = found_.find(key); it != found_.end()) co_return it->second->type();

  const std::string plural = plural_of(kind);
  kube::ObjectKey crd{"", plural + "." + group};
  NESTOR_CO_TRY(const Json object, co_await client_.get(kCustomResourceDefinition, crd));
  std::string_view versions =
      find_string(object, {"metadata", "labels", "cluster.x-k8s.io/v1beta2"});
  if (versions.empty()) {
    versions = find_string(object, {"metadata", "labels", "cluster.x-k8s.io/v1beta1"});
  }
  if (versions.empty()) {
    co_return fail(Code::kFailedPrecondition,
                   "the CRD " + crd.name + " has no label cluster.x-k8s.io/v1beta2");
  }
  auto& owned = found_[key];
  owned = std::make_unique<Owned>(Owned{group, newest_version(versions), kind, plural});
  co_return owned->type();
}

std::string plural_of(std::string_view kind) {
  std::string word;
  for (const char c : kind) {
    word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  const auto vowel = [](char c) { return std::string_view("aeiou").find(c) != std::string::npos; };
  for (const std::string_view hiss : {"s", "x", "ch", "sh", "z"}) {
    if (word.ends_with(hiss)) return word + "es";
  }
  if (word.size() > 1 && word.ends_with('y') && !vowel(word[word.size() - 2])) {
    word.pop_back();
    return word + "ies";
  }
  return word + "s";
}

std::string newest_version(std::string_view label_value) {
  std::string_view best;
  while (!label_value.empty()) {
    const auto end = std::min(label_value.find('_'), label_value.size());
    const std::string_view one = label_value.substr(0, end);
    if (best.empty() || version_rank(one) > version_rank(best)) best = one;
    label_value.remove_prefix(std::min(end + 1, label_value.size()));
  }
  return std::string(best);
}

}  // namespace nestor::cluster
