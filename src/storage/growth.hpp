#pragma once

#include <string_view>

#include "api/core/persistent_volume_claim.hpp"

/// How a claim tells of its volume's growth. Pure. Source: external-resizer and kubelet, as of
/// Kubernetes' feature RecoverVolumeExpansionFailure.
namespace nestor::storage {

enum class GrowthStage {
  /// The management cluster is at it.
  kController,
  /// The disk has grown; the node grows the file system.
  kNode,
  kDone
};

/// `claim` as it tells of that stage of the way to `size` bytes.
api::core::PersistentVolumeClaim with_growth(const api::core::PersistentVolumeClaim& claim,
                                             std::int64_t size, GrowthStage stage,
                                             std::string_view now);

}  // namespace nestor::storage
