#pragma once

#include <string_view>

/// Fixed words of the kubeadm bootstrap provider and of bootstrap Secrets.
namespace nestor::api::bootstrap {

inline constexpr std::string_view kFormatCloudConfig = "cloud-config";
inline constexpr std::string_view kFormatIgnition = "ignition";
/// Key of a bootstrap Secret, beside api::cluster::kSecretValueKey.
inline constexpr std::string_view kSecretFormatKey = "format";

/// Bootstrap token Secrets of a tenant: in namespace kube-system, this type, name prefix + token
/// id.
inline constexpr std::string_view kTokenSecretType = "bootstrap.kubernetes.io/token";
inline constexpr std::string_view kTokenSecretPrefix = "bootstrap-token-";
inline constexpr std::string_view kTokenGroups = "system:bootstrappers:kubeadm:default-node-token";

}  // namespace nestor::api::bootstrap
