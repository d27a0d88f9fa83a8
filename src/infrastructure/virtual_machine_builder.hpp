#pragma once

#include <map>
#include <string>

#include "base/json.hpp"

/// From a KubevirtMachine to the VirtualMachine that stands for it. Pure; works on raw JSON so that
/// fields of VirtualMachine that Nestor does not know pass through.
namespace nestor::infrastructure {

struct VirtualMachineInput {
  /// Of the KubevirtMachine, the VirtualMachine, the guest and the tenant's Node: all the same.
  std::string name;
  /// Of the KubevirtMachine.
  std::string ns;
  std::string cluster;
  bool control_plane = false;
  /// Name of the Secret with the bootstrap data.
  std::string data_secret = {};
};

/// The Secret with the machine's own copy of its bootstrap data: "<machine>-userdata". Several
/// machines may share the Secret with the data themselves; if that one has this name, the copy is
/// "<data_secret>-userdata".
std::string userdata_secret_name(const std::string& machine_name, const std::string& data_secret);

/// The VirtualMachine with apiVersion and kind. It lives beside its KubevirtMachine: in any other
/// namespace it would be made with rights that the KubevirtMachine's author may not have. `spec` is
/// KubevirtMachine.spec, here and below. Errors: kInvalidArgument when the template has no
/// `spec.template`, or names another namespace.
Result<Json> build_virtual_machine(const Json& spec, const VirtualMachineInput& input);

/// The Node's resources as far as the machine's hardware tells them: {"cpu": "2", "memory": "4Gi"}.
/// Cores × sockets × threads, else requests, else limits. Instance types are not looked up.
/// "ephemeral-storage" where the root disk has a size of its own.
std::map<std::string, std::string> capacity_of(const Json& spec);

}  // namespace nestor::infrastructure
