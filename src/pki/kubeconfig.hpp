#pragma once

#include <string>

#include "base/result.hpp"

namespace nestor::pki {

/// What a kubeconfig with one cluster and one user says. Holds secrets.
struct KubeconfigSpec {
  std::string cluster_name = "kubernetes";
  /// "https://host:port"
  std::string server = {};
  /// PEM; embedded.
  std::string ca_pem = {};
  std::string user_name = "kubernetes-admin";
  /// Either a certificate with key (PEM, embedded) or a token.
  std::string cert_pem = {};
  std::string key_pem = {};
  std::string token = {};
  /// Default namespace of the context; "" for none.
  std::string namespace_ = {};
  std::string proxy_url = {};
  /// Name the server's certificate is checked against, when `server` is an address it lacks.
  std::string tls_server_name = {};
};

/// The kubeconfig as YAML. The context is "<user>@<cluster>", as kubeadm names it.
std::string make_kubeconfig(const KubeconfigSpec& spec);

/// The parts of the current context of a kubeconfig with embedded data. The text may be others':
/// more than 256 KiB, several documents and aliases are refused. Errors: kInvalidArgument.
Result<KubeconfigSpec> read_kubeconfig(const std::string& text);

}  // namespace nestor::pki
