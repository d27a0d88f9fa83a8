#include "integration/management.hpp"

#include <boost/json/array.hpp>
#include <filesystem>
#include <set>

#include "api/all_crds.hpp"

namespace nestor::integration {
namespace {

constexpr kube::ResourceType kCrds{"apiextensions.k8s.io", "v1", "CustomResourceDefinition",
                                   "customresourcedefinitions", false};

bool established(const Json& crd) {
  const Json* conditions = find(crd, {"status", "conditions"});
  if (conditions == nullptr || !conditions->is_array()) return false;
  for (const Json& condition : conditions->get_array()) {
    if (find_string(condition, {"type"}) == "Established" &&
        find_string(condition, {"status"}) == "True") {
      return true;
    }
  }
  return false;
}

}  // namespace

Task<> install_crds(kube::Client& client) {
  std::set<std::string, std::less<>> missing;
  for (const Json& crd : api::all_crds()) {
    kube::ApplyOptions options{.field_manager = "test"};
    NESTOR_CO_TRY_VOID(co_await client.apply(kCrds, crd, options));
    missing.emplace(find_string(crd, {"metadata", "name"}));
  }
  kube::ListOptions all;
  NESTOR_CO_TRY(auto present, co_await client.list(kCrds, "", all));
  for (const Json& crd : present.items) {
    if (established(crd)) missing.erase(std::string(find_string(crd, {"metadata", "name"})));
  }
  NESTOR_CO_TRY(auto stream, co_await client.watch(kCrds, "", all, present.resource_version));
  while (!missing.empty()) {
    NESTOR_CO_TRY(auto event, co_await stream->next());
    if (!established(event.object)) continue;
    missing.erase(std::string(find_string(event.object, {"metadata", "name"})));
  }
  co_return Result<>();
}

std::string helm_program() {
  const std::string path = NESTOR_ASSETS "/bin/helm";
  return std::filesystem::exists(path) ? path : "";
}

}  // namespace nestor::integration
