#include "storage/node_part.hpp"

#include "api/apps/daemon_set.hpp"
#include "api/cluster/cluster.hpp"
#include "api/storage/storage_class.hpp"
#include "storage/names.hpp"

namespace nestor::storage {
namespace {

using api::cluster::Cluster;
using api::storage::StorageClass;

constexpr const char* kManager = "nestor-storage";
constexpr const char* kImagePlace = "@IMAGE@";
/// A ConfigMap with this name says that the class was made: if a person deletes it, it stays so.
constexpr const char* kNamespace = "kubevirt-csi-driver";
constexpr const char* kMark = "kubevirt-csi-default-class";

constexpr const char* kManifest = R"(apiVersion: v1
kind: Namespace
metadata:
  name: kubevirt-csi-driver
  labels: {pod-security.kubernetes.io/enforce: privileged}
---
apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata:
  name: csi.kubevirt.io
spec:
  attachRequired: true
  podInfoOnMount: true
  fsGroupPolicy: ReadWriteOnceWithFSType
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: kubevirt-csi-node-sa
  namespace: kubevirt-csi-driver
automountServiceAccountToken: false
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: kubevirt-csi-node
  namespace: kubevirt-csi-driver
  labels: {app: kubevirt-csi-driver}
spec:
  selector:
    matchLabels: {app: kubevirt-csi-driver}
  updateStrategy:
    type: RollingUpdate
    rollingUpdate: {maxUnavailable: "10%"}
  template:
    metadata:
      labels: {app: kubevirt-csi-driver}
    spec:
      serviceAccountName: kubevirt-csi-node-sa
      automountServiceAccountToken: false
      priorityClassName: system-node-critical
      terminationGracePeriodSeconds: 15
      nodeSelector: {kubernetes.io/os: linux}
      tolerations:
      - {operator: Exists}
      containers:
      - name: csi-driver
        image: "@IMAGE@"
        imagePullPolicy: IfNotPresent
        command: [/usr/local/bin/nestor, csi-node]
        args:
        - --endpoint=/csi/csi.sock
        - --kubelet-endpoint=/var/lib/kubelet/plugins/csi.kubevirt.io/csi.sock
        - --registration=/registration/csi.kubevirt.io-reg.sock
        - --node-name=$(NODE_NAME)
        env:
        - name: NODE_NAME
          valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
        securityContext:
          # Mounts that kubelet sees need it.
          privileged: true
          runAsUser: 0
          runAsGroup: 0
          readOnlyRootFilesystem: true
        resources:
          requests: {cpu: 5m, memory: 16Mi}
        terminationMessagePolicy: FallbackToLogsOnError
        volumeMounts:
        - {name: plugin, mountPath: /csi}
        - {name: registration, mountPath: /registration}
        - {name: kubelet, mountPath: /var/lib/kubelet, mountPropagation: Bidirectional}
        - {name: dev, mountPath: /dev}
        - {name: tmp, mountPath: /tmp}
      volumes:
      - name: plugin
        hostPath: {path: /var/lib/kubelet/plugins/csi.kubevirt.io, type: DirectoryOrCreate}
      - name: registration
        hostPath: {path: /var/lib/kubelet/plugins_registry, type: DirectoryOrCreate}
      - name: kubelet
        hostPath: {path: /var/lib/kubelet, type: Directory}
      - name: dev
        hostPath: {path: /dev, type: Directory}
      - name: tmp
        emptyDir: {medium: Memory, sizeLimit: 1Mi}
)";

/// How the tenant's API server names the kind of a manifest's object.
Result<kube::ResourceType> type_of(const Json& object) {
  const auto kind = find_string(object, {"kind"});
  if (kind == "Namespace") return kube::ResourceType{"", "v1", "Namespace", "namespaces", false};
  if (kind == "ServiceAccount") {
    return kube::ResourceType{"", "v1", "ServiceAccount", "serviceaccounts", true};
  }
  if (kind == "DaemonSet") return api::apps::DaemonSet::kType;
  if (kind == "CSIDriver") {
    return kube::ResourceType{"storage.k8s.io", "v1", "CSIDriver", "csidrivers", false};
  }
  return fail(Code::kInternal, "the manifest holds a " + std::string(kind));
}

}  // namespace

Result<std::vector<Json>> node_part(const std::string& image) {
  std::string text = kManifest;
  const auto place = text.find(kImagePlace);
  text.replace(place, std::string_view(kImagePlace).size(), image);
  return parse_yaml_documents(text);
}

Json default_storage_class() {
  return JsonObject{
      {"apiVersion", "storage.k8s.io/v1"},
      {"kind", "StorageClass"},
      {"metadata",
       JsonObject{{"name", "kubevirt"},
                  {"annotations", JsonObject{{api::storage::kDefaultClassAnnotation, "true"}}}}},
      {"provisioner", kDriver},
      {"parameters", JsonObject{{kBusParameter, kDefaultBus}}},
      {"reclaimPolicy", "Delete"},
      {"allowVolumeExpansion", true},
      {"volumeBindingMode", "WaitForFirstConsumer"}};
}

NodePartController::NodePartController(kube::Runtime& runtime, tenant::Sessions& sessions,
                                       std::string image)
    : runtime_(runtime), sessions_(sessions), image_(std::move(image)) {}

void NodePartController::watch(kube::Controller& controller) {
  // Not at each change of a Cluster's status: applying is work.
  runtime_.informers().of<Cluster>().subscribe([&controller](const auto& old, const auto& now) {
    const bool same = old && now &&
                      old->metadata.annotation(kNodePartAnnotation) ==
                          now->metadata.annotation(kNodePartAnnotation);
    if (now && !same) controller.enqueue(now->metadata.key());
  });
  // Somebody in the tenant deleted it: it comes back.
  kube::Scope ours;
  ours.ns = kNamespace;
  sessions_.watch<api::apps::DaemonSet>(
      [&controller](const kube::ObjectKey& cluster, const auto&, const auto& now) {
        if (!now) controller.enqueue(cluster);
      },
      ours);
  sessions_.on_change([&controller](const kube::ObjectKey& cluster, bool connected) {
    if (connected) controller.enqueue(cluster);
  });
}

Task<kube::ReconcileResult> NodePartController::reconcile(kube::ObjectKey cluster) {
  const auto object = runtime_.informers().of<Cluster>().get(cluster);
  const auto session = sessions_.find(cluster);
  if (!object || !session || object->metadata.deleting() ||
      object->metadata.annotation(kNodePartAnnotation) == "false") {
    co_return kube::ReconcileResult{};
  }
  NESTOR_CO_TRY(std::vector<Json> objects, node_part(image_));
  for (Json& one : objects) {
    NESTOR_CO_TRY(const kube::ResourceType type, type_of(one));
    const kube::ApplyOptions options{.field_manager = kManager};
    auto applied = co_await session->client().apply(type, std::move(one), options);
    if (!applied) {
      co_return with_context(std::move(applied).error(), "disks of tenant " + cluster.to_string());
    }
  }
  NESTOR_CO_TRY_VOID(co_await ensure_class(session));
  co_return kube::ReconcileResult{};
}

Task<> NodePartController::ensure_class(std::shared_ptr<tenant::Session> session) {
  const kube::ResourceType maps{"", "v1", "ConfigMap", "configmaps", true};
  auto mark = co_await session->client().get(maps, {kNamespace, kMark});
  if (mark) co_return Result<>{};
  if (mark.error().code != Code::kNotFound) co_return std::unexpected(std::move(mark).error());
  Json type = default_storage_class();
  auto made = co_await session->client().create(StorageClass::kType, "", std::move(type));
  if (!made && made.error().code != Code::kAlreadyExists) {
    co_return std::unexpected(std::move(made).error());
  }
  JsonObject metadata{{"name", kMark}, {"namespace", kNamespace}};
  Json note = JsonObject{{"apiVersion", "v1"},
                         {"kind", "ConfigMap"},
                         {"metadata", std::move(metadata)},
                         {"data", JsonObject{{"made", "kubevirt"}}}};
  auto noted = co_await session->client().create(maps, kNamespace, std::move(note));
  if (!noted && noted.error().code != Code::kAlreadyExists) {
    co_return std::unexpected(std::move(noted).error());
  }
  co_return Result<>{};
}

}  // namespace nestor::storage
