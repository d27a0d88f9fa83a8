#pragma once

#include "controlplane/certificates.hpp"

namespace nestor::controlplane {

/// Ensures `<n>-admin-kubeconfig` (admin.conf, super-admin.conf for the public endpoint; admin.svc,
/// super-admin.svc for the Service's name), `<n>-controller-manager-kubeconfig` and
/// `<n>-scheduler-kubeconfig`, and notes them in the status.
Task<> ensure_kubeconfigs(Work& work, const Authorities& authorities, const Address& address);

}  // namespace nestor::controlplane
