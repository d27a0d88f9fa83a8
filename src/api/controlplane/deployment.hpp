#pragma once

#include "api/kamaji/common.hpp"

/// The programs and pods of a KamajiControlPlane.
namespace nestor::api::controlplane {

/// Settings of one of the control plane's programs.
struct Component {
  /// Further arguments, such as --v=2. Those of the controller manager win over Nestor's own; for
  /// the others some of Nestor's win.
  std::vector<std::string> extraArgs;
  /// Requests and limits of the container (corev1.ResourceRequirements).
  Json resources;
  /// Name of the image in the registry. Default: that of the program.
  std::string containerImageName;
  /// Mounts of deployment.extraVolumes in the container (corev1.VolumeMount).
  std::vector<Json> extraVolumeMounts;
  /// Times and numbers of its probes. They beat those of deployment.probes, field by field.
  std::optional<kamaji::ProbeSet> probes;
};
BOOST_DESCRIBE_STRUCT(Component, (),
                      (extraArgs, resources, containerImageName, extraVolumeMounts, probes))

/// Settings of kine, which Nestor does not run. Without effect.
struct Kine {
  /// Further arguments. Without effect.
  std::vector<std::string> extraArgs;
  /// Requests and limits. Without effect.
  Json resources;
};
BOOST_DESCRIBE_STRUCT(Kine, (), (extraArgs, resources))

/// Another cluster for the control plane's pods. Without effect: Nestor runs them in the management
/// cluster.
struct ExternalClusterReference {
  /// Secret with that cluster's kubeconfig. Without effect.
  std::string kubeconfigSecretName;
  /// Key in the Secret. Without effect.
  std::string kubeconfigSecretKey;
  /// Namespace of the Secret. Without effect.
  std::string kubeconfigSecretNamespace;
  /// Namespace for the pods. Without effect.
  std::string deploymentNamespace;
};
BOOST_DESCRIBE_STRUCT(ExternalClusterReference, (),
                      (kubeconfigSecretName, kubeconfigSecretKey, kubeconfigSecretNamespace,
                       deploymentNamespace))

/// How the control plane's pods are.
struct Deployment {
  /// Labels of the nodes that the pods may be on.
  std::map<std::string, std::string> nodeSelector;
  /// RuntimeClass of the pods.
  std::string runtimeClassName;
  /// Labels and annotations for the Deployment.
  kamaji::AdditionalMetadata additionalMetadata;
  /// Labels and annotations for the pods.
  kamaji::AdditionalMetadata podAdditionalMetadata;
  /// Service account of the pods. Default: default.
  std::string serviceAccountName;
  /// How pods are replaced (appsv1.DeploymentStrategy). Default: as many new ones at once as there
  /// are, and no old one goes before.
  Json strategy;
  /// Affinity of the pods (corev1.Affinity).
  Json affinity;
  /// Tolerations of the pods (corev1.Toleration).
  std::vector<Json> tolerations;
  /// How the pods are spread (corev1.TopologySpreadConstraint). Without a labelSelector: among each
  /// other.
  std::vector<Json> topologySpreadConstraints;
  /// Init containers of your own (corev1.Container).
  std::vector<Json> extraInitContainers;
  /// Containers of your own beside the control plane's (corev1.Container).
  std::vector<Json> extraContainers;
  /// Volumes of your own (corev1.Volume).
  std::vector<Json> extraVolumes;
  /// Times and numbers of all containers' probes.
  std::optional<kamaji::ProbeSet> probes;
  /// Another cluster for the pods. Without effect: Nestor runs them in the management cluster.
  std::optional<ExternalClusterReference> externalClusterReference;
};
BOOST_DESCRIBE_STRUCT(Deployment, (),
                      (nodeSelector, runtimeClassName, additionalMetadata, podAdditionalMetadata,
                       serviceAccountName, strategy, affinity, tolerations,
                       topologySpreadConstraints, extraInitContainers, extraContainers,
                       extraVolumes, probes, externalClusterReference))

}  // namespace nestor::api::controlplane
