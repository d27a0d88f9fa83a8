#pragma once

#include "kube/runtime.hpp"

namespace nestor::infrastructure {

/// Tells in a template's status how large its machines are, so that an autoscaler can plan with
/// machines that do not exist yet.
class KubevirtMachineTemplateController {
 public:
  explicit KubevirtMachineTemplateController(kube::Runtime& runtime) : runtime_(runtime) {}
  void add();
  Task<kube::ReconcileResult> reconcile(kube::ObjectKey key);

 private:
  kube::Runtime& runtime_;
};

}  // namespace nestor::infrastructure
