#pragma once

#include "api/kamaji/common.hpp"

/// The pods of a TenantControlPlane. `Json` members are types of Kubernetes that pass through
/// unread.
namespace nestor::api::kamaji {

/// Where the images of the control plane come from: registry/image:version, with tagSuffix behind.
struct RegistrySettings {
  /// Registry with path. Default registry.k8s.io.
  std::string registry;
  /// Put behind the version in each tag.
  std::string tagSuffix;
  /// Name of the API server's image. Default kube-apiserver.
  std::string apiServerImage;
  /// Name of the controller manager's image. Default kube-controller-manager.
  std::string controllerManagerImage;
  /// Name of the scheduler's image. Default kube-scheduler.
  std::string schedulerImage;
};
BOOST_DESCRIBE_STRUCT(RegistrySettings, (),
                      (registry, tagSuffix, apiServerImage, controllerManagerImage, schedulerImage))

/// Requests and limits of the containers.
struct ComponentResources {
  /// Of the container kube-apiserver (corev1.ResourceRequirements).
  Json apiServer;
  /// Of the container kube-controller-manager (corev1.ResourceRequirements).
  Json controllerManager;
  /// Of the container kube-scheduler (corev1.ResourceRequirements).
  Json scheduler;
  /// Without effect: there is no kine.
  Json kine;
};
BOOST_DESCRIBE_STRUCT(ComponentResources, (), (apiServer, controllerManager, scheduler, kine))

/// Further arguments of the programs, such as --v=2.
struct ExtraArgs {
  /// Arguments of kube-apiserver. Nestor's own win where they name files, addresses, ports or
  /// admission plugins; elsewhere these win.
  std::vector<std::string> apiServer;
  /// Arguments of kube-controller-manager. They win over Nestor's own.
  std::vector<std::string> controllerManager;
  /// Arguments of kube-scheduler. Nestor's own win.
  std::vector<std::string> scheduler;
  /// Without effect: there is no kine.
  std::vector<std::string> kine;
};
BOOST_DESCRIBE_STRUCT(ExtraArgs, (), (apiServer, controllerManager, scheduler, kine))

/// Mounts of additionalVolumes in the containers.
struct AdditionalVolumeMounts {
  /// In the container kube-apiserver (corev1.VolumeMount).
  std::vector<Json> apiServer;
  /// In the container kube-controller-manager (corev1.VolumeMount).
  std::vector<Json> controllerManager;
  /// In the container kube-scheduler (corev1.VolumeMount).
  std::vector<Json> scheduler;
};
BOOST_DESCRIBE_STRUCT(AdditionalVolumeMounts, (), (apiServer, controllerManager, scheduler))

/// Times and numbers of the probes. A container's own beat the common ones, field by field.
struct Probes {
  /// Of all containers: when it fails the container is restarted.
  std::optional<Probe> liveness;
  /// Of the API server: while it fails the pod gets no requests.
  std::optional<Probe> readiness;
  /// Of all containers: until it succeeds the others wait.
  std::optional<Probe> startup;
  /// Of the container kube-apiserver only.
  std::optional<ProbeSet> apiServer;
  /// Of the container kube-controller-manager only.
  std::optional<ProbeSet> controllerManager;
  /// Of the container kube-scheduler only.
  std::optional<ProbeSet> scheduler;
};
BOOST_DESCRIBE_STRUCT(Probes, (),
                      (liveness, readiness, startup, apiServer, controllerManager, scheduler))

/// Security contexts of the containers. Default: no privileges, and a root file system that cannot
/// be written.
struct ContainerSecurityContexts {
  /// Of the container kube-apiserver (corev1.SecurityContext), whole.
  Json apiServer;
  /// Of the container kube-controller-manager (corev1.SecurityContext), whole.
  Json controllerManager;
  /// Of the container kube-scheduler (corev1.SecurityContext), whole.
  Json scheduler;
};
BOOST_DESCRIBE_STRUCT(ContainerSecurityContexts, (), (apiServer, controllerManager, scheduler))

/// How the control plane's pods are.
struct ControlPlaneDeployment {
  /// Where the images come from.
  RegistrySettings registrySettings;
  /// How many pods. Default 2. 0 puts the control plane to sleep; its data stays.
  std::optional<std::int32_t> replicas;
  /// Labels of the nodes that the pods may be on.
  std::map<std::string, std::string> nodeSelector;
  /// RuntimeClass of the pods.
  std::string runtimeClassName;
  /// Tolerations of the pods (corev1.Toleration).
  std::vector<Json> tolerations;
  /// Affinity of the pods (corev1.Affinity).
  Json affinity;
  /// How the pods are spread (corev1.TopologySpreadConstraint). Without a labelSelector: among each
  /// other.
  std::vector<Json> topologySpreadConstraints;
  /// Service account of the pods. Default: default.
  std::string serviceAccountName;
  /// Whether the pods get that account's token. Default false.
  std::optional<bool> automountServiceAccountToken;
  /// Security context of the pods (corev1.PodSecurityContext), whole. Default: a user other than
  /// root.
  Json podSecurityContext;
  /// How pods are replaced (appsv1.DeploymentStrategy). Default: as many new ones at once as there
  /// are, and no old one goes before.
  Json strategy;
  /// Requests and limits of the containers.
  ComponentResources resources;
  /// Further arguments of the programs.
  ExtraArgs extraArgs;
  /// Labels and annotations for the Deployment.
  AdditionalMetadata additionalMetadata;
  /// Labels and annotations for the pods.
  AdditionalMetadata podAdditionalMetadata;
  /// Init containers of your own (corev1.Container).
  std::vector<Json> additionalInitContainers;
  /// Containers of your own beside the control plane's (corev1.Container).
  std::vector<Json> additionalContainers;
  /// Volumes of your own (corev1.Volume).
  std::vector<Json> additionalVolumes;
  /// Where the control plane's containers see them.
  AdditionalVolumeMounts additionalVolumeMounts;
  /// Times and numbers of the probes.
  Probes probes;
  /// Security contexts of the containers.
  ContainerSecurityContexts containerSecurityContexts;
};
BOOST_DESCRIBE_STRUCT(ControlPlaneDeployment, (),
                      (registrySettings, replicas, nodeSelector, runtimeClassName, tolerations,
                       affinity, topologySpreadConstraints, serviceAccountName,
                       automountServiceAccountToken, podSecurityContext, strategy, resources,
                       extraArgs, additionalMetadata, podAdditionalMetadata,
                       additionalInitContainers, additionalContainers, additionalVolumes,
                       additionalVolumeMounts, probes, containerSecurityContexts))

}  // namespace nestor::api::kamaji
