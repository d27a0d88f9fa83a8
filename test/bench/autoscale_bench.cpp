#include <benchmark/benchmark.h>
#include <malloc.h>

#include <memory>
#include <string>

#include "autoscale/plan.hpp"
#include "autoscale/simulation/shape_pool.hpp"

/// One decision of the autoscaler about a large tenant: time, and the memory that its pods and
/// nodes take in our form. Run: build/release/test/bench/autoscale_bench
namespace nestor::autoscale {
namespace {

constexpr int kPodsPerNode = 30;
constexpr int kWorkloads = 300;
const WallTime kNow = parse_rfc3339("2026-03-01T12:00:00Z").value();

double mebibytes_in_use() { return static_cast<double>(mallinfo2().uordblks) / (1 << 20); }

/// Every third workload spreads over zones, every tenth keeps its pods on different nodes.
std::string rules(int workload) {
  const std::string selector =
      "\"labelSelector\":{\"matchLabels\":{\"app\":\"w" + std::to_string(workload) + "\"}}";
  if (workload % 10 == 0) {
    return ",\"affinity\":{\"podAntiAffinity\":{"
           "\"requiredDuringSchedulingIgnoredDuringExecution\":[{\"topologyKey\":"
           "\"kubernetes.io/hostname\"," +
           selector + "}]}}";
  }
  if (workload % 3 == 0) {
    return ",\"topologySpreadConstraints\":[{\"maxSkew\":3,\"whenUnsatisfiable\":\"DoNotSchedule\","
           "\"topologyKey\":\"topology.kubernetes.io/zone\"," +
           selector + "}]";
  }
  return "";
}

std::string pod_text(int number, int workload, const std::string& node) {
  const std::string app = "w" + std::to_string(workload);
  return "{\"metadata\":{\"name\":\"" + app + "-" + std::to_string(number) +
         "\",\"namespace\":\"default\",\"uid\":\"u" + std::to_string(number) +
         "\",\"resourceVersion\":\"1\",\"creationTimestamp\":\"2026-03-01T11:00:00Z\",\"labels\":{"
         "\"app\":\"" +
         app +
         "\",\"pod-template-hash\":\"7d9f6c8b5d\"},\"ownerReferences\":[{"
         "\"apiVersion\":\"apps/v1\",\"kind\":\"ReplicaSet\",\"name\":\"" +
         app + "\",\"uid\":\"o\",\"controller\":true}]},\"spec\":{" +
         (node.empty() ? "" : "\"nodeName\":\"" + node + "\",") +
         "\"containers\":[{\"name\":\"c\",\"resources\":{\"requests\":{\"cpu\":\"" +
         std::to_string(node.empty() ? 900 : 60 + workload % 7 * 10) + "m\",\"memory\":\"" +
         std::to_string(100 + workload % 5 * 20) +
         "Mi\"}}}],\"tolerations\":[{\"key\":"
         "\"node.kubernetes.io/not-ready\",\"operator\":\"Exists\",\"effect\":\"NoExecute\"}]" +
         rules(workload) + "},\"status\":" +
         (node.empty() ? "{\"phase\":\"Pending\",\"conditions\":[{\"type\":\"PodScheduled\","
                         "\"status\":\"False\",\"reason\":\"Unschedulable\"}]}}"
                       : "{\"phase\":\"Running\"}}");
}

api::core::Node node_called(const std::string& name, int number, const std::string& cpu) {
  api::core::Node node;
  node.metadata.name = name;
  node.metadata.creationTimestamp = "2026-03-01T10:00:00Z";
  node.metadata.labels = {{"kubernetes.io/hostname", name},
                          {"kubernetes.io/os", "linux"},
                          {"topology.kubernetes.io/zone", "z" + std::to_string(number % 3)}};
  node.status.allocatable = {{"cpu", cpu}, {"memory", "16Gi"}, {"pods", "110"}};
  kube::Condition ready;
  ready.type = "Ready";
  ready.status = "True";
  node.status.conditions = {ready};
  return node;
}

/// Three groups, one a zone. `cpu` decides how full the nodes are: 30 pods ask for some 2.7 cores.
struct Tenant {
  TenantView view;
  ShapePool pool;
  double mebibytes = 0;

  void add_pod(int number, int workload, const std::string& node) {
    auto pod = std::make_shared<Pod>(
        read_pod(parse_json(pod_text(number, workload, node)).value()).value());
    pod->shape = pool.share(pod->shape);
    view.pods.push_back(std::move(pod));
  }
  Tenant(int nodes, int pending, const std::string& cpu) {
    const double before = mebibytes_in_use();
    for (int zone = 0; zone < 3; ++zone) {
      NodeGroup group;
      group.metadata.name = "g" + std::to_string(zone);
      group.max = 2000;
      std::vector<std::string> faults;
      group.options = read_group_options(group.metadata, view.options, faults);
      group.template_node = std::make_shared<const Node>(
          template_from(node_called("t", zone, cpu), group.metadata.name));
      view.groups.push_back(std::move(group));
    }
    int number = 0;
    for (int i = 0; i < nodes; ++i) {
      const std::string name = "n" + std::to_string(i);
      view.nodes.push_back(std::make_shared<const api::core::Node>(node_called(name, i, cpu)));
      NodeGroup& group = view.groups[static_cast<std::size_t>(i % 3)];
      MachineView machine;
      machine.name = name;
      machine.node = name;
      group.machines.push_back(std::move(machine));
      ++group.target;
      for (int j = 0; j < kPodsPerNode; ++j, ++number) add_pod(number, number % kWorkloads, name);
    }
    // Pending ones are large, of 20 workloads.
    for (int i = 0; i < pending; ++i, ++number) add_pod(number, number % 20, "");
    mebibytes = mebibytes_in_use() - before;
  }
};

void report(benchmark::State& state, const Tenant& tenant, const Decision& last) {
  int more = 0;
  for (std::size_t i = 0; i < last.groups.size(); ++i) {
    more += last.groups[i].replicas.value_or(tenant.view.groups[i].target) -
            tenant.view.groups[i].target;
  }
  state.counters["new_nodes"] = more;
  state.counters["helped"] = last.pending;
  state.counters["view_MiB"] = tenant.mebibytes;
  int candidates = 0;
  for (const GroupChange& group : last.groups) candidates += group.report.candidates;
  state.counters["candidates"] = candidates;
}

void decide_many(benchmark::State& state, const std::string& cpu) {
  const Tenant tenant(static_cast<int>(state.range(0)), static_cast<int>(state.range(1)), cpu);
  SystemRandom random;
  Decision last;
  for (auto _ : state) last = decide(tenant.view, kNow, random).value();
  report(state, tenant, last);
}

/// Nodes are full: the pending pods need new ones.
void full_cluster(benchmark::State& state) { decide_many(state, "2800m"); }
/// Nodes are hardly used: many could go.
void idle_cluster(benchmark::State& state) { decide_many(state, "8"); }

BENCHMARK(full_cluster)->Args({100, 50})->Args({1000, 500})->Unit(benchmark::kMillisecond);
BENCHMARK(idle_cluster)->Args({100, 0})->Args({1000, 0})->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace nestor::autoscale

BENCHMARK_MAIN();
