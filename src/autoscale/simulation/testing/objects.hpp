#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "autoscale/simulation/snapshot.hpp"

/// Nodes and pods for tests, written as people write them.
namespace nestor::autoscale::testing {

inline Json yaml(const std::string& text) {
  auto documents = parse_yaml_documents(text);
  EXPECT_TRUE(documents) << (documents ? "" : documents.error().message);
  return documents && !documents->empty() ? documents->front() : Json();
}

/// A node with that many millicores and MiB, and 110 pods.
inline Node node(std::string name, std::int64_t cpu = 4000, std::int64_t mib = 8192,
                 LabelMap labels = {}) {
  Node out;
  out.name = std::move(name);
  out.labels = std::move(labels);
  out.labels.emplace(std::string(kHostnameLabel), out.name);
  out.allocatable.set(Resources::kCpu, cpu);
  out.allocatable.set(Resources::kMemory, mib << 20);
  out.allocatable.set(Resources::kPods, 110);
  return out;
}

/// The shape of a pod of namespace default, from `labels` ("{app: web}") and the text of a PodSpec.
inline std::shared_ptr<const PodShape> shape(const std::string& spec,
                                             const std::string& labels = "{}",
                                             const std::string& ns = "default") {
  auto read = read_shape(yaml("{metadata: {labels: " + labels + "}, spec: " + spec + "}"), ns);
  EXPECT_TRUE(read) << (read ? "" : read.error().message);
  return std::make_shared<const PodShape>(read ? *std::move(read) : PodShape{});
}

/// A PodSpec's text that asks for so much, with more members after it.
inline std::string asks(const std::string& cpu, const std::string& memory = "64Mi",
                        const std::string& more = "") {
  return "{containers: [{name: c, resources: {requests: {cpu: '" + cpu + "', memory: '" + memory +
         "'}}}]" + (more.empty() ? "" : ", " + more) + "}";
}

/// A Snapshot that is filled in a line.
struct World {
  Snapshot snapshot;

  NodeIndex add(Node one) {
    return snapshot.add_node(std::make_shared<const Node>(std::move(one)));
  }
  ClassIndex of(const std::shared_ptr<const PodShape>& one, std::vector<VolumeUse> volumes = {}) {
    return snapshot.add_class(one, std::move(volumes));
  }
  PodIndex put(const std::shared_ptr<const PodShape>& one, NodeIndex node,
               std::vector<VolumeUse> volumes = {}) {
    const PodIndex pod = snapshot.add_pod(of(one, std::move(volumes)));
    snapshot.place(pod, node);
    return pod;
  }
  std::vector<PodIndex> pending(const std::shared_ptr<const PodShape>& one, int count) {
    std::vector<PodIndex> out;
    for (int i = 0; i < count; ++i) out.push_back(snapshot.add_pod(of(one)));
    return out;
  }
  Obstacle check(const std::shared_ptr<const PodShape>& one, NodeIndex node) {
    return snapshot.check(of(one), node);
  }
};

}  // namespace nestor::autoscale::testing
