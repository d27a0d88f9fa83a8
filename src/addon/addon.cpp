#include "addon/addon.hpp"

#include "addon/helm_chart_proxy_controller.hpp"
#include "addon/helm_release_proxy_controller.hpp"

namespace nestor::addon {

void add_controllers(kube::Runtime& runtime, tenant::Sessions& sessions, Options options) {
  runtime.own<HelmChartProxyController>(runtime, options.helm).add();
  runtime.own<HelmReleaseProxyController>(runtime, sessions, options.helm, options.concurrency)
      .add();
}

}  // namespace nestor::addon
