#include "controlplane/secrets.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/base64.hpp"
#include "base/log.hpp"
#include "controlplane/checksum.hpp"
#include "controlplane/names.hpp"

namespace nestor::controlplane {
namespace {

using api::core::Secret;

Result<SecretData> decode(const Secret& secret) {
  SecretData out;
  for (const auto& [key, value] : secret.data) {
    NESTOR_TRY(out[key], base64_decode(value));
  }
  return out;
}

JsonObject encode(const SecretData& data) {
  JsonObject out;
  for (const auto& [key, value] : data) out[key] = base64_encode(value);
  return out;
}

Json build(const Work& work, const SecretPlan& plan, const SecretData& data) {
  JsonObject metadata = metadata_for(work, plan.name, plan.component);
  if (!plan.lifecycle.empty()) metadata["labels"].as_object()[kLifecycleLabel] = plan.lifecycle;
  metadata["annotations"] = JsonObject{{kChecksumAnnotation, checksum(data)}};
  if (!plan.finalizer.empty()) metadata["finalizers"] = JsonArray{Json(plan.finalizer)};
  return JsonObject{{"apiVersion", "v1"},
                    {"kind", "Secret"},
                    {"metadata", std::move(metadata)},
                    {"type", "Opaque"},
                    {"data", encode(data)}};
}

/// The patch that puts new contents, labels and checksum into `old`, and nothing else.
Json build_patch(const Work& work, const SecretPlan& plan, const SecretData& data,
                 const Secret& old) {
  Json patch = build(work, plan, data);
  JsonObject& metadata = patch.as_object()["metadata"].as_object();
  metadata["resourceVersion"] = old.metadata.resourceVersion;
  if (old.metadata.annotations.contains(std::string(kRotateAnnotation))) {
    metadata["annotations"].as_object()[kRotateAnnotation] = work.now();
  }
  patch.as_object().erase("type");
  return patch;
}

bool rotation_asked(const Secret& secret) {
  const auto found = secret.metadata.annotations.find(std::string(kRotateAnnotation));
  return found != secret.metadata.annotations.end() && found->second.empty();
}

Task<SecretData> replace(Work& work, SecretPlan& plan, const Secret& old, SecretData data) {
  Json patch = build_patch(work, plan, data, old);
  const kube::ObjectKey key{work.settings.ns, plan.name};
  auto done = co_await work.runtime.client().patch(Secret::kType, key, kube::PatchType::kMerge,
                                                   std::move(patch));
  if (!done) co_return with_context(std::move(done).error(), "replacing Secret " + plan.name);
  co_return data;
}

/// Looks at what is there and replaces it when needed.
Task<SecretData> check(Work& work, SecretPlan& plan, const Secret& secret) {
  auto data = decode(secret);
  Result<> verdict;
  if (!data) {
    verdict = std::unexpected(std::move(data).error());
  } else if (rotation_asked(secret)) {
    verdict = fail(Code::kFailedPrecondition, "rotation was asked for");
  } else {
    verdict = plan.usable(*data);
  }
  if (verdict) {
    if (!secret.metadata.label(kProjectLabel).empty()) co_return std::move(*data);
    // Brought by the user: take it into our cache.
    co_return co_await replace(work, plan, secret, std::move(*data));
  }
  if (verdict.error().code == Code::kDataLoss) {
    co_return with_context(std::move(verdict).error(), "Secret " + plan.name);
  }
  log::info("controlplane", "{}/{}: making Secret {} again: {}", work.settings.ns,
            work.settings.name, plan.name, verdict.error().message);
  NESTOR_CO_TRY(SecretData made, co_await plan.make());
  co_return co_await replace(work, plan, secret, std::move(made));
}

}  // namespace

const std::string& value_of(const SecretData& data, const std::string& key) {
  static const std::string kEmpty;
  const auto found = data.find(key);
  return found == data.end() ? kEmpty : found->second;
}

Task<SecretData> ensure_secret(Work& work, SecretPlan plan) {
  const kube::ObjectKey key{work.settings.ns, plan.name};
  if (const auto cached = work.caches.secrets.get(key)) {
    co_return co_await check(work, plan, *cached);
  }
  NESTOR_CO_TRY(SecretData data, co_await plan.make());
  kube::Client& client = work.runtime.client();
  Json object = build(work, plan, data);
  auto created = co_await client.create(Secret::kType, key.ns, std::move(object));
  if (created) co_return data;
  if (created.error().code != Code::kAlreadyExists) {
    co_return with_context(std::move(created).error(), "creating Secret " + plan.name);
  }
  // The cache is behind our own earlier write, or the user brought it.
  NESTOR_CO_TRY(const Secret live, co_await kube::get<Secret>(client, key));
  co_return co_await check(work, plan, live);
}

void note_secret(const Work& work, api::kamaji::SecretStatus& part, const std::string& name,
                 const SecretData& data) {
  part.secretName = name;
  note(part, checksum(data), work.now());
}

}  // namespace nestor::controlplane
