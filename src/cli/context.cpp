#include "cli/context.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/run.hpp"

namespace nestor::cli {
namespace {

struct Kubeconfig {
  std::string path;
  kube::ClientConfig config;
  std::string tenant_proxy_url;
};

/// The extension `nestor.dev` of the kubeconfig's first cluster, which `nestor up` writes.
std::string tenant_proxy_url(const std::string& text) {
  auto documents = parse_yaml_documents(text);
  if (!documents || documents->empty()) return {};
  const Json* clusters = find(documents->front(), {"clusters"});
  if (clusters == nullptr || !clusters->is_array() || clusters->get_array().empty()) return {};
  const Json* extensions = find(clusters->get_array()[0], {"cluster", "extensions"});
  if (extensions == nullptr || !extensions->is_array()) return {};
  for (const Json& one : extensions->get_array()) {
    if (find_string(one, {"name"}) == "nestor.dev") {
      return std::string(find_string(one, {"extension", "tenant-proxy-url"}));
    }
  }
  return {};
}

Result<Kubeconfig> load_kubeconfig(const ConnectOptions& options) {
  std::string path = options.kubeconfig;
  if (path.empty()) {
    const char* variable = std::getenv("KUBECONFIG");
    path = variable != nullptr && *variable != '\0' ? variable
                                                    : options.state_dir + "/admin.kubeconfig";
  }
  std::ifstream file(path);
  if (!file && errno == EACCES) {
    return fail(Code::kFailedPrecondition,
                path + " is not yours to read: use sudo, or name a kubeconfig with --kubeconfig");
  }
  if (!file) {
    return fail(Code::kFailedPrecondition,
                "no management cluster: cannot read " + path +
                    "; start one with `nestor up`, or name a kubeconfig with --kubeconfig");
  }
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto config =
      kube::parse_kubeconfig(text, {}, std::filesystem::path(path).parent_path().string());
  if (!config) return with_context(std::move(config).error(), path);
  return Kubeconfig{path, std::move(*config), tenant_proxy_url(text)};
}

}  // namespace

int print_error(const Error& error) {
  std::string hint;
  if (error.code == Code::kUnavailable) {
    hint = "\nIs the management cluster up? `nestor status` tells.";
  } else if (error.code == Code::kUnauthenticated || error.code == Code::kPermissionDenied) {
    hint = "\nThe kubeconfig's user may not do this; name another with --kubeconfig.";
  }
  std::fprintf(stderr, "error: %s%s\n", error.message.c_str(), hint.c_str());
  return error.code == Code::kInvalidArgument ? kWrongUsage : 1;
}

int run_command(const ConnectOptions& options, const Command& command) {
  auto kubeconfig = load_kubeconfig(options);
  if (!kubeconfig) return print_error(kubeconfig.error());
  asio::io_context io(1);
  SystemClock clock(io.get_executor());
  const std::string ns = options.ns.empty() ? kubeconfig->config.default_namespace : options.ns;
  auto client = kube::make_client(io.get_executor(), kubeconfig->config);
  if (!client) return print_error(client.error());

  Context context{io.get_executor(), clock, **client,
                  kubeconfig->path,  ns,    kubeconfig->tenant_proxy_url};
  const auto result = run_to_end(io, command(context));
  return result ? *result : print_error(result.error());
}

}  // namespace nestor::cli
