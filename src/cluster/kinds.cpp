#include "cluster/kinds.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>

#include "api/bootstrap/kubeadm_config.hpp"
#include "api/bootstrap/kubeadm_config_template.hpp"
#include "api/cluster/cluster.hpp"
#include "api/cluster/labels.hpp"
#include "api/controlplane/kamaji_control_plane.hpp"
#include "api/infrastructure/kubevirt_cluster.hpp"
#include "api/infrastructure/kubevirt_machine.hpp"
#include "api/infrastructure/kubevirt_machine_template.hpp"
#include "base/text.hpp"

namespace nestor::cluster {

namespace {

/// A CRD or an object of a foreign kind: who it is is enough to be woken by it.
struct Identity {
  kube::ObjectMeta metadata;
};
BOOST_DESCRIBE_STRUCT(Identity, (), (metadata))

constexpr kube::ResourceType kCustomResourceDefinition{.group = "apiextensions.k8s.io",
                                                       .version = "v1",
                                                       .kind = "CustomResourceDefinition",
                                                       .plural = "customresourcedefinitions",
                                                       .namespaced = false};
const kube::Scope kOnlyMetadata{.metadata_only = true};

constexpr std::array kKnown{api::infrastructure::KubevirtCluster::kType,
                            api::infrastructure::KubevirtMachine::kType,
                            api::infrastructure::KubevirtMachineTemplate::kType,
                            api::bootstrap::KubeadmConfig::kType,
                            api::bootstrap::KubeadmConfigTemplate::kType,
                            api::controlplane::KamajiControlPlane::kType,
                            api::cluster::Cluster::kType};

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

const kube::ResourceType* find_own(std::string_view group, std::string_view kind) {
  const auto found = std::ranges::find_if(
      kKnown, [&](const auto& type) { return type.group == group && type.kind == kind; });
  return found == kKnown.end() ? nullptr : &*found;
}

std::string crd_of(std::string_view group, std::string_view kind) {
  return plural_of(kind) + "." + std::string(group);
}

}  // namespace

/// A foreign kind as it is served, and the watch of its objects.
struct Kinds::Found {
  std::string group, version, kind, plural;
  std::shared_ptr<kube::InformerCore> objects;
  kube::ResourceType type() const {
    return {.group = group, .version = version, .kind = kind, .plural = plural};
  }
};

void Kinds::tell(const std::string& kind, const kube::ObjectKey& key) const {
  for (const Handler& handler : handlers_) handler(kind, key);
}

void Kinds::crd_changed(const std::string& name) {
  const auto asked = asked_.find(name);
  if (asked == asked_.end()) return;
  if (const auto it = found_.find(name); it != found_.end()) {
    it->second->objects.reset();
    former_.push_back(std::move(it->second));
    found_.erase(it);
  }
  tell(asked->second, {});
}

void Kinds::watch_crds() {
  if (crds_) return;
  crds_ = informers_.borrow<Identity>(kCustomResourceDefinition, kOnlyMetadata);
  crds_->subscribe([this](const kube::ObjectKey& key, const kube::InformerCore::Object& old,
                          const kube::InformerCore::Object& now) {
    // Its status changes too, and more often.
    const auto labels = [](const kube::InformerCore::Object& object) {
      return static_cast<const Identity*>(object.get())->metadata.labels;
    };
    if (!old || !now || labels(old) != labels(now)) crd_changed(key.name);
  });
}

std::shared_ptr<Kinds::Found> Kinds::watch_objects(Found found) {
  auto shared = std::make_shared<Found>(std::move(found));
  shared->objects = informers_.borrow<Identity>(shared->type(), kOnlyMetadata);
  shared->objects->subscribe([this, kind = shared->kind](const kube::ObjectKey& key, const auto&,
                                                         const auto&) { tell(kind, key); });
  return shared;
}

Task<kube::ResourceType> Kinds::resolve(std::string group, std::string kind) {
  if (const auto* known = find_own(group, kind)) co_return *known;

  const std::string plural = plural_of(kind);
  const std::string name = crd_of(group, kind);
  watch_crds();
  NESTOR_CO_TRY_VOID(co_await crds_->wait_until([this] { return crds_->synced(); }, kCacheTimeout));
  asked_[name] = kind;
  if (const auto it = found_.find(name); it != found_.end()) co_return it->second->type();
  const auto crd = std::static_pointer_cast<const Identity>(crds_->get({"", name}));
  if (!crd) co_return fail(Code::kNotFound, "there is no CRD " + name);
  std::string_view versions = crd->metadata.label(api::cluster::kContractLabelV1Beta2);
  if (versions.empty()) versions = crd->metadata.label(api::cluster::kContractLabelV1Beta1);
  if (versions.empty()) {
    co_return fail(Code::kFailedPrecondition, "the CRD " + name + " has no label " +
                                                  std::string(api::cluster::kContractLabelV1Beta2));
  }
  Found found{group, newest_version(versions), kind, plural, nullptr};
  const auto it = found_.emplace(name, watch_objects(std::move(found))).first;
  co_return it->second->type();
}

bool Kinds::knows(const api::cluster::ContractReference& ref) const {
  return find_own(ref.apiGroup, ref.kind) != nullptr ||
         found_.contains(crd_of(ref.apiGroup, ref.kind));
}

std::string absence_of(const api::cluster::ContractReference& ref, bool known) {
  if (ref.empty()) return "nothing is referred to";
  if (known) return ref.kind + " " + ref.name + " does not exist";
  return "the kind " + ref.kind + " is not known: there is no CRD " +
         crd_of(ref.apiGroup, ref.kind);
}

std::string plural_of(std::string_view kind) {
  std::string word = lower(kind);
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
