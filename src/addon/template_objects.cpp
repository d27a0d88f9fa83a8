#include "addon/template_objects.hpp"

#include "api/controlplane/kamaji_control_plane.hpp"
#include "api/infrastructure/kubevirt_cluster.hpp"

namespace nestor::addon {
namespace {

using api::cluster::Cluster;
using api::cluster::ContractReference;
using api::controlplane::KamajiControlPlane;
using api::infrastructure::KubevirtCluster;
using ProxiesOf = std::function<std::vector<kube::ObjectKey>(const Cluster&)>;

bool names_it(const ContractReference& reference, const kube::ResourceType& type,
              const std::string& name) {
  return reference.kind == type.kind && reference.apiGroup == type.group && reference.name == name;
}

template <kube::Resource T>
void watch_kind(kube::Runtime& runtime, kube::Controller& controller, const ProxiesOf& proxies_of,
                ContractReference api::cluster::ClusterSpec::* reference) {
  auto informer = runtime.informers().of<T>();
  controller.watch_mapped<T>(informer, [](const T&) { return std::vector<kube::ObjectKey>{}; });
  informer.subscribe(
      [&runtime, &controller, proxies_of, reference](const auto& old, const auto& now) {
        if (old && now && old->metadata.generation == now->metadata.generation &&
            old->metadata.labels == now->metadata.labels &&
            old->metadata.annotations == now->metadata.annotations) {
          return;
        }
        const kube::ObjectMeta& metadata = (now ? now : old)->metadata;
        for (const auto& cluster : runtime.informers().of<Cluster>().list(metadata.namespace_)) {
          if (!names_it(cluster->spec.*reference, T::kType, metadata.name)) continue;
          for (const kube::ObjectKey& key : proxies_of(*cluster)) controller.enqueue(key);
        }
      });
}

template <kube::Resource T>
std::string version_in_cache(kube::Runtime& runtime, const ContractReference& reference,
                             const std::string& ns) {
  if (!names_it(reference, T::kType, reference.name)) return {};
  const auto object = runtime.informers().of<T>().get({ns, reference.name});
  return object ? object->metadata.resourceVersion : "";
}

}  // namespace

Result<kube::ResourceType> template_object_type(const ContractReference& reference) {
  for (const kube::ResourceType& type : {KamajiControlPlane::kType, KubevirtCluster::kType}) {
    if (reference.kind == type.kind && reference.apiGroup == type.group) return type;
  }
  return fail(Code::kUnimplemented,
              "templates cannot see a " + reference.kind + "." + reference.apiGroup + " yet");
}

std::string cached_version(kube::Runtime& runtime, const ContractReference& reference,
                           const std::string& ns) {
  std::string version = version_in_cache<KamajiControlPlane>(runtime, reference, ns);
  return version.empty() ? version_in_cache<KubevirtCluster>(runtime, reference, ns) : version;
}

void watch_template_objects(kube::Runtime& runtime, kube::Controller& controller,
                            ProxiesOf proxies_of) {
  using api::cluster::ClusterSpec;
  watch_kind<KamajiControlPlane>(runtime, controller, proxies_of, &ClusterSpec::controlPlaneRef);
  watch_kind<KubevirtCluster>(runtime, controller, proxies_of, &ClusterSpec::infrastructureRef);
}

}  // namespace nestor::addon
