#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "kube/object.hpp"

/// Where charts come from. Pure.
namespace nestor::addon {

struct ChartSource {
  enum class Kind { kRepository, kRegistry, kConfigMap, kSecret };
  Kind kind = Kind::kRepository;
  /// Of kRepository (https://, http://) and kRegistry (oci://).
  std::string url = {};
  /// Of the others.
  kube::ObjectKey object = {};
  bool in_cluster() const { return kind == Kind::kConfigMap || kind == Kind::kSecret; }
};

/// Reads a repoURL. `configmap://NAME` and `secret://NAME` (also NAMESPACE/NAME) are objects of
/// `ns`, and of no other namespace: whoever may write a proxy could read foreign objects by it.
/// Errors: kInvalidArgument.
Result<ChartSource> parse_chart_source(std::string_view repo_url, std::string_view ns);

/// A chart as files below a folder: one archive, or the files of a chart's folder.
struct ChartFiles {
  /// Relative path to content.
  std::map<std::string, std::string> files;
  /// What helm is given: a path below the folder where `files` are written.
  std::string entry;
};

/// The chart in an object's `entries` (key to bytes): the archive `<chart>-<version>.tgz`,
/// `<chart>.tgz` or the only `*.tgz`; or, with a key `Chart.yaml`, the files themselves, where "__"
/// in a key stands for "/" and files without folder other than a chart's own are templates. Errors:
/// kInvalidArgument, kNotFound.
Result<ChartFiles> chart_of(const std::map<std::string, std::string>& entries,
                            const std::string& chart, const std::string& version);

}  // namespace nestor::addon
