#include "controlplane/work.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "controlplane/checksum.hpp"
#include "controlplane/names.hpp"

namespace nestor::controlplane {

Caches::Caches(kube::Runtime& runtime)
    : tcps(runtime.informers().of<TenantControlPlane>()),
      stores(runtime.informers().of<api::kamaji::DataStore>()),
      secrets(runtime.informers().of<api::core::Secret>(
          kube::Scope{.label_selector = std::string(kProjectSelector)})),
      services(runtime.informers().of<api::core::Service>(
          kube::Scope{.label_selector = std::string(kProjectSelector)})),
      deployments(runtime.informers().of<api::apps::Deployment>(
          kube::Scope{.label_selector = std::string(kProjectSelector)})),
      config_maps(runtime.informers().of<ConfigMapMetadata>(
          kube::Scope{.label_selector = std::string(kProjectSelector)})) {}

JsonObject metadata_for(const Work& work, const std::string& name, const std::string& component) {
  JsonObject labels{{kProjectLabel, kProjectValue},
                    {kNameLabel, work.settings.name},
                    {kComponentLabel, component}};
  JsonArray owners{to_json(kube::owner_reference(work.tcp))};
  return JsonObject{{"name", name},
                    {"namespace", work.settings.ns},
                    {"labels", std::move(labels)},
                    {"ownerReferences", std::move(owners)}};
}

Task<std::string> ensure_config_map(Work& work, std::string name, std::string component,
                                    std::map<std::string, std::string> data) {
  std::string sum = checksum(data);
  JsonObject metadata = metadata_for(work, name, component);
  metadata["annotations"] = JsonObject{{kChecksumAnnotation, sum}};
  Json object = JsonObject{{"apiVersion", "v1"},
                           {"kind", "ConfigMap"},
                           {"metadata", std::move(metadata)},
                           {"data", to_json(data)}};
  NESTOR_CO_TRY_VOID(co_await work.applier.ensure(work.runtime.client(), work.caches.config_maps,
                                                  std::move(object)));
  co_return sum;
}

}  // namespace nestor::controlplane
