#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "kube/client.hpp"

namespace nestor::cluster {

/// Finds how the API server serves the kinds that references name by group and kind alone. The
/// kinds that Nestor itself defines are known; others are looked up by the contract of Cluster API:
/// a CRD `<plural>.<group>` with the label cluster.x-k8s.io/v1beta2 (or v1beta1) that lists the
/// served versions. Thread: event loop. Lifetime: outlives all ResourceTypes it gave.
class Kinds {
 public:
  explicit Kinds(kube::Client& client) : client_(client) {}

  /// Errors: kNotFound (no such CRD), kFailedPrecondition (it has no contract label).
  Task<kube::ResourceType> resolve(std::string group, std::string kind);

 private:
  struct Owned {
    std::string group, version, kind, plural;
    kube::ResourceType type() const;
  };
  kube::Client& client_;
  // Values are stable in memory: ResourceType holds views of them.
  std::map<std::pair<std::string, std::string>, std::unique_ptr<Owned>> found_;
};

/// The plural of a kind in lower case, by the English rules that CRD names follow.
std::string plural_of(std::string_view kind);

/// The newest version in a contract label's value ("v1alpha1_v1beta1" gives v1beta1).
std::string newest_version(std::string_view label_value);

}  // namespace nestor::cluster
