#include "cli/get_tables.hpp"

#include <gtest/gtest.h>

namespace nestor::cli {
namespace {

Json from_yaml(const char* text) { return parse_yaml_documents(text).value().at(0); }

std::vector<Json> groups() {
  return {from_yaml(R"({metadata: {name: demo-a, namespace: team, annotations: {
              cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size: "1",
              cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size: "5"}},
            spec: {clusterName: demo, replicas: 2, template: {spec: {version: v1.36.3}}},
            status: {readyReplicas: 1}})"),
          from_yaml(R"({metadata: {name: demo-a, namespace: other},
            spec: {clusterName: demo, replicas: 7, template: {spec: {version: v1.30.0}}}})")};
}

TEST(GetTables, ClusterHasTheVersionOfItsControlPlane) {
  const std::vector<Json> clusters{from_yaml(R"({metadata: {name: demo, namespace: team},
      spec: {controlPlaneRef: {name: cp}}, status: {phase: Provisioned}})")};
  const std::vector<Json> planes{
      from_yaml("{metadata: {name: cp, namespace: other}, status: {version: v1.30.0}}"),
      from_yaml("{metadata: {name: cp, namespace: team}, status: {version: v1.37.2}}")};
  GetOptions options;
  EXPECT_EQ(clusters_table(options, {}, clusters, planes, groups()).to_string(),
            "NAME   PHASE         AVAILABLE   WORKERS   VERSION   AGE\n"
            "demo   Provisioned   -           1/2       v1.37.2   -\n");
  options.format = OutputFormat::kWide;
  options.all_namespaces = true;
  EXPECT_EQ(clusters_table(options, {}, clusters, {}, groups()).to_string(),
            "NAMESPACE   NAME   PHASE         AVAILABLE   WORKERS   VERSION   AGE   ENDPOINT   "
            "NODES-VERSION\n"
            "team        demo   Provisioned   -           1/2       -         -     -          "
            "v1.36.3\n");
}

TEST(GetTables, NodeGroupHasTheAutoscalersBounds) {
  EXPECT_EQ(nodegroups_table({}, {}, groups()).to_string(),
            "CLUSTER   NAME     MIN   MAX   WANTED   READY   VERSION   AGE\n"
            "demo      demo-a   1     5     2        1       v1.36.3   -\n"
            "demo      demo-a   -     -     7        0       v1.30.0   -\n");
}

TEST(GetTables, MachineHasItsAddressInTheWideTable) {
  GetOptions options;
  options.format = OutputFormat::kWide;
  const std::vector<Json> machines{from_yaml(R"({metadata: {name: m}, spec: {clusterName: demo},
      status: {addresses: [{type: Hostname, address: m}, {type: InternalIP, address: 10.0.0.1}]}})")};
  const std::string text = machines_table(options, {}, machines).to_string();
  EXPECT_NE(text.find("10.0.0.1"), std::string::npos) << text;
}

}  // namespace
}  // namespace nestor::cli
