#include "api/cluster/machine_health_check.hpp"

#include "api/cluster/labels.hpp"
#include "api/faults.hpp"
#include "base/text.hpp"

namespace nestor::api::cluster {

namespace {

constexpr std::int32_t kStartupTimeoutSeconds = 600;
constexpr std::int32_t kLeastStartupTimeoutSeconds = 30;

}  // namespace

void set_defaults(MachineHealthCheck& check) {
  check.metadata.labels[std::string(kClusterNameLabel)] = check.spec.clusterName;
  auto& limit = check.spec.checks.nodeStartupTimeoutSeconds;
  if (!limit) limit = kStartupTimeoutSeconds;
}

Result<std::pair<int, int>> parse_range(std::string_view text) {
  const auto bad = [&] {
    return fail(Code::kInvalidArgument, "\"" + std::string(text) + "\" is not a range as [2-5]");
  };
  const auto dash = text.find('-');
  if (!text.starts_with('[') || !text.ends_with(']') || dash == std::string_view::npos)
    return bad();
  const auto least = parse_number<int>(text.substr(1, dash - 1));
  const auto most = parse_number<int>(text.substr(dash + 1, text.size() - dash - 2));
  if (!least || !most || *least > *most) return bad();
  return std::pair(*least, *most);
}

Result<> validate(const MachineHealthCheck& check) {
  Faults faults;
  const auto& spec = check.spec;
  faults.require("spec.clusterName", spec.clusterName);
  if (spec.selector.empty()) faults.add("spec.selector", "must select something");
  const std::int32_t startup = spec.checks.nodeStartupTimeoutSeconds.value_or(0);
  if (startup != 0 && startup < kLeastStartupTimeoutSeconds) {
    faults.add("spec.checks.nodeStartupTimeoutSeconds", "must be 0 or at least 30");
  }
  const auto& trigger = spec.remediation.triggerIf;
  if (!trigger.unhealthyLessThanOrEqualTo.is_null() &&
      !is_count_or_percentage(trigger.unhealthyLessThanOrEqualTo)) {
    faults.add("spec.remediation.triggerIf.unhealthyLessThanOrEqualTo",
               "must be a whole number or a percentage");
  }
  if (!trigger.unhealthyInRange.empty()) {
    if (auto range = parse_range(trigger.unhealthyInRange); !range) {
      faults.add("spec.remediation.triggerIf.unhealthyInRange", range.error().message);
    }
  }
  return faults.result();
}

}  // namespace nestor::api::cluster
