#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/private_directory.hpp"
#include "base/process.hpp"
#include "cli/context.hpp"
#include "kube/client.hpp"

namespace nestor::cli {

/// A file of the chart `cluster` that this program holds.
struct ChartFile {
  const char* path;
  std::string_view content;
};
std::vector<ChartFile> embedded_chart();

/// Where a chart's values come from; later ones win.
struct ValueSources {
  /// -f: files of the user.
  std::vector<std::string> files = {};
  /// Ours, after those.
  Json values = nullptr;
  /// --set.
  std::vector<std::string> sets = {};
  /// What the release was given before comes first of all.
  bool reuse = false;
};

/// A tenant cluster as a release of the chart `cluster` in the management cluster, made by the
/// helm program that comes with Nestor: `helm list` shows it, and `helm upgrade` goes on with it.
/// Errors of helm are kFailedPrecondition with its own words, kInvalidArgument where values are
/// wrong. Lifetime: the executor's event loop must run while a task is awaited.
class ClusterChart {
 public:
  /// Writes the chart for helm and finds helm: $NESTOR_HELM, the assets that `nestor up` uses, or
  /// PATH. `kubeconfig` may be "" where only render() is used; `kube_context` "" is its current
  /// one.
  static Result<ClusterChart> open(Executor executor, std::string kubeconfig, std::string ns,
                                   std::string kube_context = {});

  /// The objects, without looking at any cluster.
  Task<std::vector<Json>> render(std::string name, ValueSources sources);
  /// Installs, or upgrades an earlier try.
  Task<> apply(std::string name, ValueSources sources);
  /// The values that the release was given.
  Task<Json> values(std::string name);
  /// Whether a release of this name and chart is there.
  Task<bool> exists(std::string name);
  /// Makes way for apply() where a helm died in the middle, whose record would hold up the next.
  /// Errors: kFailedPrecondition while one may still be at work.
  Task<> forget_interrupted(kube::Client& client, Clock& clock, std::string name);
  /// Removes the release's objects, other than those that go with the Cluster, and its record.
  Task<> uninstall(std::string name);

 private:
  ClusterChart(Executor executor, std::string helm, PrivateDirectory directory,
               std::string kubeconfig, std::string ns, std::string kube_context);
  Result<std::vector<std::string>> arguments(const ValueSources& sources);
  Task<std::string> run(std::vector<std::string> arguments);

  std::unique_ptr<ProcessRunner> processes_;
  std::string helm_;
  PrivateDirectory directory_;
  std::string kubeconfig_;
  std::string ns_;
  std::string kube_context_;
  /// Of the values files written so far.
  int files_ = 0;
};

/// In the cluster and namespace of a command.
Result<ClusterChart> open_chart(const Context& context);

}  // namespace nestor::cli
