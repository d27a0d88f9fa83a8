#pragma once

#include <compare>
#include <optional>
#include <string_view>

namespace nestor::api {

/// A version of Kubernetes, to be compared. Each number is from 0 to a million, so that sums stay
/// in range.
struct KubernetesVersion {
  int major = 0;
  int minor = 0;
  int patch = 0;
  friend auto operator<=>(const KubernetesVersion&, const KubernetesVersion&) = default;
};

/// Reads "v1.37.2", with or without "v"; a patch that is missing is 0, and what is behind the
/// numbers does not count. Nothing when it is no version.
std::optional<KubernetesVersion> parse_kubernetes_version(std::string_view text);

/// Whether all of it is a version such as "v1.37.2", with or without "v", with pre-release or build
/// parts behind.
bool is_kubernetes_version(std::string_view text);

}  // namespace nestor::api
