#include "fuzz.hpp"
#include "storage/csi/node_host.hpp"
#include "storage/volume.hpp"
#include "vm/launcher/hotplug_wire.hpp"

/// What the node side of disks and the launcher read: requests of attachment pods, the kernel's
/// list of mounts, mount options, serial numbers, what blkid says, and names that CSI clients
/// choose.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  const std::string_view input = fuzz::text(data, size);
  if (const auto request = vm::from_line<vm::HotplugRequest>(input)) {
    const std::string line = vm::to_line(*request);
    FUZZ_CHECK(line.find('\n') == line.size() - 1);
    FUZZ_CHECK(vm::from_line<vm::HotplugRequest>(line) == *request);
  }
  const auto [path, mounts] = fuzz::split(input, '\n');
  (void)storage::find_mount(mounts, path);
  const auto options = storage::read_mount_options({std::string(path), std::string(mounts)});
  FUZZ_CHECK(options.data.size() <= input.size() + 1);
  FUZZ_CHECK(storage::serial_matches(path, path) == !path.empty());
  // "" would be a blank disk, to be formatted.
  const std::string found = storage::file_system_in(std::string(input));
  FUZZ_CHECK(!found.empty() && found.find('\n') == std::string::npos);
  const std::string_view serial = storage::serial_in_vpd(input);
  FUZZ_CHECK(serial.empty() || input.substr(4).starts_with(serial));
  const std::string id = storage::volume_id_for(std::string(input));
  FUZZ_CHECK(id.starts_with("pvc-") && id.size() <= 253);
  FUZZ_CHECK(storage::volume_id_for(id) == id);
  return 0;
}
