#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/base64.hpp"
#include "kube/client.hpp"

namespace nestor::kube {

namespace {

constexpr std::string_view kServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount/";

Result<std::string> read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Code::kInvalidArgument, "cannot read " + path.string());
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

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
  auto pem = read_file(resolved(path, base_dir));
  if (!pem) return with_context(std::move(pem).error(), member);
  return pem;
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
    auto token = read_file(out.token_file);
    if (!token) return with_context(std::move(token).error(), "tokenFile");
    out.token = trimmed(std::move(*token));
  }
  return {};
}

}  // namespace

Result<ClientConfig> parse_kubeconfig(std::string_view text, std::string_view context,
                                      std::string_view base_dir) {
  auto documents = parse_yaml_documents(text);
  if (!documents) return with_context(std::move(documents).error(), "kubeconfig");
  if (documents->empty() || !documents->front().is_object()) {
    return fail(Code::kInvalidArgument, "kubeconfig is not an object");
  }
  const Json& config = documents->front();
  const std::string context_name(context.empty() ? find_string(config, {"current-context"})
                                                 : context);
  if (context_name.empty()) {
    return fail(Code::kInvalidArgument, "kubeconfig has no current-context");
  }
  NESTOR_TRY(const Json* chosen, named(config, "contexts", "context", context_name));
  NESTOR_TRY(const Json* cluster,
             named(config, "clusters", "cluster", find_string(*chosen, {"cluster"})));
  ClientConfig out;
  if (const auto ns = find_string(*chosen, {"namespace"}); !ns.empty()) out.default_namespace = ns;
  NESTOR_TRY_VOID(read_cluster(*cluster, base_dir, out));
  if (const auto user_name = find_string(*chosen, {"user"}); !user_name.empty()) {
    NESTOR_TRY(const Json* user, named(config, "users", "user", user_name));
    NESTOR_TRY_VOID(read_user(*user, base_dir, out));
  }
  return out;
}

Result<ClientConfig> in_cluster_config() {
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || port == nullptr || *host == '\0' || *port == '\0') {
    return fail(Code::kFailedPrecondition,
                "not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
  }
  const std::string dir(kServiceAccount);
  ClientConfig out;
  const std::string_view address(host);
  out.server = "https://";
  out.server += address.find(':') == std::string_view::npos ? std::string(address)
                                                            : "[" + std::string(address) + "]";
  out.server += ":" + std::string(port);
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

}  // namespace nestor::kube
