#include "infrastructure/virtual_machine_builder.hpp"

#include <cstdint>

#include "api/cluster/labels.hpp"
#include "api/infrastructure/labels.hpp"
#include "api/kubevirt/annotations.hpp"
#include "base/json_convert.hpp"

namespace nestor::infrastructure {

namespace {

namespace names = api::infrastructure;

JsonObject object_at(const Json& value, std::initializer_list<std::string_view> path) {
  const Json* found = find(value, path);
  return found != nullptr && found->is_object() ? found->get_object() : JsonObject{};
}

/// The member as an object that can be written into; made when it is absent.
JsonObject& object_in(JsonObject& parent, std::string_view key) {
  Json& member = parent[key];
  if (!member.is_object()) member = JsonObject{};
  return member.get_object();
}

JsonArray& array_in(JsonObject& parent, std::string_view key) {
  Json& member = parent[key];
  if (!member.is_array()) member = JsonArray{};
  return member.get_array();
}

void add_labels(JsonObject& metadata, const VirtualMachineInput& input) {
  JsonObject& labels = object_in(metadata, "labels");
  labels[names::kVmLabel] = input.name;
  labels["name"] = input.name;
  labels[names::kRoleLabel] = input.control_plane ? "control-plane" : "worker";
  labels[api::cluster::kClusterNameLabel] = input.cluster;
  labels[names::kMachineNameLabel] = input.name;
  labels[names::kMachineNamespaceLabel] = input.ns;
}

/// Volumes that use a data volume of the template follow its new name.
void rename_in_volumes(JsonArray& volumes, std::string_view from, const std::string& to) {
  for (Json& volume : volumes) {
    if (!volume.is_object()) continue;
    for (const auto& [source, member] :
         {std::pair<std::string_view, std::string_view>{"dataVolume", "name"},
          {"persistentVolumeClaim", "claimName"}}) {
      if (find_string(volume, {source, member}) != from) continue;
      volume.get_object()[source].get_object()[member] = to;
    }
  }
}

/// Each machine needs data volumes of its own.
void rename_data_volumes(JsonObject& vm_spec, JsonArray& volumes, const std::string& machine) {
  Json* templates = vm_spec.if_contains("dataVolumeTemplates");
  if (templates == nullptr || !templates->is_array()) return;
  for (Json& one : templates->get_array()) {
    const std::string old(find_string(one, {"metadata", "name"}));
    if (old.empty()) continue;
    const std::string name = machine + "-" + old;
    one.get_object()["metadata"].get_object()["name"] = name;
    rename_in_volumes(volumes, old, name);
  }
}

std::int64_t number_at(const Json& value, std::initializer_list<std::string_view> path) {
  const Json* found = find(value, path);
  std::int64_t number = 0;
  if (found != nullptr) (void)read_json(*found, number);
  return number;
}

/// A quantity may be written as a number.
std::string quantity_at(const Json& value, std::initializer_list<std::string_view> path) {
  const Json* found = find(value, path);
  if (found == nullptr) return {};
  if (found->is_string()) return std::string(std::string_view(found->get_string()));
  return found->is_number() ? to_text(*found) : std::string();
}

std::string first_of(std::string first, std::string second) {
  return first.empty() ? std::move(second) : std::move(first);
}

}  // namespace

std::string userdata_secret_name(const std::string& machine_name, const std::string& data_secret) {
  std::string name = machine_name + "-userdata";
  return name == data_secret ? name + "-userdata" : name;
}

Result<Json> build_virtual_machine(const Json& spec, const VirtualMachineInput& input) {
  JsonObject vm_spec = object_at(spec, {"virtualMachineTemplate", "spec"});
  if (!find(vm_spec, {"template", "spec"})) {
    return fail(Code::kInvalidArgument,
                "spec.virtualMachineTemplate.spec.template.spec is missing");
  }
  const auto ns = find_string(spec, {"virtualMachineTemplate", "metadata", "namespace"});
  if (!ns.empty() && ns != input.ns) {
    return fail(Code::kInvalidArgument, "spec.virtualMachineTemplate.metadata.namespace is " +
                                            std::string(ns) + " but can only be " + input.ns +
                                            ", where the KubevirtMachine is");
  }
  JsonObject metadata;
  metadata["name"] = input.name;
  metadata["namespace"] = input.ns;
  metadata["labels"] = object_at(spec, {"virtualMachineTemplate", "metadata", "labels"});
  if (auto notes = object_at(spec, {"virtualMachineTemplate", "metadata", "annotations"});
      !notes.empty()) {
    metadata["annotations"] = std::move(notes);
  }
  add_labels(metadata, input);

  JsonObject& instance = object_in(vm_spec, "template");
  add_labels(object_in(instance, "metadata"), input);
  JsonObject& guest = object_in(instance, "spec");
  // One reference at a time: looking up another member may move the table that holds this one.
  JsonArray& volumes = array_in(guest, "volumes");
  rename_data_volumes(vm_spec, volumes, input.name);
  JsonObject secret{{"name", userdata_secret_name(input.name, input.data_secret)}};
  volumes.push_back(JsonObject{{"name", names::kCloudInitVolume},
                               {"cloudInitConfigDrive", JsonObject{{"secretRef", secret}}}});
  JsonArray& disks = array_in(object_in(object_in(guest, "domain"), "devices"), "disks");
  disks.push_back(
      JsonObject{{"name", names::kCloudInitVolume}, {"disk", JsonObject{{"bus", "virtio"}}}});

  return JsonObject{{"apiVersion", "kubevirt.io/v1"},
                    {"kind", "VirtualMachine"},
                    {"metadata", std::move(metadata)},
                    {"spec", std::move(vm_spec)}};
}

std::map<std::string, std::string> capacity_of(const Json& spec) {
  std::map<std::string, std::string> out;
  const Json* domain = find(spec, {"virtualMachineTemplate", "spec", "template", "spec", "domain"});
  if (domain == nullptr) return out;
  std::string cpu;
  if (find(*domain, {"cpu"}) != nullptr) {
    std::int64_t count = 1;
    for (const std::string_view part : {"cores", "sockets", "threads"}) {
      const auto number = number_at(*domain, {"cpu", part});
      if (number > 0) count *= number;
    }
    cpu = std::to_string(count);
  }
  cpu = first_of(first_of(std::move(cpu), quantity_at(*domain, {"resources", "requests", "cpu"})),
                 quantity_at(*domain, {"resources", "limits", "cpu"}));
  const std::string memory =
      first_of(first_of(quantity_at(*domain, {"memory", "guest"}),
                        quantity_at(*domain, {"resources", "requests", "memory"})),
               quantity_at(*domain, {"resources", "limits", "memory"}));
  if (!cpu.empty()) out["cpu"] = cpu;
  if (!memory.empty()) out["memory"] = memory;
  const auto disk = find_string(spec, {"virtualMachineTemplate", "spec", "template", "metadata",
                                       "annotations", api::kubevirt::kRootSizeAnnotation});
  if (!disk.empty()) out["ephemeral-storage"] = disk;
  return out;
}

}  // namespace nestor::infrastructure
