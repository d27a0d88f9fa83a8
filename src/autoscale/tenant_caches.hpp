#pragma once

#include <functional>
#include <memory>
#include <string>

#include "api/core/config_map.hpp"
#include "autoscale/plan.hpp"
#include "autoscale/simulation/shape_pool.hpp"
#include "autoscale/tenant_kinds.hpp"
#include "tenant/sessions.hpp"

namespace nestor::autoscale {

/// The caches of one tenant that decisions need. They begin with the first node group, so a tenant
/// that is not scaled costs nothing; those of volumes with the first pod that has one, that of
/// namespaces with the first that selects some by their labels.
/// Lifetime: kept by the session's informers, which outlive it. Thread: event loop.
class TenantCaches {
 public:
  /// Something changed; `urgent` when a pod has found no node.
  using OnChange = std::function<void(bool urgent)>;
  static std::shared_ptr<TenantCaches> start(std::shared_ptr<tenant::Session> session,
                                             OnChange on_change);

  tenant::Session& session() { return *session_; }
  /// Until all are complete. Errors: kDeadlineExceeded.
  Task<> wait_synced();
  /// Adds all but groups and options to the view; `errors` gets what of the tenant's own settings
  /// cannot be read.
  void fill(TenantView& view, std::vector<std::string>& errors);
  kube::Informer<api::core::Node> nodes() { return session_->informers().of<api::core::Node>(); }

 private:
  TenantCaches(std::shared_ptr<tenant::Session> session, OnChange on_change)
      : session_(std::move(session)), on_change_(std::move(on_change)) {}
  template <class T>
  void watch(kube::Informer<T> informer, std::weak_ptr<TenantCaches> self);
  void watch_volumes();
  void watch_namespaces();
  void pod_changed(const std::shared_ptr<const Pod>& old, const std::shared_ptr<const Pod>& now);
  void fill_volumes(TenantView& view);
  kube::Informer<api::core::ConfigMap> priority_map();

  std::shared_ptr<tenant::Session> session_;
  OnChange on_change_;
  ShapePool pool_;
  std::weak_ptr<TenantCaches> self_;
  bool volumes_watched_ = false;
  bool namespaces_watched_ = false;
};

}  // namespace nestor::autoscale
