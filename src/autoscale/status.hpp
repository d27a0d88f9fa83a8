#pragma once

#include <string>

#include "autoscale/plan.hpp"

namespace nestor::autoscale {

/// On a MachineDeployment or MachineSet: what was last decided about it, as JSON
/// {scaleUp, scaleUpMessage, scaleDown, scaleDownMessage, nodes: {name: why}, faults: […]}.
inline constexpr std::string_view kReportAnnotation = "autoscaler.nestor.dev/report";
/// scaleUp and scaleDown in the report of an object that its faults keep from being a group.
inline constexpr std::string_view kNotScaled = "NotScaled";
std::string report_text(const GroupReport& report, const std::vector<std::string>& faults);
/// Whether two reports say the same with, at most, other numbers and times.
bool same_but_numbers(std::string_view a, std::string_view b);

/// The `status` of ConfigMap kube-system/cluster-autoscaler-status in upstream's shape (YAML), with
/// `time` as the time of the probe. `last_transitions`: as given by the caller for "health",
/// "scaleUp" and "scaleDown" of the cluster and of each group's id.
Json status_document(const TenantView& view, const Decision& decision, const std::string& time,
                     const std::map<std::string, std::string>& last_transitions);
/// What of the document is a state whose transitions are told: by the same names.
std::map<std::string, std::string> states_of(const TenantView& view, const Decision& decision);

}  // namespace nestor::autoscale
