#pragma once

#include "cluster/context.hpp"
#include "cluster/drain.hpp"
#include "cluster/machine_logic.hpp"

namespace nestor::cluster {

/// Follows a Machine from bootstrap data over infrastructure to its Node, and back.
class MachineController {
 public:
  explicit MachineController(Context& context) : context_(context) {}
  void add();
  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key);

 private:
  using MachinePtr = kube::Informer<api::cluster::Machine>::Ptr;
  using ClusterPtr = kube::Informer<api::cluster::Cluster>::Ptr;
  using SessionPtr = std::shared_ptr<tenant::Session>;
  /// What one pass of a deletion found.
  struct Deletion {
    MachineDeleteView view;
    SessionPtr session;
    std::optional<api::core::Node> node;
  };
  Task<kube::ReconcileResult> reconcile_normal(MachinePtr machine, ClusterPtr cluster);
  Task<kube::ReconcileResult> reconcile_delete(MachinePtr machine, ClusterPtr cluster);
  /// Fills in the session and the Node; `deletion` outlives the call.
  Task<> look_into_tenant(MachinePtr machine, ClusterPtr cluster, Deletion& deletion);
  Task<> do_delete_step(MachineDeleteStep step, std::optional<Referenced> infra,
                        std::optional<Referenced> bootstrap, SessionPtr session, std::string node);
  /// Finalizer, label and (without other owner) the Cluster as owner; whether it wrote.
  Task<bool> ensure_metadata(MachinePtr machine, ClusterPtr cluster);
  /// Of the Machine, as the tenant has it now; nothing when it is not there.
  Task<std::optional<api::core::Node>> read_node(SessionPtr session, MachinePtr machine);
  void add_indexes();
  void watch_references(kube::Controller& controller);
  std::vector<kube::ObjectKey> machines_at(std::string index, std::string value);

  Context& context_;
};

}  // namespace nestor::cluster
