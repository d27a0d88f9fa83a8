#include "cli/upgrade_plan.hpp"
#include "fuzz.hpp"

/// Versions: that of a control plane, that of nodes, and the one that a person asks for.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  const auto [running, rest] = fuzz::split(fuzz::text(data, size), '\n');
  const auto [nodes, target] = fuzz::split(rest, '\n');
  cli::ClusterState state;
  state.control_plane = {{"spec", {{"version", running}}}};
  state.deployments.push_back({{"spec", {{"template", {{"spec", {{"version", nodes}}}}}}}});
  const auto plan = cli::plan_upgrade(state, std::string(target));
  // What has the version already needs no upgrade.
  if (plan && running == target) FUZZ_CHECK(!plan->control_plane);
  if (plan && nodes == target) FUZZ_CHECK(!plan->nodes);
  return 0;
}
