#include "vm/launcher_pod.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json_convert.hpp"

namespace nestor::vm {
namespace {

using api::kubevirt::VirtualMachineInstance;

VirtualMachineInstance worker_instance() {
  const Json json = parse_yaml_documents(R"(
metadata:
  name: demo-md-0-x
  namespace: tenants
  uid: 6a9f
  labels: {cluster.x-k8s.io/role: worker}
  annotations: {kubectl.kubernetes.io/last-applied-configuration: "{}", note: kept}
spec:
  terminationGracePeriodSeconds: 120
  nodeSelector: {disk: fast}
  domain:
    cpu: {cores: 2}
    memory: {guest: 1536Mi}
    devices:
      disks:
      - {name: root, disk: {bus: virtio}}
      - {name: cloudinitvolume, disk: {bus: virtio}}
      interfaces: [{name: default, bridge: {}}]
  networks: [{name: default, pod: {}}]
  volumes:
  - {name: root, containerDisk: {image: "nestor.dev/worker:v1", imagePullPolicy: IfNotPresent,
     imagePullSecret: pull}}
  - {name: cloudinitvolume, cloudInitConfigDrive: {secretRef: {name: demo-userdata}}}
)")
                        .value()
                        .at(0);
  return from_json<VirtualMachineInstance>(json).value();
}

Json pod_of(const VirtualMachineInstance& instance, Options options = {}) {
  return launcher_pod(instance, options).value();
}

const Json& compute(const Json& pod) { return find(pod, {"spec", "containers"})->as_array().at(0); }

/// The member of a list whose "name" is that.
const Json* named(const Json* list, std::string_view name) {
  for (const Json& item : list->as_array()) {
    if (find_string(item, {"name"}) == name) return &item;
  }
  return nullptr;
}

TEST(LauncherPod, IsFoundByTheLabelsOthersLookFor) {
  const Json pod = pod_of(worker_instance());
  EXPECT_EQ(find_string(pod, {"metadata", "labels", "kubevirt.io"}), "virt-launcher");
  EXPECT_EQ(find_string(pod, {"metadata", "labels", "kubevirt.io/created-by"}), "6a9f");
  EXPECT_EQ(find_string(pod, {"metadata", "labels", "vm.kubevirt.io/name"}), "demo-md-0-x");
  EXPECT_EQ(find_string(pod, {"metadata", "labels", "cluster.x-k8s.io/role"}), "worker");
  EXPECT_EQ(find_string(pod, {"metadata", "annotations", "kubevirt.io/domain"}), "demo-md-0-x");
  EXPECT_EQ(find_string(pod, {"metadata", "annotations", "note"}), "kept");
  EXPECT_EQ(
      find(pod, {"metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"}),
      nullptr);
  const Json& owner = find(pod, {"metadata", "ownerReferences"})->as_array().at(0);
  EXPECT_EQ(find_string(owner, {"uid"}), "6a9f");
  EXPECT_TRUE(find(owner, {"controller"})->as_bool());
}

TEST(LauncherPod, HasOneNameForEachInstance) {
  VirtualMachineInstance instance = worker_instance();
  const std::string name = launcher_pod_name(instance.metadata);
  EXPECT_TRUE(name.starts_with("virt-launcher-demo-md-0-x-"));
  EXPECT_EQ(launcher_pod_name(instance.metadata), name);
  instance.metadata.uid = "another";
  EXPECT_NE(launcher_pod_name(instance.metadata), name);
}

TEST(LauncherPod, IsNotPrivileged) {
  const Json pod = pod_of(worker_instance());
  const Json* security = find(compute(pod), {"securityContext"});
  EXPECT_FALSE(find(*security, {"privileged"})->as_bool());
  EXPECT_FALSE(find(*security, {"allowPrivilegeEscalation"})->as_bool());
  EXPECT_EQ(to_text(*find(*security, {"capabilities"})),
            R"({"drop":["ALL"],"add":["NET_ADMIN","SETUID","SETGID","KILL"]})");
  EXPECT_FALSE(find(pod, {"spec", "automountServiceAccountToken"})->as_bool());
  for (const Json& volume : find(pod, {"spec", "volumes"})->as_array()) {
    const std::string_view path = find_string(volume, {"hostPath", "path"});
    EXPECT_TRUE(path.empty() || path == "/dev/net/tun") << path;
  }
}

TEST(LauncherPod, MountsImagesAndSecretsWhereTheLauncherLooks) {
  const Json pod = pod_of(worker_instance());
  const Json* volumes = find(pod, {"spec", "volumes"});
  const Json* mounts = find(compute(pod), {"volumeMounts"});
  const Json* disk = named(volumes, "disk-root");
  ASSERT_NE(disk, nullptr);
  EXPECT_EQ(find_string(*disk, {"image", "reference"}), "nestor.dev/worker:v1");
  EXPECT_EQ(find_string(*disk, {"image", "pullPolicy"}), "IfNotPresent");
  EXPECT_EQ(find_string(*named(mounts, "disk-root"), {"mountPath"}), "/run/nestor/disks/root");
  EXPECT_TRUE(find(*named(mounts, "disk-root"), {"readOnly"})->as_bool());
  EXPECT_EQ(find_string(*named(volumes, "cloudinit-cloudinitvolume"), {"secret", "secretName"}),
            "demo-userdata");
  EXPECT_EQ(find_string(*named(mounts, "cloudinit-cloudinitvolume"), {"mountPath"}),
            "/run/nestor/cloudinit/cloudinitvolume");
  EXPECT_EQ(to_text(*find(pod, {"spec", "imagePullSecrets"})), R"([{"name":"pull"}])");
}

TEST(LauncherPod, RequestsTheGuestsMemoryWithRoomForQemu) {
  VirtualMachineInstance instance = worker_instance();
  EXPECT_EQ(to_text(*find(compute(pod_of(instance)), {"resources"})),
            R"({"requests":{"memory":"1926Mi","cpu":"200m"}})");
  instance.spec.domain.resources.requests["cpu"] = "1";
  instance.spec.domain.resources.limits["memory"] = "2Gi";
  const Json resources = *find(compute(pod_of(instance)), {"resources"});
  EXPECT_EQ(find_string(resources, {"requests", "cpu"}), "1");
  EXPECT_EQ(find_string(resources, {"limits", "memory"}), "2438Mi");
}

TEST(LauncherPod, OutlivesTheGuestsGrace) {
  VirtualMachineInstance instance = worker_instance();
  EXPECT_EQ(find(pod_of(instance), {"spec", "terminationGracePeriodSeconds"})->as_int64(), 150);
  instance.spec.terminationGracePeriodSeconds.reset();
  EXPECT_EQ(find(pod_of(instance), {"spec", "terminationGracePeriodSeconds"})->as_int64(), 60);
}

TEST(LauncherPod, HandsTheMachineToTheLauncherWithoutClusterMatters) {
  const Json pod = pod_of(worker_instance());
  const Json* variable = named(find(compute(pod), {"env"}), "NESTOR_MACHINE");
  ASSERT_NE(variable, nullptr);
  const Json json = parse_json(find_string(*variable, {"value"})).value();
  const auto machine = from_json<VirtualMachineInstance>(json).value();
  EXPECT_EQ(machine.metadata.name, "demo-md-0-x");
  EXPECT_EQ(machine.spec.hostname, "demo-md-0-x");
  EXPECT_EQ(machine.spec.volumes, worker_instance().spec.volumes);
  EXPECT_TRUE(machine.spec.nodeSelector.empty());
}

TEST(LauncherPod, KeepsOnlyProbesThatReachTheGuest) {
  VirtualMachineInstance instance = worker_instance();
  instance.spec.readinessProbe = parse_json(R"({"tcpSocket": {"port": 22}})").value();
  instance.spec.livenessProbe = parse_json(R"({"guestAgentPing": {}})").value();
  const Json pod = pod_of(instance);
  EXPECT_NE(find(compute(pod), {"readinessProbe", "tcpSocket"}), nullptr);
  EXPECT_EQ(find(compute(pod), {"livenessProbe"}), nullptr);
}

TEST(LauncherPod, AsksForKvmAsItIsToldTo) {
  EXPECT_EQ(find(pod_of(worker_instance()), {"spec", "runtimeClassName"}), nullptr);
  Options options;
  options.runtime_class = "nestor-kvm";
  EXPECT_EQ(find_string(pod_of(worker_instance(), options), {"spec", "runtimeClassName"}),
            "nestor-kvm");
  Options plugin;
  plugin.kvm_resource = "devices.kubevirt.io/kvm";
  const Json resources = *find(compute(pod_of(worker_instance(), plugin)), {"resources"});
  EXPECT_EQ(find_string(resources, {"limits", "devices.kubevirt.io/kvm"}), "1");
  EXPECT_EQ(find_string(resources, {"requests", "devices.kubevirt.io/kvm"}), "1");
}

TEST(LauncherPod, RefusesBindingsThatItDoesNotHave) {
  VirtualMachineInstance instance = worker_instance();
  instance.spec.domain.devices.interfaces[0].bridge = nullptr;
  instance.spec.domain.devices.interfaces[0].masquerade = JsonObject{};
  const auto pod = launcher_pod(instance, {});
  ASSERT_FALSE(pod);
  EXPECT_EQ(pod.error().code, Code::kUnimplemented);
  EXPECT_EQ(pod.error().message,
            "interface default: the binding masquerade is not served; use bridge");
}

TEST(LauncherPod, RefusesWhatThisRuntimeDoesNotServe) {
  VirtualMachineInstance claim = worker_instance();
  claim.spec.volumes[0].containerDisk.reset();
  claim.spec.volumes[0].dataVolume = api::kubevirt::DataVolumeSource{"d", {}};
  EXPECT_EQ(launcher_pod(claim, {}).error().code, Code::kUnimplemented);
  VirtualMachineInstance multus = worker_instance();
  multus.spec.networks[0].multus = JsonObject{{"networkName", "n"}};
  EXPECT_EQ(launcher_pod(multus, {}).error().code, Code::kUnimplemented);
  VirtualMachineInstance no_memory = worker_instance();
  no_memory.spec.domain.memory.reset();
  EXPECT_EQ(launcher_pod(no_memory, {}).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace nestor::vm
