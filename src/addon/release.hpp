#pragma once

#include <memory>
#include <optional>
#include <string>

#include "addon/chart_source.hpp"
#include "addon/helm_arguments.hpp"
#include "base/process.hpp"
#include "kube/client.hpp"
#include "tenant/sessions.hpp"

namespace nestor::addon {

/// All that helm needs for one release, read beforehand. Holds secrets.
struct ReleaseWork {
  Spec spec;
  ChartSource source;
  /// Of a chart in the management cluster.
  std::optional<ChartFiles> chart = {};
  /// release_inputs() over the above.
  std::string inputs = {};
  /// Of the tenant, with embedded data only.
  std::string kubeconfig = {};
  /// Docker's config.json, or "".
  std::string registry_config = {};
  /// PEM of the authority of the chart's repository, or "".
  std::string ca = {};
};

/// Reads what `spec` of a proxy in `ns` refers to: chart, logins, authority. The kubeconfig and
/// the inputs' hash are there too. Errors: kInvalidArgument (what is referred to is wrong),
/// kNotFound, and the client's.
Task<ReleaseWork> read_release_work(kube::Client& client, Spec spec, std::string ns);

/// Kubeconfig of a Cluster from its Secret, written anew from its embedded data: its own text could
/// make helm read our files or run programs. Errors: kNotFound, kInvalidArgument.
Task<std::string> tenant_kubeconfig(kube::Client& client, kube::ObjectKey cluster);

/// Installs or upgrades, or finds that it is done; returns the release as it then stands. A
/// revision that an interrupted helm left pending is cleared through `session`. After a failure the
/// release as it stands is in `failed`, if there is one. Errors: kFailedPrecondition (helm's
/// words), kDeadlineExceeded, kCancelled, kNotFound (no helm).
Task<Release> apply_release(ProcessRunner& processes, std::string helm,
                            std::shared_ptr<tenant::Session> session, ReleaseWork work,
                            std::optional<Release>& failed);

/// Uninstalls; a release that is not there is a success. `spec` passes validate_release(); a
/// timeout that is none counts as the default. Errors: as above.
Task<> remove_release(ProcessRunner& processes, std::string helm, Spec spec,
                      std::string kubeconfig);

}  // namespace nestor::addon
