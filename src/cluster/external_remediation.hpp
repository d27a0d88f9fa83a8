#pragma once

#include "cluster/context.hpp"

namespace nestor::cluster {

/// Lets somebody else remediate a Machine: while it is unhealthy (and `allowed`) there is an object
/// of its name, made from the check's template and owned by the Machine; it goes when the Machine
/// is healthy again. How that stands becomes the condition ExternallyRemediated of `machine`, which
/// outlives the call. Errors: those of the API server, except where the condition tells them.
Task<> remediate_externally(Context& context,
                            kube::Informer<api::cluster::MachineHealthCheck>::Ptr check,
                            api::cluster::Machine& machine, bool unhealthy, bool allowed);

}  // namespace nestor::cluster
