#include "cluster/replica_logic.hpp"

#include <algorithm>

#include "base/json_convert.hpp"
#include "base/text.hpp"

namespace nestor::cluster {

namespace {

/// More than any cluster has, so that sums of counts stay in range.
constexpr int kMostMachines = 1'000'000;

std::string plural(int count) { return count == 1 ? " Machine" : " Machines"; }

}  // namespace

int resolve_count(const Json& number_or_percent, int total, bool round_up, int fallback) {
  if (number_or_percent.is_number()) {
    std::int32_t number = 0;
    if (!read_json(number_or_percent, number)) return fallback;
    return std::clamp(number, 0, kMostMachines);
  }
  if (!number_or_percent.is_string()) return fallback;
  std::string_view text = number_or_percent.get_string();
  const bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  const auto number = parse_number<int>(text);
  if (!number || *number < 0) return fallback;
  if (!percent) return std::min(*number, kMostMachines);
  const std::int64_t count = (std::int64_t{*number} * total + (round_up ? 99 : 0)) / 100;
  return static_cast<int>(std::min<std::int64_t>(count, kMostMachines));
}

std::vector<kube::Condition> replica_conditions(const ReplicaCounts& counts) {
  std::vector<kube::Condition> out;
  const bool up = counts.have < counts.wanted;
  const bool down = counts.have > counts.wanted;
  const std::string of =
      std::to_string(counts.have) + " of " + std::to_string(counts.wanted) + " Machines";
  const std::string why = counts.blocked.empty() ? "" : ": " + counts.blocked;
  out.push_back(
      kube::make_condition("ScalingUp", up, up ? "ScalingUp" : "NotScalingUp", up ? of + why : ""));
  out.push_back(kube::make_condition("ScalingDown", down, down ? "ScalingDown" : "NotScalingDown",
                                     down ? of : ""));
  const bool none = counts.have == 0;
  const int unready = counts.have - counts.ready;
  const bool unsure = unready > 0 && counts.unknown >= unready;
  out.push_back(kube::make_condition(
      "MachinesReady", unready == 0,
      none ? "NoReplicas" : (unready == 0 ? "Ready" : (unsure ? "ReadyUnknown" : "NotReady")),
      unready == 0 ? "" : std::to_string(unready) + plural(unready) + " not ready"));
  if (unsure) out.back().status = "Unknown";
  const int outdated = counts.have - counts.up_to_date;
  out.push_back(kube::make_condition(
      "MachinesUpToDate", outdated == 0,
      none ? "NoReplicas" : (outdated == 0 ? "UpToDate" : "NotUpToDate"),
      outdated == 0 ? "" : std::to_string(outdated) + plural(outdated) + " not up to date"));
  const bool remediating = counts.remediating > 0;
  out.push_back(kube::make_condition(
      "Remediating", remediating, remediating ? "Remediating" : "NotRemediating",
      remediating ? std::to_string(counts.remediating) + plural(counts.remediating) + " unhealthy"
                  : ""));
  out.push_back(kube::make_condition("Deleting", counts.deleting,
                                     counts.deleting ? "Deleting" : "NotDeleting"));
  out.push_back(
      kube::make_condition("Paused", counts.paused, counts.paused ? "Paused" : "NotPaused"));
  return out;
}

void put_conditions(std::vector<kube::Condition>& conditions, std::vector<kube::Condition> news,
                    std::optional<std::int64_t> generation, std::string_view now) {
  for (kube::Condition& one : news) {
    one.observedGeneration = generation;
    kube::set_condition(conditions, std::move(one), now);
  }
}

}  // namespace nestor::cluster
