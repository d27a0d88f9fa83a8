#include "cli/cluster_chart.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "addon/helm_arguments.hpp"
#include "api/core/secret.hpp"
#include "cli/node/assets.hpp"
#include "cli/table.hpp"

namespace nestor::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes kTimeout{5};

std::string helm_program() {
  if (const char* given = std::getenv("NESTOR_HELM"); given != nullptr && *given) return given;
  return node::find_program("helm");
}

bool about_values(std::string_view words) {
  return words.find("values don't meet the specifications") != std::string_view::npos ||
         words.find("execution error at") != std::string_view::npos ||
         words.find("failed parsing --set") != std::string_view::npos;
}

/// "cluster-0.1.0" is a release of the chart `cluster`.
bool of_our_chart(std::string_view chart) {
  const auto dash = chart.rfind('-');
  return dash != std::string_view::npos && chart.substr(0, dash) == "cluster";
}

}  // namespace

Result<ClusterChart> ClusterChart::open(Executor executor, std::string kubeconfig, std::string ns,
                                        std::string kube_context) {
  NESTOR_TRY(PrivateDirectory directory, PrivateDirectory::make("nestor-chart"));
  for (const ChartFile& file : embedded_chart()) {
    NESTOR_TRY_VOID(directory.write(std::string("chart/") + file.path, file.content));
  }
  return ClusterChart(std::move(executor), helm_program(), std::move(directory),
                      std::move(kubeconfig), std::move(ns), std::move(kube_context));
}

ClusterChart::ClusterChart(Executor executor, std::string helm, PrivateDirectory directory,
                           std::string kubeconfig, std::string ns, std::string kube_context)
    : processes_(make_process_runner(std::move(executor))),
      helm_(std::move(helm)),
      directory_(std::move(directory)),
      kubeconfig_(std::move(kubeconfig)),
      ns_(std::move(ns)),
      kube_context_(std::move(kube_context)) {}

Result<ClusterChart> open_chart(const Context& context) {
  return ClusterChart::open(context.executor, context.kubeconfig, context.ns, context.kube_context);
}

Result<std::vector<std::string>> ClusterChart::arguments(const ValueSources& sources) {
  std::vector<std::string> out{"--namespace=" + ns_};
  for (const std::string& file : sources.files) {
    std::error_code error;
    if (!fs::exists(file, error)) return fail(Code::kInvalidArgument, "no values file " + file);
    // helm splits what it is given at commas.
    if (file.find(',') != std::string::npos) {
      return fail(Code::kInvalidArgument, "the name of values file " + file + " has a comma");
    }
    out.push_back("--values=" + fs::absolute(file, error).string());
  }
  if (!sources.values.is_null()) {
    NESTOR_TRY(
        const std::string path,
        directory_.write("values-" + std::to_string(files_++) + ".yaml", to_yaml(sources.values)));
    out.push_back("--values=" + path);
  }
  for (const std::string& set : sources.sets) out.push_back("--set=" + set);
  return out;
}

Task<std::string> ClusterChart::run(std::vector<std::string> arguments) {
  ProcessSpec spec;
  spec.argv = std::move(arguments);
  spec.argv.insert(spec.argv.begin(), helm_);
  if (!kubeconfig_.empty()) spec.env["KUBECONFIG"] = fs::absolute(kubeconfig_).string();
  if (!kube_context_.empty()) spec.env["HELM_KUBECONTEXT"] = kube_context_;
  // Neither the user's plugins nor caches are of use.
  spec.env["HELM_PLUGINS"] = directory_.path() + "/plugins";
  spec.timeout = kTimeout;
  auto output = co_await processes_->run(std::move(spec));
  if (!output) {
    if (output.error().code != Code::kNotFound) co_return std::unexpected(output.error());
    co_return fail(Code::kNotFound,
                   "no program helm: set NESTOR_HELM, or NESTOR_ASSETS to the "
                   "directory that `nestor up` uses");
  }
  if (output->exit_code == 0) co_return std::move(output->out);
  std::string words = addon::helm_message(output->err, directory_.path());
  co_return fail(about_values(words) ? Code::kInvalidArgument : Code::kFailedPrecondition,
                 std::move(words));
}

Task<std::vector<Json>> ClusterChart::render(std::string name, ValueSources sources) {
  NESTOR_CO_TRY(auto words, arguments(sources));
  words.insert(words.begin(), "template");
  words.insert(words.end(), {"--", name, directory_.path() + "/chart"});
  NESTOR_CO_TRY(const std::string text, co_await run(std::move(words)));
  NESTOR_CO_TRY(auto documents, parse_yaml_documents(text));
  std::erase_if(documents, [](const Json& document) { return document.is_null(); });
  co_return documents;
}

Task<> ClusterChart::apply(std::string name, ValueSources sources) {
  NESTOR_CO_TRY(auto words, arguments(sources));
  words.insert(words.begin(), {"upgrade", "--install", "--hide-notes"});
  words.emplace_back(sources.reuse ? "--reset-then-reuse-values" : "--reset-values");
  words.insert(words.end(), {"--", name, directory_.path() + "/chart"});
  NESTOR_CO_TRY_VOID(co_await run(std::move(words)));
  co_return Result<>{};
}

Task<> ClusterChart::forget_interrupted(kube::Client& client, Clock& clock, std::string name) {
  kube::ListOptions pending;
  pending.metadata_only = true;
  pending.label_selector =
      "owner=helm,status in (pending-install,pending-upgrade,pending-rollback),name=" + name;
  NESTOR_CO_TRY(const auto records,
                co_await client.list(api::core::Secret::kType, ns_, std::move(pending)));
  for (const Json& record : records.items) {
    NESTOR_CO_TRY(const WallTime since,
                  parse_rfc3339(find_string(record, {"metadata", "creationTimestamp"})));
    const auto age = clock.now() - since;
    // Ours is ended after that time.
    if (age < kTimeout) {
      co_return fail(Code::kFailedPrecondition,
                     "another command is changing cluster " + name +
                         "; if it was interrupted, try again in " +
                         human_duration(std::chrono::ceil<std::chrono::seconds>(kTimeout - age)));
    }
    kube::ObjectKey key{ns_, std::string(find_string(record, {"metadata", "name"}))};
    NESTOR_CO_TRY_VOID(co_await kube::ensure_deleted(client, api::core::Secret::kType, key));
  }
  co_return Result<>{};
}

Task<Json> ClusterChart::values(std::string name) {
  std::vector<std::string> words{"get",           "values", "--namespace=" + ns_,
                                 "--output=json", "--",     name};
  NESTOR_CO_TRY(const std::string text, co_await run(std::move(words)));
  NESTOR_CO_TRY(Json given, parse_json(text));
  if (!given.is_object()) given = JsonObject{};
  co_return given;
}

Task<bool> ClusterChart::exists(std::string name) {
  std::vector<std::string> words{
      "list", "--all", "--namespace=" + ns_, "--max=2", "--filter=^" + name + "$", "--output=json"};
  NESTOR_CO_TRY(const std::string text, co_await run(std::move(words)));
  NESTOR_CO_TRY(const Json list, parse_json(text));
  if (!list.is_array()) co_return false;
  for (const Json& release : list.get_array()) {
    if (find_string(release, {"name"}) == name && of_our_chart(find_string(release, {"chart"}))) {
      co_return true;
    }
  }
  co_return false;
}

Task<> ClusterChart::uninstall(std::string name) {
  std::vector<std::string> words{"uninstall", "--ignore-not-found", "--namespace=" + ns_, "--",
                                 name};
  NESTOR_CO_TRY_VOID(co_await run(std::move(words)));
  co_return Result<>{};
}

}  // namespace nestor::cli
