#include "controlplane/data_store_controller.hpp"

#include <algorithm>

#include "controlplane/etcd_users.hpp"
#include "controlplane/names.hpp"
#include "controlplane/settings.hpp"

namespace nestor::controlplane {
namespace {

using api::core::Secret;
using api::kamaji::ContentRef;
using api::kamaji::DataStore;
using api::kamaji::TenantControlPlane;

constexpr const char* kValidation = "kamaji.clastix.io/DataStoreValidation";
constexpr const char* kDeletion = "kamaji.clastix.io/DataStoreAllowedDeletion";
constexpr std::string_view kStoreUnreachable = "DataStoreUnreachable";
/// Nobody tells us when somebody switches authentication on or off.
constexpr Duration kAskAgain = std::chrono::minutes(1);

std::vector<const ContentRef*> references(const DataStore& store) {
  std::vector<const ContentRef*> out;
  const auto pair = [&](const api::kamaji::KeyPairRef& ref) {
    out.push_back(&ref.certificate);
    if (ref.privateKey) out.push_back(&*ref.privateKey);
  };
  if (store.spec.tlsConfig) {
    pair(store.spec.tlsConfig->certificateAuthority);
    if (store.spec.tlsConfig->clientCertificate) pair(*store.spec.tlsConfig->clientCertificate);
  }
  if (store.spec.basicAuth) {
    out.push_back(&store.spec.basicAuth->username);
    out.push_back(&store.spec.basicAuth->password);
  }
  return out;
}

bool refers_to(const DataStore& store, const kube::ObjectKey& secret) {
  return std::ranges::any_of(references(store), [&](const ContentRef* ref) {
    return ref->secretReference && ref->secretReference->namespace_ == secret.ns &&
           ref->secretReference->name == secret.name;
  });
}

/// Nothing is known to be wrong: it could not be asked.
bool is_unknown(const Error& error) {
  return error.code == Code::kUnavailable || error.code == Code::kDeadlineExceeded ||
         error.code == Code::kResourceExhausted;
}

/// What is wrong in the spec or a Secret changes with an event; the rest is worth another try.
bool is_retried(const Error& error) {
  return error.code != Code::kInvalidArgument && error.code != Code::kNotFound &&
         error.code != Code::kUnimplemented;
}

kube::Condition validation(const DataStore& store, const Result<>& verdict) {
  if (verdict) {
    return kube::make_condition(kValidation, true, "DataStoreIsValid",
                                "all references can be read");
  }
  if (is_unknown(verdict.error())) {
    const auto* before = kube::find_condition(store.status.conditions, kValidation);
    // Each try may say it in other words, and each write wakes us for the next.
    const bool same_spec = store.status.observedGeneration == store.metadata.generation;
    if (same_spec && before != nullptr && before->reason == kStoreUnreachable) return *before;
    return kube::make_unknown_condition(kValidation, kStoreUnreachable, verdict.error().message);
  }
  const Code code = verdict.error().code;
  const char* reason = code == Code::kUnimplemented        ? "DriverNotSupported"
                       : code == Code::kFailedPrecondition ? "AuthenticationDisabled"
                                                           : "TLSConfigurationValidationFailed";
  return kube::make_condition(kValidation, false, reason, verdict.error().message);
}

kube::Condition deletion(const std::vector<std::string>& users) {
  if (users.empty()) {
    return kube::make_condition(kDeletion, true, "DataStoreUnused",
                                "no control plane keeps its data here");
  }
  return kube::make_condition(
      kDeletion, false, "DataStoreStillUsed",
      std::to_string(users.size()) + " control planes keep their data here");
}

}  // namespace

DataStoreController::DataStoreController(kube::Runtime& runtime, Options options)
    : runtime_(runtime),
      options_(std::move(options)),
      stores_(runtime.informers().of<DataStore>()),
      tcps_(runtime.informers().of<TenantControlPlane>()),
      room_(runtime, options_.etcdctl) {
  controller_ = &runtime.add_controller(
      "datastore", [this](kube::ObjectKey key) { return reconcile(std::move(key)); });
  controller_->watch(stores_);
  controller_->watch_mapped<TenantControlPlane>(tcps_, [](const TenantControlPlane& tcp) {
    return std::vector<kube::ObjectKey>{{"", data_store_of(tcp)}};
  });
}

/// One watch a referenced Secret, from the first time it is named.
void DataStoreController::watch_secrets(const DataStore& store) {
  for (const ContentRef* ref : references(store)) {
    if (!ref->secretReference) continue;
    const kube::ObjectKey secret{ref->secretReference->namespace_, ref->secretReference->name};
    if (!watched_.insert(secret).second) continue;
    secret_cache(runtime_, secret).subscribe([this, secret](const auto&, const auto&) {
      for (const auto& other : stores_.list()) {
        if (refers_to(*other, secret)) controller_->enqueue(other->metadata.key());
      }
    });
  }
}

std::vector<std::string> DataStoreController::users_of(const std::string& store) const {
  std::vector<std::string> out;
  for (const auto& tcp : tcps_.list()) {
    const std::string& actual = tcp->status.storage.dataStoreName;
    if (data_store_of(*tcp) == store || actual == store) {
      out.push_back(tcp->metadata.key().to_string());
    }
  }
  std::ranges::sort(out);
  return out;
}

Task<> DataStoreController::check_authentication(const DataStore& store,
                                                 const StoreContents& contents) {
  const auto annotated = [&](std::string_view name) {
    return store.metadata.annotation(name) == "true";
  };
  const Checked now{.uid = store.metadata.uid,
                    .generation = store.metadata.generation.value_or(0),
                    .own = annotated(kEnableAuthAnnotation),
                    .single_tenant = annotated(kSingleTenantAnnotation)};
  const auto found = authenticated_.find(store.metadata.name);
  const bool known = found != authenticated_.end() && found->second.about == now;
  const SteadyTime asked = runtime_.clock().steady_now();
  // Again and again: an etcd that was restored or made anew under the same address lets everybody
  // in.
  if (known && asked < found->second.given + kAskAgain) co_return Result<>();
  EtcdUsers users(runtime_.processes(), options_.etcdctl, contents.access());
  auto answer = co_await users.has_authentication();
  // Silence, and what we do not understand, say nothing against what is known.
  const bool says_nothing = !answer && answer.error().code != Code::kCancelled &&
                            answer.error().code != Code::kPermissionDenied;
  if (known && says_nothing) {
    authenticated_[store.metadata.name] = {now, asked};
    co_return Result<>();
  }
  NESTOR_CO_TRY(const bool enabled, std::move(answer));
  authenticated_.erase(store.metadata.name);
  if (!enabled && now.own) {
    NESTOR_CO_TRY_VOID(co_await users.enable_authentication());
  } else if (!enabled && !now.single_tenant) {
    co_return fail(Code::kFailedPrecondition,
                   "this etcd has authentication switched off, so that each tenant could read what "
                   "all others keep in it. If only Nestor uses it, annotate the DataStore with " +
                       std::string(kEnableAuthAnnotation) +
                       ": \"true\" to have it switched on; if one tenant only keeps its data "
                       "there, with " +
                       std::string(kSingleTenantAnnotation) + ": \"true\"");
  }
  authenticated_[store.metadata.name] = {now, asked};
  co_return Result<>();
}

/// `store` is as it was.
void DataStoreController::tell(const DataStore& store, const kube::Condition& room) {
  const kube::Condition* before = kube::find_condition(store.status.conditions, room.type);
  if (room.status == "False" && (before == nullptr || before->reason != room.reason)) {
    runtime_.events().warning(store, room.reason, room.message);
  } else if (room.status == "True" && before != nullptr && before->status == "False") {
    runtime_.events().normal(store, room.reason, room.message);
  }
}

Task<kube::ReconcileResult> DataStoreController::reconcile(kube::ObjectKey key) {
  const auto cached = stores_.get(key);
  if (!cached) {
    authenticated_.erase(key.name);
    room_.forget(key.name);
    co_return kube::ReconcileResult{};
  }
  if (cached->metadata.annotations.contains(std::string(kPausedAnnotation))) {
    co_return kube::ReconcileResult{};
  }
  watch_secrets(*cached);
  DataStore store = *cached;
  const std::vector<std::string> users = users_of(key.name);
  auto& finalizers = store.metadata.finalizers;
  if (store.metadata.deleting()) {
    if (users.empty()) std::erase(finalizers, kDataStoreFinalizer);
  } else if (!store.metadata.has_finalizer(kDataStoreFinalizer)) {
    finalizers.emplace_back(kDataStoreFinalizer);
  }
  const Result<StoreContents> contents = co_await read_store(runtime_, *cached);
  Result<> verdict;
  if (contents) {
    verdict = co_await check_authentication(*cached, *contents);
  } else {
    verdict = std::unexpected(contents.error());
  }
  std::optional<kube::Condition> room;
  // One that is to be deleted lives on while it is used.
  if (verdict && (!store.metadata.deleting() || !users.empty())) {
    NESTOR_CO_TRY(room, co_await room_.look(*cached, *contents));
  }
  const std::string now = format_rfc3339(runtime_.clock().now());
  kube::set_condition(store.status.conditions, validation(*cached, verdict), now);
  kube::set_condition(store.status.conditions, deletion(users), now);
  if (room) kube::set_condition(store.status.conditions, *room, now);
  // A short silence, as when all start together, must not stop the control planes of a store that
  // was in order. Of another spec nothing is known yet.
  const bool was_ready =
      cached->status.ready && cached->status.observedGeneration == cached->metadata.generation;
  store.status.ready = verdict ? true : was_ready && is_unknown(verdict.error());
  store.status.usedBy = users;
  store.status.observedGeneration = store.metadata.generation;
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(runtime_.client(), *cached, store));
  if (room) {
    tell(*cached, *room);
    co_return kube::ReconcileResult{.requeue_after = room_.wait(key.name)};
  }
  if (!verdict && verdict.error().code == Code::kFailedPrecondition) {
    co_return kube::ReconcileResult{.requeue_after = kAskAgain};
  }
  if (!verdict && is_retried(verdict.error())) co_return std::unexpected(verdict.error());
  co_return kube::ReconcileResult{};
}

}  // namespace nestor::controlplane
