#include "api/all_crds.hpp"

namespace nestor::api {

std::vector<Json> all_crds() {
  std::vector<Json> all;
  for (auto* crds : {cluster::crds, bootstrap::crds, controlplane::crds, infrastructure::crds,
                     kamaji::crds, addons::crds, kubevirt::crds}) {
    for (Json& crd : crds()) all.push_back(std::move(crd));
  }
  return all;
}

}  // namespace nestor::api
