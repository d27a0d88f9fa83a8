#include "controlplane/konnectivity.hpp"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/core/config_map.hpp"
#include "controlplane/names.hpp"

namespace nestor::controlplane {
namespace {

using api::core::ConfigMap;
using api::core::Secret;

/// The release of upstream's tunnel that belongs to a Kubernetes version.
std::string upstream_version(const std::string& wanted, const Settings& settings) {
  return wanted.empty() ? "v0." + std::to_string(settings.minor) + ".0" : wanted;
}

TunnelProgram program(const std::string& image, const std::string& version, const char* role,
                      const char* upstream_command, const Settings& settings) {
  if (image.empty()) return {settings.image, {"/usr/local/bin/nestor", role}};
  return {image + ":" + upstream_version(version, settings), {upstream_command}};
}

/// What lets the API server itself dial something beside etcd, at an address that only who writes
/// the control plane's spec can choose.
constexpr std::array<std::string_view, 7> kOwnCalls{"--audit-webhook-config-file",
                                                    "--authentication-config",
                                                    "--authentication-token-webhook-config-file",
                                                    "--authorization-config",
                                                    "--authorization-webhook-config-file",
                                                    "--peer-ca-file",
                                                    "--tracing-config-file"};

bool makes_own_calls(const TenantControlPlane& tcp) {
  const auto& arguments = tcp.spec.controlPlane.deployment.extraArgs.apiServer;
  return std::ranges::any_of(arguments, [](const std::string& argument) {
    const std::string_view flag = std::string_view(argument).substr(0, argument.find('='));
    return std::ranges::find(kOwnCalls, flag) != kOwnCalls.end();
  });
}

Task<> remove_konnectivity(Work& work) {
  if (!work.tcp.status.addons.konnectivity) co_return Result<>();
  kube::Client& client = work.runtime.client();
  const std::string& ns = work.settings.ns;
  const kube::ObjectKey config{ns, egress_config_name(work.settings.name)};
  NESTOR_CO_TRY_VOID(co_await kube::ensure_deleted(client, ConfigMap::kType, config));
  const kube::ObjectKey kubeconfig{ns, konnectivity_kubeconfig_name(work.settings.name)};
  NESTOR_CO_TRY_VOID(co_await kube::ensure_deleted(client, Secret::kType, kubeconfig));
  work.tcp.status.addons.konnectivity.reset();
  co_return Result<>();
}

api::kamaji::KonnectivityStatus& status_of(Work& work) {
  auto& status = work.tcp.status.addons.konnectivity;
  if (!status) status.emplace();
  return *status;
}

}  // namespace

std::string egress_configuration(const TenantControlPlane& tcp) {
  JsonObject uds{{"udsName", std::string(kTunnelFolder) + "/konnectivity-server.socket"}};
  const JsonObject connection{{"proxyProtocol", "GRPC"},
                              {"transport", JsonObject{{"uds", std::move(uds)}}}};
  JsonArray selections{JsonObject{{"name", "cluster"}, {"connection", connection}}};
  if (!makes_own_calls(tcp)) {
    selections.push_back(JsonObject{{"name", "controlplane"}, {"connection", connection}});
  }
  return to_yaml(JsonObject{{"apiVersion", "apiserver.k8s.io/v1beta1"},
                            {"kind", "EgressSelectorConfiguration"},
                            {"egressSelections", std::move(selections)}});
}

TunnelProgram tunnel_server_program(const api::kamaji::KonnectivityServer& server,
                                    const Settings& settings) {
  return program(server.image, server.version, "konnectivity-server", "/proxy-server", settings);
}

TunnelProgram tunnel_agent_program(const api::kamaji::KonnectivityAgent& agent,
                                   const Settings& settings) {
  return program(agent.image, agent.version, "konnectivity-agent", "/proxy-agent", settings);
}

api::kamaji::SecretStatus& konnectivity_kubeconfig_status(Work& work) {
  auto& kubeconfig = status_of(work).kubeconfig;
  if (!kubeconfig) kubeconfig.emplace();
  return *kubeconfig;
}

Task<> ensure_konnectivity(Work& work) {
  if (!work.tcp.spec.addons.konnectivity) co_return co_await remove_konnectivity(work);
  const std::string name = egress_config_name(work.settings.name);
  std::map<std::string, std::string> data{
      {std::string(kEgressFile), egress_configuration(work.tcp)}};
  NESTOR_CO_TRY(const std::string sum,
                co_await ensure_config_map(work, name, "konnectivity-egress-selector-configuration",
                                           std::move(data)));
  auto& status = status_of(work);
  status.enabled = true;
  status.configMap = api::kamaji::KonnectivityConfigMapStatus{name, sum};
  api::kamaji::ServiceStatus service;
  if (const auto& own = work.tcp.status.kubernetesResources.service) service = *own;
  service.port = work.tcp.spec.addons.konnectivity->server.port;
  status.service = std::move(service);
  co_return Result<>();
}

}  // namespace nestor::controlplane
