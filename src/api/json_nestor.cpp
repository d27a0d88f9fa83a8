// JSON of the kinds of Cluster API, Kamaji and KubeVirt, for all that convert them: see
// NESTOR_EXTERN_JSON.
#include "api/addons/helm_chart_proxy.hpp"
#include "api/addons/helm_release_proxy.hpp"
#include "api/bootstrap/kubeadm_config.hpp"
#include "api/bootstrap/kubeadm_config_template.hpp"
#include "api/cluster/cluster.hpp"
#include "api/cluster/machine.hpp"
#include "api/cluster/machine_deployment.hpp"
#include "api/cluster/machine_health_check.hpp"
#include "api/cluster/machine_set.hpp"
#include "api/controlplane/kamaji_control_plane.hpp"
#include "api/infrastructure/kubevirt_cluster.hpp"
#include "api/infrastructure/kubevirt_machine.hpp"
#include "api/infrastructure/kubevirt_machine_template.hpp"
#include "api/kamaji/data_store.hpp"
#include "api/kamaji/tenant_control_plane.hpp"
#include "api/kubevirt/virtual_machine.hpp"
#include "api/kubevirt/virtual_machine_instance.hpp"

NESTOR_INSTANTIATE_JSON(nestor::api::addons::HelmChartProxy)
NESTOR_INSTANTIATE_JSON(nestor::api::addons::HelmReleaseProxy)
NESTOR_INSTANTIATE_JSON(nestor::api::bootstrap::KubeadmConfig)
NESTOR_INSTANTIATE_JSON(nestor::api::bootstrap::KubeadmConfigTemplate)
NESTOR_INSTANTIATE_JSON(nestor::api::cluster::Cluster)
NESTOR_INSTANTIATE_JSON(nestor::api::cluster::Machine)
NESTOR_INSTANTIATE_JSON(nestor::api::cluster::MachineDeployment)
NESTOR_INSTANTIATE_JSON(nestor::api::cluster::MachineHealthCheck)
NESTOR_INSTANTIATE_JSON(nestor::api::cluster::MachineSet)
NESTOR_INSTANTIATE_JSON(nestor::api::controlplane::KamajiControlPlane)
NESTOR_INSTANTIATE_JSON(nestor::api::infrastructure::KubevirtCluster)
NESTOR_INSTANTIATE_JSON(nestor::api::infrastructure::KubevirtMachine)
NESTOR_INSTANTIATE_JSON(nestor::api::infrastructure::KubevirtMachineTemplate)
NESTOR_INSTANTIATE_JSON(nestor::api::kamaji::DataStore)
NESTOR_INSTANTIATE_JSON(nestor::api::kamaji::TenantControlPlane)
NESTOR_INSTANTIATE_JSON(nestor::api::kubevirt::VirtualMachine)
NESTOR_INSTANTIATE_JSON(nestor::api::kubevirt::VirtualMachineInstance)
