#pragma once

#include "api/json.hpp"
#include "api/meta.hpp"

namespace nestor::api::core {

/// A part of corev1.PodSpec; containers, volumes and scheduling rules stay free-form.
struct PodSpec {
  std::string nodeName;
  std::string hostname;
  std::string subdomain;
  std::string serviceAccountName;
  std::string restartPolicy;
  std::string priorityClassName;
  std::string runtimeClassName;
  std::string dnsPolicy;
  std::optional<bool> automountServiceAccountToken;
  std::optional<bool> enableServiceLinks;
  std::optional<bool> hostNetwork;
  std::optional<bool> hostPID;
  /// Seconds.
  std::optional<std::int64_t> terminationGracePeriodSeconds;
  std::map<std::string, std::string> nodeSelector;
  std::vector<Json> initContainers;
  std::vector<Json> containers;
  std::vector<Json> volumes;
  std::vector<Json> tolerations;
  std::vector<Json> topologySpreadConstraints;
  std::vector<Json> imagePullSecrets;
  std::vector<Json> readinessGates;
  std::vector<Json> hostAliases;
  Json affinity;
  Json securityContext;
  bool operator==(const PodSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(PodSpec, (),
                      (nodeName, hostname, subdomain, serviceAccountName, restartPolicy,
                       priorityClassName, runtimeClassName, dnsPolicy, automountServiceAccountToken,
                       enableServiceLinks, hostNetwork, hostPID, terminationGracePeriodSeconds,
                       nodeSelector, initContainers, containers, volumes, tolerations,
                       topologySpreadConstraints, imagePullSecrets, readinessGates, hostAliases,
                       affinity, securityContext))

struct PodIp {
  std::string ip;
  bool operator==(const PodIp&) const = default;
};
BOOST_DESCRIBE_STRUCT(PodIp, (), (ip))

struct ContainerStatus {
  std::string name;
  std::optional<bool> ready;
  std::optional<bool> started;
  std::optional<std::int32_t> restartCount;
  std::string image;
  std::string imageID;
  std::string containerID;
  /// {waiting{reason,message}} | {running{startedAt}} | {terminated{exitCode,reason,message,…}}
  Json state;
  Json lastState;
  bool operator==(const ContainerStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(ContainerStatus, (),
                      (name, ready, started, restartCount, image, imageID, containerID, state,
                       lastState))

struct PodStatus {
  /// "Pending", "Running", "Succeeded", "Failed" or "Unknown".
  std::string phase;
  std::string reason;
  std::string message;
  std::string podIP;
  std::vector<PodIp> podIPs;
  std::string hostIP;
  std::string startTime;
  std::string qosClass;
  std::vector<kube::Condition> conditions;
  std::vector<ContainerStatus> initContainerStatuses;
  std::vector<ContainerStatus> containerStatuses;
  bool operator==(const PodStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(PodStatus, (),
                      (phase, reason, message, podIP, podIPs, hostIP, startTime, qosClass,
                       conditions, initContainerStatuses, containerStatuses))

struct Pod {
  static constexpr kube::ResourceType kType{"", "v1", "Pod", "pods"};
  kube::ObjectMeta metadata;
  PodSpec spec;
  PodStatus status;
  bool operator==(const Pod&) const = default;
};
BOOST_DESCRIBE_STRUCT(Pod, (), (metadata, spec, status))

/// "Succeeded" or "Failed": its containers never run again.
inline bool finished(const Pod& pod) {
  return pod.status.phase == "Succeeded" || pod.status.phase == "Failed";
}
inline bool ready(const Pod& pod) { return kube::condition_true(pod.status.conditions, "Ready"); }

}  // namespace nestor::api::core

NESTOR_EXTERN_JSON(nestor::api::core::Pod)
