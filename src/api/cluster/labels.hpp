#pragma once

#include <string>
#include <string_view>

/// Labels, annotations, finalizers and other fixed words of Cluster API.
namespace nestor::api::cluster {

inline constexpr std::string_view kClusterNameLabel = "cluster.x-k8s.io/cluster-name";
inline constexpr std::string_view kDeploymentNameLabel = "cluster.x-k8s.io/deployment-name";
inline constexpr std::string_view kSetNameLabel = "cluster.x-k8s.io/set-name";
inline constexpr std::string_view kControlPlaneLabel = "cluster.x-k8s.io/control-plane";
/// Told apart by it: the MachineSets (and their Machines) of one MachineDeployment.
inline constexpr std::string_view kTemplateHashLabel = "machine-template-hash";
/// On a provider's CRD; its value lists the API versions that fulfil the contract.
inline constexpr std::string_view kContractLabelV1Beta1 = "cluster.x-k8s.io/v1beta1";
inline constexpr std::string_view kContractLabelV1Beta2 = "cluster.x-k8s.io/v1beta2";
/// On what stands in the management cluster for a Service of a tenant: that Service's name.
inline constexpr std::string_view kTenantServiceNameLabel = "cluster.x-k8s.io/tenant-service-name";
/// Condition of the same, True: that the manager made it. Who may write Services may not write
/// their status, so that nobody else can say so.
inline constexpr std::string_view kTenantServiceCondition = "nestor.dev/TenantService";

inline constexpr std::string_view kPausedAnnotation = "cluster.x-k8s.io/paused";
inline constexpr std::string_view kManagedByAnnotation = "cluster.x-k8s.io/managed-by";
/// On a Machine: this one goes first when its set shrinks.
inline constexpr std::string_view kDeleteMachineAnnotation = "cluster.x-k8s.io/delete-machine";
/// On a Machine: to be remediated, or never, whatever its health.
inline constexpr std::string_view kRemediateMachineAnnotation =
    "cluster.x-k8s.io/remediate-machine";
inline constexpr std::string_view kSkipRemediationAnnotation = "cluster.x-k8s.io/skip-remediation";
/// On a MachineSet: no Machine is made any more.
inline constexpr std::string_view kDisableMachineCreateAnnotation =
    "cluster.x-k8s.io/disable-machine-create";
/// On a MachineSet: names of checks before a Machine is made that are left out, or "All".
inline constexpr std::string_view kSkipPreflightChecksAnnotation =
    "machineset.cluster.x-k8s.io/skip-preflight-checks";
inline constexpr std::string_view kClonedFromNameAnnotation = "cluster.x-k8s.io/cloned-from-name";
inline constexpr std::string_view kClonedFromGroupKindAnnotation =
    "cluster.x-k8s.io/cloned-from-groupkind";
inline constexpr std::string_view kAutoscalerMinSizeAnnotation =
    "cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size";
inline constexpr std::string_view kAutoscalerMaxSizeAnnotation =
    "cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size";
inline constexpr std::string_view kExcludeNodeDrainingAnnotation =
    "machine.cluster.x-k8s.io/exclude-node-draining";
inline constexpr std::string_view kExcludeWaitForVolumeDetachAnnotation =
    "machine.cluster.x-k8s.io/exclude-wait-for-node-volume-detach";
inline constexpr std::string_view kRevisionAnnotation =
    "machinedeployment.clusters.x-k8s.io/revision";
inline constexpr std::string_view kDesiredReplicasAnnotation =
    "machinedeployment.clusters.x-k8s.io/desired-replicas";
inline constexpr std::string_view kMaxReplicasAnnotation =
    "machinedeployment.clusters.x-k8s.io/max-replicas";
/// On a MachineSet: the spec.rollout.after that had passed when it was made.
inline constexpr std::string_view kRolloutAfterAnnotation = "nestor.dev/rollout-after";

// Written on the Nodes of a tenant cluster.
inline constexpr std::string_view kNodeClusterNameAnnotation = "cluster.x-k8s.io/cluster-name";
inline constexpr std::string_view kNodeClusterNamespaceAnnotation =
    "cluster.x-k8s.io/cluster-namespace";
inline constexpr std::string_view kNodeMachineAnnotation = "cluster.x-k8s.io/machine";
inline constexpr std::string_view kNodeOwnerKindAnnotation = "cluster.x-k8s.io/owner-kind";
inline constexpr std::string_view kNodeOwnerNameAnnotation = "cluster.x-k8s.io/owner-name";
inline constexpr std::string_view kNodeLabelsFromMachineAnnotation =
    "cluster.x-k8s.io/labels-from-machine";
/// Workers register with it; the Machine controller takes it off.
inline constexpr std::string_view kNodeUninitializedTaint = "node.cluster.x-k8s.io/uninitialized";

/// With effect PreferNoSchedule, while a newer Machine is on its way to replace the Node's.
inline constexpr std::string_view kNodeOutdatedTaint = "node.cluster.x-k8s.io/outdated-revision";

inline constexpr std::string_view kPreDrainHookPrefix =
    "pre-drain.delete.hook.machine.cluster.x-k8s.io";
inline constexpr std::string_view kPreTerminateHookPrefix =
    "pre-terminate.delete.hook.machine.cluster.x-k8s.io";

inline constexpr std::string_view kClusterFinalizer = "cluster.cluster.x-k8s.io";
inline constexpr std::string_view kMachineFinalizer = "machine.cluster.x-k8s.io";
inline constexpr std::string_view kMachineSetFinalizer = "cluster.x-k8s.io/machineset";
inline constexpr std::string_view kMachineDeploymentFinalizer =
    "cluster.x-k8s.io/machinedeployment";

/// Type of every Secret of a cluster (kubeconfig, authorities, bootstrap data).
inline constexpr std::string_view kSecretType = "cluster.x-k8s.io/secret";
/// Key of the kubeconfig in its Secret and of the data in bootstrap Secrets.
inline constexpr std::string_view kSecretValueKey = "value";
inline constexpr std::string_view kKubeconfigSecretSuffix = "-kubeconfig";

/// The Secret with the kubeconfig of an administrator of `cluster`.
inline std::string kubeconfig_secret_name(std::string_view cluster) {
  return std::string(cluster).append(kKubeconfigSecretSuffix);
}

}  // namespace nestor::api::cluster
