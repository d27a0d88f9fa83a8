#include "api/cluster/machine_health_check.hpp"
#include "cluster/machine_health_logic.hpp"
#include "cluster/preflight.hpp"
#include "cluster/replica_logic.hpp"
#include "fuzz.hpp"

/// What people write about how many Machines may be away, and the versions that Machines and
/// control planes say they have.
namespace {

using namespace nestor;

void read_limit(const Json& limit) {
  const int count = cluster::resolve_count(limit, 1000, true, -1);
  FUZZ_CHECK(count >= -1 && count <= 1'000'000);
  if (api::cluster::is_count_or_percentage(limit)) FUZZ_CHECK(count >= 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text(data, size);
  read_limit(Json(input));
  if (const auto json = parse_json(input)) read_limit(*json);

  api::cluster::MachineHealthCheck check;
  check.spec.remediation.triggerIf.unhealthyInRange = input;
  const auto range = api::cluster::parse_range(input);
  if (range) FUZZ_CHECK(range->first >= 0 && range->first <= range->second);
  for (const int unhealthy : {0, 1, 7}) {
    const auto allowed = cluster::allowance(check, 7, unhealthy, WallTime());
    FUZZ_CHECK(allowed.remaining >= 0);
    if (!range && !input.empty()) FUZZ_CHECK(!allowed.allowed);
  }

  const auto [mine, theirs] = fuzz::split(input, '\n');
  api::cluster::MachineSet set;
  set.spec.template_.spec.version = mine;
  (void)cluster::failed_preflight_checks(
      set, {{"spec", {{"version", theirs}}}, {"status", {{"version", mine}}}});
  return 0;
}
