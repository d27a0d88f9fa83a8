#include <fmt/format.h>

#include "api/kubernetes_version.hpp"
#include "cli/upgrade_plan.hpp"
#include "fuzz.hpp"

/// Versions: that of a control plane, that of nodes, and the one that a person asks for.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  const auto [running, rest] = fuzz::split(fuzz::text(data, size), '\n');
  const auto [nodes, target] = fuzz::split(rest, '\n');
  for (const std::string_view text : {running, nodes, target}) {
    const auto version = api::parse_kubernetes_version(text);
    if (!version) continue;
    FUZZ_CHECK(version->major >= 0 && version->minor >= 0 && version->patch >= 0);
    FUZZ_CHECK(api::parse_kubernetes_version(fmt::format(
                   "v{}.{}.{}", version->major, version->minor, version->patch)) == version);
  }
  cli::ClusterState state;
  state.control_plane = {{"spec", {{"version", running}}}};
  state.deployments.push_back({{"spec", {{"template", {{"spec", {{"version", nodes}}}}}}}});
  const auto plan = cli::plan_upgrade(state, std::string(target));
  // What has the version already needs no upgrade.
  if (plan && running == target) FUZZ_CHECK(!plan->control_plane);
  if (plan && nodes == target) FUZZ_CHECK(!plan->nodes);
  return 0;
}
