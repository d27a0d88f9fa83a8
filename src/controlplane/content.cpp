#include "controlplane/content.hpp"

#include "api/core/secret.hpp"

namespace nestor::controlplane {
namespace {

using api::core::Secret;
using api::kamaji::ContentRef;
using api::kamaji::DataStore;

Task<std::string> read_content(kube::Client& client, const ContentRef& ref, std::string field) {
  if (!ref.content.empty()) {
    auto decoded = pki::base64_decode(ref.content);
    if (!decoded) co_return with_context(std::move(decoded).error(), field + ".content");
    co_return decoded;
  }
  if (!ref.secretReference) co_return fail(Code::kInvalidArgument, field + " is empty");
  const kube::ObjectKey key{ref.secretReference->namespace_, ref.secretReference->name};
  auto secret = co_await kube::get<Secret>(client, key);
  if (!secret) co_return with_context(std::move(secret).error(), field);
  const auto found = secret->data.find(ref.secretReference->keyPath);
  if (found == secret->data.end()) {
    co_return fail(Code::kNotFound, field + ": Secret " + key.to_string() + " has no key " +
                                        ref.secretReference->keyPath);
  }
  co_return pki::base64_decode(found->second);
}

Task<pki::KeyPair> read_pair(kube::Client& client, const api::kamaji::KeyPairRef& ref,
                             std::string field) {
  pki::KeyPair pair;
  NESTOR_CO_TRY(pair.cert_pem,
                co_await read_content(client, ref.certificate, field + ".certificate"));
  if (!ref.privateKey) co_return fail(Code::kInvalidArgument, field + ".privateKey is missing");
  NESTOR_CO_TRY(pair.key_pem,
                co_await read_content(client, *ref.privateKey, field + ".privateKey"));
  if (auto ok = pki::check_key_matches(pair); !ok) {
    co_return with_context(Error{Code::kInvalidArgument, ok.error().message}, field);
  }
  co_return pair;
}

}  // namespace

Task<StoreContents> read_store(kube::Client& client, DataStore store, WallTime now) {
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
  NESTOR_CO_TRY(out.ca, co_await read_pair(client, spec.tlsConfig->certificateAuthority,
                                           "spec.tlsConfig.certificateAuthority"));
  NESTOR_CO_TRY(out.client, co_await read_pair(client, *spec.tlsConfig->clientCertificate,
                                               "spec.tlsConfig.clientCertificate"));
  if (auto ok = pki::check_signed_by(out.client.cert_pem, out.ca.cert_pem, now); !ok) {
    co_return with_context(Error{Code::kInvalidArgument, ok.error().message},
                           "spec.tlsConfig.clientCertificate");
  }
  co_return out;
}

}  // namespace nestor::controlplane
