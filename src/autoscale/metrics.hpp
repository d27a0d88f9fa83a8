#pragma once

#include "autoscale/plan.hpp"
#include "base/metrics.hpp"

namespace nestor::autoscale {

/// Writes what upstream's program tells of itself, by its names (cluster_autoscaler_…), with the
/// tenant's labels `namespace` and `cluster`; Sessions takes them out with the tenant.
void record(Metrics& metrics, const kube::ObjectKey& cluster, const TenantView& view,
            const Decision& decision, std::chrono::duration<double> took);

}  // namespace nestor::autoscale
