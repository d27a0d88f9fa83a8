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

/// Guest CPUs: cores * sockets * threads; zero counts as one.
struct Cpu {
  std::optional<std::int64_t> cores;
  std::optional<std::int64_t> sockets;
  std::optional<std::int64_t> threads;
  /// QEMU model name, "host-model" or "host-passthrough".
  std::string model;
  friend bool operator==(const Cpu&, const Cpu&) = default;
};
BOOST_DESCRIBE_STRUCT(Cpu, (), (cores, sockets, threads, model))

struct Memory {
  /// What the guest sees.
  Quantity guest;
  friend bool operator==(const Memory&, const Memory&) = default;
};
BOOST_DESCRIBE_STRUCT(Memory, (), (guest))

/// By resource name ("cpu", "memory").
struct ResourceRequirements {
  std::map<std::string, Quantity> requests;
  std::map<std::string, Quantity> limits;
  friend bool operator==(const ResourceRequirements&, const ResourceRequirements&) = default;
};
BOOST_DESCRIBE_STRUCT(ResourceRequirements, (), (requests, limits))

struct DiskTarget {
  /// "virtio", "scsi", "sata".
  std::string bus;
  std::optional<bool> readonly;
  std::string pciAddress;
  friend bool operator==(const DiskTarget&, const DiskTarget&) = default;
};
BOOST_DESCRIBE_STRUCT(DiskTarget, (), (bus, readonly, pciAddress))

/// How a volume of the same name appears in the guest: exactly one of disk, lun, cdrom; none of
/// them counts as disk.
struct Disk {
  std::string name;
  std::optional<DiskTarget> disk;
  Json lun;
  Json cdrom;
  std::string serial;
  std::optional<std::int64_t> bootOrder;
  friend bool operator==(const Disk&, const Disk&) = default;
};
BOOST_DESCRIBE_STRUCT(Disk, (), (name, disk, lun, cdrom, serial, bootOrder))

/// A guest's network card. The binding that is set (an empty object) counts; none is "bridge".
struct Interface {
  std::string name;
  Json bridge;
  Json masquerade;
  Json passt;
  std::string model;
  std::string macAddress;
  std::vector<Json> ports;
  friend bool operator==(const Interface&, const Interface&) = default;
};
BOOST_DESCRIBE_STRUCT(Interface, (), (name, bridge, masquerade, passt, model, macAddress, ports))

struct Devices {
  std::vector<Disk> disks;
  std::vector<Interface> interfaces;
  std::optional<bool> networkInterfaceMultiqueue;
  std::optional<bool> logSerialConsole;
  Json gpus;
  Json hostDevices;
  Json rng;
  friend bool operator==(const Devices&, const Devices&) = default;
};
BOOST_DESCRIBE_STRUCT(Devices, (),
                      (disks, interfaces, networkInterfaceMultiqueue, logSerialConsole, gpus,
                       hostDevices, rng))

struct Firmware {
  /// The machine's UUID; by default made from its name, so that it stays.
  std::string uuid;
  std::string serial;
  Json bootloader;
  friend bool operator==(const Firmware&, const Firmware&) = default;
};
BOOST_DESCRIBE_STRUCT(Firmware, (), (uuid, serial, bootloader))

struct Domain {
  std::optional<Cpu> cpu;
  std::optional<Memory> memory;
  ResourceRequirements resources;
  Devices devices;
  std::optional<Firmware> firmware;
  Json machine;
  Json features;
  friend bool operator==(const Domain&, const Domain&) = default;
};
BOOST_DESCRIBE_STRUCT(Domain, (), (cpu, memory, resources, devices, firmware, machine, features))

}  // namespace nestor::api::kubevirt
