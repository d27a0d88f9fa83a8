#include "infrastructure/kubevirt_machine_controller.hpp"

#include <algorithm>
#include <set>

#include "api/cluster/labels.hpp"
#include "api/core/secret.hpp"
#include "api/infrastructure/labels.hpp"
#include "infrastructure/machine_status.hpp"
#include "infrastructure/virtual_machine_builder.hpp"

namespace nestor::infrastructure {

using api::cluster::Cluster;
using api::cluster::Machine;
using api::core::Secret;
using api::infrastructure::KubevirtMachine;
using api::kubevirt::VirtualMachine;
using api::kubevirt::VirtualMachineInstance;
namespace names = api::infrastructure;

namespace {

constexpr const char* kManager = "nestor-kubevirtmachine";
constexpr const char* kByCluster = "kubevirtmachine.cluster";
constexpr std::chrono::minutes kOthersRecheck{1};

/// The KubevirtMachine that a VirtualMachine (or its instance) stands for.
std::vector<kube::ObjectKey> machine_of(const kube::ObjectMeta& metadata) {
  const auto name = metadata.label(names::kMachineNameLabel);
  const auto ns = metadata.label(names::kMachineNamespaceLabel);
  if (name.empty() || ns.empty()) return {};
  return {{std::string(ns), std::string(name)}};
}

/// Whether the object was made for this KubevirtMachine. Another may have its name.
bool made_for(const kube::ObjectMeta& metadata, const KubevirtMachine& machine) {
  const auto owns = [&](const kube::OwnerReference& owner) {
    return owner.uid == machine.metadata.uid;
  };
  return std::ranges::any_of(metadata.ownerReferences, owns) ||
         machine_of(metadata) == std::vector{machine.metadata.key()};
}

Error not_its_own(const kube::ResourceType& type, const kube::ObjectKey& key) {
  return {Code::kFailedPrecondition,
          std::string(type.kind) + " " + key.to_string() +
              " exists already and is not of this KubevirtMachine",
          {}};
}

}  // namespace

void KubevirtMachineController::add() {
  auto& controller = runtime_.add_controller(
      "infrastructure.kubevirtmachine",
      [this](kube::ObjectKey key) { return reconcile(std::move(key)); }, {.concurrency = 20});
  auto& informers = runtime_.informers();
  auto machines = informers.of<KubevirtMachine>();
  machines.add_index(kByCluster, [](const KubevirtMachine& machine) {
    return std::vector<std::string>{
        machine.metadata.namespace_ + "/" +
        std::string(machine.metadata.label(api::cluster::kClusterNameLabel))};
  });
  controller.watch(machines);
  controller.watch_mapped<Machine>(informers.of<Machine>(), [](const Machine& machine) {
    std::vector<kube::ObjectKey> keys;
    const auto& ref = machine.spec.infrastructureRef;
    if (ref.kind == KubevirtMachine::kType.kind) {
      keys.push_back({machine.metadata.namespace_, ref.name});
    }
    return keys;
  });
  controller.watch_mapped<VirtualMachine>(
      informers.of<VirtualMachine>(),
      [](const VirtualMachine& vm) { return machine_of(vm.metadata); });
  controller.watch_mapped<VirtualMachineInstance>(
      informers.of<VirtualMachineInstance>(),
      [](const VirtualMachineInstance& vmi) { return machine_of(vmi.metadata); });
  controller.watch_mapped<Cluster>(informers.of<Cluster>(), [this](const Cluster& cluster) {
    std::vector<kube::ObjectKey> keys;
    auto all = runtime_.informers().of<KubevirtMachine>();
    const auto& metadata = cluster.metadata;
    for (const auto& one : all.by_index(kByCluster, metadata.namespace_ + "/" + metadata.name)) {
      keys.push_back(one->metadata.key());
    }
    return keys;
  });
  watch_tenants(controller);
}

void KubevirtMachineController::watch_tenants(kube::Controller& controller) {
  // A Node has the name of its KubevirtMachine.
  sessions_.watch_nodes(
      [&controller](const kube::ObjectKey& cluster, const auto& old, const auto& now) {
        const bool new_one = now && (!old || now->spec.providerID != old->spec.providerID);
        if (new_one) controller.enqueue({cluster.ns, now->metadata.name});
      });
}

KubevirtMachineController::MachinePtr KubevirtMachineController::owner_of(
    const KubevirtMachine& machine) {
  for (const auto& owner : machine.metadata.ownerReferences) {
    if (owner.kind != Machine::kType.kind) continue;
    const auto found =
        runtime_.informers().of<Machine>().get({machine.metadata.namespace_, owner.name});
    if (found && found->metadata.uid == owner.uid) return found;
  }
  return nullptr;
}

std::pair<std::string, std::string> KubevirtMachineController::missing(const Machine& machine,
                                                                       const Cluster& cluster) {
  const auto& initialization = cluster.status.initialization;
  if (!initialization.infrastructureProvisioned.value_or(false)) {
    return {"WaitingForClusterInfrastructure", "the cluster's infrastructure is not provisioned"};
  }
  if (!machine.spec.bootstrap.dataSecretName.empty()) return {};
  if (!initialization.controlPlaneInitialized.value_or(false)) {
    return {"WaitingForControlPlaneAvailable", "the control plane does not answer yet"};
  }
  return {"WaitingForBootstrapData", "the bootstrap data is not there yet"};
}

Task<kube::ReconcileResult> KubevirtMachineController::reconcile(kube::ObjectKey key) {
  auto& informers = runtime_.informers();
  const auto kubevirt = informers.of<KubevirtMachine>().get(key);
  if (!kubevirt) co_return kube::ReconcileResult{};
  const auto machine = owner_of(*kubevirt);
  const std::string cluster_name(machine
                                     ? machine->spec.clusterName
                                     : kubevirt->metadata.label(api::cluster::kClusterNameLabel));
  const auto cluster = informers.of<Cluster>().get({key.ns, cluster_name});
  const std::string now = format_rfc3339(runtime_.clock().now());
  KubevirtMachine after = *kubevirt;
  const bool noted = cluster && api::cluster::set_paused(after.status.conditions, *cluster,
                                                         kubevirt->metadata, now);
  if (cluster && api::cluster::paused(*cluster, kubevirt->metadata)) {
    NESTOR_CO_TRY_VOID(co_await kube::patch_changes(runtime_.client(), *kubevirt, after));
    co_return kube::ReconcileResult{};
  }
  if (kubevirt->metadata.deleting()) {
    NESTOR_CO_TRY_VOID(co_await reconcile_delete(kubevirt));
    co_return kube::ReconcileResult{};
  }
  if (!machine || !cluster) co_return kube::ReconcileResult{};
  const bool held = kubevirt->metadata.has_finalizer(names::kKubevirtMachineFinalizer);
  if (noted || !held) {
    if (!held) after.metadata.finalizers.emplace_back(names::kKubevirtMachineFinalizer);
    NESTOR_CO_TRY_VOID(co_await kube::patch_changes(runtime_.client(), *kubevirt, after));
    co_return kube::ReconcileResult{};
  }

  const auto vm = informers.of<VirtualMachine>().get(key);
  auto vmi = informers.of<VirtualMachineInstance>().get(key);
  if (vmi && !made_for(vmi->metadata, *kubevirt)) vmi = nullptr;
  if (vm && !made_for(vm->metadata, *kubevirt)) {
    const std::string message = not_its_own(VirtualMachine::kType, key).message;
    after = waiting(after, "VMCreateFailed", message, now);
    NESTOR_CO_TRY_VOID(co_await kube::patch_changes(runtime_.client(), *kubevirt, after));
    // The other one's end wakes nobody here.
    co_return kube::ReconcileResult{.requeue_after = kOthersRecheck};
  }
  const auto [reason, message] = missing(*machine, *cluster);
  if (!vm && !reason.empty()) {
    after = waiting(after, reason, message, now);
    NESTOR_CO_TRY_VOID(co_await kube::patch_changes(runtime_.client(), *kubevirt, after));
    co_return kube::ReconcileResult{};
  }
  if (!vm && !machine->metadata.deleting()) {
    auto created = co_await create_virtual_machine(kubevirt, machine);
    if (!created && created.error().code != Code::kCancelled) {
      after = waiting(after, "VMCreateFailed", created.error().message, now);
      NESTOR_CO_TRY_VOID(co_await kube::patch_changes(runtime_.client(), *kubevirt, after));
    }
    if (!created) co_return std::unexpected(std::move(created).error());
  }
  MachineStatusView view{.machine = *kubevirt, .vm = vm.get(), .vmi = vmi.get(), .now = now};
  after = observe(view);
  if (node_is_named(cluster->metadata.key(), key.name)) after.status.nodeupdated = true;
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(runtime_.client(), *kubevirt, after));
  co_return kube::ReconcileResult{};
}

Task<> KubevirtMachineController::write_userdata(KubevirtMachinePtr kubevirt, MachinePtr machine) {
  kube::Client& client = runtime_.client();
  kube::ObjectKey key{machine->metadata.namespace_, machine->spec.bootstrap.dataSecretName};
  auto data = co_await kube::get<Secret>(client, key);
  if (!data) co_return with_context(std::move(data).error(), "Secret " + key.to_string());
  const auto value = data->data.find(std::string(api::cluster::kSecretValueKey));
  if (value == data->data.end()) {
    co_return fail(Code::kFailedPrecondition, "Secret " + key.to_string() + " has no key value");
  }
  kube::ObjectKey copy_key{key.ns, userdata_secret_name(kubevirt->metadata.name, key.name)};
  const auto there = co_await kube::get<Secret>(client, copy_key);
  if (!there && there.error().code != Code::kNotFound) co_return std::unexpected(there.error());
  if (there && !made_for(there->metadata, *kubevirt)) {
    co_return std::unexpected(not_its_own(Secret::kType, copy_key));
  }
  Secret copy;
  copy.metadata.name = copy_key.name;
  copy.metadata.namespace_ = copy_key.ns;
  copy.metadata.labels = data->metadata.labels;
  copy.metadata.ownerReferences = {kube::owner_reference(*kubevirt)};
  copy.type = api::cluster::kSecretType;
  copy.data[std::string(names::kUserDataKey)] = value->second;
  auto written = co_await kube::apply(client, std::move(copy), kManager);
  if (!written) co_return with_context(std::move(written).error(), "writing the user data");
  co_return Result<>{};
}

Task<> KubevirtMachineController::create_virtual_machine(KubevirtMachinePtr kubevirt,
                                                         MachinePtr machine) {
  kube::Client& client = runtime_.client();
  VirtualMachineInput input;
  input.name = kubevirt->metadata.name;
  input.ns = kubevirt->metadata.namespace_;
  input.cluster = machine->spec.clusterName;
  input.data_secret = machine->spec.bootstrap.dataSecretName;
  input.control_plane =
      machine->metadata.labels.contains(std::string(api::cluster::kControlPlaneLabel));
  NESTOR_CO_TRY(Json vm, build_virtual_machine(to_json(kubevirt->spec), input));
  NESTOR_CO_TRY_VOID(co_await write_userdata(kubevirt, machine));
  auto created = co_await client.create(VirtualMachine::kType, input.ns, std::move(vm));
  if (created) {
    runtime_.events().normal(*kubevirt, "SuccessfulCreate", "created VirtualMachine " + input.name);
    co_return Result<>{};
  }
  if (created.error().code != Code::kAlreadyExists) {
    co_return with_context(std::move(created).error(), "creating VirtualMachine " + input.name);
  }
  // Made before, by one whose cache lags behind, or another's?
  NESTOR_CO_TRY(const bool own, co_await has_own(kubevirt, VirtualMachine::kType));
  if (own) co_return Result<>{};
  co_return std::unexpected(not_its_own(VirtualMachine::kType, kubevirt->metadata.key()));
}

Task<bool> KubevirtMachineController::has_own(KubevirtMachinePtr kubevirt,
                                              kube::ResourceType type) {
  const kube::ObjectKey key = kubevirt->metadata.key();
  const auto object = co_await runtime_.client().get(type, key);
  if (!object && object.error().code == Code::kNotFound) co_return false;
  if (!object) co_return std::unexpected(object.error());
  co_return made_for(kube::metadata_of(*object), *kubevirt);
}

Task<> KubevirtMachineController::remove_userdata(KubevirtMachinePtr kubevirt) {
  const auto owner = owner_of(*kubevirt);
  const std::string data = owner ? owner->spec.bootstrap.dataSecretName : std::string();
  std::set<std::string> copies{userdata_secret_name(kubevirt->metadata.name, data)};
  // Earlier versions named it after the data.
  if (!data.empty()) copies.insert(userdata_secret_name(data, ""));
  for (const std::string& name : copies) {
    const kube::ObjectKey key{kubevirt->metadata.namespace_, name};
    const auto secret = co_await kube::get<Secret>(runtime_.client(), key);
    const bool absent = !secret && secret.error().code == Code::kNotFound;
    if (!secret && !absent) co_return std::unexpected(secret.error());
    if (absent || !made_for(secret->metadata, *kubevirt)) continue;
    NESTOR_CO_TRY_VOID(co_await kube::ensure_deleted(runtime_.client(), Secret::kType, key));
  }
  co_return Result<>{};
}

bool KubevirtMachineController::node_is_named(const kube::ObjectKey& cluster,
                                              const std::string& name) const {
  const auto session = sessions_.find(cluster);
  return session && tenant::Sessions::find_node(*session, names::provider_id(name)) != nullptr;
}

Task<> KubevirtMachineController::reconcile_delete(KubevirtMachinePtr machine) {
  if (!machine->metadata.has_finalizer(names::kKubevirtMachineFinalizer)) co_return Result<>{};
  const kube::ObjectKey key = machine->metadata.key();
  auto& client = runtime_.client();
  // Asked live: a cache that lags behind must not let a running machine be forgotten. When they go,
  // the watch comes back here. What is another's stays, and is nothing to wait for.
  NESTOR_CO_TRY(const bool has_vm, co_await has_own(machine, VirtualMachine::kType));
  if (has_vm) {
    NESTOR_CO_TRY_VOID(co_await kube::ensure_deleted(client, VirtualMachine::kType, key));
  }
  for (const auto& type : {VirtualMachine::kType, VirtualMachineInstance::kType}) {
    NESTOR_CO_TRY(const bool left, co_await has_own(machine, type));
    if (left) co_return Result<>{};
  }
  NESTOR_CO_TRY_VOID(co_await remove_userdata(machine));
  KubevirtMachine after = *machine;
  std::erase(after.metadata.finalizers, names::kKubevirtMachineFinalizer);
  co_return co_await kube::patch_changes(client, *machine, after);
}

}  // namespace nestor::infrastructure
