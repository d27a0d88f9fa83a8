#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "kube/client.hpp"

namespace nestor::cli {

/// Exit code of a command that was given something wrong.
inline constexpr int kWrongUsage = 2;

/// Options that every command against the management cluster takes.
struct ConnectOptions {
  /// "": the first file of $KUBECONFIG that is there, else the kubeconfig that `nestor up` wrote.
  std::string kubeconfig = {};
  /// Of the kubeconfig. "": its current one.
  std::string context = {};
  std::string ns = {};
  std::string state_dir = "/var/lib/nestor";
};

/// What a command works with. Lifetime: the command's.
struct Context {
  Executor executor;
  Clock& clock;
  kube::Client& client;
  /// The file and the context in use ("": its current one), for programs we call.
  std::string kubeconfig;
  std::string kube_context;
  /// From --namespace, else from the kubeconfig.
  std::string ns;
  /// The proxy that reaches tenants' addresses, as `nestor up` noted it in the kubeconfig; "" where
  /// they are reached directly.
  std::string tenant_proxy_url;
  /// What a command that we advise must have to reach the same place: "", " -n team-a".
  std::string same_place;
};

using Command = std::function<Task<int>(Context&)>;

/// Connects, runs the command on an event loop and returns its exit code. An error is printed as
/// one message on standard error and gives its exit code. SIGINT ends the process as usual: a
/// command holds no state, and what it began goes on in the management cluster.
int run_command(const ConnectOptions& options, const Command& command);

/// Whether the API server has the kinds of Nestor. Errors: kFailedPrecondition where it has not,
/// with what to do; what else goes wrong is left to the command.
Task<> require_kinds(Context& context);

/// The command's result; its kNotFound is the error of require_kinds() where that has one.
Task<int> run_explained(Context& context, Command command);

/// --namespace, else the kubeconfig's; "default" where none can be read and none was named.
/// Errors: those of reading a kubeconfig.
Result<std::string> namespace_without_connection(const ConnectOptions& options);

/// The kubeconfig that is meant. Pure but for looking which files of $KUBECONFIG are there; where
/// none is, the variable itself.
std::string kubeconfig_path(const ConnectOptions& options);

/// The extension `nestor.dev` of a kubeconfig's cluster, which `nestor up` writes; "" without. That
/// of the named context, "" for the current one. Pure.
std::string tenant_proxy_url(const std::string& kubeconfig, std::string_view context);

/// The options to repeat, as of Context::same_place. Pure.
std::string same_place(const ConnectOptions& options, const std::string& default_ns);

/// What may help besides the error of a command with these options, "" for nothing. Pure but for
/// kubeconfig_path().
std::string hint_of(const Error& error, const ConnectOptions& options);

/// Prints "error: …", and the hint in a line of its own unless it is "". Returns the exit code:
/// kWrongUsage for kInvalidArgument, else 1.
int print_error(const Error& error, const std::string& hint = {});

}  // namespace nestor::cli
