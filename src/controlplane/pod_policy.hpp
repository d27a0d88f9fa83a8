#pragma once

#include "base/json.hpp"
#include "base/result.hpp"

namespace nestor::controlplane {

/// Whether a control plane's pod keeps to Kubernetes' Pod Security Standard "baseline", asks for no
/// escalation of privileges, and has no volumes but emptyDir, configMap, secret, projected,
/// downwardAPI and persistentVolumeClaim. The manager may make any pod; who wrote the control
/// plane's spec may not. `pod` is a corev1.PodTemplateSpec. Pure.
/// Errors: kInvalidArgument naming each field that breaks a rule.
Result<> check_pod(const Json& pod);

}  // namespace nestor::controlplane
