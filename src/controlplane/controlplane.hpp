#pragma once

#include <functional>
#include <memory>
#include <string>

#include "kube/client.hpp"

namespace nestor::kube {
class Runtime;
}
namespace nestor::tenant {
class Sessions;
}

/// Control planes as pods: DataStore, TenantControlPlane and KamajiControlPlane.
namespace nestor::controlplane {

/// Makes a client of a tenant's API server; kube::make_client outside tests.
using ConnectTenant =
    std::function<Result<std::unique_ptr<kube::Client>>(Executor, kube::ClientConfig)>;

struct Options {
  /// The program, by path or looked up in PATH.
  std::string etcdctl = "etcdctl";
  /// Nestor's own image.
  std::string image = "nestor.dev/nestor:dev";
  /// Control planes get any pod that their spec describes; otherwise only what check_pod lets pass.
  bool privileged = false;
  /// Empty: kube::make_client.
  ConnectTenant connect = {};
};

/// Adds the room's controllers: "datastore", "tenantcontrolplane", "tenant-resources" (what kubeadm
/// would make inside the tenant) and "kamajicontrolplane".
void add_controllers(kube::Runtime& runtime, tenant::Sessions& sessions, Options options = {});

}  // namespace nestor::controlplane
