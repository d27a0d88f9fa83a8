#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/cluster/common.hpp"
#include "kube/informer.hpp"

namespace nestor::cluster {

/// How long one pass waits for a cache that has only begun to fill.
inline constexpr Duration kCacheTimeout = std::chrono::seconds(10);

/// Finds how the API server serves the kinds that references name by group and kind alone, and
/// tells of changes of the objects of other providers. The kinds that Nestor itself defines are
/// known, and watched by the controllers; others are looked up by the contract of Cluster API: a
/// CRD `<plural>.<group>` with the label cluster.x-k8s.io/v1beta2 (or v1beta1) that lists the
/// served versions. CRDs and foreign objects are watched from the first time that they are asked
/// for.
/// Thread: event loop. Lifetime: outlives all ResourceTypes it gave; at most that of `informers`.
class Kinds {
 public:
  explicit Kinds(kube::InformerSet& informers) : informers_(informers) {}

  /// Errors: kNotFound (no such CRD), kFailedPrecondition (it has no contract label),
  /// kDeadlineExceeded (the CRDs cannot be listed).
  Task<kube::ResourceType> resolve(std::string group, std::string kind);

  /// Whether the kind of `ref` is served, as resolve() saw it last.
  bool knows(const api::cluster::ContractReference& ref) const;

  /// `handler` hears of each change of an object of a foreign kind that was resolved. With an empty
  /// key the kind itself came, changed or went: everything that refers to it is concerned.
  using Handler = std::function<void(const std::string& kind, const kube::ObjectKey& key)>;
  void on_change(Handler handler) { handlers_.push_back(std::move(handler)); }

 private:
  struct Found;
  void watch_crds();
  void crd_changed(const std::string& name);
  std::shared_ptr<Found> watch_objects(Found found);
  void tell(const std::string& kind, const kube::ObjectKey& key) const;

  kube::InformerSet& informers_;
  std::vector<Handler> handlers_;
  std::shared_ptr<kube::InformerCore> crds_;
  /// By the name of the CRD, kinds that were asked for and not found among them.
  std::map<std::string, std::string> asked_;
  std::map<std::string, std::shared_ptr<Found>> found_;
  /// Types that are served otherwise now; ResourceType holds views of them.
  std::vector<std::shared_ptr<Found>> former_;
};

/// What to tell of a reference to what is not there; `known` is whether its kind is served.
std::string absence_of(const api::cluster::ContractReference& ref, bool known);

/// The plural of a kind in lower case, by the English rules that CRD names follow.
std::string plural_of(std::string_view kind);

/// The newest version in a contract label's value ("v1alpha1_v1beta1" gives v1beta1).
std::string newest_version(std::string_view label_value);

}  // namespace nestor::cluster
