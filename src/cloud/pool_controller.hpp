#pragma once

#include <vector>

#include "cloud/address_pool.hpp"
#include "kube/runtime.hpp"

namespace nestor::cloud {

/// Gives Services of type LoadBalancer of the management cluster their addresses.
class PoolController {
 public:
  PoolController(kube::Runtime& runtime, AddressPool pool);

  void add();
  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key);

 private:
  using ServicePtr = std::shared_ptr<const api::core::Service>;

  /// The Services that may go on when `changed` gave up an address: those that wait for one.
  std::vector<kube::ObjectKey> affected(const api::core::Service& changed) const;
  Task<> write(ServicePtr before, std::string address);
  Task<> tell_waiting(ServicePtr before, Decision decision);

  kube::Runtime& runtime_;
  AddressPool pool_;
  kube::Informer<api::core::Service> services_;
};

}  // namespace nestor::cloud
