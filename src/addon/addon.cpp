#include "addon/addon.hpp"

#include "addon/helm.hpp"
#include "addon/helm_chart_proxy_controller.hpp"
#include "addon/helm_release_proxy_controller.hpp"

namespace nestor::addon {

void add_controllers(kube::Runtime& runtime, tenant::Sessions& sessions, Options options) {
  // They hold kubeconfigs and values, and may be memory.
  PrivateDirectory::remove_left_behind(HelmJob::kPrefix);
  runtime.own<HelmChartProxyController>(runtime, options.helm).add();
  runtime.own<HelmReleaseProxyController>(runtime, sessions, options.helm, options.concurrency)
      .add();
}

}  // namespace nestor::addon
