#pragma once

#include <boost/describe/class.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/quantity.hpp"

/// kubevirt.io/v1: the hardware of a machine.
namespace nestor::api::kubevirt {

/// CPUs of the guest: cores * sockets * threads, at most 255. Absent: as many as resources.requests
/// (or limits) has.
struct Cpu {
  /// Cores of each socket. Default 1.
  std::optional<std::int64_t> cores;
  /// Sockets. Default 1.
  std::optional<std::int64_t> sockets;
  /// Threads of each core. Default 1.
  std::optional<std::int64_t> threads;
  /// Model of the CPU: a name that QEMU knows, host-model or host-passthrough (both, and the
  /// default: the node's own). Without effect where there is no KVM.
  std::string model;
  friend bool operator==(const Cpu&, const Cpu&) = default;
};
BOOST_DESCRIBE_STRUCT(Cpu, (), (cores, sockets, threads, model))

/// Memory of the guest.
struct Memory {
  /// What the guest sees. Default: resources.requests.memory, else the limit.
  Quantity guest;
  friend bool operator==(const Memory&, const Memory&) = default;
};
BOOST_DESCRIBE_STRUCT(Memory, (), (guest))

/// What the machine asks for, by resource name such as cpu and memory.
struct ResourceRequirements {
  /// What the pod asks for. Its memory is always the guest's with QEMU's own on top; default cpu: a
  /// tenth of the guest's.
  std::map<std::string, Quantity> requests;
  /// What the pod may use. QEMU's own is put on top of memory.
  std::map<std::string, Quantity> limits;
  friend bool operator==(const ResourceRequirements&, const ResourceRequirements&) = default;
};
BOOST_DESCRIBE_STRUCT(ResourceRequirements, (), (requests, limits))

/// A disk as the guest sees it.
struct DiskTarget {
  /// virtio (the default), scsi or sata. Hot-plugged disks are always on scsi.
  std::string bus;
  /// Whether the guest cannot write. Default false.
  std::optional<bool> readonly;
  /// Its place on the PCI bus. Without effect.
  std::string pciAddress;
  friend bool operator==(const DiskTarget&, const DiskTarget&) = default;
};
BOOST_DESCRIBE_STRUCT(DiskTarget, (), (bus, readonly, pciAddress))

/// How the volume of the same name appears in the guest: exactly one of disk, lun and cdrom. None
/// of them counts as disk.
struct Disk {
  /// Name of the volume.
  std::string name;
  /// As a disk.
  std::optional<DiskTarget> disk;
  /// As a SCSI device that is passed through. Counts as a disk.
  Json lun;
  /// As a CD. It is a disk that cannot be written.
  Json cdrom;
  /// Serial number by which the guest finds it.
  std::string serial;
  /// When it is tried for booting: the lowest number first.
  std::optional<std::int64_t> bootOrder;
  friend bool operator==(const Disk&, const Disk&) = default;
};
BOOST_DESCRIBE_STRUCT(Disk, (), (name, disk, lun, cdrom, serial, bootOrder))

/// A network card of the guest. Only the binding bridge is served.
// The binding that is set (an empty object) counts; none is "bridge".
struct Interface {
  /// Name of the network.
  std::string name;
  /// The guest has the pod's address (an empty object). The default.
  Json bridge;
  /// The guest is hidden behind the pod's address. Refused by Nestor.
  Json masquerade;
  /// The guest is hidden behind the pod's address, without privileges. Refused by Nestor.
  Json passt;
  /// Model of the card. Without effect: it is virtio.
  std::string model;
  /// MAC address. Without effect: the guest has the pod's.
  std::string macAddress;
  /// Ports that reach the guest. Without effect: all do.
  std::vector<Json> ports;
  friend bool operator==(const Interface&, const Interface&) = default;
};
BOOST_DESCRIBE_STRUCT(Interface, (), (name, bridge, masquerade, passt, model, macAddress, ports))

/// Devices of the guest.
struct Devices {
  /// Its disks.
  std::vector<Disk> disks;
  /// Its network cards: at most one.
  std::vector<Interface> interfaces;
  /// Several queues for each card. Without effect.
  std::optional<bool> networkInterfaceMultiqueue;
  /// Whether the pod's log has the console. Without effect: it always has.
  std::optional<bool> logSerialConsole;
  /// GPUs to pass through. Without effect.
  Json gpus;
  /// Devices of the node to pass through. Without effect.
  Json hostDevices;
  /// A source of random numbers. Without effect: there always is one.
  Json rng;
  friend bool operator==(const Devices&, const Devices&) = default;
};
BOOST_DESCRIBE_STRUCT(Devices, (),
                      (disks, interfaces, networkInterfaceMultiqueue, logSerialConsole, gpus,
                       hostDevices, rng))

/// Firmware of the machine.
struct Firmware {
  /// UUID of the machine. Default: made from its namespace and name, so that it stays.
  std::string uuid;
  /// Serial number of the machine. Without effect.
  std::string serial;
  /// BIOS or EFI. Without effect: it is a BIOS, or the kernel that the container disk has in /boot.
  Json bootloader;
  friend bool operator==(const Firmware&, const Firmware&) = default;
};
BOOST_DESCRIBE_STRUCT(Firmware, (), (uuid, serial, bootloader))

/// The hardware of the machine.
struct Domain {
  /// CPUs of the guest.
  std::optional<Cpu> cpu;
  /// Memory of the guest. It must be here or in resources.
  std::optional<Memory> memory;
  /// What the machine asks for.
  ResourceRequirements resources;
  /// Devices of the guest.
  Devices devices;
  /// Firmware of the machine.
  std::optional<Firmware> firmware;
  /// Type of the machine. Without effect: it is q35.
  Json machine;
  /// Features of the hypervisor. Without effect.
  Json features;
  friend bool operator==(const Domain&, const Domain&) = default;
};
BOOST_DESCRIBE_STRUCT(Domain, (), (cpu, memory, resources, devices, firmware, machine, features))

}  // namespace nestor::api::kubevirt
