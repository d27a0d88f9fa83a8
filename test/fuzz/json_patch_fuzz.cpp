#include "base/json_convert.hpp"
#include "controlplane/json_patch.hpp"
#include "fuzz.hpp"

/// "document\noperations", as kubelet's configuration and its patches in a TenantControlPlane.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  const auto [text, operations] = fuzz::split(fuzz::text(data, size), '\n');
  auto document = parse_json(text);
  const auto list = parse_json(operations);
  if (!document || !list) return 0;
  const auto patches = from_json<std::vector<api::kamaji::JsonPatch>>(*list);
  if (!patches) return 0;
  std::vector<std::string> warnings;
  const auto done = controlplane::apply_json_patch(*document, *patches, warnings);
  FUZZ_CHECK(warnings.size() <= patches->size());
  if (done) FUZZ_CHECK(to_text(*document).size() < 64UL * 1024 * 1024);
  return 0;
}
