#include "api/kubernetes_version.hpp"
#include "bootstrap/cloud_config.hpp"

namespace nestor::bootstrap {

namespace {

JsonObject object_at(const JsonObject& parent, std::string_view key) {
  const Json* value = parent.if_contains(key);
  return value != nullptr && value->is_object() ? value->get_object() : JsonObject{};
}

/// `timeouts.kubeletHealthCheckSeconds: 240` is kubeadm's `timeouts.kubeletHealthCheck: "240s"`.
JsonObject kubeadm_timeouts(const JsonObject& timeouts) {
  constexpr std::string_view kSuffix = "Seconds";
  JsonObject out;
  for (const auto& item : timeouts) {
    std::string_view name = item.key();
    if (!name.ends_with(kSuffix)) continue;
    name.remove_suffix(kSuffix.size());
    out[name] = to_text(item.value()) + "s";
  }
  return out;
}

/// v1beta3 has a map where v1beta4 has a list.
JsonObject arguments_as_map(const Json& list) {
  JsonObject out;
  if (!list.is_array()) return out;
  for (const Json& item : list.get_array()) {
    out[find_string(item, {"name"})] = find_string(item, {"value"});
  }
  return out;
}

void add_uninitialized_taint(JsonObject& registration) {
  JsonArray taints;
  if (const Json* given = registration.if_contains("taints"); given && given->is_array()) {
    taints = given->get_array();
  }
  for (const Json& taint : taints) {
    if (find_string(taint, {"key"}) == kUninitializedTaint) return;
  }
  taints.push_back(JsonObject{{"key", kUninitializedTaint}, {"effect", "NoSchedule"}});
  registration["taints"] = std::move(taints);
}

void add_external_cloud(JsonObject& registration) {
  constexpr std::string_view kArgument = "cloud-provider";
  JsonArray arguments;
  if (const Json* given = registration.if_contains("kubeletExtraArgs");
      given && given->is_array()) {
    arguments = given->get_array();
  }
  for (const Json& argument : arguments) {
    if (find_string(argument, {"name"}) == kArgument) return;
  }
  arguments.push_back(JsonObject{{"name", kArgument}, {"value", "external"}});
  registration["kubeletExtraArgs"] = std::move(arguments);
}

}  // namespace

Result<Json> join_configuration(const Json& spec, const JoinInput& input) {
  const auto version = api::parse_kubernetes_version(input.kubernetes_version);
  if (!version || version->major != 1 || version->minor < 22) {
    return fail(Code::kInvalidArgument,
                "Kubernetes version \"" + input.kubernetes_version + "\" cannot be joined");
  }
  const bool beta4 = version->minor >= 31;
  JsonObject join =
      spec.is_object() ? object_at(spec.get_object(), "joinConfiguration") : JsonObject{};
  join["apiVersion"] = beta4 ? "kubeadm.k8s.io/v1beta4" : "kubeadm.k8s.io/v1beta3";
  join["kind"] = "JoinConfiguration";

  JsonObject discovery = object_at(join, "discovery");
  if (!discovery.contains("file")) {
    JsonObject bootstrap_token = object_at(discovery, "bootstrapToken");
    bootstrap_token["apiServerEndpoint"] = input.api_server_endpoint;
    bootstrap_token["token"] = input.token;
    if (input.ca_cert_hash.empty()) {
      bootstrap_token["unsafeSkipCAVerification"] = true;
    } else {
      bootstrap_token["caCertHashes"] = JsonArray{Json(input.ca_cert_hash)};
    }
    discovery["bootstrapToken"] = std::move(bootstrap_token);
  }
  join["discovery"] = std::move(discovery);

  JsonObject registration = object_at(join, "nodeRegistration");
  add_uninitialized_taint(registration);
  if (input.external_cloud) add_external_cloud(registration);
  // kubeadm still takes a bare path, with a warning.
  if (const auto* socket = registration.if_contains("criSocket");
      socket != nullptr && socket->is_string() && socket->get_string().starts_with("/")) {
    registration["criSocket"] = "unix://" + std::string(socket->get_string());
  }
  if (const Json* arguments = registration.if_contains("kubeletExtraArgs"); arguments && !beta4) {
    registration["kubeletExtraArgs"] = arguments_as_map(*arguments);
  }
  join["nodeRegistration"] = std::move(registration);

  if (const JsonObject timeouts = object_at(join, "timeouts"); !timeouts.empty() && beta4) {
    join["timeouts"] = kubeadm_timeouts(timeouts);
  } else {
    join.erase("timeouts");
  }
  return join;
}

}  // namespace nestor::bootstrap
