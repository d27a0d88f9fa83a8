#include "controlplane/store_contents.hpp"

#include "base/base64.hpp"
#include "controlplane/names.hpp"

namespace nestor::controlplane {
namespace {

using api::core::Secret;
using api::kamaji::ContentRef;
using api::kamaji::DataStore;

constexpr Duration kPatience = std::chrono::seconds(10);

Task<std::shared_ptr<const Secret>> read_secret(kube::Runtime& runtime, kube::ObjectKey key) {
  auto cache = secret_cache(runtime, key);
  const auto filled = [cache] { return cache.synced(); };
  if (auto done = co_await cache.wait_until(filled, kPatience); !done) {
    if (done.error().code == Code::kCancelled) co_return std::unexpected(std::move(done).error());
    co_return fail(Code::kUnavailable, "Secret " + key.to_string() + " cannot be read");
  }
  auto secret = cache.get(key);
  if (!secret) co_return fail(Code::kNotFound, "there is no Secret " + key.to_string());
  co_return secret;
}

Task<std::string> read_content(kube::Runtime& runtime, const ContentRef& ref, std::string field) {
  if (!ref.content.empty()) {
    auto decoded = base64_decode(ref.content);
    if (!decoded) co_return with_context(std::move(decoded).error(), field + ".content");
    co_return decoded;
  }
  if (!ref.secretReference) co_return fail(Code::kInvalidArgument, field + " is empty");
  const kube::ObjectKey key{ref.secretReference->namespace_, ref.secretReference->name};
  auto secret = co_await read_secret(runtime, key);
  if (!secret) co_return with_context(std::move(secret).error(), field);
  const auto& data = (*secret)->data;
  const auto found = data.find(ref.secretReference->keyPath);
  if (found == data.end()) {
    co_return fail(Code::kNotFound, field + ": Secret " + key.to_string() + " has no key " +
                                        ref.secretReference->keyPath);
  }
  co_return base64_decode(found->second);
}

Task<pki::KeyPair> read_pair(kube::Runtime& runtime, const api::kamaji::KeyPairRef& ref,
                             std::string field) {
  pki::KeyPair pair;
  NESTOR_CO_TRY(pair.cert_pem,
                co_await read_content(runtime, ref.certificate, field + ".certificate"));
  if (!ref.privateKey) co_return fail(Code::kInvalidArgument, field + ".privateKey is missing");
  NESTOR_CO_TRY(pair.key_pem,
                co_await read_content(runtime, *ref.privateKey, field + ".privateKey"));
  if (auto ok = pki::check_key_matches(pair); !ok) {
    co_return with_context(Error{Code::kInvalidArgument, ok.error().message}, field);
  }
  co_return pair;
}

}  // namespace

kube::Informer<Secret> secret_cache(kube::Runtime& runtime, const kube::ObjectKey& key) {
  return runtime.informers().of<Secret>(
      kube::Scope{.ns = key.ns, .field_selector = "metadata.name=" + key.name});
}

Task<StoreContents> read_store(kube::Runtime& runtime, DataStore store) {
  const auto& spec = store.spec;
  if (spec.driver != "etcd") {
    co_return fail(Code::kUnimplemented, "driver " + spec.driver + " is not supported, only etcd");
  }
  if (spec.endpoints.empty()) co_return fail(Code::kInvalidArgument, "spec.endpoints is empty");
  if (!spec.tlsConfig || !spec.tlsConfig->clientCertificate) {
    co_return fail(Code::kInvalidArgument, "spec.tlsConfig.clientCertificate is missing");
  }
  StoreContents out;
  out.driver = spec.driver;
  out.endpoints = spec.endpoints;
  out.single_tenant = store.metadata.annotation(kSingleTenantAnnotation) == "true";
  NESTOR_CO_TRY(out.ca, co_await read_pair(runtime, spec.tlsConfig->certificateAuthority,
                                           "spec.tlsConfig.certificateAuthority"));
  NESTOR_CO_TRY(out.client, co_await read_pair(runtime, *spec.tlsConfig->clientCertificate,
                                               "spec.tlsConfig.clientCertificate"));
  const WallTime now = runtime.clock().now();
  if (auto ok = pki::check_signed_by(out.client.cert_pem, out.ca.cert_pem, now); !ok) {
    co_return with_context(Error{Code::kInvalidArgument, ok.error().message},
                           "spec.tlsConfig.clientCertificate");
  }
  co_return out;
}

}  // namespace nestor::controlplane
