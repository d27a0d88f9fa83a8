#pragma once

#include <map>
#include <string>
#include <vector>

#include "autoscale/plan.hpp"
#include "autoscale/simulation/estimator.hpp"
#include "autoscale/simulation/removal.hpp"
#include "autoscale/simulation/snapshot.hpp"

/// The inside of decide(): its state and its steps, one file each.
namespace nestor::autoscale {

/// A node of the tenant within a decision.
struct KnownNode {
  std::shared_ptr<const api::core::Node> node;
  NodeIndex index = kNoNode;
  /// Its place in the view's groups; kNoGroup for a node that no group made.
  std::size_t group = 0;
  const MachineView* machine = nullptr;
  NodeMarks marks;
  bool ready = false;
  /// Not ready, and so young that it may just be starting.
  bool starting = false;
  /// Its Machine is going or has been told to go.
  bool going = false;
};
inline constexpr std::size_t kNoGroup = ~std::size_t{0};

class Planner {
 public:
  Planner(const TenantView& view, WallTime now, Random& random, Deadline deadline);
  /// Errors: kDeadlineExceeded.
  Result<Decision> run();

 private:
  // plan.cpp: what there is.
  void sort_nodes();
  void count();
  void build_snapshot();
  void build_templates();
  ClassIndex class_of(const Pod& pod);
  bool ill(int unready, int total) const;

  // plan_machines.cpp: sizes that do not come true.
  void remember_losses(std::size_t group);
  WallTime late_at(std::size_t group, const MachineView& machine) const;
  void settle_removals(std::size_t group);
  void give_up_missing(std::size_t group);
  void give_up_machines(std::size_t group);
  void back_off(std::size_t group, const std::string& reason, const std::string& message);
  void end_backoff(std::size_t group);
  void enforce_minimum(std::size_t group);

  // plan_scale_up.cpp
  void add_upcoming();
  void scale_up();
  bool to_be_helped(const Pod& pod);
  std::vector<PodIndex> pending_pods();
  bool losing(std::size_t group) const;
  std::string skip_reason(std::size_t group) const;
  int room(std::size_t group) const;
  bool grow_once(std::vector<PodIndex>& remaining, bool first);
  void note_refusals(const std::vector<PodIndex>& helpless);
  void commit_growth();

  // plan_scale_down.cpp
  void scale_down();
  std::vector<KnownNode*> candidates();
  std::string keeps(const KnownNode& node, std::string& message) const;
  bool in_cooldown(std::string& message) const;
  bool growing(std::size_t group) const;
  void consider(KnownNode& node, RemovalSimulator& simulator);
  void finish_removal(KnownNode& node, const Removal& removal);
  void start_removals();
  void write_marks();

  int size(std::size_t group) const;
  void wake(WallTime at) {
    if (!out_.next || at < *out_.next) out_.next = at;
  }
  void note(Subject subject, std::size_t group, const kube::ObjectMeta& object, bool warning,
            std::string reason, std::string message);

  const TenantView& view_;
  WallTime now_;
  Random& random_;
  Deadline deadline_;
  Decision out_;
  Snapshot snapshot_;
  Estimator estimator_;
  std::vector<KnownNode> nodes_;
  /// By index in the snapshot; null for pods of a template.
  std::vector<PodPtr> pods_;
  std::map<std::string, std::size_t> node_by_name_;
  /// By group; without one the group cannot grow.
  std::vector<std::optional<NodeTemplate>> templates_;
  bool cluster_ill_ = false;

  // Scale-up: nodes more, by group; why a group does not help a class.
  std::vector<int> growth_;
  std::map<PodIndex, std::size_t> helped_;
  std::map<ClassIndex, std::map<std::size_t, std::string>> refusals_;

  // Scale-down.
  struct Leaving {
    KnownNode* node;
    WallTime since;
    bool idle;
  };
  std::vector<Leaving> unneeded_;
  std::vector<int> shrink_;
  int idle_in_progress_ = 0;
  int drains_in_progress_ = 0;
};

}  // namespace nestor::autoscale
