#include "vm/launcher_pod.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/json_convert.hpp"
#include "base/quantity.hpp"
#include "vm/hotplug.hpp"
#include "vm/launcher/disks.hpp"
#include "vm/launcher/hotplug_wire.hpp"
#include "vm/launcher/launcher.hpp"
#include "vm/launcher/unprivileged.hpp"
#include "vm/size.hpp"

namespace nestor::vm {
namespace {

using api::kubevirt::CloudInit;
using api::kubevirt::VirtualMachineInstance;
using api::kubevirt::Volume;

/// KubeVirt's default cpuAllocationRatio.
constexpr std::int64_t kCpuRatio = 10;
/// Lets the guest's own grace pass before the kubelet kills the pod. Seconds.
constexpr std::int64_t kExtraGrace = 30;

std::string hostname_of(const VirtualMachineInstance& instance) {
  const auto& name =
      instance.spec.hostname.empty() ? instance.metadata.name : instance.spec.hostname;
  return name.substr(0, 63);
}

JsonObject pod_metadata(const VirtualMachineInstance& instance) {
  std::map<std::string, std::string> labels = instance.metadata.labels;
  labels[std::string(api::kubevirt::kLabelKind)] = "virt-launcher";
  labels[std::string(api::kubevirt::kLabelCreatedBy)] = instance.metadata.uid;
  labels[std::string(api::kubevirt::kLabelVmName)] = hostname_of(instance);
  std::map<std::string, std::string> annotations;
  for (const auto& [key, value] : instance.metadata.annotations) {
    if (!key.starts_with("kubectl.kubernetes.io/")) annotations[key] = value;
  }
  annotations[std::string(api::kubevirt::kAnnotationDomain)] = instance.metadata.name;
  annotations["kubectl.kubernetes.io/default-container"] = kComputeContainer;
  annotations["descheduler.alpha.kubernetes.io/request-evict-only"] = "";
  return {{"name", launcher_pod_name(instance.metadata)},
          {"namespace", instance.metadata.namespace_},
          {"labels", to_json(labels)},
          {"annotations", to_json(annotations)},
          {"ownerReferences", JsonArray{to_json(kube::owner_reference(instance))}}};
}

/// Volumes and mounts of the pod, which belong together.
struct Mounts {
  JsonArray volumes;
  JsonArray mounts;
  JsonArray pull_secrets;

  void add(std::string name, std::string path, JsonObject source, bool read_only) {
    source["name"] = name;
    volumes.push_back(std::move(source));
    JsonObject mount{{"name", std::move(name)}, {"mountPath", std::move(path)}};
    if (read_only) mount["readOnly"] = true;
    mounts.push_back(std::move(mount));
  }
};

void add_cloud_init(const std::string& volume, const CloudInit& source, Mounts& out) {
  const std::string folder = std::string(kCloudInitFolder) + "/" + volume;
  const auto secret = [](const api::kubevirt::LocalReference& reference) {
    return JsonObject{{"secret", JsonObject{{"secretName", reference.name}}}};
  };
  if (source.secretRef) out.add("cloudinit-" + volume, folder, secret(*source.secretRef), true);
  if (source.networkDataSecretRef) {
    out.add("network-" + volume, folder + ".network", secret(*source.networkDataSecretRef), true);
  }
}

void add_container_disk(const Volume& volume, Mounts& out) {
  JsonObject image{{"reference", volume.containerDisk->image}};
  if (!volume.containerDisk->imagePullPolicy.empty()) {
    image["pullPolicy"] = volume.containerDisk->imagePullPolicy;
  }
  out.add("disk-" + volume.name, std::string(kDisksFolder) + "/" + volume.name,
          {{"image", std::move(image)}}, true);
  if (!volume.containerDisk->imagePullSecret.empty()) {
    out.pull_secrets.push_back(JsonObject{{"name", volume.containerDisk->imagePullSecret}});
  }
}

Mounts mounts_of(const VirtualMachineInstance& instance) {
  Mounts out;
  out.add("state", std::string(kStateFolder), {{"emptyDir", JsonObject{}}}, false);
  out.add(std::string(kHotplugVolume), std::string(kHotplugFolder), {{"emptyDir", JsonObject{}}},
          false);
  out.add("tun", "/dev/net/tun",
          {{"hostPath", JsonObject{{"path", "/dev/net/tun"}, {"type", "CharDevice"}}}}, false);
  for (const Volume& volume : instance.spec.volumes) {
    if (volume.containerDisk) add_container_disk(volume, out);
    if (volume.cloudInitNoCloud) add_cloud_init(volume.name, *volume.cloudInitNoCloud, out);
    if (volume.cloudInitConfigDrive) add_cloud_init(volume.name, *volume.cloudInitConfigDrive, out);
  }
  return out;
}

/// Requests: the guest's memory with QEMU's own, a tenth of its CPUs unless it asks for more. A
/// limit leaves room to emulate where KVM turns out not to work.
Result<JsonObject> resources_of(const VirtualMachineInstance& instance, const Options& options) {
  const api::kubevirt::Domain& domain = instance.spec.domain;
  NESTOR_TRY(const std::int64_t memory, guest_memory(domain));
  NESTOR_TRY(const CpuTopology cpu, cpu_topology(domain));
  const std::int64_t overhead = memory_overhead(memory, cpu);
  const bool emulated = options.runtime_class.empty() && options.kvm_resource.empty();
  JsonObject requests{
      {"memory", format_bytes(memory + overhead + (emulated ? kTranslationCache : 0))},
      {"cpu", format_milli(std::max<std::int64_t>(cpu.total() * 1000 / kCpuRatio, 1))}};
  JsonObject limits;
  for (const auto& [name, value] : domain.resources.requests) {
    if (name != "memory") requests[name] = value.text;
  }
  for (const auto& [name, value] : domain.resources.limits) {
    if (name != "memory") {
      limits[name] = value.text;
      continue;
    }
    NESTOR_TRY(const std::int64_t limit, parse_quantity(value));
    limits[name] = format_bytes(std::max(limit, memory) + overhead + kTranslationCache);
  }
  if (!options.kvm_resource.empty()) {
    requests[options.kvm_resource] = "1";
    limits[options.kvm_resource] = "1";
  }
  JsonObject out{{"requests", std::move(requests)}};
  if (!limits.empty()) out["limits"] = std::move(limits);
  return out;
}

JsonObject security_context() {
  // Root, but able to do nothing more than set up the pod's own network, and to start and end QEMU
  // as a plain user.
  JsonArray added{"NET_ADMIN", "SETUID", "SETGID", "KILL"};
  return {{"runAsUser", 0},
          {"privileged", false},
          {"allowPrivilegeEscalation", false},
          {"capabilities", JsonObject{{"drop", JsonArray{"ALL"}}, {"add", std::move(added)}}},
          {"seccompProfile", JsonObject{{"type", "RuntimeDefault"}}}};
}

/// Probes reach the guest at the pod's address; the kinds that need an agent inside it do not.
void add_probe(const char* name, const Json& probe, JsonObject& container) {
  if (!probe.is_object()) return;
  for (const char* kind : {"httpGet", "tcpSocket"}) {
    if (probe.get_object().contains(kind)) container[name] = probe;
  }
}

/// The instance as the launcher reads it: without what changes or concerns only the cluster.
std::string machine_variable(const VirtualMachineInstance& instance) {
  VirtualMachineInstance copy;
  copy.metadata.name = instance.metadata.name;
  copy.metadata.namespace_ = instance.metadata.namespace_;
  const std::string size(instance.metadata.annotation(kRootSizeAnnotation));
  if (!size.empty()) copy.metadata.annotations[std::string(kRootSizeAnnotation)] = size;
  copy.spec.domain = instance.spec.domain;
  copy.spec.networks = instance.spec.networks;
  copy.spec.volumes = instance.spec.volumes;
  copy.spec.hostname = hostname_of(instance);
  copy.spec.terminationGracePeriodSeconds = instance.spec.terminationGracePeriodSeconds;
  return to_text(to_json(copy));
}

Result<> check_networks(const VirtualMachineInstance& instance) {
  const auto& interfaces = instance.spec.domain.devices.interfaces;
  if (interfaces.size() > 1 || instance.spec.networks.size() > 1) {
    return fail(Code::kUnimplemented, "more than one network is not served yet");
  }
  for (const auto& card : interfaces) {
    const char* binding = nullptr;
    if (!card.masquerade.is_null()) binding = "masquerade";
    if (!card.passt.is_null()) binding = "passt";
    if (binding == nullptr) continue;
    return fail(Code::kUnimplemented, "interface " + card.name + ": the binding " + binding +
                                          " is not served; use bridge");
  }
  for (const auto& network : instance.spec.networks) {
    if (!network.multus.is_null()) {
      return fail(Code::kUnimplemented, "network " + network.name + ": multus is not served");
    }
  }
  return {};
}

Json free_form(const std::vector<Json>& list) { return JsonArray(list.begin(), list.end()); }

void add_scheduling(const api::kubevirt::VirtualMachineInstanceSpec& spec, JsonObject& pod) {
  if (!spec.nodeSelector.empty()) pod["nodeSelector"] = to_json(spec.nodeSelector);
  if (!spec.affinity.is_null()) pod["affinity"] = spec.affinity;
  if (!spec.tolerations.empty()) pod["tolerations"] = free_form(spec.tolerations);
  if (!spec.topologySpreadConstraints.empty()) {
    pod["topologySpreadConstraints"] = free_form(spec.topologySpreadConstraints);
  }
  if (!spec.priorityClassName.empty()) pod["priorityClassName"] = spec.priorityClassName;
  if (!spec.schedulerName.empty()) pod["schedulerName"] = spec.schedulerName;
  if (!spec.subdomain.empty()) pod["subdomain"] = spec.subdomain;
  if (!spec.dnsPolicy.empty()) pod["dnsPolicy"] = spec.dnsPolicy;
  if (!spec.dnsConfig.is_null()) pod["dnsConfig"] = spec.dnsConfig;
}

}  // namespace

std::string launcher_pod_name(const kube::ObjectMeta& instance) {
  return "virt-launcher-" + instance.name + "-" + hash_suffix(instance.uid, 5);
}

Result<Json> launcher_pod(const VirtualMachineInstance& instance, const Options& options) {
  NESTOR_TRY_VOID(check_networks(instance));
  NESTOR_TRY_VOID(plan_disks(instance));
  NESTOR_TRY(JsonObject resources, resources_of(instance, options));
  Mounts mounts = mounts_of(instance);
  JsonObject container{{"name", kComputeContainer},
                       {"image", options.launcher_image},
                       {"imagePullPolicy", kLauncherPullPolicy},
                       {"command", JsonArray{"/usr/local/bin/nestor", "vm-launcher"}},
                       {"env", JsonArray{JsonObject{{"name", kMachineVariable},
                                                    {"value", machine_variable(instance)}}}},
                       {"resources", std::move(resources)},
                       {"securityContext", security_context()},
                       {"volumeMounts", std::move(mounts.mounts)},
                       {"terminationMessagePolicy", "FallbackToLogsOnError"}};
  add_probe("readinessProbe", instance.spec.readinessProbe, container);
  add_probe("livenessProbe", instance.spec.livenessProbe, container);

  JsonObject spec{{"hostname", hostname_of(instance)},
                  {"restartPolicy", "Never"},
                  {"automountServiceAccountToken", false},
                  {"enableServiceLinks", false},
                  {"terminationGracePeriodSeconds",
                   instance.spec.terminationGracePeriodSeconds.value_or(30) + kExtraGrace},
                  {"securityContext", JsonObject{{"supplementalGroups", JsonArray{kQemuUser}}}},
                  {"containers", JsonArray{std::move(container)}},
                  {"volumes", std::move(mounts.volumes)}};
  if (!mounts.pull_secrets.empty()) spec["imagePullSecrets"] = std::move(mounts.pull_secrets);
  add_scheduling(instance.spec, spec);

  if (!options.runtime_class.empty()) spec["runtimeClassName"] = options.runtime_class;
  Json pod = JsonObject{{"apiVersion", "v1"},
                        {"kind", "Pod"},
                        {"metadata", pod_metadata(instance)},
                        {"spec", std::move(spec)}};
  add_fence(options.fence, pod);
  return pod;
}

kube::Scope launcher_pods() {
  kube::Scope scope;
  scope.label_selector = std::string(api::kubevirt::kLabelKind) + "=virt-launcher";
  return scope;
}

}  // namespace nestor::vm
