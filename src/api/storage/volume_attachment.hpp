#pragma once

#include "api/json.hpp"
#include "api/meta.hpp"

namespace nestor::api::storage {

struct VolumeAttachmentSource {
  std::string persistentVolumeName;
  bool operator==(const VolumeAttachmentSource&) const = default;
};
BOOST_DESCRIBE_STRUCT(VolumeAttachmentSource, (), (persistentVolumeName))

struct VolumeAttachmentSpec {
  /// The driver's name.
  std::string attacher;
  std::string nodeName;
  VolumeAttachmentSource source;
  bool operator==(const VolumeAttachmentSpec&) const = default;
};
BOOST_DESCRIBE_STRUCT(VolumeAttachmentSpec, (), (attacher, nodeName, source))

struct VolumeError {
  std::string time;
  std::string message;
  bool operator==(const VolumeError&) const = default;
};
BOOST_DESCRIBE_STRUCT(VolumeError, (), (time, message))

struct VolumeAttachmentStatus {
  /// Required by the API, so written also when false.
  std::optional<bool> attached;
  std::map<std::string, std::string> attachmentMetadata;
  std::optional<VolumeError> attachError;
  std::optional<VolumeError> detachError;
  bool operator==(const VolumeAttachmentStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(VolumeAttachmentStatus, (),
                      (attached, attachmentMetadata, attachError, detachError))

/// A cluster's wish that a volume be attached to a node; being deleted: that it be detached.
struct VolumeAttachment {
  static constexpr kube::ResourceType kType{"storage.k8s.io", "v1", "VolumeAttachment",
                                            "volumeattachments", false};
  kube::ObjectMeta metadata;
  VolumeAttachmentSpec spec;
  VolumeAttachmentStatus status;
  bool operator==(const VolumeAttachment&) const = default;
};
BOOST_DESCRIBE_STRUCT(VolumeAttachment, (), (metadata, spec, status))

}  // namespace nestor::api::storage

NESTOR_EXTERN_JSON(nestor::api::storage::VolumeAttachment)
