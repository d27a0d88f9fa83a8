#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"
#include "kube/client_config.hpp"

/// Where a ClientConfig comes from, and how it is handed on.
namespace nestor::kube {

/// Reads a kubeconfig (YAML or JSON; inline data or files relative to `base_dir`); `context` ""
/// takes the current one. Errors: kInvalidArgument naming what is wrong; exec and auth plugins are
/// kUnimplemented.
Result<ClientConfig> parse_kubeconfig(std::string_view text, std::string_view context = {},
                                      std::string_view base_dir = {});

/// parse_kubeconfig() for a text that comes from others, as a tenant's Secret does: keys,
/// certificates and tokens must be in it. A file it names would be one of ours, and its content
/// would go to a server that the text names too. Aliases, which make much of little, several
/// documents, more than 256 KiB and another server's address than https are refused. The client is
/// `foreign`.
/// Errors: kInvalidArgument, kUnimplemented, as there.
Result<ClientConfig> parse_foreign_kubeconfig(std::string_view text);

/// The service account that Kubernetes mounts into pods. Errors: kFailedPrecondition outside a pod.
Result<ClientConfig> in_cluster_config();

/// The current context of the kubeconfig at `path`, which may name files relative to itself;
/// in_cluster_config() without a path. Errors: also those of read_file().
Result<ClientConfig> load_config(const std::string& path);

/// The cluster of a context of a kubeconfig as it stands there, for what ClientConfig has not.
/// Errors: kInvalidArgument.
Result<Json> kubeconfig_cluster(std::string_view text, std::string_view context = {});

/// A kubeconfig (YAML) that says `config`, with everything embedded; a namespace "default" is left
/// out, and so is `insecure_skip_verify`. The context is "<user>@<cluster>", as kubeadm names it.
std::string make_kubeconfig(const ClientConfig& config,
                            const std::string& cluster_name = "kubernetes",
                            const std::string& user_name = "kubernetes-admin");

}  // namespace nestor::kube
