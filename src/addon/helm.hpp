#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/private_directory.hpp"
#include "base/process.hpp"

namespace nestor::addon {

/// One job of helm, in a directory of its own that goes when the job does: its home, caches,
/// temporary files and working directory are there, its environment holds nothing else of ours (it
/// must neither find the manager's service account nor plugins nor credential helpers), and secrets
/// reach it by files of mode 0600. Its memory is limited. Lifetime: outlives its runs; `processes`
/// outlives it.
class HelmJob {
 public:
  /// Begins the names of the directories.
  static constexpr std::string_view kPrefix = "nestor-helm";

  /// `program` is helm's name or path. Errors: kInternal.
  static Result<HelmJob> make(ProcessRunner& processes, std::string program);

  /// Writes a file for helm; returns its path.
  Result<std::string> write(const std::string& name, std::string_view content) const {
    return directory_.write(name, content);
  }
  Result<std::string> make_directory(const std::string& name) const {
    return directory_.make_directory(name);
  }
  /// Gives helm this kubeconfig. Without one it can reach no cluster.
  Result<> use_kubeconfig(const std::string& kubeconfig);
  /// Gives helm logins for registries: the `auths` of a Docker config.json. Its other members name
  /// programs to run, and are dropped. Errors: kInvalidArgument.
  Result<> use_registry_config(const std::string& config);

  /// Runs `helm arguments...`. The result may be a failure of helm; see message().
  /// Errors: as ProcessRunner.
  Task<ProcessOutput> run(std::vector<std::string> arguments, Duration timeout);
  /// The same for `helm pull`, which also gets the proxies that the manager's environment names.
  Task<ProcessOutput> run_download(std::vector<std::string> arguments, Duration timeout);
  /// What helm said of its failure.
  std::string message(const ProcessOutput& output) const;

 private:
  HelmJob(ProcessRunner& processes, std::string program, PrivateDirectory directory);
  ProcessSpec spec(std::vector<std::string> arguments, Duration timeout) const;

  ProcessRunner& processes_;
  std::string program_;
  PrivateDirectory directory_;
  std::map<std::string, std::string> environment_;
};

}  // namespace nestor::addon
