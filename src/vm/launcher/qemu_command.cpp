#include "vm/launcher/qemu_command.hpp"

#include <fmt/core.h>

#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/string_generator.hpp>
#include <boost/uuid/uuid_io.hpp>

#include "base/json.hpp"

namespace nestor::vm {
namespace {

using Args = std::vector<std::string>;

void add_cpu(const QemuConfig& config, Args& args) {
  std::string model = config.cpu_model;
  if (config.accelerator == Accelerator::kTcg) {
    // What TCG emulates is what there is, whatever model was asked for. Nested SVM only slows it.
    model = "max,-svm";
    args.insert(args.end(), {"-accel", "tcg,thread=multi,tb-size=256"});
  } else {
    if (model.empty() || model == "host-model" || model == "host-passthrough") model = "host";
    args.insert(args.end(), {"-accel", "kvm"});
  }
  args.insert(args.end(), {"-cpu", model});
  args.insert(args.end(),
              {"-smp", fmt::format("{},sockets={},cores={},threads={}", config.cpu.total(),
                                   config.cpu.sockets, config.cpu.cores, config.cpu.threads)});
  args.insert(args.end(), {"-m", fmt::format("size={}M", config.memory_bytes / kMiB)});
}

void add_drive(const Drive& drive, Args& args) {
  const std::string node = "disk-" + drive.name;
  const JsonObject file{{"driver", "file"}, {"filename", drive.path}, {"locking", "off"}};
  const JsonObject block{{"driver", drive.format},
                         {"node-name", node},
                         {"read-only", drive.read_only},
                         {"discard", "unmap"},
                         {"cache", JsonObject{{"no-flush", drive.ephemeral}}},
                         {"file", file}};
  args.insert(args.end(), {"-blockdev", to_text(block)});

  // Without room for a write the machine waits: it cannot do without its own disks.
  JsonObject device{{"drive", node}, {"id", "device-" + drive.name}, {"werror", "enospc"}};
  if (drive.bus == "scsi") {
    device["driver"] = "scsi-hd";
    device["bus"] = "scsi0.0";
  } else if (drive.bus == "sata") {
    device["driver"] = "ide-hd";
  } else {
    device["driver"] = "virtio-blk-pci";
  }
  if (!drive.serial.empty()) device["serial"] = drive.serial;
  if (drive.boot_order) device["bootindex"] = *drive.boot_order;
  args.insert(args.end(), {"-device", to_text(device)});
}

void add_nic(const Nic& nic, std::size_t index, Args& args) {
  const std::string id = fmt::format("net{}", index);
  args.insert(args.end(), {"-netdev", fmt::format("tap,id={},fd={}", id, nic.tap_fd)});
  args.insert(args.end(), {"-device", fmt::format("virtio-net-pci,netdev={},mac={},host_mtu={},"
                                                  "romfile=",
                                                  id, nic.mac, nic.mtu)});
}

void add_boot(const DirectBoot& boot, Args& args) {
  args.insert(args.end(), {"-kernel", boot.kernel});
  if (!boot.initrd.empty()) args.insert(args.end(), {"-initrd", boot.initrd});
  if (!boot.command_line.empty()) args.insert(args.end(), {"-append", boot.command_line});
}

}  // namespace

std::vector<std::string> qemu_command(const QemuConfig& config) {
  Args args{"qemu-system-x86_64",
            "-name",
            "guest=" + config.name,
            "-uuid",
            config.uuid,
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
            "-machine",
            "q35,usb=off,vmport=off,dump-guest-core=off",
            "-sandbox",
            "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
            "-rtc",
            "base=utc"};
  add_cpu(config, args);
  args.insert(args.end(), {"-device", "virtio-scsi-pci,id=scsi0"});
  for (const Drive& drive : config.drives) add_drive(drive, args);
  for (std::size_t i = 0; i < config.nics.size(); ++i) add_nic(config.nics[i], i, args);
  if (config.boot) add_boot(*config.boot, args);
  args.insert(args.end(), {"-object", "rng-random,id=rng0,filename=/dev/urandom", "-device",
                           "virtio-rng-pci,rng=rng0"});
  args.insert(args.end(), {"-chardev",
                           fmt::format("socket,id=console0,path={},server=on,wait=off,"
                                       "logfile=/dev/stdout,logappend=on",
                                       config.console_socket),
                           "-serial", "chardev:console0"});
  args.insert(args.end(), {"-chardev", fmt::format("socket,id=qmp0,fd={}", config.qmp_fd), "-mon",
                           "chardev=qmp0,mode=control"});
  return args;
}

std::string machine_uuid(const std::string& ns, const std::string& name) {
  // The namespace of our names; an arbitrary constant that must never change.
  static const boost::uuids::uuid kNames =
      boost::uuids::string_generator()("6f2a1cf0-52a5-4c38-9d0e-3f1d2b7a9e11");
  return boost::uuids::to_string(boost::uuids::name_generator_sha1(kNames)(ns + "/" + name));
}

}  // namespace nestor::vm
