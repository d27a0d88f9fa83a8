#include "addon/helm.hpp"

#include <array>
#include <boost/json/object.hpp>
#include <cstdlib>

#include "addon/helm_arguments.hpp"
#include "base/json.hpp"

namespace nestor::addon {
namespace {

constexpr std::array<const char*, 8> kProxyVariables{"HTTP_PROXY",    "HTTPS_PROXY", "NO_PROXY",
                                                     "http_proxy",    "https_proxy", "no_proxy",
                                                     "SSL_CERT_FILE", "SSL_CERT_DIR"};
/// A chart or a template may ask for any amount, and helm shares the manager's memory limit: as
/// many runs as there can be, the manager and its temporary files fit below what the chart gives
/// it.
constexpr std::uint64_t kMaxMemory = std::uint64_t{320} << 20U;
/// From here on helm's garbage collector tries hard.
constexpr const char* kSoftLimit = "256MiB";

}  // namespace

Result<HelmJob> HelmJob::make(ProcessRunner& processes, std::string program) {
  NESTOR_TRY(PrivateDirectory directory, PrivateDirectory::make(kPrefix));
  HelmJob job(processes, std::move(program), std::move(directory));
  for (const char* name : {"home", "tmp", "work", "plugins"}) {
    NESTOR_TRY_VOID(job.make_directory(name));
  }
  return job;
}

HelmJob::HelmJob(ProcessRunner& processes, std::string program, PrivateDirectory directory)
    : processes_(processes), program_(std::move(program)), directory_(std::move(directory)) {
  const std::string& root = directory_.path();
  environment_ = {
      {"HOME", root + "/home"},
      {"TMPDIR", root + "/tmp"},
      // Empty: helm is not to find programs to run.
      {"PATH", root + "/plugins"},
      {"HELM_PLUGINS", root + "/plugins"},
      {"HELM_CACHE_HOME", root + "/home/cache"},
      {"HELM_CONFIG_HOME", root + "/home/config"},
      {"HELM_DATA_HOME", root + "/home/data"},
      {"HELM_REGISTRY_CONFIG", root + "/registry.json"},
      {"KUBECONFIG", root + "/kubeconfig"},
      {"GOMEMLIMIT", kSoftLimit},
  };
}

Result<> HelmJob::use_kubeconfig(const std::string& kubeconfig) {
  NESTOR_TRY_VOID(write("kubeconfig", kubeconfig));
  return {};
}

Result<> HelmJob::use_registry_config(const std::string& config) {
  auto parsed = parse_json(config);
  const Json* auths = parsed ? find(*parsed, {"auths"}) : nullptr;
  if (auths == nullptr || !auths->is_object()) {
    return fail(Code::kInvalidArgument, "the registry credentials are no JSON with \"auths\"");
  }
  NESTOR_TRY_VOID(write("registry.json", to_text(JsonObject{{"auths", *auths}})));
  return {};
}

ProcessSpec HelmJob::spec(std::vector<std::string> arguments, Duration timeout) const {
  ProcessSpec out;
  out.argv = std::move(arguments);
  out.argv.insert(out.argv.begin(), program_);
  out.env = environment_;
  out.clean_env = true;
  out.directory = directory_.path() + "/work";
  out.timeout = timeout;
  out.max_memory = kMaxMemory;
  return out;
}

Task<ProcessOutput> HelmJob::run(std::vector<std::string> arguments, Duration timeout) {
  ProcessSpec what = spec(std::move(arguments), timeout);
  co_return co_await processes_.run(std::move(what));
}

Task<ProcessOutput> HelmJob::run_download(std::vector<std::string> arguments, Duration timeout) {
  ProcessSpec what = spec(std::move(arguments), timeout);
  for (const char* name : kProxyVariables) {
    if (const char* value = std::getenv(name)) what.env[name] = value;
  }
  co_return co_await processes_.run(std::move(what));
}

std::string HelmJob::message(const ProcessOutput& output) const {
  return helm_message(output.err, directory_.path());
}

}  // namespace nestor::addon
