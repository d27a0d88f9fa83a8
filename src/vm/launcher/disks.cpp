#include "vm/launcher/disks.hpp"

#include <fmt/core.h>

#include <fstream>
#include <system_error>

#include "base/base64.hpp"
#include "base/file.hpp"
#include "base/quantity.hpp"
#include "vm/launcher/launcher.hpp"

namespace nestor::vm {
namespace {

namespace fs = std::filesystem;
using api::kubevirt::Volume;

bool is_cloud_init(const Volume& volume) {
  return volume.cloudInitNoCloud || volume.cloudInitConfigDrive;
}

Result<DiskPlan::Source> source_of(const Volume& volume) {
  if (volume.containerDisk) return DiskPlan::Source::kContainerDisk;
  if (volume.emptyDisk) return DiskPlan::Source::kEmpty;
  if (is_cloud_init(volume)) return DiskPlan::Source::kCloudInit;
  return fail(Code::kUnimplemented,
              "volume " + volume.name +
                  " is neither containerDisk, emptyDisk nor cloud-init: not served yet");
}

Drive drive_of(const api::kubevirt::Disk& disk) {
  Drive drive{.name = disk.name, .path = "", .format = ""};
  if (disk.disk && !disk.disk->bus.empty()) drive.bus = disk.disk->bus;
  drive.read_only = (disk.disk && disk.disk->readonly.value_or(false)) || !disk.cdrom.is_null();
  drive.serial = disk.serial;
  drive.boot_order = disk.bootOrder;
  return drive;
}

Task<> create_overlay(ProcessRunner& processes, DiskPlan plan, fs::path overlay) {
  const fs::path folder = fs::path(kDisksFolder) / plan.volume.name;
  NESTOR_CO_TRY(const fs::path image, find_image_file(folder, plan.volume.containerDisk->path));
  ProcessSpec ask{{"qemu-img", "info", "--output=json", image.string()}};
  NESTOR_CO_TRY(const ProcessOutput info, co_await run_checked(processes, ask));
  NESTOR_CO_TRY(const Json json, parse_json(info.out));
  const std::string format(find_string(json, {"format"}));
  // raw is what anything is; only these two are container disks
  if (format != "qcow2" && format != "raw") {
    co_return fail(Code::kFailedPrecondition, image.string() + " is neither qcow2 nor raw");
  }
  const Json* backing = find(json, {"backing-filename"});
  if (backing != nullptr) {
    co_return fail(Code::kFailedPrecondition, image.string() + " refers to another file");
  }
  ProcessSpec create{{"qemu-img", "create", "-q", "-f", "qcow2", "-F", format, "-b", image.string(),
                      overlay.string()}};
  const Json* size = find(json, {"virtual-size"});
  if (size != nullptr && size->is_int64() && plan.size > size->get_int64()) {
    create.argv.push_back(std::to_string(plan.size));
  }
  NESTOR_CO_TRY_VOID(co_await run_checked(processes, create));
  co_return Result<>{};
}

Task<> create_seed(ProcessRunner& processes, DiskPlan plan, SeedInput input, fs::path state,
                   fs::path image) {
  const bool nocloud = plan.volume.cloudInitNoCloud.has_value();
  const auto& source = nocloud ? plan.volume.cloudInitNoCloud : plan.volume.cloudInitConfigDrive;
  const fs::path secret = fs::path(kCloudInitFolder) / plan.volume.name;
  NESTOR_CO_TRY(const SeedInput full, read_cloud_init(*source, secret, std::move(input)));
  const Seed seed = nocloud ? make_nocloud_seed(full) : make_config_drive_seed(full);
  const fs::path folder = state / "seed";
  std::error_code error;
  fs::remove_all(folder, error);
  for (const SeedFile& file : seed.files) {
    const fs::path path = folder / file.path;
    fs::create_directories(path.parent_path(), error);
    std::ofstream out(path, std::ios::binary);
    out << file.content;
    if (!out.flush()) co_return fail(Code::kInternal, "cannot write " + path.string());
  }
  ProcessSpec pack{{"xorrisofs", "-quiet", "-output", image.string(), "-volid", seed.volume_id,
                    "-joliet", "-rock", folder.string()}};
  NESTOR_CO_TRY_VOID(co_await run_checked(processes, pack));
  fs::remove_all(folder, error);
  co_return Result<>{};
}

}  // namespace

Result<std::vector<DiskPlan>> plan_disks(const api::kubevirt::VirtualMachineInstance& machine) {
  std::vector<DiskPlan> out;
  bool seen_cloud_init = false;
  bool seen_container_disk = false;
  for (const api::kubevirt::Disk& disk : machine.spec.domain.devices.disks) {
    const Volume* volume = nullptr;
    for (const Volume& item : machine.spec.volumes) {
      if (item.name == disk.name) volume = &item;
    }
    if (volume == nullptr) {
      return fail(Code::kInvalidArgument, "disk " + disk.name + " has no volume");
    }
    // comes through hotplug_disks.hpp
    if (api::kubevirt::is_hotplugged(*volume)) continue;
    NESTOR_TRY(const DiskPlan::Source source, source_of(*volume));
    if (source == DiskPlan::Source::kCloudInit && std::exchange(seen_cloud_init, true)) continue;
    DiskPlan plan{source, drive_of(disk), *volume};
    std::string size;
    if (source == DiskPlan::Source::kContainerDisk && !std::exchange(seen_container_disk, true)) {
      size = machine.metadata.annotation(kRootSizeAnnotation);
    }
    if (source == DiskPlan::Source::kEmpty) size = volume->emptyDisk->capacity.text;
    if (!size.empty()) {
      NESTOR_TRY(plan.size, parse_quantity(size));
    } else if (source == DiskPlan::Source::kEmpty) {
      return fail(Code::kInvalidArgument, "emptyDisk " + disk.name + " has no capacity");
    }
    plan.drive.read_only |= source == DiskPlan::Source::kCloudInit;
    plan.drive.ephemeral = true;
    out.push_back(std::move(plan));
  }
  return out;
}

std::optional<DirectBoot> find_direct_boot(const fs::path& image_folder) {
  const fs::path boot = image_folder / "boot";
  std::error_code error;
  if (!fs::is_regular_file(boot / "vmlinuz", error)) return std::nullopt;
  DirectBoot out{.kernel = (boot / "vmlinuz").string()};
  if (fs::is_regular_file(boot / "initrd", error)) out.initrd = (boot / "initrd").string();
  if (auto line = read_file(boot / "cmdline")) {
    out.command_line = line->substr(0, line->find('\n'));
  }
  if (out.command_line.find("console=") == std::string::npos) {
    out.command_line += std::string(out.command_line.empty() ? "" : " ") + "console=ttyS0";
  }
  return out;
}

Result<fs::path> find_image_file(const fs::path& folder, const std::string& path) {
  std::error_code error;
  if (!path.empty()) {
    const fs::path file = folder / fs::path(path).relative_path();
    if (fs::is_regular_file(file, error)) return file;
    return fail(Code::kFailedPrecondition, "the container disk has no file " + path);
  }
  fs::path found;
  int count = 0;
  for (const auto& entry : fs::directory_iterator(folder / "disk", error)) {
    if (!entry.is_regular_file(error)) continue;
    found = entry.path();
    ++count;
  }
  if (count == 1) return found;
  return fail(Code::kFailedPrecondition,
              fmt::format("the container disk has {} files in /disk, not one", count));
}

Result<SeedInput> read_cloud_init(const api::kubevirt::CloudInit& source, const fs::path& folder,
                                  SeedInput input) {
  const auto pick = [&](const std::string& plain, const std::string& encoded, bool mounted,
                        const fs::path& where, const char* key,
                        const char* other) -> Result<std::string> {
    if (!plain.empty()) return plain;
    if (!encoded.empty()) return base64_decode(encoded);
    if (!mounted) return std::string();
    if (auto text = read_file(where / key)) return *text;
    return read_file(where / other);
  };
  NESTOR_TRY(input.user_data, pick(source.userData, source.userDataBase64,
                                   source.secretRef.has_value(), folder, "userdata", "userData"));
  NESTOR_TRY(
      input.network_data,
      pick(source.networkData, source.networkDataBase64, source.networkDataSecretRef.has_value(),
           fs::path(folder.string() + ".network"), "networkdata", "networkData"));
  return input;
}

Task<Drive> prepare_disk(ProcessRunner& processes, DiskPlan plan, SeedInput seed, fs::path state) {
  Drive drive = plan.drive;
  const bool cloud_init = plan.source == DiskPlan::Source::kCloudInit;
  drive.format = cloud_init ? "raw" : "qcow2";
  const fs::path file = state / (drive.name + (cloud_init ? ".iso" : ".qcow2"));
  drive.path = file.string();
  if (plan.source == DiskPlan::Source::kContainerDisk) {
    NESTOR_CO_TRY_VOID(co_await create_overlay(processes, std::move(plan), file));
  } else if (plan.source == DiskPlan::Source::kEmpty) {
    ProcessSpec create{
        {"qemu-img", "create", "-q", "-f", "qcow2", drive.path, std::to_string(plan.size)}};
    NESTOR_CO_TRY_VOID(co_await run_checked(processes, create));
  } else {
    NESTOR_CO_TRY_VOID(
        co_await create_seed(processes, std::move(plan), std::move(seed), state, file));
  }
  co_return drive;
}

}  // namespace nestor::vm
