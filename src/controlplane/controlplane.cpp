#include "controlplane/controlplane.hpp"

#include "base/private_directory.hpp"
#include "controlplane/data_store_controller.hpp"
#include "controlplane/etcdctl.hpp"
#include "controlplane/kamaji_control_plane_controller.hpp"
#include "controlplane/tenant_control_plane_controller.hpp"
#include "controlplane/tenant_resources_controller.hpp"

namespace nestor::controlplane {

void add_controllers(kube::Runtime& runtime, tenant::Sessions& sessions, Options options) {
  // They hold keys, and may be memory.
  PrivateDirectory::remove_left_behind(Etcdctl::kDirectoryPrefix);
  runtime.own<DataStoreController>(runtime, options);
  runtime.own<TenantControlPlaneController>(runtime, options);
  runtime.own<TenantResourcesController>(runtime, sessions, options);
  runtime.own<KamajiControlPlaneController>(runtime);
}

}  // namespace nestor::controlplane
