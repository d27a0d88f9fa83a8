#pragma once

#include <memory>
#include <string>

#include "base/memory_budget.hpp"

namespace nestor::kube {

/// How to reach and log in to an API server. From a kubeconfig or a pod's service account
/// (kube/kubeconfig.hpp).
struct ClientConfig {
  /// "https://host:port"
  std::string server;
  std::string ca_pem = {};
  std::string cert_pem = {};
  std::string key_pem = {};
  std::string token = {};
  /// Read again when the API server answers 401 (a pod's token rotates).
  std::string token_file = {};
  std::string tls_server_name = {};
  std::string proxy_url = {};
  bool insecure_skip_verify = false;
  /// The server is another's, who may send what he likes: an answer or an event of more than 4 MiB,
  /// or of more than 64 MiB in memory, is kResourceExhausted (an event: kInternal), and no error
  /// quotes what is no Status.
  bool foreign = false;
  /// What counts answers and events while they are read; may be null.
  std::shared_ptr<MemoryBudget> memory = {};
  /// The context's namespace, or "default".
  std::string default_namespace = "default";
};

}  // namespace nestor::kube
