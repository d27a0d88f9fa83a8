#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/core/node.hpp"
#include "autoscale/node_group.hpp"
#include "autoscale/simulation/deadline.hpp"
#include "autoscale/simulation/expander.hpp"
#include "base/random.hpp"

/// One decision about one tenant: from what is, to what to do. Pure.
namespace nestor::autoscale {

/// Upstream's taints. The value is since when, in seconds of the epoch, so delays survive a
/// restart.
inline constexpr std::string_view kToBeDeletedTaint = "ToBeDeletedByClusterAutoscaler";
inline constexpr std::string_view kDeletionCandidateTaint = "DeletionCandidateOfClusterAutoscaler";
/// Upstream's event about a pod that a group grows for.
inline constexpr std::string_view kTriggered = "TriggeredScaleUp";
inline constexpr std::string_view kScaleDownDisabled =
    "cluster-autoscaler.kubernetes.io/scale-down-disabled";

/// All that a decision looks at.
struct TenantView {
  Options options;
  std::vector<NodeGroup> groups;
  std::vector<std::shared_ptr<const api::core::Node>> nodes;
  std::vector<PodPtr> pods;
  /// What DaemonSets put on each node that they may use.
  std::vector<std::shared_ptr<const PodShape>> daemons;
  std::vector<Budget> budgets;
  /// Their labels; empty while no pod selects by them.
  std::map<std::string, LabelMap> namespaces;
  /// Limits of attachable volumes: by node and driver.
  std::map<std::string, std::map<std::string, std::int64_t>> volume_limits;
  /// What a claim means for where a pod can run. Absent: nothing is known of claims.
  std::function<VolumeUse(const std::string& ns, const std::string& claim)> volume;
  Priorities priorities;
};

/// The taints that a node of a group should have.
struct NodeMarks {
  std::optional<WallTime> candidate_since;
  std::optional<WallTime> to_be_deleted_since;
  bool operator==(const NodeMarks&) const = default;
};
NodeMarks read_marks(const api::core::Node& node);
/// `node` with these marks and no others, cordoned while it is to be deleted. A cordon that was
/// there before is a person's; it is told apart by an annotation.
api::core::Node with_marks(const api::core::Node& node, const NodeMarks& marks);

struct NodeChange {
  std::string node;
  NodeMarks marks;
};

enum class Subject : std::uint8_t { kPod, kNode, kGroup, kTenant };
/// An event to write, with upstream's reason.
struct Note {
  Subject subject = Subject::kGroup;
  /// Namespace and name of the pod or node; unused for the others.
  kube::ObjectMeta object;
  /// Of Subject::kGroup, and of a pod that it grows for: its place in TenantView::groups.
  std::size_t group = 0;
  bool warning = false;
  std::string reason;
  std::string message;
};

/// What a person is told about a group, and what goes into upstream's status.
struct GroupReport {
  int ready = 0;
  int unready = 0;
  int not_started = 0;
  int being_deleted = 0;
  int unregistered = 0;
  int long_unregistered = 0;
  bool healthy = true;
  /// "Needed", "NotNeeded", "InProgress", "NoActivity" or "Backoff".
  std::string scale_up = "NoActivity";
  std::string scale_up_message;
  /// "CandidatesPresent" or "NoCandidates".
  std::string scale_down = "NoCandidates";
  std::string scale_down_message;
  int candidates = 0;
  /// Why each node stays or when it goes, in one sentence; by node.
  std::map<std::string, std::string> nodes;
};

struct GroupChange {
  /// Unset: replicas stay.
  std::optional<int> replicas;
  GroupState state;
  /// Machines to mark as the next to go, before replicas are lowered; and to mark no longer.
  std::vector<std::string> mark;
  std::vector<std::string> unmark;
  GroupReport report;
};

struct Decision {
  /// One for each group of the view, in its order.
  std::vector<GroupChange> groups;
  std::vector<NodeChange> nodes;
  std::vector<Note> notes;
  bool healthy = true;
  /// Pods that wait for a node that does not exist yet, and those nothing can help.
  int pending = 0;
  int helpless = 0;
  bool scaled_up = false;
  /// When to decide again though nothing happened.
  std::optional<WallTime> next;
};

/// After `deadline` a decision has what was found until then. Errors: kDeadlineExceeded when that
/// is nothing, since not even all pods were seen.
Result<Decision> decide(const TenantView& view, WallTime now, Random& random,
                        Deadline deadline = {});
/// Whether a decision takes no time to speak of, whatever it is that the tenant has.
bool is_small(const TenantView& view);

}  // namespace nestor::autoscale
