#include "controlplane/cidr.hpp"
#include "fuzz.hpp"

/// "CIDR offset": the address must be a canonical one, and the first address lies in its network.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  const auto [cidr, number] = fuzz::split(fuzz::text(data, size), ' ');
  std::uint32_t offset = 0;
  for (const char c : number.substr(0, 4)) offset = offset << 8 | static_cast<unsigned char>(c);
  const auto address = controlplane::nth_address(cidr, offset);
  if (address) FUZZ_CHECK(controlplane::canonical_ip(*address) == *address);
  const std::string canonical = controlplane::canonical_ip(cidr);
  FUZZ_CHECK(controlplane::canonical_ip(canonical) == canonical);
  return 0;
}
