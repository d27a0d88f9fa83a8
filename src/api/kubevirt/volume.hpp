#pragma once

#include <boost/describe/class.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/quantity.hpp"

/// kubevirt.io/v1: where a machine's networks and disks come from.
namespace nestor::api::kubevirt {

struct Network {
  std::string name;
  /// `{}` for the pod network.
  Json pod;
  Json multus;
  friend bool operator==(const Network&, const Network&) = default;
};
BOOST_DESCRIBE_STRUCT(Network, (), (name, pod, multus))

struct ContainerDisk {
  std::string image;
  std::string imagePullPolicy;
  std::string imagePullSecret;
  /// Of the disk file inside the image; default: the only file below /disk.
  std::string path;
  friend bool operator==(const ContainerDisk&, const ContainerDisk&) = default;
};
BOOST_DESCRIBE_STRUCT(ContainerDisk, (), (image, imagePullPolicy, imagePullSecret, path))

struct LocalReference {
  std::string name;
  friend bool operator==(const LocalReference&, const LocalReference&) = default;
};
BOOST_DESCRIBE_STRUCT(LocalReference, (), (name))

/// cloudInitNoCloud and cloudInitConfigDrive: data inline, in base64, or in a Secret under the keys
/// `userdata` and `networkdata`.
struct CloudInit {
  std::optional<LocalReference> secretRef;
  std::optional<LocalReference> networkDataSecretRef;
  std::string userData;
  std::string userDataBase64;
  std::string networkData;
  std::string networkDataBase64;
  friend bool operator==(const CloudInit&, const CloudInit&) = default;
};
BOOST_DESCRIBE_STRUCT(CloudInit, (),
                      (secretRef, networkDataSecretRef, userData, userDataBase64, networkData,
                       networkDataBase64))

struct EmptyDisk {
  Quantity capacity;
  friend bool operator==(const EmptyDisk&, const EmptyDisk&) = default;
};
BOOST_DESCRIBE_STRUCT(EmptyDisk, (), (capacity))

struct DataVolumeSource {
  std::string name;
  std::optional<bool> hotpluggable;
  friend bool operator==(const DataVolumeSource&, const DataVolumeSource&) = default;
};
BOOST_DESCRIBE_STRUCT(DataVolumeSource, (), (name, hotpluggable))

struct ClaimVolumeSource {
  std::string claimName;
  std::optional<bool> hotpluggable;
  std::optional<bool> readOnly;
  friend bool operator==(const ClaimVolumeSource&, const ClaimVolumeSource&) = default;
};
BOOST_DESCRIBE_STRUCT(ClaimVolumeSource, (), (claimName, hotpluggable, readOnly))

/// What a disk holds: exactly one source.
struct Volume {
  std::string name;
  std::optional<ContainerDisk> containerDisk;
  std::optional<CloudInit> cloudInitNoCloud;
  std::optional<CloudInit> cloudInitConfigDrive;
  std::optional<EmptyDisk> emptyDisk;
  std::optional<DataVolumeSource> dataVolume;
  std::optional<ClaimVolumeSource> persistentVolumeClaim;
  Json secret;
  Json configMap;
  Json serviceAccount;
  friend bool operator==(const Volume&, const Volume&) = default;
};
BOOST_DESCRIBE_STRUCT(Volume, (),
                      (name, containerDisk, cloudInitNoCloud, cloudInitConfigDrive, emptyDisk,
                       dataVolume, persistentVolumeClaim, secret, configMap, serviceAccount))

/// Whether a volume comes and goes while the machine runs.
inline bool is_hotplugged(const Volume& volume) {
  if (volume.persistentVolumeClaim)
    return volume.persistentVolumeClaim->hotpluggable.value_or(false);
  return volume.dataVolume && volume.dataVolume->hotpluggable.value_or(false);
}
/// The claim it is on ("" for none): a data volume's claim has its name.
inline std::string claim_of(const Volume& volume) {
  if (volume.persistentVolumeClaim) return volume.persistentVolumeClaim->claimName;
  return volume.dataVolume ? volume.dataVolume->name : std::string();
}

}  // namespace nestor::api::kubevirt
