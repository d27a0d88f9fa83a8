#include "addon/release.hpp"

#include <boost/json/object.hpp>
#include <filesystem>

#include "addon/helm.hpp"
#include "addon/release_status.hpp"
#include "api/cluster/labels.hpp"
#include "api/core/config_map.hpp"
#include "api/core/secret.hpp"
#include "base/base64.hpp"
#include "kube/kubeconfig.hpp"
#include "pki/pki.hpp"

namespace nestor::addon {
namespace {

using api::core::ConfigMap;
using api::core::Secret;

/// Of helm itself and of a slow machine, beyond the time helm gives to Kubernetes.
constexpr std::chrono::minutes kSpare{2};
constexpr std::chrono::minutes kShortRun{1};
constexpr std::chrono::minutes kDownload{5};

Result<std::map<std::string, std::string>> entries_of(const ConfigMap& object) {
  auto out = object.data;
  for (const auto& [key, value] : object.binaryData) {
    NESTOR_TRY(out[key], base64_decode(value));
  }
  return out;
}

Result<std::map<std::string, std::string>> entries_of(const Secret& object) {
  std::map<std::string, std::string> out;
  for (const auto& [key, value] : object.data) {
    NESTOR_TRY(out[key], base64_decode(value));
  }
  return out;
}

template <kube::Resource T>
Task<ChartFiles> read_chart(kube::Client& client, kube::ObjectKey key, std::string chart,
                            std::string version) {
  const std::string what = std::string(T::kType.kind) + " " + key.to_string();
  auto object = co_await kube::get<T>(client, std::move(key));
  if (!object) co_return with_context(std::move(object).error(), "chart in " + what);
  auto entries = entries_of(*object);
  if (!entries) co_return with_context(std::move(entries).error(), "chart in " + what);
  auto out = chart_of(*entries, chart, version);
  if (!out) co_return with_context(std::move(out).error(), "chart in " + what);
  co_return std::move(*out);
}

std::string digest(const ChartFiles& chart) {
  std::string all;
  for (const auto& [path, content] : chart.files) {
    all += path + " " + pki::sha256_hex(content) + "\n";
  }
  return pki::sha256_hex(all);
}

/// The value of a Secret that a proxy of `ns` names.
Task<std::string> read_secret(kube::Client& client, api::addons::SecretReference reference,
                              std::string key, std::string ns) {
  if (!reference.namespace_.empty() && reference.namespace_ != ns) {
    co_return fail(Code::kInvalidArgument,
                   "Secret " + reference.name + " must be in the own namespace " + ns);
  }
  kube::ObjectKey name{ns, reference.name};
  auto secret = co_await kube::get<Secret>(client, std::move(name));
  if (!secret) co_return with_context(std::move(secret).error(), "Secret " + reference.name);
  auto value = api::core::secret_value(*secret, key);
  if (!value) co_return with_context(std::move(value).error(), "Secret " + reference.name);
  co_return std::move(*value);
}

std::unexpected<Error> helm_failed(std::string message) {
  return fail(Code::kFailedPrecondition, std::move(message));
}

/// The release's last revision; nothing if there is no such release.
Task<std::optional<Release>> last_revision(HelmJob& job, Spec spec) {
  auto arguments = history_arguments(spec);
  NESTOR_CO_TRY(const ProcessOutput output, co_await job.run(std::move(arguments), kShortRun));
  if (output.exit_code == 0) {
    NESTOR_CO_TRY(Release release, parse_history(output.out));
    co_return std::optional<Release>(std::move(release));
  }
  if (says_not_found(output.err)) co_return std::optional<Release>();
  co_return helm_failed(job.message(output));
}

/// Puts the chart where helm can read it; returns its path.
Task<std::string> fetch_chart(HelmJob& job, const ReleaseWork& work) {
  if (work.chart) {
    for (const auto& [path, content] : work.chart->files) {
      NESTOR_CO_TRY_VOID(job.write("charts/" + path, content));
    }
    NESTOR_CO_TRY(const std::string folder, job.make_directory("charts"));
    co_return folder + "/" + work.chart->entry;
  }
  if (!work.registry_config.empty()) {
    NESTOR_CO_TRY_VOID(job.use_registry_config(work.registry_config));
  }
  std::string ca_file;
  if (!work.ca.empty()) {
    NESTOR_CO_TRY(ca_file, job.write("ca.crt", work.ca));
  }
  NESTOR_CO_TRY(const std::string folder, job.make_directory("charts"));
  auto arguments = pull_arguments(work.spec, work.source, folder, ca_file);
  NESTOR_CO_TRY(const ProcessOutput output,
                co_await job.run_download(std::move(arguments), kDownload));
  if (output.exit_code != 0) co_return helm_failed(job.message(output));
  // Its name has the version that was found.
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".tgz") co_return entry.path().string();
  }
  co_return helm_failed("helm pull gave no chart");
}

}  // namespace

Task<ReleaseWork> read_release_work(kube::Client& client, Spec spec, std::string ns) {
  NESTOR_CO_TRY_VOID(validate(spec));
  ReleaseWork work;
  NESTOR_CO_TRY(work.source, parse_chart_source(spec.repoURL, ns));
  std::string chart_digest;
  if (work.source.in_cluster()) {
    kube::ObjectKey object = work.source.object;
    const bool config_map = work.source.kind == ChartSource::Kind::kConfigMap;
    auto reading = config_map ? read_chart<ConfigMap>(client, object, spec.chartName, spec.version)
                              : read_chart<Secret>(client, object, spec.chartName, spec.version);
    NESTOR_CO_TRY(work.chart, co_await std::move(reading));
    chart_digest = digest(*work.chart);
  }
  if (spec.credentials) {
    auto config = co_await read_secret(client, spec.credentials->secret, spec.credentials->key, ns);
    if (!config) co_return with_context(std::move(config).error(), "credentials");
    work.registry_config = std::move(*config);
  }
  if (spec.tlsConfig && spec.tlsConfig->caSecret) {
    auto ca = co_await read_secret(client, *spec.tlsConfig->caSecret, "ca.crt", ns);
    if (!ca) co_return with_context(std::move(ca).error(), "tlsConfig.caSecret");
    work.ca = std::move(*ca);
  }
  work.inputs = release_inputs(spec, chart_digest);
  work.spec = std::move(spec);
  co_return work;
}

Task<std::string> tenant_kubeconfig(kube::Client& client, kube::ObjectKey cluster) {
  kube::ObjectKey key{cluster.ns, api::cluster::kubeconfig_secret_name(cluster.name)};
  auto secret = co_await kube::get<Secret>(client, key);
  if (!secret) co_return with_context(std::move(secret).error(), "Secret " + key.to_string());
  NESTOR_CO_TRY(const std::string text,
                api::core::secret_value(*secret, api::cluster::kSecretValueKey));
  auto config = kube::parse_foreign_kubeconfig(text);
  if (!config) co_return with_context(std::move(config).error(), "Secret " + key.to_string());
  co_return kube::make_kubeconfig(*config, cluster.name, cluster.name + "-admin");
}

Task<Release> apply_release(ProcessRunner& processes, std::string helm,
                            std::shared_ptr<tenant::Session> session, ReleaseWork work,
                            std::optional<Release>& failed) {
  NESTOR_CO_TRY(HelmJob job, HelmJob::make(processes, std::move(helm)));
  NESTOR_CO_TRY_VOID(job.use_kubeconfig(work.kubeconfig));
  NESTOR_CO_TRY(std::optional<Release> last, co_await last_revision(job, work.spec));
  const std::string description = release_description(work.inputs);
  if (last && last->status == "deployed" && last->description == description) co_return *last;
  NESTOR_CO_TRY(std::string chart, co_await fetch_chart(job, work));
  if (last && last->pending()) {
    // Nothing of ours runs for it: this controller has one run per release, and its helm dies with
    // it. Without the record helm goes on from the revision before; what the interrupted run made
    // bears the release's name, so it is taken over.
    kube::ObjectKey record{
        release_namespace(work.spec),
        "sh.helm.release.v1." + work.spec.releaseName + ".v" + std::to_string(last->revision)};
    NESTOR_CO_TRY_VOID(co_await kube::ensure_deleted(session->client(), Secret::kType, record));
  }
  NESTOR_CO_TRY(const std::string values, job.write("values.yaml", work.spec.values));
  NESTOR_CO_TRY(const Duration timeout, helm_timeout(work.spec.options.timeout));
  auto arguments = upgrade_arguments(work.spec, chart, values, description);
  NESTOR_CO_TRY(const ProcessOutput output,
                co_await job.run(std::move(arguments), timeout + kSpare));
  auto now = co_await last_revision(job, work.spec);
  if (output.exit_code != 0) {
    if (now) failed = *now;
    co_return helm_failed(job.message(output));
  }
  if (!now) co_return std::unexpected(std::move(now).error());
  if (!*now) co_return helm_failed("the release vanished while it was installed");
  co_return **now;
}

Task<> remove_release(ProcessRunner& processes, std::string helm, Spec spec,
                      std::string kubeconfig) {
  NESTOR_CO_TRY(HelmJob job, HelmJob::make(processes, std::move(helm)));
  NESTOR_CO_TRY_VOID(job.use_kubeconfig(kubeconfig));
  if (spec.options.uninstall.keepHistory.value_or(false)) {
    // helm refuses to do it twice.
    NESTOR_CO_TRY(const auto last, co_await last_revision(job, spec));
    if (last && last->status == "uninstalled") co_return Result<>{};
  }
  const Duration timeout = helm_timeout(spec.options.timeout).value_or(kDefaultTimeout);
  auto arguments = uninstall_arguments(spec);
  NESTOR_CO_TRY(const ProcessOutput output,
                co_await job.run(std::move(arguments), timeout + kSpare));
  if (output.exit_code != 0) co_return helm_failed(job.message(output));
  co_return Result<>{};
}

}  // namespace nestor::addon
