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

struct AdditionalMetadata {
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
};
BOOST_DESCRIBE_STRUCT(AdditionalMetadata, (), (labels, annotations))

/// Where one resource of the API server ("/events") is stored instead of the tenant's data store.
struct DataStoreOverride {
  std::string resource;
  std::string dataStore;
};
BOOST_DESCRIBE_STRUCT(DataStoreOverride, (), (resource, dataStore))

/// One RFC 6902 operation on the tenant's KubeletConfiguration.
struct JsonPatch {
  std::string op;
  std::string path;
  Json value;
  std::string from;
};
BOOST_DESCRIBE_STRUCT(JsonPatch, (), (op, path, value, from))

struct Kubelet {
  std::vector<JsonPatch> configurationJSONPatches;
  /// Empty means InternalIP, ExternalIP, Hostname.
  std::vector<std::string> preferredAddressTypes;
  /// "systemd" (when empty) or "cgroupfs".
  std::string cgroupfs;
};
BOOST_DESCRIBE_STRUCT(Kubelet, (), (configurationJSONPatches, preferredAddressTypes, cgroupfs))

struct ServicePort {
  std::string name;
  std::int32_t port = 0;
  /// IntOrString.
  Json targetPort;
  /// "" means TCP.
  std::string protocol;
  std::string appProtocol;
};
BOOST_DESCRIBE_STRUCT(ServicePort, (), (name, port, targetPort, protocol, appProtocol))

/// Times and thresholds of one probe; absent fields keep the program's own value.
struct Probe {
  std::optional<std::int32_t> initialDelaySeconds;
  std::optional<std::int32_t> timeoutSeconds;
  std::optional<std::int32_t> periodSeconds;
  std::optional<std::int32_t> successThreshold;
  std::optional<std::int32_t> failureThreshold;
};
BOOST_DESCRIBE_STRUCT(Probe, (),
                      (initialDelaySeconds, timeoutSeconds, periodSeconds, successThreshold,
                       failureThreshold))

struct ProbeSet {
  std::optional<Probe> liveness;
  std::optional<Probe> readiness;
  std::optional<Probe> startup;
};
BOOST_DESCRIBE_STRUCT(ProbeSet, (), (liveness, readiness, startup))

struct KonnectivityServer {
  std::int32_t port = 8132;
  /// "" means registry.k8s.io/kas-network-proxy/proxy-server.
  std::string image;
  /// "" means v0.<minor of Kubernetes>.0.
  std::string version;
  Json resources;
  std::vector<std::string> extraArgs;
  Json securityContext;
};
BOOST_DESCRIBE_STRUCT(KonnectivityServer, (),
                      (port, image, version, resources, extraArgs, securityContext))

struct KonnectivityAgent {
  /// "" means registry.k8s.io/kas-network-proxy/proxy-agent.
  std::string image;
  std::string version;
  /// "DaemonSet" (when empty) or "Deployment".
  std::string mode;
  std::optional<std::int32_t> replicas;
  std::optional<bool> hostNetwork;
  std::vector<Json> tolerations;
  std::vector<std::string> extraArgs;
};
BOOST_DESCRIBE_STRUCT(KonnectivityAgent, (),
                      (image, version, mode, replicas, hostNetwork, tolerations, extraArgs))

struct Konnectivity {
  KonnectivityServer server;
  KonnectivityAgent agent;
};
BOOST_DESCRIBE_STRUCT(Konnectivity, (), (server, agent))

/// Replaces the image of an add-on; empty fields keep the default.
struct ImageOverride {
  std::string imageRepository;
  std::string imageTag;
};
BOOST_DESCRIBE_STRUCT(ImageOverride, (), (imageRepository, imageTag))

/// A reference to a key of a Secret.
struct SecretKeyReference {
  std::string name;
  std::string namespace_;
  std::string keyPath;
};
BOOST_DESCRIBE_STRUCT(SecretKeyReference, (), (name, namespace_, keyPath))

/// Bytes, written in place (base64) or kept in a Secret; `content` wins.
struct ContentRef {
  std::string content;
  std::optional<SecretKeyReference> secretReference;
};
BOOST_DESCRIBE_STRUCT(ContentRef, (), (content, secretReference))

}  // namespace nestor::api::kamaji
