#include "pki/kubeconfig.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/base64.hpp"
#include "base/json.hpp"
#include "pki/pki.hpp"

namespace nestor::pki {
namespace {

/// Bytes of a kubeconfig, which is a few KiB.
constexpr std::size_t kMaxSize = 256UL * 1024;

JsonObject cluster_part(const KubeconfigSpec& spec) {
  JsonObject cluster;
  if (!spec.ca_pem.empty()) cluster["certificate-authority-data"] = base64_encode(spec.ca_pem);
  if (!spec.proxy_url.empty()) cluster["proxy-url"] = spec.proxy_url;
  cluster["server"] = spec.server;
  if (!spec.tls_server_name.empty()) cluster["tls-server-name"] = spec.tls_server_name;
  return cluster;
}

JsonObject user_part(const KubeconfigSpec& spec) {
  JsonObject user;
  if (!spec.cert_pem.empty()) user["client-certificate-data"] = base64_encode(spec.cert_pem);
  if (!spec.key_pem.empty()) user["client-key-data"] = base64_encode(spec.key_pem);
  if (!spec.token.empty()) user["token"] = spec.token;
  return user;
}

/// The part called `name` in the list `list`, e.g. ("users", "user", "admin"); an empty object if
/// there is none.
Json named_part(const Json& config, std::string_view list, std::string_view member,
                std::string_view name) {
  const Json* entries = find(config, {list});
  if (entries == nullptr || !entries->is_array()) return JsonObject{};
  for (const Json& entry : entries->get_array()) {
    if (find_string(entry, {"name"}) != name) continue;
    const Json* part = find(entry, {member});
    if (part != nullptr) return *part;
  }
  return JsonObject{};
}

Result<std::string> embedded(const Json& part, std::string_view member) {
  auto text = base64_decode(find_string(part, {member}));
  if (!text) return with_context(std::move(text).error(), member);
  return text;
}

}  // namespace

std::string make_kubeconfig(const KubeconfigSpec& spec) {
  const std::string context_name = spec.user_name + "@" + spec.cluster_name;
  JsonObject context{{"cluster", spec.cluster_name}};
  if (!spec.namespace_.empty()) context["namespace"] = spec.namespace_;
  context["user"] = spec.user_name;
  // The order in which kubeadm's files have it.
  const JsonObject config{
      {"apiVersion", "v1"},
      {"clusters",
       JsonArray{JsonObject{{"cluster", cluster_part(spec)}, {"name", spec.cluster_name}}}},
      {"contexts", JsonArray{JsonObject{{"context", std::move(context)}, {"name", context_name}}}},
      {"current-context", context_name},
      {"kind", "Config"},
      {"users", JsonArray{JsonObject{{"name", spec.user_name}, {"user", user_part(spec)}}}},
  };
  return to_yaml(config);
}

Result<KubeconfigSpec> read_kubeconfig(const std::string& text) {
  NESTOR_TRY(const Json config, parse_plain_yaml(text, kMaxSize));
  const Json context =
      named_part(config, "contexts", "context", find_string(config, {"current-context"}));
  KubeconfigSpec spec;
  spec.cluster_name = find_string(context, {"cluster"});
  spec.user_name = find_string(context, {"user"});
  spec.namespace_ = find_string(context, {"namespace"});
  const Json cluster = named_part(config, "clusters", "cluster", spec.cluster_name);
  const Json user = named_part(config, "users", "user", spec.user_name);
  spec.server = find_string(cluster, {"server"});
  if (spec.server.empty()) {
    return fail(Code::kInvalidArgument, "the current context of the kubeconfig has no server");
  }
  spec.proxy_url = find_string(cluster, {"proxy-url"});
  spec.tls_server_name = find_string(cluster, {"tls-server-name"});
  spec.token = find_string(user, {"token"});
  NESTOR_TRY(spec.ca_pem, embedded(cluster, "certificate-authority-data"));
  NESTOR_TRY(spec.cert_pem, embedded(user, "client-certificate-data"));
  NESTOR_TRY(spec.key_pem, embedded(user, "client-key-data"));
  return spec;
}

}  // namespace nestor::pki
