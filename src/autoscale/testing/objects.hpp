#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "autoscale/plan.hpp"
#include "autoscale/simulation/testing/objects.hpp"
#include "base/testing/seeded_random.hpp"

namespace nestor::autoscale::testing {

inline const WallTime kNow = parse_rfc3339("2026-03-01T12:00:00Z").value();

/// A Node as the API has it, ready, of 4 cores and 8 GiB, born an hour ago.
inline api::core::Node api_node(const std::string& name, bool ready = true, WallTime now = kNow) {
  api::core::Node out;
  out.metadata.name = name;
  out.metadata.uid = "uid-" + name;
  out.metadata.labels[std::string(kHostnameLabel)] = name;
  out.metadata.creationTimestamp = format_rfc3339(now - std::chrono::hours(1));
  out.status.allocatable = {{"cpu", "4"}, {"memory", "8Gi"}, {"pods", "110"}};
  out.status.conditions = {kube::make_condition("Ready", ready)};
  return out;
}

/// The JSON of a pod of a ReplicaSet; on `node`, or pending and found unschedulable when "".
inline Json api_pod(const std::string& name, const std::string& cpu, const std::string& node = "",
                    const std::string& more_metadata = "", const std::string& more_spec = "",
                    const std::string& ns = "default", const std::string& owner = "ReplicaSet") {
  return yaml("{apiVersion: v1, kind: Pod, metadata: {name: " + name + ", namespace: " + ns +
              ", uid: uid-" + name + ", labels: {app: web}, creationTimestamp: '" +
              format_rfc3339(kNow - std::chrono::hours(1)) + "'" +
              (owner.empty() ? ""
                             : ", ownerReferences: [{apiVersion: apps/v1, kind: " + owner +
                                   ", name: web, uid: u, controller: true}]") +
              (more_metadata.empty() ? "" : ", " + more_metadata) + "}, spec: {" +
              (node.empty() ? "" : "nodeName: " + node + ", ") +
              "containers: [{name: c, resources: {requests: {cpu: '" + cpu + "'}}}]" +
              (more_spec.empty() ? "" : ", " + more_spec) + "}, status: " +
              (node.empty() ? "{phase: Pending, conditions: [{type: PodScheduled, status: 'False', "
                              "reason: Unschedulable}]}}"
                            : "{phase: Running}}"));
}

/// A tenant in thought. Groups own nodes called <group>-<number>.
struct Scene {
  TenantView view;
  WallTime now = kNow;
  SeededRandom random;

  NodeGroup& group(const std::string& name, int min, int max) {
    NodeGroup out;
    out.metadata.name = name;
    out.metadata.namespace_ = "ns";
    out.min = min;
    out.max = max;
    std::vector<std::string> faults;
    out.options = read_group_options(out.metadata, view.options, faults);
    out.template_node = std::make_shared<const Node>(node("t-" + name));
    view.groups.push_back(std::move(out));
    return view.groups.back();
  }
  /// Adds a node with its Machine to the last group.
  void node_of(const std::string& name, bool ready = true) {
    machine(name, name);
    add(api_node(name, ready, now));
  }
  void add(api::core::Node one) {
    view.nodes.push_back(std::make_shared<const api::core::Node>(std::move(one)));
  }
  MachineView& machine(const std::string& name, const std::string& node_name,
                       Duration age = std::chrono::hours(1)) {
    NodeGroup& last = view.groups.back();
    MachineView out;
    out.name = "m-" + name;
    out.node = node_name;
    out.created = now - age;
    last.machines.push_back(std::move(out));
    last.target = static_cast<int>(last.machines.size());
    return last.machines.back();
  }
  void pod(const Json& json) {
    auto read = read_pod(json);
    ASSERT_TRUE(read) << read.error().message;
    view.pods.push_back(std::make_shared<const Pod>(*std::move(read)));
  }
  Decision decide() { return autoscale::decide(view, now, random).value(); }
  /// Lets time pass, with the taints and the state that were decided.
  void carry_out(const Decision& decision, Duration time) {
    for (const NodeChange& change : decision.nodes) {
      for (auto& one : view.nodes) {
        if (one->metadata.name != change.node) continue;
        one = std::make_shared<const api::core::Node>(with_marks(*one, change.marks));
      }
    }
    for (std::size_t i = 0; i < view.groups.size(); ++i) {
      std::map<std::string, std::string> annotations;
      write_state(decision.groups[i].state, annotations);
      view.groups[i].metadata.annotations = annotations;
      view.groups[i].state = read_state(view.groups[i].metadata);
      view.groups[i].target = decision.groups[i].replicas.value_or(view.groups[i].target);
    }
    now += time;
  }
};

inline int count(const Decision& decision, const std::string& reason) {
  int out = 0;
  for (const Note& note : decision.notes) out += note.reason == reason ? 1 : 0;
  return out;
}
inline std::string message(const Decision& decision, const std::string& reason) {
  for (const Note& note : decision.notes) {
    if (note.reason == reason) return note.message;
  }
  return "";
}

}  // namespace nestor::autoscale::testing
