#include "fuzz.hpp"
#include "kube/kubeconfig.hpp"

/// Kubeconfigs come from users and from Secrets. `base_dir` is a folder without files.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  const std::string_view input = fuzz::text(data, size);
  const auto config = kube::parse_kubeconfig(input, {}, "/dev/null");
  if (config) FUZZ_CHECK(!config->server.empty() && !config->default_namespace.empty());
  if (const auto foreign = kube::parse_foreign_kubeconfig(input)) {
    const auto again = kube::parse_foreign_kubeconfig(kube::make_kubeconfig(*foreign));
    FUZZ_CHECK(again && again->server == foreign->server && again->token == foreign->token);
  }
  return 0;
}
