#include "fuzz.hpp"
#include "kube/client.hpp"
#include "pki/kubeconfig.hpp"

/// Kubeconfigs come from users and from Secrets. `base_dir` is a folder without files.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  const std::string_view input = fuzz::text(data, size);
  const auto config = kube::parse_kubeconfig(input, {}, "/dev/null");
  if (config) FUZZ_CHECK(!config->server.empty() && !config->default_namespace.empty());
  const auto spec = pki::read_kubeconfig(std::string(input));
  if (spec) {
    const auto again = pki::read_kubeconfig(pki::make_kubeconfig(*spec));
    FUZZ_CHECK(again && again->server == spec->server && again->token == spec->token);
  }
  return 0;
}
