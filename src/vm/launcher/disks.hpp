#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "api/kubevirt/annotations.hpp"
#include "api/kubevirt/virtual_machine_instance.hpp"
#include "base/process.hpp"
#include "vm/launcher/cloud_init.hpp"
#include "vm/launcher/qemu_command.hpp"

/// A machine's disks: which there are (pure), and making their files.
namespace nestor::vm {

using api::kubevirt::kRootSizeAnnotation;

struct DiskPlan {
  enum class Source { kContainerDisk, kEmpty, kCloudInit };
  Source source;
  /// Without path and format, which preparing finds.
  Drive drive;
  /// The volume; its name is the name of its folders.
  api::kubevirt::Volume volume;
  /// Least size in bytes; 0: as it is.
  std::int64_t size = 0;
};

/// The disks in the order of the spec. Only the first cloud-init volume counts.
/// Errors: kInvalidArgument (a disk without volume, an unreadable size), kUnimplemented (a volume
/// of a kind this runtime does not serve).
Result<std::vector<DiskPlan>> plan_disks(const api::kubevirt::VirtualMachineInstance& machine);

/// The kernel beside the disk of the first container disk, if the image has one.
/// Its command line gets a serial console unless it names one.
std::optional<DirectBoot> find_direct_boot(const std::filesystem::path& image_folder);

/// The only regular file in `folder`/disk, or the file at `path` below `folder`.
/// Errors: kFailedPrecondition when there is none or more than one.
Result<std::filesystem::path> find_image_file(const std::filesystem::path& folder,
                                              const std::string& path);

/// User data and network data of a cloud-init volume: inline, in base64, or from the mounted
/// Secret. Errors: kNotFound, kInvalidArgument.
Result<SeedInput> read_cloud_init(const api::kubevirt::CloudInit& source,
                                  const std::filesystem::path& folder, SeedInput input);

/// Makes the files of one disk below `state`. Idempotent: a file of an earlier try is replaced.
Task<Drive> prepare_disk(ProcessRunner& processes, DiskPlan plan, SeedInput seed,
                         std::filesystem::path state);

}  // namespace nestor::vm
