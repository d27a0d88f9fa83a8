#pragma once

#include <functional>
#include <string>

#include "base/clock.hpp"
#include "kube/client.hpp"

namespace nestor::cli {

/// Exit code of a command that was given something wrong.
inline constexpr int kWrongUsage = 2;

/// Options that every command against the management cluster takes.
struct ConnectOptions {
  /// "": $KUBECONFIG, else the kubeconfig that `nestor up` wrote.
  std::string kubeconfig = {};
  std::string ns = {};
  std::string state_dir = "/var/lib/nestor";
};

/// What a command works with. Lifetime: the command's.
struct Context {
  Executor executor;
  Clock& clock;
  kube::Client& client;
  /// The file in use, for programs we call.
  std::string kubeconfig;
  /// From --namespace, else from the kubeconfig.
  std::string ns;
  /// The proxy that reaches tenants' addresses, as `nestor up` noted it in the kubeconfig; "" where
  /// they are reached directly.
  std::string tenant_proxy_url;
};

using Command = std::function<Task<int>(Context&)>;

/// Connects, runs the command on an event loop and returns its exit code. An error is printed as
/// one message on standard error and gives its exit code. SIGINT ends the process as usual: a
/// command holds no state, and what it began goes on in the management cluster.
int run_command(const ConnectOptions& options, const Command& command);

/// Prints "error: …" with a hint where one helps. Returns the exit code: kWrongUsage for
/// kInvalidArgument, else 1.
int print_error(const Error& error);

}  // namespace nestor::cli
