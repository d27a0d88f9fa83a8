#include "base/json_convert.hpp"
#include "vm/attach/attach.hpp"
#include "vm/hotplug.hpp"
#include "vm/launcher/hotplug_wire.hpp"
#include "vm/launcher/unprivileged.hpp"

namespace nestor::vm {
namespace {

using api::core::PersistentVolumeClaim;
using api::core::Pod;
using api::kubevirt::VirtualMachineInstance;

/// What is left of it after the launcher has died, at most. Seconds.
constexpr int kGrace = 10;

JsonObject metadata_of(const AttachmentPodInput& input, std::int64_t size) {
  const VirtualMachineInstance& instance = input.instance;
  JsonObject labels{{api::kubevirt::kLabelKind, kAttachmentKind},
                    {api::kubevirt::kLabelCreatedBy, instance.metadata.uid}};
  JsonObject annotations{{kVolumeNameAnnotation, input.volume.name},
                         {kVolumeSizeAnnotation, std::to_string(size)}};
  if (input.claim == nullptr) annotations[kDetachAnnotation] = "true";
  if (input.again) annotations[kAgainAnnotation] = "true";
  return {{"name", attachment_pod_name(instance.metadata, input.volume.name)},
          {"namespace", instance.metadata.namespace_},
          {"labels", std::move(labels)},
          {"annotations", std::move(annotations)},
          {"ownerReferences", JsonArray{to_json(kube::owner_reference(instance))}}};
}

/// The node of the launcher, by way of the scheduler, which binds claims that wait for a consumer.
JsonObject on_node(const std::string& node) {
  JsonObject field{{"key", "metadata.name"}, {"operator", "In"}, {"values", JsonArray{Json(node)}}};
  JsonObject term{{"matchFields", JsonArray{std::move(field)}}};
  JsonObject required{{"nodeSelectorTerms", JsonArray{std::move(term)}}};
  return {{"nodeAffinity",
           JsonObject{{"requiredDuringSchedulingIgnoredDuringExecution", std::move(required)}}}};
}

JsonObject annotation_file(const char* file, std::string_view annotation) {
  return {{"path", file},
          {"fieldRef",
           JsonObject{{"fieldPath", "metadata.annotations['" + std::string(annotation) + "']"}}}};
}

/// What its own annotations say, the folder with the launcher's socket, and the claim.
JsonArray volumes_of(const Pod& launcher, const HotplugVolume& volume, bool with_claim,
                     const Options& options) {
  JsonArray items{annotation_file("size", kVolumeSizeAnnotation),
                  annotation_file("detach", kDetachAnnotation)};
  const std::string folder = options.kubelet_folder + "/pods/" + launcher.metadata.uid +
                             "/volumes/kubernetes.io~empty-dir/" + std::string(kHotplugVolume);
  JsonArray out{
      JsonObject{{"name", "wanted"}, {"downwardAPI", JsonObject{{"items", std::move(items)}}}},
      JsonObject{{"name", kHotplugVolume},
                 {"hostPath", JsonObject{{"path", folder}, {"type", "Directory"}}}}};
  if (with_claim) {
    JsonObject claim{{"claimName", volume.claim}};
    if (volume.read_only) claim["readOnly"] = true;
    out.push_back(JsonObject{{"name", "volume"}, {"persistentVolumeClaim", std::move(claim)}});
  }
  return out;
}

JsonObject container_of(const HotplugVolume& volume, const PersistentVolumeClaim* claim,
                        const Options& options) {
  const bool block = claim != nullptr && claim->spec.volumeMode == "Block";
  JsonArray command{"/usr/local/bin/nestor", "vm-attach", "--volume", Json(volume.name)};
  if (!volume.serial.empty()) command.insert(command.end(), {"--serial", Json(volume.serial)});
  if (block) command.push_back("--block");
  if (volume.read_only) command.push_back("--read-only");
  JsonArray mounts{
      JsonObject{{"name", "wanted"}, {"mountPath", kWantedFolder}},
      // A socket can be connected to through a mount that cannot be written to.
      JsonObject{{"name", kHotplugVolume}, {"mountPath", kHotplugFolder}, {"readOnly", true}}};
  if (claim != nullptr && !block) {
    mounts.push_back(JsonObject{{"name", "volume"}, {"mountPath", kClaimFolder}});
  }
  // A device of the container belongs to root; no capability is needed to open it.
  JsonObject security{{"allowPrivilegeEscalation", false},
                      {"readOnlyRootFilesystem", true},
                      {"runAsUser", block ? 0 : kQemuUser},
                      {"runAsGroup", block ? 0 : kQemuUser},
                      {"runAsNonRoot", !block},
                      {"capabilities", JsonObject{{"drop", JsonArray{"ALL"}}}},
                      {"seccompProfile", JsonObject{{"type", "RuntimeDefault"}}}};
  JsonObject out{
      {"name", "attach"},
      {"image", options.launcher_image},
      {"imagePullPolicy", kLauncherPullPolicy},
      {"command", std::move(command)},
      {"volumeMounts", std::move(mounts)},
      {"securityContext", std::move(security)},
      {"resources", JsonObject{{"requests", JsonObject{{"cpu", "1m"}, {"memory", "16Mi"}}}}},
      {"terminationMessagePolicy", "FallbackToLogsOnError"}};
  // Once the launcher has taken the disk the program listens. It is never probed after that.
  JsonObject probe{{"tcpSocket", JsonObject{{"port", kAttachedPort}}},
                   {"periodSeconds", 1},
                   {"failureThreshold", 600}};
  if (claim != nullptr) out["startupProbe"] = std::move(probe);
  if (block) {
    out["volumeDevices"] = JsonArray{JsonObject{{"name", "volume"}, {"devicePath", kClaimDevice}}};
  }
  return out;
}

}  // namespace

Result<Json> attachment_pod(const AttachmentPodInput& input, const Options& options) {
  const auto& [instance, launcher, volume, claim, again] = input;
  std::int64_t size = 0;
  if (claim != nullptr) {
    NESTOR_TRY(size, claim_size(*claim));
  }
  JsonObject spec{{"restartPolicy", "OnFailure"},
                  {"automountServiceAccountToken", false},
                  {"enableServiceLinks", false},
                  {"terminationGracePeriodSeconds", kGrace},
                  {"affinity", on_node(launcher.spec.nodeName)},
                  {"tolerations", JsonArray{JsonObject{{"operator", "Exists"}}}},
                  {"containers", JsonArray{container_of(volume, claim, options)}},
                  {"volumes", volumes_of(launcher, volume, claim != nullptr, options)}};
  if (claim != nullptr && claim->spec.volumeMode != "Block") {
    spec["securityContext"] =
        JsonObject{{"fsGroup", kQemuUser}, {"fsGroupChangePolicy", "OnRootMismatch"}};
  }
  if (!instance.spec.priorityClassName.empty()) {
    spec["priorityClassName"] = instance.spec.priorityClassName;
  }
  return JsonObject{{"apiVersion", "v1"},
                    {"kind", "Pod"},
                    {"metadata", metadata_of(input, size)},
                    {"spec", std::move(spec)}};
}

}  // namespace nestor::vm
