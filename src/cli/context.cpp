#include "cli/context.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/run.hpp"
#include "cli/kinds.hpp"
#include "kube/kubeconfig.hpp"

namespace nestor::cli {
namespace {

struct Kubeconfig {
  std::string path;
  kube::ClientConfig config;
  std::string tenant_proxy_url;
};

Result<Kubeconfig> load_kubeconfig(const ConnectOptions& options) {
  const std::string path = kubeconfig_path(options);
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
  auto config = kube::parse_kubeconfig(text, options.context,
                                       std::filesystem::path(path).parent_path().string());
  if (!config) return with_context(std::move(config).error(), path);
  return Kubeconfig{path, std::move(*config), tenant_proxy_url(text, options.context)};
}

/// The one that `nestor up` writes.
std::string own_kubeconfig(const ConnectOptions& options) {
  return options.state_dir + "/admin.kubeconfig";
}

}  // namespace

std::string kubeconfig_path(const ConnectOptions& options) {
  if (!options.kubeconfig.empty()) return options.kubeconfig;
  const char* variable = std::getenv("KUBECONFIG");
  const std::string files = variable == nullptr ? "" : variable;
  if (files.empty()) return own_kubeconfig(options);
  // kubectl merges the files of the list; one is enough to know a management cluster.
  std::error_code error;
  for (std::size_t at = 0; at <= files.size();) {
    const std::size_t end = std::min(files.find(':', at), files.size());
    const std::string path = files.substr(at, end - at);
    if (!path.empty() && std::filesystem::exists(path, error)) return path;
    at = end + 1;
  }
  return files;
}

std::string tenant_proxy_url(const std::string& kubeconfig, std::string_view context) {
  const auto cluster = kube::kubeconfig_cluster(kubeconfig, context);
  if (!cluster) return {};
  const Json* extensions = find(*cluster, {"extensions"});
  if (extensions == nullptr || !extensions->is_array()) return {};
  for (const Json& one : extensions->get_array()) {
    if (find_string(one, {"name"}) == "nestor.dev") {
      return std::string(find_string(one, {"extension", "tenant-proxy-url"}));
    }
  }
  return {};
}

std::string same_place(const ConnectOptions& options, const std::string& default_ns) {
  std::string out;
  if (!options.kubeconfig.empty()) out += " --kubeconfig " + options.kubeconfig;
  if (options.state_dir != ConnectOptions{}.state_dir) out += " --state-dir " + options.state_dir;
  if (!options.context.empty()) out += " --context " + options.context;
  if (!options.ns.empty() && options.ns != default_ns) out += " -n " + options.ns;
  return out;
}

Result<std::string> namespace_without_connection(const ConnectOptions& options) {
  if (!options.ns.empty()) return options.ns;
  const auto kubeconfig = load_kubeconfig(options);
  if (kubeconfig) return kubeconfig->config.default_namespace;
  const bool named = !options.kubeconfig.empty() || !options.context.empty();
  if (named || kubeconfig.error().code != Code::kFailedPrecondition) {
    return std::unexpected(kubeconfig.error());
  }
  return std::string("default");
}

std::string hint_of(const Error& error, const ConnectOptions& options) {
  if (error.code == Code::kUnauthenticated || error.code == Code::kPermissionDenied) {
    return "The kubeconfig's user may not do this; name another with --kubeconfig.";
  }
  if (error.code != Code::kUnavailable) return {};
  const std::string path = kubeconfig_path(options);
  if (path != own_kubeconfig(options)) {
    return "Is the cluster of " + path + " up, and reachable from here?";
  }
  const bool usual = options.state_dir == ConnectOptions{}.state_dir;
  return "Is the management cluster up? `nestor status" +
         (usual ? "" : " --state-dir " + options.state_dir) + "` tells.";
}

int print_error(const Error& error, const std::string& hint) {
  std::fprintf(stderr, "error: %s\n", error.message.c_str());
  if (!hint.empty()) std::fprintf(stderr, "%s\n", hint.c_str());
  return error.code == Code::kInvalidArgument ? kWrongUsage : 1;
}

Task<> require_kinds(Context& context) {
  kube::ListOptions names;
  names.metadata_only = true;
  const auto clusters = co_await context.client.list(kCluster, context.ns, std::move(names));
  if (clusters || clusters.error().code != Code::kNotFound) co_return Result<>{};
  co_return fail(Code::kFailedPrecondition,
                 "the cluster of " + context.kubeconfig +
                     " has no kinds of Nestor. Is that a tenant's kubeconfig? Name the management "
                     "cluster's with --kubeconfig, or unset KUBECONFIG. How to install Nestor in a "
                     "cluster: docs/how-to/own-cluster.md");
}

Task<int> run_explained(Context& context, Command command) {
  auto result = co_await command(context);
  if (!result && result.error().code == Code::kNotFound) {
    NESTOR_CO_TRY_VOID(co_await require_kinds(context));
  }
  co_return result;
}

int run_command(const ConnectOptions& options, const Command& command) {
  auto kubeconfig = load_kubeconfig(options);
  if (!kubeconfig) return print_error(kubeconfig.error());
  asio::io_context io(1);
  SystemClock clock(io.get_executor());
  const std::string ns = options.ns.empty() ? kubeconfig->config.default_namespace : options.ns;
  auto client = kube::make_client(io.get_executor(), kubeconfig->config);
  if (!client) return print_error(client.error());

  Context context{io.get_executor(),
                  clock,
                  **client,
                  kubeconfig->path,
                  options.context,
                  ns,
                  kubeconfig->tenant_proxy_url,
                  same_place(options, kubeconfig->config.default_namespace)};
  const auto result = run_to_end(io, run_explained(context, command));
  return result ? *result : print_error(result.error(), hint_of(result.error(), options));
}

}  // namespace nestor::cli
