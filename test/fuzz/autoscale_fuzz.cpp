#include "api/cluster/labels.hpp"
#include "autoscale/node_group.hpp"
#include "autoscale/plan.hpp"
#include "autoscale/simulation/expander.hpp"
#include "autoscale/simulation/snapshot.hpp"
#include "fuzz.hpp"

/// What tenants and people write for the autoscaler: pods, durations, options, capacity
/// annotations, patterns. A pod that can be read can also be scheduled in thought, and back.
namespace {

using namespace nestor;
using namespace nestor::autoscale;

void simulate(const Pod& pod) {
  FUZZ_CHECK(hash_of(*pod.shape) == hash_of(PodShape(*pod.shape)));
  Snapshot snapshot;
  Node node;
  node.name = "n";
  node.labels = {{"zone", "a"}, {std::string(kHostnameLabel), "n"}};
  node.allocatable.set(Resources::kCpu, 4000);
  node.allocatable.set(Resources::kMemory, std::int64_t{1} << 33);
  node.allocatable.set(Resources::kPods, 110);
  const NodeIndex on = snapshot.add_node(std::make_shared<const Node>(node));
  const ClassIndex pod_class = snapshot.add_class(pod.shape);
  FUZZ_CHECK(snapshot.add_class(std::make_shared<const PodShape>(*pod.shape)) == pod_class);
  const Resources before = snapshot.used(on);
  std::string detail;
  const Obstacle obstacle = snapshot.check(pod_class, on, &detail);
  FUZZ_CHECK(snapshot.fits(pod_class, on) == (obstacle == Obstacle::kNone));
  const auto mark = snapshot.mark();
  snapshot.place(snapshot.add_pod(pod_class), on);
  snapshot.rollback(mark);
  // Sums that reach the limit do not come back exactly; those that fit do.
  FUZZ_CHECK(obstacle != Obstacle::kNone ||
             snapshot.used(on).get(Resources::kCpu) == before.get(Resources::kCpu));
}

/// What is remembered is remembered the same again: once read, it is in our own form.
void remember(const kube::ObjectMeta& group) {
  kube::ObjectMeta written;
  write_state(read_state(group), written.annotations);
  const GroupState state = read_state(written);
  written.annotations.clear();
  write_state(state, written.annotations);
  FUZZ_CHECK(read_state(written) == state);
}

void read_annotations(std::string_view name, std::string_view value) {
  kube::ObjectMeta object;
  for (const std::string_view prefix :
       {kAnnotationPrefix, std::string_view("cluster.x-k8s.io/autoscaling-options-")}) {
    object.annotations[std::string(prefix) + std::string(name)] = value;
  }
  std::vector<std::string> faults;
  const Options options = read_options(object, faults);
  FUZZ_CHECK(!options.expander.empty());
  const GroupOptions own = read_group_options(object, options, faults);
  FUZZ_CHECK(own.utilization_threshold >= 0 && own.utilization_threshold <= 1);
  FUZZ_CHECK(own.unneeded_time.count() >= 0 && own.provision_time.count() >= 0);
  // One annotation of each kind is there.
  FUZZ_CHECK(faults.size() <= 2);
  remember(object);
  object.annotations = {
      {std::string(api::cluster::kAutoscalerMinSizeAnnotation), std::string(name)},
      {std::string(api::cluster::kAutoscalerMaxSizeAnnotation), std::string(value)}};
  std::string fault;
  if (const auto sizes = read_sizes(object, fault)) {
    FUZZ_CHECK(sizes->min >= 0 && sizes->min <= sizes->max);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  const std::string_view input = fuzz::text(data, size);
  if (const auto json = parse_json(input)) {
    if (const auto pod = read_pod(*json)) simulate(*pod);
    return 0;
  }
  if (const auto duration = parse_duration(input)) {
    FUZZ_CHECK(duration->count() >= 0);
    FUZZ_CHECK(parse_duration(format_duration(*duration)).has_value());
  }
  if (const auto priorities = Priorities::parse(std::string(input))) {
    (void)priorities->of("MachineDeployment/ns/name");
  }
  const auto [name, value] = fuzz::split(input, '\n');
  read_annotations(name, value);
  api::core::Node node;
  node.spec.taints.resize(1);
  node.spec.taints[0].key = kDeletionCandidateTaint;
  node.spec.taints[0].value = input;
  FUZZ_CHECK(read_marks(with_marks(node, read_marks(node))) == read_marks(node));
  kube::ObjectMeta group;
  group.annotations["capacity.cluster-autoscaler.kubernetes.io/" + std::string(name)] = value;
  (void)node_from_capacity(group, {}, {{"cpu", "2"}, {"memory", "2Gi"}});
  return 0;
}
