#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "api/cluster/cluster.hpp"
#include "autoscale/group_objects.hpp"
#include "autoscale/pace.hpp"
#include "autoscale/tenant_caches.hpp"
#include "kube/runtime.hpp"

namespace nestor::autoscale {

/// Decides for one tenant at a time (the key is its Cluster) and carries it out. Everything that
/// must outlive the process is written with the deed: timestamps in taints of Nodes and in
/// annotations of groups. So a decision that was cut short anywhere is simply made again.
class Autoscaler {
 public:
  Autoscaler(kube::Runtime& runtime, tenant::Sessions& sessions)
      : runtime_(runtime), sessions_(sessions), groups_(runtime) {}
  void add();
  Task<kube::ReconcileResult> reconcile(kube::ObjectKey cluster);

 private:
  /// Of a group whose growth was refused.
  struct Pause {
    WallTime until;
    Duration length{};
    std::string reason;
    void put(GroupState& state) const;
  };
  struct Tenant {
    std::shared_ptr<TenantCaches> caches;
    Pace pace;
    /// Of upstream's status: what was told, since when, and the text without times.
    std::map<std::string, std::string> states;
    std::map<std::string, std::string> transitions;
    std::string status_told;
    kube::ObjectMeta status_map;
    /// Events written by this process.
    std::set<std::string> events;
    /// By group's id.
    std::map<std::string, Pause> pauses;
    /// When a group got its last report: by its id.
    std::map<std::string, WallTime> reported;
  };
  using TenantPtr = std::shared_ptr<Tenant>;
  using ClusterPtr = kube::Informer<api::cluster::Cluster>::Ptr;

  template <class T>
  void watch_groups(kube::Informer<T> informer);
  std::vector<kube::ObjectKey> users_of(const kube::ObjectMeta& machine_template);
  void touched(const kube::ObjectKey& cluster, bool urgent);
  TenantPtr open(const kube::ObjectKey& cluster, std::shared_ptr<tenant::Session> session);
  Task<kube::ReconcileResult> look_after(ClusterPtr cluster, std::vector<GroupObject> objects);
  Task<> decide_and_act(TenantPtr tenant, ClusterPtr cluster, std::vector<GroupObject> objects);
  Task<Decision> decide_for(std::shared_ptr<TenantView> view);

  // act.cpp
  struct Deed {
    TenantPtr tenant;
    std::shared_ptr<TenantView> view;
    std::vector<GroupObject> objects;
    Decision decision;
    /// Nodes whose marks were refused.
    std::set<std::string> unmarked = {};
  };
  Task<> act(Deed& deed);
  void pause(Deed& deed, std::size_t i, const std::string& why);
  /// Writes what is to be written of a group, but for growth.
  Task<> change_group(Deed& deed, std::size_t i);
  /// To a person who looks at the objects: that they are not scaled, and why.
  Task<> tell_faulty(std::vector<GroupObject> objects);
  /// The report to write: the one that is there while only numbers differ and it is young.
  std::string report_of(Deed& deed, std::size_t i);
  Task<> write_group(const GroupObject& object, const GroupChange& change,
                     const std::string& report);
  Task<> mark_nodes(Deed& deed);
  static bool goes_untold(const Deed& deed, std::size_t i);
  Task<> mark_machines(const std::string& ns, const std::vector<std::string>& names, bool marked);
  Task<> write_notes(Deed& deed);
  Task<> write_status(Deed& deed);

  kube::Runtime& runtime_;
  tenant::Sessions& sessions_;
  GroupObjects groups_;
  kube::Controller* controller_ = nullptr;
  std::map<kube::ObjectKey, TenantPtr> tenants_;
};

}  // namespace nestor::autoscale
