#include "storage/volume.hpp"

#include <algorithm>
#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/string_generator.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <optional>

#include "base/json_convert.hpp"
#include "base/quantity.hpp"

namespace nestor::storage {
namespace {

using api::core::PersistentVolumeClaim;
using api::storage::StorageClass;

constexpr std::int64_t kMiB = 1024 * 1024;
/// Of a file system, its own structures: upstream's figure (5.5 %).
constexpr std::int64_t kOverheadPerMille = 55;
/// Longest name of an object.
constexpr std::size_t kMaxName = 253;

bool has(const std::vector<std::string>& modes, std::string_view mode) {
  return std::ranges::find(modes, mode) != modes.end();
}

std::string parameter(const StorageClass& type, std::string_view name) {
  const auto found = type.parameters.find(std::string(name));
  return found != type.parameters.end() ? found->second : std::string();
}

bool can_be_id(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return name.starts_with(kVolumePrefix) && name.size() > kVolumePrefix.size() &&
         name.size() <= kMaxName && std::ranges::all_of(name, plain) && name.back() != '-';
}

JsonArray array_at(const Json& value, std::initializer_list<std::string_view> path) {
  const Json* found = find(value, path);
  return found != nullptr && found->is_array() ? found->get_array() : JsonArray{};
}

bool named(const Json& item, const std::string& id) { return find_string(item, {"name"}) == id; }

JsonArray without(JsonArray list, const std::string& id) {
  JsonArray out;
  for (Json& item : list) {
    if (!named(item, id)) out.push_back(std::move(item));
  }
  return out;
}

JsonObject spec_patch(JsonArray volumes, JsonArray disks) {
  JsonObject devices{{"disks", std::move(disks)}};
  JsonObject domain{{"devices", std::move(devices)}};
  return {{"volumes", std::move(volumes)}, {"domain", std::move(domain)}};
}

JsonObject pinned(const Json& object) {
  return {{"resourceVersion", find_string(object, {"metadata", "resourceVersion"})}};
}

Json machine_patch(const Json& machine, JsonArray volumes, JsonArray disks) {
  JsonObject templ{{"spec", spec_patch(std::move(volumes), std::move(disks))}};
  JsonObject spec{{"template", std::move(templ)}};
  return JsonObject{{"metadata", pinned(machine)}, {"spec", std::move(spec)}};
}

constexpr std::initializer_list<std::string_view> kVolumes = {"spec", "template", "spec",
                                                              "volumes"};
constexpr std::initializer_list<std::string_view> kDisks = {"spec",   "template", "spec",
                                                            "domain", "devices",  "disks"};

}  // namespace

std::string volume_id(const kube::ObjectMeta& claim) {
  return std::string(kVolumePrefix) + claim.uid;
}

std::string volume_id_for(const std::string& name) {
  if (can_be_id(name)) return name;
  // The namespace of our ids; an arbitrary constant that must never change.
  static const boost::uuids::uuid kIds =
      boost::uuids::string_generator()("0a4a2a5e-64a7-4a35-9a4c-2f1c7b7c5f2d");
  return std::string(kVolumePrefix) +
         boost::uuids::to_string(boost::uuids::name_generator_sha1(kIds)(name));
}

bool owns(const Owner& owner, const kube::ObjectMeta& claim) {
  return claim.namespace_ == owner.cluster.ns && claim.name.starts_with(kVolumePrefix) &&
         claim.label(kDriverLabel) == kDriver &&
         claim.label(kClusterNameLabel) == owner.cluster.name;
}

bool is_provisioned(const PersistentVolumeClaim& claim) {
  return claim.metadata.annotation(kProvisionedAnnotation) == "true";
}

bool is_shared(const std::vector<std::string>& access_modes) {
  return has(access_modes, "ReadWriteMany") || has(access_modes, "ReadOnlyMany");
}

Result<VolumeSpec> volume_spec(const PersistentVolumeClaim& claim, const StorageClass& type) {
  VolumeSpec out;
  out.id = volume_id(claim.metadata);
  NESTOR_TRY(out.size, requested_size(claim));
  out.infra_class = parameter(type, kInfraClassParameter);
  out.shared = is_shared(claim.spec.accessModes);
  out.claim = claim.metadata.key().to_string();
  out.claim_uid = claim.metadata.uid;
  if (out.shared && claim.spec.volumeMode != "Block") {
    return fail(Code::kInvalidArgument,
                "a volume that several nodes use (ReadWriteMany, ReadOnlyMany) must have "
                "volumeMode Block");
  }
  if (!claim.spec.dataSource.is_null() || !claim.spec.dataSourceRef.is_null()) {
    return fail(Code::kUnimplemented, "volumes made from a snapshot or claim are not served yet");
  }
  if (const auto bus = parameter(type, kBusParameter); !bus.empty()) out.bus = bus;
  if (out.bus != "scsi" && out.bus != "virtio") {
    return fail(Code::kInvalidArgument, "parameter bus of StorageClass " + type.metadata.name +
                                            ": must be scsi or virtio, not " + out.bus);
  }
  const std::string mode = parameter(type, kInfraModeParameter);
  if (!mode.empty() && mode != "Block" && mode != "Filesystem") {
    return fail(Code::kInvalidArgument, "parameter infraVolumeMode of StorageClass " +
                                            type.metadata.name +
                                            ": must be Filesystem or Block, not " + mode);
  }
  // A file could not be open on two machines of different nodes.
  out.infra_block = mode == "Block" || out.shared;
  return out;
}

std::int64_t infra_size(std::int64_t size, bool infra_block) {
  if (infra_block) return size;
  const std::int64_t whole = (size * 1000 + (999 - kOverheadPerMille)) / (1000 - kOverheadPerMille);
  return (whole + kMiB - 1) / kMiB * kMiB;
}

Json infra_claim(const Owner& owner, const VolumeSpec& spec) {
  JsonObject labels{{kDriverLabel, kDriver}, {kClusterNameLabel, owner.cluster.name}};
  JsonObject annotations{{kVolumeSizeAnnotation, std::to_string(spec.size)}};
  if (!spec.shared) annotations[kHolderAnnotation] = "";
  if (!spec.claim.empty()) annotations[kClaimAnnotation] = spec.claim;
  if (!spec.claim_uid.empty()) annotations[kClaimUidAnnotation] = spec.claim_uid;
  JsonObject metadata{{"name", spec.id},
                      {"namespace", owner.cluster.ns},
                      {"labels", std::move(labels)},
                      {"annotations", std::move(annotations)}};
  if (!owner.references.empty()) metadata["ownerReferences"] = to_json(owner.references);
  const std::int64_t size = infra_size(spec.size, spec.infra_block);
  JsonObject requests{{"storage", std::to_string(size)}};
  JsonObject claim{{"accessModes", JsonArray{spec.shared ? "ReadWriteMany" : "ReadWriteOnce"}},
                   {"volumeMode", spec.infra_block ? "Block" : "Filesystem"},
                   {"resources", JsonObject{{"requests", std::move(requests)}}}};
  if (!spec.infra_class.empty()) claim["storageClassName"] = spec.infra_class;
  return JsonObject{{"apiVersion", "v1"},
                    {"kind", "PersistentVolumeClaim"},
                    {"metadata", std::move(metadata)},
                    {"spec", std::move(claim)}};
}

Result<std::int64_t> requested_size(const PersistentVolumeClaim& claim) {
  return parse_quantity(find_string(claim.spec.resources, {"requests", "storage"}));
}

Result<std::int64_t> volume_size(const PersistentVolumeClaim& claim) {
  const auto text = claim.metadata.annotation(kVolumeSizeAnnotation);
  return text.empty() ? requested_size(claim) : parse_quantity(text);
}

Result<std::int64_t> promised_size(const PersistentVolumeClaim& claim) {
  NESTOR_TRY(const std::int64_t size, volume_size(claim));
  const auto text = claim.metadata.annotation(kRequestedSizeAnnotation);
  if (text.empty()) return size;
  NESTOR_TRY(const std::int64_t requested, parse_quantity(text));
  return std::max(size, requested);
}

Json persistent_volume(const PersistentVolumeClaim& claim, const StorageClass& type,
                       const VolumeSpec& spec, const std::string& serial) {
  const bool block = claim.spec.volumeMode == "Block";
  const std::string policy = type.reclaimPolicy.empty() ? "Delete" : type.reclaimPolicy;
  JsonObject csi{
      {"driver", kDriver},
      {"volumeHandle", spec.id},
      {"volumeAttributes", JsonObject{{kBusAttribute, spec.bus}, {kSerialAttribute, serial}}}};
  if (!block) {
    const std::string fs = parameter(type, kFsTypeParameter);
    csi["fsType"] = fs.empty() ? std::string(kDefaultFsType) : fs;
  }
  JsonObject reference{{"apiVersion", "v1"},
                       {"kind", "PersistentVolumeClaim"},
                       {"namespace", claim.metadata.namespace_},
                       {"name", claim.metadata.name},
                       {"uid", claim.metadata.uid},
                       {"resourceVersion", claim.metadata.resourceVersion}};
  JsonObject out{{"capacity", JsonObject{{"storage", format_bytes(spec.size)}}},
                 {"accessModes", to_json(claim.spec.accessModes)},
                 {"persistentVolumeReclaimPolicy", policy},
                 {"storageClassName", type.metadata.name},
                 {"volumeMode", block ? "Block" : "Filesystem"},
                 {"claimRef", std::move(reference)},
                 {"csi", std::move(csi)}};
  if (!type.mountOptions.empty() && !block) out["mountOptions"] = to_json(type.mountOptions);
  JsonObject metadata{{"name", spec.id},
                      {"annotations", JsonObject{{kProvisionedByAnnotation, kDriver}}}};
  if (policy == "Delete") metadata["finalizers"] = JsonArray{Json(kVolumeFinalizer)};
  return JsonObject{{"apiVersion", "v1"},
                    {"kind", "PersistentVolume"},
                    {"metadata", std::move(metadata)},
                    {"spec", std::move(out)}};
}

bool wants_volume(const PersistentVolumeClaim& claim, const StorageClass& type) {
  if (claim.metadata.deleting() || !claim.spec.volumeName.empty()) return false;
  if (type.provisioner != kDriver) return false;
  if (claim.metadata.annotation(kProvisionerAnnotation) != kDriver) return false;
  return type.volumeBindingMode != "WaitForFirstConsumer" ||
         !claim.metadata.annotation(kSelectedNodeAnnotation).empty();
}

std::optional<Json> add_volume_patch(const Json& machine, const std::string& id,
                                     const std::string& serial, const std::string& bus,
                                     bool read_only) {
  JsonArray volumes = array_at(machine, kVolumes);
  JsonArray disks = array_at(machine, kDisks);
  const auto is_it = [&](const Json& item) { return named(item, id); };
  if (std::ranges::any_of(volumes, is_it) && std::ranges::any_of(disks, is_it)) return std::nullopt;
  volumes = without(std::move(volumes), id);
  disks = without(std::move(disks), id);
  JsonObject claim{{"claimName", id}, {"hotpluggable", true}};
  JsonObject target{{"bus", bus}};
  if (read_only) target["readonly"] = true;
  volumes.push_back(JsonObject{{"name", id}, {"persistentVolumeClaim", std::move(claim)}});
  disks.push_back(JsonObject{{"name", id}, {"serial", serial}, {"disk", std::move(target)}});
  return machine_patch(machine, std::move(volumes), std::move(disks));
}

std::optional<Json> remove_volume_patch(const Json& machine, const std::string& id) {
  JsonArray volumes = array_at(machine, kVolumes);
  JsonArray disks = array_at(machine, kDisks);
  const auto is_it = [&](const Json& item) { return named(item, id); };
  if (std::ranges::none_of(volumes, is_it) && std::ranges::none_of(disks, is_it)) {
    return std::nullopt;
  }
  return machine_patch(machine, without(std::move(volumes), id), without(std::move(disks), id));
}

std::optional<Json> remove_instance_volume_patch(const Json& instance, const std::string& id) {
  JsonArray volumes = array_at(instance, {"spec", "volumes"});
  JsonArray disks = array_at(instance, {"spec", "domain", "devices", "disks"});
  const auto is_it = [&](const Json& item) { return named(item, id); };
  if (std::ranges::none_of(volumes, is_it)) return std::nullopt;
  JsonObject spec = spec_patch(without(std::move(volumes), id), without(std::move(disks), id));
  return JsonObject{{"metadata", pinned(instance)}, {"spec", std::move(spec)}};
}

}  // namespace nestor::storage
