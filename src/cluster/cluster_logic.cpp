#include "cluster/cluster_logic.hpp"

#include "base/json_convert.hpp"
#include "cluster/contract.hpp"
#include "cluster/kinds.hpp"

namespace nestor::cluster {

namespace {

using api::cluster::Cluster;
using kube::Condition;

void observe_provisioning(const ClusterView& view, Cluster& cluster) {
  auto& done = cluster.status.initialization;
  // Once true these stay: an infrastructure object that falters does not unmake the cluster.
  if (cluster.spec.infrastructureRef.empty() ||
      (view.infrastructure && is_provisioned(*view.infrastructure))) {
    done.infrastructureProvisioned = true;
  }
  if (view.control_plane && is_control_plane_initialized(*view.control_plane)) {
    done.controlPlaneInitialized = true;
  }
  if (cluster.spec.controlPlaneEndpoint.valid()) return;
  std::optional<api::cluster::Endpoint> endpoint;
  if (view.infrastructure && is_provisioned(*view.infrastructure)) {
    endpoint = control_plane_endpoint(*view.infrastructure);
  }
  if (!endpoint && view.control_plane) endpoint = control_plane_endpoint(*view.control_plane);
  if (endpoint) cluster.spec.controlPlaneEndpoint = *endpoint;
}

Condition infrastructure_ready(const ClusterView& view) {
  if (view.cluster.spec.infrastructureRef.empty()) {
    return kube::make_condition("InfrastructureReady", true, "Ready");
  }
  if (!view.infrastructure) {
    return kube::make_condition(
        "InfrastructureReady", false, "DoesNotExist",
        absence_of(view.cluster.spec.infrastructureRef, view.infrastructure_known));
  }
  return mirror(*view.infrastructure, "Ready", "InfrastructureReady",
                is_provisioned(*view.infrastructure));
}

Condition control_plane_available(const ClusterView& view) {
  if (!view.control_plane) {
    return kube::make_condition(
        "ControlPlaneAvailable", false, "DoesNotExist",
        absence_of(view.cluster.spec.controlPlaneRef, view.control_plane_known));
  }
  const Json* ready = find(*view.control_plane, {"status", "ready"});
  const bool fallback = ready != nullptr && ready->is_bool()
                            ? ready->get_bool()
                            : is_control_plane_initialized(*view.control_plane);
  return mirror(*view.control_plane, "Available", "ControlPlaneAvailable", fallback);
}

Condition workers_available(const ClusterView& view) {
  if (view.deployments.empty()) return kube::make_condition("WorkersAvailable", true, "NoWorkers");
  std::string message;
  for (const auto& deployment : view.deployments) {
    if (kube::condition_true(deployment.status.conditions, "Available")) continue;
    if (!message.empty()) message += "; ";
    message += "MachineDeployment " + deployment.metadata.name + " is not available";
  }
  return kube::make_condition("WorkersAvailable", message.empty(),
                              message.empty() ? "Available" : "NotAvailable", message);
}

Condition deleting(const Cluster& cluster) {
  if (!cluster.metadata.deleting()) return kube::make_condition("Deleting", false, "NotDeleting");
  // The controller replaces the reason as it goes.
  if (const auto* now = kube::find_condition(cluster.status.conditions, "Deleting");
      now != nullptr && now->status == "True") {
    return *now;
  }
  return kube::make_condition("Deleting", true, deleting_reason(DeleteStep::kWorkers));
}

Condition available(const Cluster& cluster) {
  std::string message;
  const auto need = [&](std::string_view type, bool wanted) {
    const auto* one = kube::find_condition(cluster.status.conditions, type);
    if (one != nullptr && (one->status == "True") == wanted) return;
    if (!message.empty()) message += "; ";
    message += std::string(type) + (one == nullptr || one->message.empty()
                                        ? std::string(" is not as it should be")
                                        : ": " + one->message);
  };
  need("Deleting", false);
  need("InfrastructureReady", true);
  need("ControlPlaneAvailable", true);
  need("RemoteConnectionProbe", true);
  need("WorkersAvailable", true);
  return kube::make_condition("Available", message.empty(),
                              message.empty() ? "Available" : "NotAvailable", message);
}

void observe_conditions(const ClusterView& view, Cluster& cluster) {
  const auto set = [&](Condition one) {
    one.observedGeneration = cluster.metadata.generation;
    kube::set_condition(cluster.status.conditions, std::move(one), view.now);
  };
  set(infrastructure_ready(view));
  const bool initialized = cluster.status.initialization.controlPlaneInitialized.value_or(false);
  set(kube::make_condition("ControlPlaneInitialized", initialized,
                           initialized ? "Initialized" : "NotInitialized"));
  set(control_plane_available(view));
  set(kube::make_condition("RemoteConnectionProbe", view.remote_connected,
                           view.remote_connected ? "ProbeSucceeded" : "ProbeFailed",
                           view.remote_message));
  set(workers_available(view));
  set(deleting(cluster));
  set(kube::make_condition("Paused", false, "NotPaused"));
  set(available(cluster));
}

void observe_workers(const ClusterView& view, Cluster& cluster) {
  auto& workers = cluster.status.workers;
  workers = {};
  workers.desiredReplicas = 0;
  workers.replicas = 0;
  workers.readyReplicas = 0;
  workers.availableReplicas = 0;
  workers.upToDateReplicas = 0;
  for (const auto& deployment : view.deployments) {
    *workers.desiredReplicas += deployment.spec.replicas.value_or(1);
    *workers.replicas += deployment.status.replicas.value_or(0);
    *workers.readyReplicas += deployment.status.readyReplicas.value_or(0);
    *workers.availableReplicas += deployment.status.availableReplicas.value_or(0);
    *workers.upToDateReplicas += deployment.status.upToDateReplicas.value_or(0);
  }
}

std::optional<std::int32_t> number_at(const Json& object,
                                      std::initializer_list<std::string_view> path) {
  const Json* value = find(object, path);
  std::int32_t number = 0;
  if (value == nullptr || !read_json(*value, number)) return std::nullopt;
  return number;
}

void observe_control_plane(const ClusterView& view, Cluster& cluster) {
  if (!view.control_plane) return;
  auto& counts = cluster.status.controlPlane;
  counts.desiredReplicas = number_at(*view.control_plane, {"spec", "replicas"});
  counts.replicas = number_at(*view.control_plane, {"status", "replicas"});
  counts.readyReplicas = number_at(*view.control_plane, {"status", "readyReplicas"});
  counts.availableReplicas = number_at(*view.control_plane, {"status", "availableReplicas"});
  counts.upToDateReplicas = number_at(*view.control_plane, {"status", "upToDateReplicas"});
}

std::string phase_of(const Cluster& cluster) {
  if (cluster.metadata.deleting()) return "Deleting";
  const bool provisioned = cluster.status.initialization.infrastructureProvisioned.value_or(false);
  if (provisioned && cluster.spec.controlPlaneEndpoint.valid()) return "Provisioned";
  if (!cluster.spec.infrastructureRef.empty() || !cluster.spec.controlPlaneRef.empty()) {
    return "Provisioning";
  }
  return "Pending";
}

}  // namespace

Condition mirror(const Json& object, std::string_view type, std::string_view as, bool fallback) {
  auto found = condition_of(object, type);
  if (!found) {
    return kube::make_condition(as, fallback, fallback ? type : "Not" + std::string(type));
  }
  found->type = as;
  if (found->reason.empty()) found->reason = found->status == "True" ? type : "NotReady";
  return *std::move(found);
}

Cluster observe(const ClusterView& view) {
  Cluster cluster = view.cluster;
  observe_provisioning(view, cluster);
  observe_workers(view, cluster);
  observe_control_plane(view, cluster);
  observe_conditions(view, cluster);
  cluster.status.phase = phase_of(cluster);
  cluster.status.observedGeneration = cluster.metadata.generation;
  return cluster;
}

DeleteStep next_delete_step(const Remaining& remaining) {
  if (remaining.workers) return DeleteStep::kWorkers;
  if (remaining.control_plane) return DeleteStep::kControlPlane;
  if (remaining.infrastructure) return DeleteStep::kInfrastructure;
  return DeleteStep::kDone;
}

std::string_view deleting_reason(DeleteStep step) {
  switch (step) {
    case DeleteStep::kWorkers:
      return "WaitingForWorkersDeletion";
    case DeleteStep::kControlPlane:
      return "WaitingForControlPlaneDeletion";
    case DeleteStep::kInfrastructure:
      return "WaitingForInfrastructureDeletion";
    case DeleteStep::kDone:
      return "DeletionCompleted";
  }
  return "InternalError";
}

}  // namespace nestor::cluster
