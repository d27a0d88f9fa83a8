#pragma once

#include <memory>
#include <optional>
#include <string>

#include "api/bootstrap/kubeadm_config.hpp"
#include "api/cluster/cluster.hpp"
#include "api/cluster/machine.hpp"
#include "bootstrap/cloud_config.hpp"
#include "kube/runtime.hpp"
#include "tenant/sessions.hpp"

namespace nestor::bootstrap {

/// Makes the bootstrap Secret of each KubeadmConfig that belongs to a Machine, once the tenant's
/// control plane answers, and keeps its token alive until the Machine has joined; and again for a
/// while when it was started anew.
///
/// Order of writing, so that a crash anywhere heals: the token goes into the KubeadmConfig's spec
/// first, then into the tenant, then the bootstrap Secret is made from the spec, then the status.
class KubeadmConfigController {
 public:
  KubeadmConfigController(kube::Runtime& runtime, tenant::Sessions& sessions)
      : runtime_(runtime), sessions_(sessions) {}
  void add();
  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key);

 private:
  using ConfigPtr = std::shared_ptr<const api::bootstrap::KubeadmConfig>;
  using MachinePtr = std::shared_ptr<const api::cluster::Machine>;
  using ClusterPtr = std::shared_ptr<const api::cluster::Cluster>;

  MachinePtr owner_of(const api::bootstrap::KubeadmConfig& config);
  /// Says why there is no data yet.
  Task<> wait_for(ConfigPtr config, std::string reason, std::string message);
  Task<kube::ReconcileResult> provide(ConfigPtr config, MachinePtr machine, ClusterPtr cluster);
  /// The config's token, chosen and stored when it has none; true when it was just stored.
  Task<bool> ensure_token_chosen(ConfigPtr config);
  Task<> ensure_token_accepted(std::shared_ptr<tenant::Session> session, std::string token);
  Task<> write_secret(ConfigPtr config, MachinePtr machine, ClusterPtr cluster);
  /// The config's spec with files[].contentFrom and users[].passwdFrom read in.
  Task<Json> resolved_spec(ConfigPtr config);
  Task<std::string> secret_key(std::string ns, api::bootstrap::SecretSource source);
  Task<std::string> ca_hash(ClusterPtr cluster);
  Task<> mark_provided(ConfigPtr config, std::string secret);

  kube::Runtime& runtime_;
  tenant::Sessions& sessions_;
};

}  // namespace nestor::bootstrap
