#include "fuzz.hpp"
#include "tunnel/agent_choice.hpp"
#include "tunnel/packet.hpp"

/// Packets and metadata of Konnectivity's other end, which may be another tenant's agent.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  const std::string_view input = fuzz::text(data, size);
  if (const auto packet = tunnel::decode(std::string(input))) {
    const std::string once = tunnel::encode(*packet);
    const auto again = tunnel::decode(once);
    FUZZ_CHECK(again && again->index() == packet->index());
    FUZZ_CHECK(tunnel::encode(*again) == once);
  }
  if (const auto address = tunnel::parse_address(input)) FUZZ_CHECK(!address->host.empty());
  if (const auto list = tunnel::parse_strategies(input)) FUZZ_CHECK(!list->empty());
  (void)tunnel::parse_identifiers(input);
  return 0;
}
