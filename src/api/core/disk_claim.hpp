#pragma once

#include <string_view>

/// What is said on a PersistentVolumeClaim that holds the disk of a machine.
namespace nestor::api::core {

/// Bytes of the disk. Without it: the claim's capacity, else its request.
inline constexpr std::string_view kVolumeSizeAnnotation = "nestor.dev/volume-size";
/// The one machine that may have the disk; "" for none at the moment. Any, without it.
inline constexpr std::string_view kHolderAnnotation = "nestor.dev/attached-to";

}  // namespace nestor::api::core
