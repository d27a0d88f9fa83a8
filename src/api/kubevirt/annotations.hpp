#pragma once

#include <string_view>

namespace nestor::api::kubevirt {

/// On a VirtualMachineInstance: the least size of the first container disk (quantity). It grows
/// before the machine starts; it never shrinks.
inline constexpr std::string_view kRootSizeAnnotation = "nestor.dev/root-disk-size";

}  // namespace nestor::api::kubevirt
