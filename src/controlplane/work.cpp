#include "controlplane/work.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

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

Task<Json> apply_object(Work& work, kube::ResourceType type, Json object) {
  const std::string name(find_string(object, {"metadata", "name"}));
  kube::ApplyOptions options{.field_manager = std::string(kFieldManager)};
  auto applied = co_await work.runtime.client().apply(type, std::move(object), options);
  if (!applied) {
    co_return with_context(std::move(applied).error(),
                           "applying " + std::string(type.kind) + " " + name);
  }
  co_return applied;
}

}  // namespace nestor::controlplane
