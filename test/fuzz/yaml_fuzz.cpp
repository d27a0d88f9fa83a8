#include "base/json.hpp"
#include "fuzz.hpp"

/// Manifests and kubeconfigs: what we write of them we read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  const auto documents = parse_yaml_documents(fuzz::text(data, size));
  if (!documents) return 0;
  for (const Json& document : *documents) {
    if (to_text(document).size() > 64 * 1024) continue;
    const auto again = parse_yaml_documents(to_yaml(document));
    FUZZ_CHECK(again && again->size() == 1);
    FUZZ_CHECK(to_text(again->front()) == to_text(document));
  }
  return 0;
}
