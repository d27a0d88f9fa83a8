#pragma once

#include <boost/describe/class.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/quantity.hpp"

/// kubevirt.io/v1: where a machine's networks and disks come from.
namespace nestor::api::kubevirt {

/// A network that an interface is in. Only one is served.
struct Network {
  /// Name of the network.
  std::string name;
  /// The pod's network (an empty object).
  Json pod;
  /// A further network. Refused by Nestor.
  Json multus;
  friend bool operator==(const Network&, const Network&) = default;
};
BOOST_DESCRIBE_STRUCT(Network, (), (name, pod, multus))

/// A disk that is a file of a container image. Changes are lost with the pod.
struct ContainerDisk {
  /// The image.
  std::string image;
  /// When the image is pulled: Always, IfNotPresent or Never. Default: as Kubernetes does.
  std::string imagePullPolicy;
  /// Secret to pull the image with.
  std::string imagePullSecret;
  /// Path of the disk's file in the image, qcow2 or raw. Default: the only file in /disk.
  std::string path;
  friend bool operator==(const ContainerDisk&, const ContainerDisk&) = default;
};
BOOST_DESCRIBE_STRUCT(ContainerDisk, (), (image, imagePullPolicy, imagePullSecret, path))

/// A reference to an object of the same namespace whose kind is known from the field.
struct LocalReference {
  /// Name of the object.
  std::string name;
  friend bool operator==(const LocalReference&, const LocalReference&) = default;
};
BOOST_DESCRIBE_STRUCT(LocalReference, (), (name))

/// Data for the guest's cloud-init: in place, in base64, or in a Secret.
struct CloudInit {
  /// Secret with the user data, under the key userdata.
  std::optional<LocalReference> secretRef;
  /// Secret with the network data, under the key networkdata.
  std::optional<LocalReference> networkDataSecretRef;
  /// The user data. Wins over userDataBase64, and that over the Secret.
  std::string userData;
  /// The user data in base64.
  std::string userDataBase64;
  /// The network data. Default: what the pod's network is. Wins over networkDataBase64, and that
  /// over the Secret.
  std::string networkData;
  /// The network data in base64.
  std::string networkDataBase64;
  friend bool operator==(const CloudInit&, const CloudInit&) = default;
};
BOOST_DESCRIBE_STRUCT(CloudInit, (),
                      (secretRef, networkDataSecretRef, userData, userDataBase64, networkData,
                       networkDataBase64))

/// An empty disk. What is on it is lost with the pod.
struct EmptyDisk {
  /// Its size. Needed.
  Quantity capacity;
  friend bool operator==(const EmptyDisk&, const EmptyDisk&) = default;
};
BOOST_DESCRIBE_STRUCT(EmptyDisk, (), (capacity))

/// A disk that is a DataVolume: the claim of its name. Only hot-plugged ones are served.
struct DataVolumeSource {
  /// Name of the DataVolume, and of its claim.
  std::string name;
  /// Whether it comes and goes while the machine runs.
  std::optional<bool> hotpluggable;
  friend bool operator==(const DataVolumeSource&, const DataVolumeSource&) = default;
};
BOOST_DESCRIBE_STRUCT(DataVolumeSource, (), (name, hotpluggable))

/// A disk that is a PersistentVolumeClaim: a raw device, or a file in a file system. Only
/// hot-plugged ones are served.
struct ClaimVolumeSource {
  /// Name of the claim.
  std::string claimName;
  /// Whether it comes and goes while the machine runs.
  std::optional<bool> hotpluggable;
  /// Whether the guest cannot write. Default false.
  std::optional<bool> readOnly;
  friend bool operator==(const ClaimVolumeSource&, const ClaimVolumeSource&) = default;
};
BOOST_DESCRIBE_STRUCT(ClaimVolumeSource, (), (claimName, hotpluggable, readOnly))

/// What a disk holds: exactly one source.
struct Volume {
  /// Name of the volume. The disk has the same.
  std::string name;
  /// A file of a container image. The first one grows to the annotation nestor.dev/root-disk-size.
  std::optional<ContainerDisk> containerDisk;
  /// Data for cloud-init, in the form NoCloud.
  std::optional<CloudInit> cloudInitNoCloud;
  /// Data for cloud-init, in the form of a config drive.
  std::optional<CloudInit> cloudInitConfigDrive;
  /// An empty disk.
  std::optional<EmptyDisk> emptyDisk;
  /// A DataVolume. Only hot-plugged.
  std::optional<DataVolumeSource> dataVolume;
  /// A claim. Only hot-plugged.
  std::optional<ClaimVolumeSource> persistentVolumeClaim;
  /// A Secret as a disk. Refused by Nestor.
  Json secret;
  /// A ConfigMap as a disk. Refused by Nestor.
  Json configMap;
  /// A token as a disk. Refused by Nestor.
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
