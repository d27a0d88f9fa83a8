#include "cli/role_commands.hpp"

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/tunnel_commands.hpp"
#include "manager/manager.hpp"
#include "storage/csi/csi.hpp"
#include "vm/attach/attach.hpp"
#include "vm/launcher/launcher.hpp"

namespace nestor::cli {
namespace {

void add_manager(CLI::App& app, int& exit_code) {
  auto& manager = add_role(app, "manager", "Role: run the controllers");
  // Live as long as the app, in its callback.
  const auto options = std::make_shared<manager::Options>();
  auto& o = *options;
  manager.add_option("--kubeconfig", o.kubeconfig, "Default: the pod's service account");
  manager.add_option("--address", o.address, "Of health and metrics")->capture_default_str();
  manager.add_option("--port", o.port)->capture_default_str();
  manager.add_flag("--leader-elect", o.leader_elect, "One of several replicas works");
  manager.add_option("--lease-namespace", o.lease_namespace, "Default: $POD_NAMESPACE");
  manager.add_option("--vm-runtime", o.vm_runtime, "builtin, or none beside KubeVirt")
      ->check(CLI::IsMember({"builtin", "none"}))
      ->capture_default_str();
  manager.add_option("--vm-launcher-image", o.vm_launcher_image)->capture_default_str();
  manager.add_option("--image", o.image, "Of Nestor itself")->capture_default_str();
  manager.add_flag("--privileged-control-planes", o.privileged_control_planes,
                   "Control planes get any pod that their spec describes");
  manager.add_option("--cloud-zones", o.cloud_zones,
                     "true: zones and regions of nodes reach the tenants' Nodes");
  manager
      .add_option("--cloud-max-load-balancers", o.cloud_max_load_balancers,
                  "That one tenant may have")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  manager
      .add_option("--cloud-pass-annotations", o.cloud_pass_annotations,
                  "Of tenants' Services to their load balancers: keys, or prefixes ended by *")
      ->delimiter(',')
      ->allow_extra_args(false);
  manager.add_option("--vm-runtime-class", o.vm_runtime_class, "RuntimeClass that has /dev/kvm");
  manager.add_option("--vm-kvm-resource", o.vm_kvm_resource, "Device plugin's resource for it");
  manager.add_option("--vm-kubelet-folder", o.vm_kubelet_folder, "Of the nodes' kubelets")
      ->capture_default_str();
  manager.add_flag("--vm-fence,!--no-vm-fence", o.vm_fence, "Keep guests inside their tenant");
  manager.add_option("--vm-fence-closed", o.vm_fence_closed, "Networks closed to guests")
      ->delimiter(',')
      ->allow_extra_args(false);
  manager.add_option("--vm-fence-open", o.vm_fence_open, "Networks open to guests all the same")
      ->delimiter(',')
      ->allow_extra_args(false);
  manager.add_flag("--grow-local-path", o.grow_local_path,
                   "Grow claims of the local-path provisioner");
  manager.add_option("--address-pool", o.address_pool, "FIRST-LAST of load-balancer addresses");
  manager.add_option("--etcdctl", o.etcdctl, "Program")->capture_default_str();
  manager.add_option("--helm", o.helm, "Program")->capture_default_str();
  manager.callback([options, &exit_code] { exit_code = manager::run(*options); });
}

void add_attach(CLI::App& app, int& exit_code) {
  auto& attach = add_role(app, "vm-attach", "Role: hand a claim's disk to a machine");
  const auto options = std::make_shared<vm::AttachOptions>();
  auto& o = *options;
  attach.add_option("--volume", o.volume, "Its name in the machine")->required();
  attach.add_option("--serial", o.serial, "By which the guest finds it");
  attach.add_flag("--block", o.block, "The claim is a device");
  attach.add_flag("--read-only", o.read_only);
  attach.callback([options, &exit_code] { exit_code = vm::attach_main(*options); });
}

void add_csi_node(CLI::App& app, int& exit_code) {
  auto& node = add_role(app, "csi-node", "Role: mount disks on a tenant's node");
  const auto options = std::make_shared<storage::CsiNodeOptions>();
  auto& o = *options;
  node.add_option("--endpoint", o.endpoint, "Socket")->capture_default_str();
  node.add_option("--kubelet-endpoint", o.kubelet_endpoint, "The same, as kubelet sees it")
      ->capture_default_str();
  node.add_option("--registration", o.registration, "Socket for kubelet's registration")
      ->capture_default_str();
  node.add_option("--node-name", o.node_name)->envname("NODE_NAME")->required();
  node.add_option("--max-volumes", o.max_volumes, "Disks on one node, at most")
      ->capture_default_str();
  node.callback([options, &exit_code] { exit_code = storage::csi_node_main(*options); });
}

void add_csi_controller(CLI::App& app, int& exit_code) {
  auto& controller = add_role(app, "csi-controller", "Role: one tenant's CSI controller");
  const auto options = std::make_shared<storage::CsiControllerOptions>();
  auto& o = *options;
  controller.add_option("--endpoint", o.endpoint, "Socket")->capture_default_str();
  controller.add_option("--kubeconfig", o.kubeconfig,
                        "Of the management cluster (default: the pod's service account)");
  controller.add_option("--namespace", o.ns, "Of the tenant's Cluster")->required();
  controller.add_option("--cluster", o.cluster, "Its name")->required();
  controller.callback(
      [options, &exit_code] { exit_code = storage::csi_controller_main(*options); });
}

}  // namespace

CLI::App& add_role(CLI::App& app, const std::string& name, const std::string& help) {
  return *app.add_subcommand(name, help)->group("Roles (run by Nestor itself)");
}

void add_role_commands(CLI::App& app, int& exit_code) {
  add_manager(app, exit_code);
  add_role(app, "vm-launcher", "Role: run one virtual machine in its pod").callback([&exit_code] {
    exit_code = vm::launcher_main();
  });
  add_tunnel_commands(app, exit_code);
  add_attach(app, exit_code);
  add_csi_node(app, exit_code);
  add_csi_controller(app, exit_code);
}

}  // namespace nestor::cli
