#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/cluster/machine.hpp"
#include "api/cluster/machine_deployment.hpp"
#include "api/cluster/machine_set.hpp"
#include "autoscale/options.hpp"
#include "autoscale/simulation/node.hpp"

namespace nestor::autoscale {

/// What a decision must remember about a group after the manager was restarted: annotations
/// `autoscaler.nestor.dev/…` of the MachineDeployment or MachineSet, written together with
/// replicas.
struct GroupState {
  std::optional<WallTime> last_scale_up;
  /// The size that the last scale-up set: a person may have set another since.
  int scaled_up_to = 0;
  std::optional<WallTime> last_scale_down;
  std::optional<WallTime> last_scale_down_failure;
  /// No scale-up before that; how long the last back-off was, and why.
  std::optional<WallTime> backoff_until;
  Duration backoff{};
  std::string backoff_reason;
  /// Since when there are fewer Machines than that size asks for, and how many fewer.
  std::optional<WallTime> short_since;
  int short_by = 0;
  /// Machines whose Node is gone, since when.
  std::map<std::string, WallTime> lost;
  /// Machines that replicas were lowered for, until they are gone.
  std::set<std::string> removing;
  bool operator==(const GroupState&) const = default;
};
GroupState read_state(const kube::ObjectMeta& metadata);
/// Puts the state in annotations; what it has not is taken out.
void write_state(const GroupState& state, std::map<std::string, std::string>& annotations);

/// A Machine of a group, as far as sizes go.
struct MachineView {
  std::string name;
  /// Its Node in the tenant; "" until there is one. Stays when the Node goes.
  std::string node;
  /// Tells its Node before `node` is known.
  std::string provider_id;
  WallTime created;
  bool deleting = false;
  /// By this room, as the next to go.
  bool marked = false;
  bool failed = false;
};
/// Begins the value of a delete-machine annotation of ours; a time follows.
inline constexpr std::string_view kMarkPrefix = "autoscaler.nestor.dev/";
MachineView view_of(const api::cluster::Machine& machine);

/// A MachineDeployment, or a MachineSet that belongs to none, with both size annotations.
struct NodeGroup {
  kube::ResourceType type = api::cluster::MachineDeployment::kType;
  kube::ObjectMeta metadata;
  int min = 0;
  int max = 0;
  /// spec.replicas.
  int target = 0;
  /// Its Machines are being replaced by those of a newer template: none may be taken away now.
  bool rolling = false;
  GroupOptions options;
  GroupState state;
  std::vector<MachineView> machines;
  /// The node it would add; without one, `no_template` says why.
  std::shared_ptr<const Node> template_node;
  std::string no_template;

  /// "MachineDeployment/ns/name", upstream's id.
  std::string id() const {
    return std::string(type.kind) + "/" + metadata.namespace_ + "/" + metadata.name;
  }
};

/// Sizes from the annotations; nothing when the object is no node group. `fault` says why an object
/// that has the annotations is none all the same.
struct Sizes {
  int min = 0;
  int max = 0;
};
std::optional<Sizes> read_sizes(const kube::ObjectMeta& metadata, std::string& fault);

/// The node that a group without nodes would make, by upstream's annotations
/// capacity.cluster-autoscaler.kubernetes.io/{cpu,memory,…,labels,taints}, else by `capacity`, the
/// infrastructure template's. Errors: kNotFound when CPU and memory are not known,
/// kInvalidArgument naming the annotation.
Result<Node> node_from_capacity(const kube::ObjectMeta& group,
                                const api::cluster::MachineTemplate& machine_template,
                                const std::map<std::string, std::string>& capacity);

}  // namespace nestor::autoscale
