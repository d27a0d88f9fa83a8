#include "kube/kubeconfig.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdlib>
#include <filesystem>

#include "base/base64.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "net/url.hpp"

namespace nestor::kube {

namespace {

/// Bytes of a kubeconfig, which is a few KiB.
constexpr std::size_t kMaxForeign = 256UL * 1024;
constexpr std::string_view kServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount/";

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
    text.pop_back();
  }
  return text;
}

std::string resolved(std::string_view path, std::string_view base_dir) {
  const std::filesystem::path given(path);
  if (given.is_absolute() || base_dir.empty()) return given.string();
  return (std::filesystem::path(base_dir) / given).string();
}

/// The file that `member` of a kubeconfig names. That it cannot be read is the kubeconfig's fault.
Result<std::string> file_of(const std::string& member, const std::string& path) {
  auto text = read_file(path);
  if (!text) return fail(Code::kInvalidArgument, member + ": " + text.error().message);
  return text;
}

/// `<member>-data` (base64) or the file that `<member>` names; "" when neither is there.
Result<std::string> pem_of(const Json& entry, const std::string& member,
                           std::string_view base_dir) {
  if (const auto data = find_string(entry, {member + "-data"}); !data.empty()) {
    auto pem = base64_decode(data);
    if (!pem) return with_context(std::move(pem).error(), member + "-data");
    return pem;
  }
  const auto path = find_string(entry, {member});
  if (path.empty()) return std::string();
  return file_of(member, resolved(path, base_dir));
}

/// The entry called `name` of the list `list_name`, under the key that holds its content.
Result<const Json*> named(const Json& config, const std::string& list_name,
                          const std::string& content, std::string_view name) {
  const Json* list = find(config, {list_name});
  if (list != nullptr && list->is_array()) {
    for (const Json& item : list->get_array()) {
      if (find_string(item, {"name"}) != name) continue;
      const Json* entry = find(item, {content});
      if (entry != nullptr && entry->is_object()) return entry;
    }
  }
  return fail(Code::kInvalidArgument,
              "kubeconfig has no entry \"" + std::string(name) + "\" in " + list_name);
}

Result<> read_cluster(const Json& cluster, std::string_view base_dir, ClientConfig& out) {
  out.server = find_string(cluster, {"server"});
  if (out.server.empty()) return fail(Code::kInvalidArgument, "kubeconfig: cluster has no server");
  NESTOR_TRY(out.ca_pem, pem_of(cluster, "certificate-authority", base_dir));
  out.tls_server_name = find_string(cluster, {"tls-server-name"});
  out.proxy_url = find_string(cluster, {"proxy-url"});
  const Json* insecure = find(cluster, {"insecure-skip-tls-verify"});
  out.insecure_skip_verify = insecure != nullptr && insecure->is_bool() && insecure->get_bool();
  return {};
}

Result<> read_user(const Json& user, std::string_view base_dir, ClientConfig& out) {
  for (const char* plugin : {"exec", "auth-provider"}) {
    if (find(user, {plugin}) != nullptr) {
      return fail(Code::kUnimplemented,
                  std::string("kubeconfig: the user logs in by \"") + plugin +
                      "\", which is not supported; use a certificate or a token");
    }
  }
  if (!find_string(user, {"username"}).empty()) {
    return fail(Code::kUnimplemented, "kubeconfig: passwords are not supported by Kubernetes");
  }
  NESTOR_TRY(out.cert_pem, pem_of(user, "client-certificate", base_dir));
  NESTOR_TRY(out.key_pem, pem_of(user, "client-key", base_dir));
  if (out.cert_pem.empty() != out.key_pem.empty()) {
    return fail(Code::kInvalidArgument,
                "kubeconfig: client certificate and key must be given together");
  }
  out.token = find_string(user, {"token"});
  if (const auto path = find_string(user, {"tokenFile"}); !path.empty()) {
    out.token_file = resolved(path, base_dir);
    NESTOR_TRY(std::string token, file_of("tokenFile", out.token_file));
    out.token = trimmed(std::move(token));
  }
  return {};
}

/// The context called `name`, the current one without a name.
Result<const Json*> context_of(const Json& config, std::string_view name) {
  if (!config.is_object()) return fail(Code::kInvalidArgument, "kubeconfig is not an object");
  if (name.empty()) name = find_string(config, {"current-context"});
  if (name.empty()) return fail(Code::kInvalidArgument, "kubeconfig has no current-context");
  return named(config, "contexts", "context", name);
}

Result<const Json*> cluster_of(const Json& config, const Json& context) {
  return named(config, "clusters", "cluster", find_string(context, {"cluster"}));
}

Result<ClientConfig> read_config(const Json& config, std::string_view context_name,
                                 std::string_view base_dir) {
  NESTOR_TRY(const Json* context, context_of(config, context_name));
  NESTOR_TRY(const Json* cluster, cluster_of(config, *context));
  ClientConfig out;
  if (const auto ns = find_string(*context, {"namespace"}); !ns.empty()) out.default_namespace = ns;
  NESTOR_TRY_VOID(read_cluster(*cluster, base_dir, out));
  if (const auto user_name = find_string(*context, {"user"}); !user_name.empty()) {
    NESTOR_TRY(const Json* user, named(config, "users", "user", user_name));
    NESTOR_TRY_VOID(read_user(*user, base_dir, out));
  }
  return out;
}

/// Of several documents the first.
Result<Json> read_text(std::string_view text) {
  auto documents = parse_yaml_documents(text);
  if (!documents) return with_context(std::move(documents).error(), "kubeconfig");
  return documents->empty() ? Json() : std::move(documents->front());
}

Result<> refuse_files(const Json& config, const char* list_name, const char* content,
                      std::initializer_list<std::string_view> members) {
  const Json* list = find(config, {list_name});
  if (list == nullptr || !list->is_array()) return {};
  for (const Json& item : list->get_array()) {
    for (const std::string_view member : members) {
      if (find(item, {content, member}) == nullptr) continue;
      return fail(Code::kInvalidArgument,
                  "kubeconfig names a file (" + std::string(member) + "); embed its content");
    }
  }
  return {};
}

JsonObject cluster_part(const ClientConfig& config) {
  JsonObject cluster;
  if (!config.ca_pem.empty()) cluster["certificate-authority-data"] = base64_encode(config.ca_pem);
  if (!config.proxy_url.empty()) cluster["proxy-url"] = config.proxy_url;
  cluster["server"] = config.server;
  if (!config.tls_server_name.empty()) cluster["tls-server-name"] = config.tls_server_name;
  return cluster;
}

JsonObject user_part(const ClientConfig& config) {
  JsonObject user;
  if (!config.cert_pem.empty()) user["client-certificate-data"] = base64_encode(config.cert_pem);
  if (!config.key_pem.empty()) user["client-key-data"] = base64_encode(config.key_pem);
  if (!config.token.empty()) user["token"] = config.token;
  return user;
}

}  // namespace

Result<ClientConfig> parse_kubeconfig(std::string_view text, std::string_view context,
                                      std::string_view base_dir) {
  NESTOR_TRY(const Json config, read_text(text));
  return read_config(config, context, base_dir);
}

Result<ClientConfig> parse_foreign_kubeconfig(std::string_view text) {
  const auto config = parse_plain_yaml(text, kMaxForeign);
  if (!config) return with_context(config.error(), "kubeconfig");
  NESTOR_TRY_VOID(refuse_files(*config, "clusters", "cluster", {"certificate-authority"}));
  NESTOR_TRY_VOID(
      refuse_files(*config, "users", "user", {"client-certificate", "client-key", "tokenFile"}));
  NESTOR_TRY(ClientConfig out, read_config(*config, {}, {}));
  const auto url = net::parse_url(out.server);
  if (!url || !url->tls()) {
    return fail(Code::kInvalidArgument, "kubeconfig: not an https address of a server");
  }
  out.foreign = true;
  return out;
}

Result<Json> kubeconfig_cluster(std::string_view text, std::string_view context) {
  NESTOR_TRY(const Json config, read_text(text));
  NESTOR_TRY(const Json* chosen, context_of(config, context));
  NESTOR_TRY(const Json* cluster, cluster_of(config, *chosen));
  return *cluster;
}

Result<ClientConfig> in_cluster_config() {
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port_text = std::getenv("KUBERNETES_SERVICE_PORT");
  const auto port = parse_number<std::uint16_t>(port_text == nullptr ? "" : port_text);
  if (host == nullptr || *host == '\0' || !port) {
    return fail(Code::kFailedPrecondition,
                "not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
  }
  const std::string dir(kServiceAccount);
  ClientConfig out;
  out.server = "https://" + net::authority(host, *port);
  out.token_file = dir + "token";
  const auto token = read_file(out.token_file);
  auto ca = read_file(dir + "ca.crt");
  if (!token || !ca) {
    return fail(Code::kFailedPrecondition, "the pod has no service account in " + dir);
  }
  out.token = trimmed(*token);
  out.ca_pem = std::move(*ca);
  if (const auto ns = read_file(dir + "namespace"); ns && !trimmed(*ns).empty()) {
    out.default_namespace = trimmed(*ns);
  }
  return out;
}

Result<ClientConfig> load_config(const std::string& path) {
  if (path.empty()) return in_cluster_config();
  const auto text = read_file(path);
  if (!text) return with_context(text.error(), "kubeconfig");
  return parse_kubeconfig(*text, {}, std::filesystem::path(path).parent_path().string());
}

std::string make_kubeconfig(const ClientConfig& config, const std::string& cluster_name,
                            const std::string& user_name) {
  const std::string context_name = user_name + "@" + cluster_name;
  JsonObject context{{"cluster", cluster_name}};
  if (config.default_namespace != "default") context["namespace"] = config.default_namespace;
  context["user"] = user_name;
  // The order in which kubeadm's files have it.
  const JsonObject text{
      {"apiVersion", "v1"},
      {"clusters",
       JsonArray{JsonObject{{"cluster", cluster_part(config)}, {"name", cluster_name}}}},
      {"contexts", JsonArray{JsonObject{{"context", std::move(context)}, {"name", context_name}}}},
      {"current-context", context_name},
      {"kind", "Config"},
      {"users", JsonArray{JsonObject{{"name", user_name}, {"user", user_part(config)}}}},
  };
  return to_yaml(text);
}

}  // namespace nestor::kube
