#include "cli/commands.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "base/run.hpp"
#include "cli/kinds.hpp"
#include "kube/testing/fake_client.hpp"

namespace nestor::cli {
namespace {

/// A management cluster in memory and a command's view of it.
class Commands : public testing::Test {
 protected:
  void put(kube::ResourceType type, const char* text) {
    Json object = parse_yaml_documents(text).value().at(0);
    object.as_object()["apiVersion"] = std::string(type.group) + "/" + std::string(type.version);
    object.as_object()["kind"] = std::string(type.kind);
    object.as_object()["metadata"].as_object()["namespace"] = "team";
    client_.put(type, std::move(object));
  }

  Result<int> run(const Command& command) {
    Context context{io_.get_executor(), clock_, client_, "/k", "", "team", "", " -n team"};
    return run_to_end(io_, run_explained(context, command));
  }

  asio::io_context io_{1};
  SystemClock clock_{io_.get_executor()};
  kube::testing::FakeClient client_;
};

TEST_F(Commands, DescribeShowsWhatIsBehindAMachineAndBesideTheMachines) {
  put(kCluster, "{metadata: {name: demo}, spec: {}, status: {phase: Provisioned}}");
  put(kMachineDeployment, "{metadata: {name: demo-a}, spec: {clusterName: demo, replicas: 2}}");
  put(kMachineSet, R"({metadata: {name: demo-a-1, ownerReferences: [{kind: MachineDeployment,
      name: demo-a}]}, spec: {clusterName: demo, replicas: 2}})");
  put(kMachine, R"({metadata: {name: well, ownerReferences: [{kind: MachineSet, name: demo-a-1}]},
      spec: {clusterName: demo, infrastructureRef: {name: well}},
      status: {conditions: [{type: NodeReady, status: "True"}]}})");
  put(kMachine, R"({metadata: {name: ill, ownerReferences: [{kind: MachineSet, name: demo-a-1}]},
      spec: {clusterName: demo, infrastructureRef: {name: ill}}})");
  for (const char* name : {"{metadata: {name: well}}", "{metadata: {name: ill}}"}) {
    put(kKubevirtMachine, name);
  }
  put(kVirtualMachine, "{metadata: {name: ill}, status: {printableStatus: ErrorUnschedulable}}");
  put(kMachineHealthCheck, "{metadata: {name: demo-mhc}, spec: {clusterName: demo}}");
  put(kMachineHealthCheck, "{metadata: {name: foreign}, spec: {clusterName: other}}");
  put(kHelmReleaseProxy, R"({metadata: {name: cert-manager-demo}, spec: {clusterRef: {name: demo}},
      status: {status: failed, conditions: [{type: Ready, status: "False", reason: No,
      message: no such chart}]}})");
  testing::internal::CaptureStdout();
  const auto code = run([](Context& context) { return describe_cluster(context, "demo"); });
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "Cluster/demo  Provisioned\n"
            "  MachineDeployment/demo-a  0/2 ready\n"
            "    MachineSet/demo-a-1  0/2 ready\n"
            "      Machine/ill\n"
            "        KubevirtMachine/ill\n"
            "        VirtualMachine/ill  ErrorUnschedulable\n"
            "      Machine/well\n"
            "  MachineHealthCheck/demo-mhc\n"
            "  HelmReleaseProxy/cert-manager-demo  ready=False  failed\n"
            "    ! Ready=False No: no such chart\n");
  EXPECT_EQ(code.value(), 0);
}

TEST_F(Commands, DescribeDoesWithoutKindsThatAreNotThere) {
  put(kCluster, "{metadata: {name: demo}, spec: {}}");
  client_.fail_next("list", {Code::kNotFound, "404", {}}, 1, "helmreleaseproxies");
  testing::internal::CaptureStdout();
  const auto code = run([](Context& context) { return describe_cluster(context, "demo"); });
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "Cluster/demo\n");
  EXPECT_EQ(code.value(), 0);
}

TEST_F(Commands, AServerWithoutOurKindsIsNamed) {
  const auto describe = [](Context& context) { return describe_cluster(context, "demo"); };
  EXPECT_EQ(run(describe).error().message,
            "no cluster demo in namespace team; `nestor get clusters -A` lists all");
  client_.on_call([](const kube::testing::FakeCall&) {
    return Error{Code::kNotFound, "404 page not found", {}};
  });
  const Command commands[] = {
      describe,
      [](Context& context) { return get_machines(context, {}); },
      [](Context& context) { return create_cluster(context, {.request = {.name = "demo"}}); },
      [](Context& context) { return describe_nodegroup(context, "demo-md-0"); },
      [](Context& context) { return scale_cluster(context, {.name = "demo"}); },
      [](Context& context) {
        return upgrade_cluster(context, {.name = "demo", .kubernetes_version = "v1.37.2"});
      },
  };
  for (const Command& command : commands) {
    const auto code = run(command);
    ASSERT_FALSE(code);
    EXPECT_EQ(code.error().code, Code::kFailedPrecondition);
    EXPECT_TRUE(code.error().message.starts_with("the cluster of /k has no kinds of Nestor. "))
        << code.error().message;
  }
}

TEST_F(Commands, GetRefusesANameInAllNamespaces) {
  GetOptions options;
  options.name = "demo";
  options.all_namespaces = true;
  const auto code = run([&](Context& context) { return get_clusters(context, options); });
  EXPECT_EQ(code.error().code, Code::kInvalidArgument);
}

TEST_F(Commands, GetSaysWhereThereIsNothing) {
  put(kMachine, "{metadata: {name: m}, spec: {clusterName: other}}");
  GetOptions options;
  options.cluster = "demo";
  testing::internal::CaptureStderr();
  EXPECT_TRUE(run([&](Context& context) { return get_machines(context, options); }));
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "No machines of cluster demo in namespace team\n");
}

TEST_F(Commands, ScaleThatRunsOutOfTimeSaysWhatItWaitsFor) {
  put(kCluster, R"({metadata: {name: demo}, spec: {}, status: {conditions: [{type: Available,
      status: "False", message: no address is left}]}})");
  put(kMachineDeployment, R"({metadata: {name: demo-md-0, labels: {
      cluster.x-k8s.io/cluster-name: demo}}, spec: {clusterName: demo, replicas: 1}})");
  ScaleOptions options;
  options.name = "demo";
  options.workers = 2;
  options.wait = true;
  options.timeout = std::chrono::seconds(1);
  testing::internal::CaptureStdout();
  const auto code = run([&](Context& context) { return scale_cluster(context, options); });
  testing::internal::GetCapturedStdout();
  ASSERT_FALSE(code);
  EXPECT_EQ(code.error().message,
            "cluster demo has not all workers ready after 1s (it goes on in the background):\n"
            "  cluster: Available: no address is left");
}

}  // namespace
}  // namespace nestor::cli
