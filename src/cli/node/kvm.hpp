#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "cli/node/layout.hpp"

/// KVM for the machines' pods: a second runtime of containerd whose containers have /dev/kvm, and
/// the RuntimeClass that names it. Pods cannot ask containerd for a device of the node themselves:
/// the kubelet passes on those of device plugins only.
namespace nestor::node {

/// Name of the runtime and of its RuntimeClass.
inline constexpr const char* kKvmRuntime = "nestor-kvm";
/// Inside the sandbox; it exists when the node has KVM.
inline constexpr const char* kKvmSpec = "/run/nestor/kvm-spec.json";

/// Whether /dev/kvm is there and makes a virtual CPU that runs.
bool kvm_works();

/// containerd's default specification of a container with the device added.
/// Errors: kInvalidArgument when `default_spec` is none.
Result<std::string> kvm_spec(std::string_view default_spec, unsigned major, unsigned minor);

/// Writes kKvmSpec if KVM works. For process 1 of the sandbox, before containerd starts.
Result<> make_kvm_spec(const Config& config);

/// The rest of containerd's configuration: the runtime, when there is a kKvmSpec.
std::string kvm_runtime_config(const Config& config);
std::string kvm_runtime_class();

}  // namespace nestor::node
