#include "api/apps/deployment.hpp"

namespace nestor::api::apps {

bool rolled_out(const Deployment& deployment) {
  const DeploymentStatus& status = deployment.status;
  const std::int32_t wanted = deployment.spec.replicas.value_or(1);
  return status.observedGeneration.value_or(0) >= deployment.metadata.generation.value_or(0) &&
         status.replicas == wanted && status.updatedReplicas == wanted &&
         status.availableReplicas == wanted;
}

}  // namespace nestor::api::apps
