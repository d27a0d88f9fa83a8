#include "fuzz.hpp"
#include "vm/launcher/network.hpp"

/// The output of `ip -json` and a pod's resolv.conf.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  const std::string_view input = fuzz::text(data, size);
  const vm::Dns dns = vm::read_resolv_conf(input);
  for (const std::string& server : dns.servers) FUZZ_CHECK(!server.empty());
  const auto [addresses, routes] = fuzz::split(input, '\n');
  const auto links = parse_json(addresses);
  const auto list = parse_json(routes);
  if (!links) return 0;
  const auto link = vm::read_pod_link(*links, list ? *list : Json(JsonArray{}));
  if (link) {
    FUZZ_CHECK(link->mac.size() == 17 && !link->addresses.empty());
    FUZZ_CHECK(!vm::bridge_commands(*link).empty());
  }
  return 0;
}
