#include "bootstrap/bootstrap.hpp"

#include "bootstrap/kubeadm_config_controller.hpp"

namespace nestor::bootstrap {

void add_controllers(kube::Runtime& runtime, tenant::Sessions& sessions) {
  runtime.own<KubeadmConfigController>(runtime, sessions).add();
}

}  // namespace nestor::bootstrap
