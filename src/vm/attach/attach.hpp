#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "base/result.hpp"

/// The program in an attachment pod: hands a claim's disk to a machine's launcher, and stays as
/// long as the machine has it.
namespace nestor::vm {

/// A claim of mode Filesystem is mounted here; its disk is the file disk.img.
inline constexpr std::string_view kClaimFolder = "/run/nestor/claim";
/// A claim of mode Block is this device.
inline constexpr std::string_view kClaimDevice = "/dev/claim";
/// Files `size` (bytes) and `detach` ("true"), which follow the pod's annotations.
inline constexpr std::string_view kWantedFolder = "/run/nestor/wanted";
/// Accepts connections once the machine has the disk.
inline constexpr std::uint16_t kAttachedPort = 8080;

struct AttachOptions {
  std::string volume;
  std::string serial = {};
  bool block = false;
  bool read_only = false;
  // Where things are; other places in tests.
  std::string claim_folder{kClaimFolder};
  std::string claim_device{kClaimDevice};
  std::string wanted_folder{kWantedFolder};
  /// "" for hotplug_wire.hpp's.
  std::string socket = {};
  std::uint16_t port = kAttachedPort;
};

/// Runs until the disk has been taken out (0), SIGTERM, the launcher's end or an error (1; why is
/// in the log). The disk stays in the machine unless the file `detach` asks for it, so that an
/// eviction of the pod harms nothing.
int attach_main(AttachOptions options);

/// Opens the disk. An image is made sparse with `size` bytes when it is missing, and grows to it.
/// Errors: kNotFound, kFailedPrecondition (not an image), kResourceExhausted, kInternal.
Result<UniqueFd> open_disk(const AttachOptions& options, std::int64_t size);

}  // namespace nestor::vm
