#include <openssl/x509_vfy.h>

#include <ctime>

#include "pki/openssl.hpp"
#include "pki/pki.hpp"

namespace nestor::pki {
namespace {

using namespace detail;
using Time = std::chrono::system_clock::time_point;
using Store = std::unique_ptr<X509_STORE, Free<X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, Free<X509_STORE_CTX_free>>;

std::string text_of(const ASN1_STRING* string) {
  const auto* data = ASN1_STRING_get0_data(string);
  return {data, data + ASN1_STRING_length(string)};
}

std::vector<std::string> entries(const X509_NAME* name, int nid) {
  std::vector<std::string> values;
  for (int at = -1; (at = X509_NAME_get_index_by_NID(name, nid, at)) >= 0;) {
    values.push_back(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at))));
  }
  return values;
}

std::string first_entry(const X509_NAME* name, int nid) {
  auto values = entries(name, nid);
  return values.empty() ? std::string() : std::move(values.front());
}

Time time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

void read_alternative_names(X509* certificate, CertificateInfo& info) {
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) info.dns_names.push_back(text_of(name->d.dNSName));
    if (name->type == GEN_IPADD) {
      info.ip_addresses.push_back(address_text(ASN1_STRING_get0_data(name->d.iPAddress),
                                               ASN1_STRING_length(name->d.iPAddress)));
    }
  }
}

}  // namespace

Result<CertificateInfo> inspect(const std::string& cert_pem) {
  NESTOR_TRY(const auto certificates, read_certificates(cert_pem));
  X509* certificate = certificates.front().get();
  CertificateInfo info;
  const X509_NAME* subject = X509_get_subject_name(certificate);
  info.common_name = first_entry(subject, NID_commonName);
  info.organizations = entries(subject, NID_organizationName);
  info.issuer_common_name = first_entry(X509_get_issuer_name(certificate), NID_commonName);
  read_alternative_names(certificate, info);
  info.is_ca = (X509_get_extension_flags(certificate) & EXFLAG_CA) != 0;
  if ((X509_get_extension_flags(certificate) & EXFLAG_XKUSAGE) != 0) {
    const std::uint32_t usage = X509_get_extended_key_usage(certificate);
    info.server = (usage & XKU_SSL_SERVER) != 0;
    info.client = (usage & XKU_SSL_CLIENT) != 0;
  }
  info.not_before = time_of(X509_get0_notBefore(certificate));
  info.not_after = time_of(X509_get0_notAfter(certificate));
  const Number serial(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  char* hex = BN_bn2hex(serial.get());
  if (hex != nullptr) info.serial = hex;
  OPENSSL_free(hex);
  return info;
}

Result<> check_signed_by(const std::string& cert_pem, const std::string& ca_pem, Time now) {
  NESTOR_TRY(const auto chain, read_certificates(cert_pem));
  NESTOR_TRY(const auto authorities, read_certificates(ca_pem));
  const Store store(X509_STORE_new());
  const StoreContext context(X509_STORE_CTX_new());
  STACK_OF(X509)* between = sk_X509_new_null();
  const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> owner(
      between, [](STACK_OF(X509) * stack) { sk_X509_free(stack); });
  for (const auto& authority : authorities) X509_STORE_add_cert(store.get(), authority.get());
  for (std::size_t i = 1; i < chain.size(); ++i) sk_X509_push(between, chain[i].get());
  if (X509_STORE_CTX_init(context.get(), store.get(), chain.front().get(), between) != 1) {
    return openssl_failure(Code::kInternal, "preparing to verify a certificate");
  }
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(parameters, std::chrono::system_clock::to_time_t(now));
  // An intermediate authority given as `ca_pem` is trusted as it stands.
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
  if (X509_verify_cert(context.get()) == 1) return {};
  return fail(Code::kFailedPrecondition,
              X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get())));
}

Result<> check_key_matches(const KeyPair& pair) {
  NESTOR_TRY(const auto certificates, read_certificates(pair.cert_pem));
  NESTOR_TRY(const Key key, read_private_key(pair.key_pem));
  if (X509_check_private_key(certificates.front().get(), key.get()) != 1) {
    return openssl_failure(Code::kFailedPrecondition, "the key is not that of the certificate");
  }
  return {};
}

Result<std::string> public_key_hash(const std::string& cert_pem) {
  NESTOR_TRY(const auto certificates, read_certificates(cert_pem));
  unsigned char* der = nullptr;
  const int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificates.front().get()), &der);
  if (length <= 0) return openssl_failure(Code::kInternal, "encoding a public key");
  const std::string bytes(der, der + length);
  OPENSSL_free(der);
  return "sha256:" + sha256_hex(bytes);
}

}  // namespace nestor::pki
