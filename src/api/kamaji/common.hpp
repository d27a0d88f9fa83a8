#pragma once

#include <boost/describe/class.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json_convert.hpp"
#include "kube/object.hpp"

/// Parts that the kinds of kamaji.clastix.io and KamajiControlPlane share.
namespace nestor::api::kamaji {

/// Labels and annotations besides Nestor's own, which win.
struct AdditionalMetadata {
  /// Labels to add.
  std::map<std::string, std::string> labels;
  /// Annotations to add.
  std::map<std::string, std::string> annotations;
};
BOOST_DESCRIBE_STRUCT(AdditionalMetadata, (), (labels, annotations))

/// Where objects of one kind are kept instead of the tenant's DataStore.
struct DataStoreOverride {
  /// The kind, as group/plural: /events for events.
  std::string resource;
  /// Name of the other DataStore, with driver etcd.
  std::string dataStore;
};
BOOST_DESCRIBE_STRUCT(DataStoreOverride, (), (resource, dataStore))

/// A change (RFC 6902) of the KubeletConfiguration that the tenant's nodes read when they join.
struct JsonPatch {
  /// add, remove, replace, move, copy or test. To remove what is not there is a warning; every
  /// other failure stops the work on the tenant.
  std::string op;
  /// Where to: a JSON pointer such as /maxPods.
  std::string path;
  /// The value for add, replace and test.
  Json value;
  /// Where from: a JSON pointer for move and copy.
  std::string from;
};
BOOST_DESCRIBE_STRUCT(JsonPatch, (), (op, path, value, from))

/// Settings of the kubelets of the tenant's nodes.
struct Kubelet {
  /// Changes of the KubeletConfiguration, in this order. They reach nodes that join later.
  std::vector<JsonPatch> configurationJSONPatches;
  /// By which address of a Node the API server calls its kubelet, best first. Default InternalIP,
  /// ExternalIP, Hostname.
  std::vector<std::string> preferredAddressTypes;
  /// cgroup driver of the kubelets: systemd (the default) or cgroupfs.
  std::string cgroupfs;
};
BOOST_DESCRIBE_STRUCT(Kubelet, (), (configurationJSONPatches, preferredAddressTypes, cgroupfs))

/// A further port of the API server's Service.
struct ServicePort {
  /// Name of the port.
  std::string name;
  /// Port of the Service.
  std::int32_t port = 0;
  /// Port of the pods: a number or a name.
  Json targetPort;
  /// TCP (the default), UDP or SCTP.
  std::string protocol;
  /// What is spoken on it, for load balancers that ask.
  std::string appProtocol;
};
BOOST_DESCRIBE_STRUCT(ServicePort, (), (name, port, targetPort, protocol, appProtocol))

/// Times and numbers of a probe. What is absent keeps the program's default.
struct Probe {
  /// Seconds from the start to the first probe. Default 0.
  std::optional<std::int32_t> initialDelaySeconds;
  /// Seconds for an answer. Default 15; 5 for startup.
  std::optional<std::int32_t> timeoutSeconds;
  /// Seconds from one probe to the next. Default 10; 1 for startup.
  std::optional<std::int32_t> periodSeconds;
  /// Successes in a row until it counts as well. Default 1.
  std::optional<std::int32_t> successThreshold;
  /// Failures in a row until it counts as failed. Default 8 for liveness, 3 for readiness, 120 for
  /// startup.
  std::optional<std::int32_t> failureThreshold;
};
BOOST_DESCRIBE_STRUCT(Probe, (),
                      (initialDelaySeconds, timeoutSeconds, periodSeconds, successThreshold,
                       failureThreshold))

/// Probes of a container.
struct ProbeSet {
  /// When it fails the container is restarted.
  std::optional<Probe> liveness;
  /// While it fails the pod gets no requests. Only the API server has one.
  std::optional<Probe> readiness;
  /// Until it succeeds the others wait.
  std::optional<Probe> startup;
};
BOOST_DESCRIBE_STRUCT(ProbeSet, (), (liveness, readiness, startup))

/// The tunnel's end beside the API server.
struct KonnectivityServer {
  /// Port of the API server's Service for the agents. Default 8132.
  std::int32_t port = 8132;
  /// Image without tag to run instead of Nestor's own tunnel, such as
  /// registry.k8s.io/kas-network-proxy/proxy-server.
  std::string image;
  /// Tag of that image. Default v0.MINOR.0 with Kubernetes' minor version; without effect on
  /// Nestor's own tunnel.
  std::string version;
  /// Requests and limits of the container (corev1.ResourceRequirements).
  Json resources;
  /// Further arguments, such as --v=2. Nestor's own win.
  std::vector<std::string> extraArgs;
  /// Security context of the container (corev1.SecurityContext), whole. Default: no privileges, a
  /// root file system that cannot be written.
  Json securityContext;
};
BOOST_DESCRIBE_STRUCT(KonnectivityServer, (),
                      (port, image, version, resources, extraArgs, securityContext))

/// The tunnel's ends in the tenant.
struct KonnectivityAgent {
  /// Image without tag to run instead of Nestor's own tunnel, such as
  /// registry.k8s.io/kas-network-proxy/proxy-agent.
  std::string image;
  /// Tag of that image. Default v0.MINOR.0 with Kubernetes' minor version; without effect on
  /// Nestor's own tunnel.
  std::string version;
  /// DaemonSet (the default): on every node. Deployment: as many as `replicas`.
  std::string mode;
  /// How many agents in mode Deployment. Default 1.
  std::optional<std::int32_t> replicas;
  /// Whether the agents use their node's network. Default false.
  std::optional<bool> hostNetwork;
  /// Tolerations of the agents (corev1.Toleration). Default: that of CriticalAddonsOnly.
  std::vector<Json> tolerations;
  /// Further arguments, such as --v=2. They win over Nestor's own.
  std::vector<std::string> extraArgs;
};
BOOST_DESCRIBE_STRUCT(KonnectivityAgent, (),
                      (image, version, mode, replicas, hostNetwork, tolerations, extraArgs))

/// The way from the API server to nodes, pods and Services of the tenant where there is no route:
/// logs, exec, webhooks.
struct Konnectivity {
  /// The end beside the API server.
  KonnectivityServer server;
  /// The ends in the tenant.
  KonnectivityAgent agent;
};
BOOST_DESCRIBE_STRUCT(Konnectivity, (), (server, agent))

/// Where the image of an add-on comes from.
struct ImageOverride {
  /// Registry and path without the image's own name, such as registry.k8s.io/coredns. Default:
  /// upstream's.
  std::string imageRepository;
  /// Tag of the image. Default: the one that belongs to this version of Nestor or Kubernetes.
  std::string imageTag;
};
BOOST_DESCRIBE_STRUCT(ImageOverride, (), (imageRepository, imageTag))

/// A reference to a key of a Secret.
struct SecretKeyReference {
  /// Name of the Secret.
  std::string name;
  /// Namespace of the Secret.
  std::string namespace_;
  /// Key in the Secret.
  std::string keyPath;
};
BOOST_DESCRIBE_STRUCT(SecretKeyReference, (), (name, namespace_, keyPath))

/// Bytes, written in place or kept in a Secret.
struct ContentRef {
  /// The bytes in base64. Wins over secretReference.
  std::string content;
  /// The Secret that holds them.
  std::optional<SecretKeyReference> secretReference;
};
BOOST_DESCRIBE_STRUCT(ContentRef, (), (content, secretReference))

}  // namespace nestor::api::kamaji
