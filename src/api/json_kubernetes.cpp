// JSON of the kinds of Kubernetes itself, for all that convert them: see NESTOR_EXTERN_JSON.
#include "api/apps/daemon_set.hpp"
#include "api/apps/deployment.hpp"
#include "api/apps/stateful_set.hpp"
#include "api/core/config_map.hpp"
#include "api/core/namespace.hpp"
#include "api/core/node.hpp"
#include "api/core/persistent_volume.hpp"
#include "api/core/persistent_volume_claim.hpp"
#include "api/core/pod.hpp"
#include "api/core/secret.hpp"
#include "api/core/service.hpp"
#include "api/core/service_account.hpp"
#include "api/discovery/endpoint_slice.hpp"
#include "api/policy/pod_disruption_budget.hpp"
#include "api/storage/storage_class.hpp"
#include "api/storage/volume_attachment.hpp"

NESTOR_INSTANTIATE_JSON(nestor::api::apps::DaemonSet)
NESTOR_INSTANTIATE_JSON(nestor::api::apps::Deployment)
NESTOR_INSTANTIATE_JSON(nestor::api::apps::StatefulSet)
NESTOR_INSTANTIATE_JSON(nestor::api::core::ConfigMap)
NESTOR_INSTANTIATE_JSON(nestor::api::core::Namespace)
NESTOR_INSTANTIATE_JSON(nestor::api::core::Node)
NESTOR_INSTANTIATE_JSON(nestor::api::core::PersistentVolume)
NESTOR_INSTANTIATE_JSON(nestor::api::core::PersistentVolumeClaim)
NESTOR_INSTANTIATE_JSON(nestor::api::core::Pod)
NESTOR_INSTANTIATE_JSON(nestor::api::core::Secret)
NESTOR_INSTANTIATE_JSON(nestor::api::core::Service)
NESTOR_INSTANTIATE_JSON(nestor::api::core::ServiceAccount)
NESTOR_INSTANTIATE_JSON(nestor::api::discovery::EndpointSlice)
NESTOR_INSTANTIATE_JSON(nestor::api::policy::PodDisruptionBudget)
NESTOR_INSTANTIATE_JSON(nestor::api::storage::StorageClass)
NESTOR_INSTANTIATE_JSON(nestor::api::storage::VolumeAttachment)
