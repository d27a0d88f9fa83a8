#include "autoscale/status.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ranges>

namespace nestor::autoscale {
namespace {

/// Nodes that a report names; the annotations of an object have a limit together.
constexpr std::size_t kMaxNodes = 40;

JsonObject node_counts(const GroupReport& report) {
  JsonObject unready;
  unready["total"] = report.unready;
  unready["resourceUnready"] = 0;
  JsonObject registered;
  registered["total"] = report.ready + report.unready + report.not_started + report.being_deleted;
  registered["ready"] = report.ready;
  registered["notStarted"] = report.not_started;
  registered["suspended"] = 0;
  registered["beingDeleted"] = report.being_deleted;
  registered["unready"] = std::move(unready);
  JsonObject out;
  out["registered"] = std::move(registered);
  out["longUnregistered"] = report.long_unregistered;
  out["unregistered"] = report.unregistered;
  return out;
}

GroupReport sum(const TenantView& view, const Decision& decision) {
  GroupReport out;
  for (std::size_t i = 0; i < view.groups.size(); ++i) {
    const GroupReport& one = decision.groups[i].report;
    out.ready += one.ready;
    out.unready += one.unready;
    out.not_started += one.not_started;
    out.being_deleted += one.being_deleted;
    out.unregistered += one.unregistered;
    out.long_unregistered += one.long_unregistered;
    out.candidates += one.candidates;
    if (one.scale_up == "InProgress") out.scale_up = "InProgress";
    if (one.scale_down == "CandidatesPresent") out.scale_down = "CandidatesPresent";
  }
  out.healthy = decision.healthy;
  return out;
}

std::string health_of(const GroupReport& report) {
  return report.healthy ? "Healthy" : "Unhealthy";
}

/// {status, …, lastProbeTime, lastTransitionTime}
JsonObject state(const std::string& status, const std::string& key, const std::string& time,
                 const std::map<std::string, std::string>& transitions) {
  JsonObject out;
  out["status"] = status;
  out["lastProbeTime"] = time;
  const auto since = transitions.find(key);
  out["lastTransitionTime"] = since == transitions.end() ? time : since->second;
  return out;
}

}  // namespace

std::string report_text(const GroupReport& report, const std::vector<std::string>& faults) {
  JsonObject nodes;
  for (const auto& [name, says] : report.nodes) {
    if (nodes.size() == kMaxNodes) break;
    nodes[name] = says;
  }
  JsonArray wrong;
  for (const std::string& fault : faults) wrong.emplace_back(boost::json::string(fault));
  JsonObject out;
  out["scaleUp"] = report.scale_up;
  if (!report.scale_up_message.empty()) out["scaleUpMessage"] = report.scale_up_message;
  out["scaleDown"] = report.scale_down;
  if (!report.scale_down_message.empty()) out["scaleDownMessage"] = report.scale_down_message;
  if (!nodes.empty()) out["nodes"] = std::move(nodes);
  if (!wrong.empty()) out["faults"] = std::move(wrong);
  return to_text(out);
}

bool same_but_numbers(std::string_view a, std::string_view b) {
  const auto word = [](char c) { return c < '0' || c > '9'; };
  return std::ranges::equal(a | std::views::filter(word), b | std::views::filter(word));
}

std::map<std::string, std::string> states_of(const TenantView& view, const Decision& decision) {
  std::map<std::string, std::string> out;
  const auto put = [&](const std::string& of, const GroupReport& report) {
    out[of + "/health"] = health_of(report);
    out[of + "/scaleUp"] = report.scale_up;
    out[of + "/scaleDown"] = report.scale_down;
  };
  put("", sum(view, decision));
  for (std::size_t i = 0; i < view.groups.size(); ++i) {
    put(view.groups[i].id(), decision.groups[i].report);
  }
  return out;
}

Json status_document(const TenantView& view, const Decision& decision, const std::string& time,
                     const std::map<std::string, std::string>& last_transitions) {
  const auto part = [&](const std::string& of, const GroupReport& report) {
    JsonObject health = state(health_of(report), of + "/health", time, last_transitions);
    health["nodeCounts"] = node_counts(report);
    JsonObject down = state(report.scale_down, of + "/scaleDown", time, last_transitions);
    down["candidates"] = report.candidates;
    JsonObject out;
    out["health"] = std::move(health);
    out["scaleUp"] = state(report.scale_up, of + "/scaleUp", time, last_transitions);
    out["scaleDown"] = std::move(down);
    return out;
  };
  JsonArray groups;
  for (std::size_t i = 0; i < view.groups.size(); ++i) {
    const NodeGroup& group = view.groups[i];
    const GroupChange& change = decision.groups[i];
    JsonObject one = part(group.id(), change.report);
    JsonObject& health = one["health"].as_object();
    health["cloudProviderTarget"] = change.replicas.value_or(group.target);
    health["minSize"] = group.min;
    health["maxSize"] = group.max;
    if (change.report.scale_up == "Backoff") {
      const std::string& reason = change.state.backoff_reason;
      JsonObject backoff;
      backoff["errorCode"] = reason.substr(0, reason.find(':'));
      backoff["errorMessage"] = reason;
      one["scaleUp"].as_object()["backoffInfo"] = std::move(backoff);
    }
    one["name"] = group.id();
    groups.push_back(std::move(one));
  }
  JsonObject out;
  out["time"] = time;
  out["autoscalerStatus"] = "Running";
  out["clusterWide"] = part("", sum(view, decision));
  if (!groups.empty()) out["nodeGroups"] = std::move(groups);
  return out;
}

}  // namespace nestor::autoscale
