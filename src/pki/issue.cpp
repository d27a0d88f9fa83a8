#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <algorithm>

#include "pki/openssl.hpp"
#include "pki/pki.hpp"

namespace nestor::pki {
namespace {

using namespace detail;
using Time = std::chrono::system_clock::time_point;

constexpr std::chrono::minutes kClockSkew{5};

Result<Key> generate_key(KeyKind kind) {
  Key key(kind == KeyKind::kRsa2048 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"));
  if (key == nullptr) return openssl_failure(Code::kInternal, "generating a key");
  return key;
}

/// What differs between an authority and a certificate of its own.
struct Extensions {
  const char* constraints;
  const char* key_usage;
  std::string extended_usage;
};

bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool add_name(GENERAL_NAMES* names, int type, const std::string& bytes) {
  ASN1_STRING* text =
      ASN1_STRING_type_new(type == GEN_DNS ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING);
  GENERAL_NAME* name = GENERAL_NAME_new();
  if (text == nullptr || name == nullptr ||
      ASN1_STRING_set(text, bytes.data(), static_cast<int>(bytes.size())) != 1) {
    ASN1_STRING_free(text);
    GENERAL_NAME_free(name);
    return false;
  }
  GENERAL_NAME_set0_value(name, type, text);
  if (sk_GENERAL_NAME_push(names, name) > 0) return true;
  GENERAL_NAME_free(name);
  return false;
}

Result<> add_alternative_names(X509* certificate, const CertificateRequest& request) {
  if (request.dns_names.empty() && request.ip_addresses.empty()) return {};
  const Names names(sk_GENERAL_NAME_new_null());
  for (const std::string& dns : request.dns_names) {
    // Not through OpenSSL's configuration syntax: a name must not be able to add other names.
    if (dns.empty() || !std::ranges::all_of(dns, [](unsigned char c) {
          return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '*' || c == '_';
        })) {
      return fail(Code::kInvalidArgument, "not a DNS name: \"" + dns + "\"");
    }
    if (!add_name(names.get(), GEN_DNS, dns)) {
      return openssl_failure(Code::kInternal, "adding a DNS name");
    }
  }
  for (const std::string& address : request.ip_addresses) {
    NESTOR_TRY(const std::string bytes, address_bytes(address));
    if (!add_name(names.get(), GEN_IPADD, bytes)) {
      return openssl_failure(Code::kInternal, "adding an address");
    }
  }
  if (X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) !=
      1) {
    return openssl_failure(Code::kInternal, "adding alternative names");
  }
  return {};
}

bool set_subject(X509* certificate, const CertificateRequest& request) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const auto add = [&](const char* field, const std::string& value) {
    return X509_NAME_add_entry_by_txt(
               subject, field, MBSTRING_UTF8,
               reinterpret_cast<const unsigned char*>(value.data()),  // NOLINT: OpenSSL's type
               static_cast<int>(value.size()), -1, 0) == 1;
  };
  return std::ranges::all_of(request.organizations,
                             [&](const std::string& name) { return add("O", name); }) &&
         (request.common_name.empty() || add("CN", request.common_name));
}

bool set_serial(X509* certificate) {
  // 127 random bits: unguessable, and positive in 16 bytes.
  const Number number(BN_new());
  return number != nullptr &&
         BN_rand(number.get(), 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_validity(X509* certificate, const CertificateRequest& request, X509* issuer) {
  const auto begin = std::chrono::system_clock::to_time_t(request.now - kClockSkew);
  const auto end = std::chrono::system_clock::to_time_t(request.now + request.validity);
  if (ASN1_TIME_set(X509_getm_notBefore(certificate), begin) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate), end) == nullptr) {
    return false;
  }
  if (issuer != certificate &&
      ASN1_TIME_compare(X509_get0_notAfter(certificate), X509_get0_notAfter(issuer)) > 0) {
    return X509_set1_notAfter(certificate, X509_get0_notAfter(issuer)) == 1;
  }
  return true;
}

/// Makes the certificate of `key`; `issuer` is null for one signed by itself.
Result<std::string> make_certificate(const CertificateRequest& request, EVP_PKEY* key, X509* issuer,
                                     EVP_PKEY* issuer_key, const Extensions& extensions) {
  const Certificate owned(X509_new());
  X509* certificate = owned.get();
  if (issuer == nullptr) issuer = certificate;
  if (certificate == nullptr || X509_set_version(certificate, X509_VERSION_3) != 1 ||
      !set_serial(certificate) || !set_subject(certificate, request) ||
      X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) != 1 ||
      !set_validity(certificate, request, issuer) || X509_set_pubkey(certificate, key) != 1) {
    return openssl_failure(Code::kInvalidArgument, "filling in a certificate");
  }
  if (!add_extension(certificate, issuer, NID_basic_constraints, extensions.constraints) ||
      !add_extension(certificate, issuer, NID_key_usage, extensions.key_usage) ||
      !add_extension(certificate, issuer, NID_subject_key_identifier, "hash") ||
      !add_extension(certificate, issuer, NID_authority_key_identifier, "keyid")) {
    return openssl_failure(Code::kInternal, "extending a certificate");
  }
  if (!extensions.extended_usage.empty() &&
      !add_extension(certificate, issuer, NID_ext_key_usage, extensions.extended_usage.c_str())) {
    return openssl_failure(Code::kInternal, "setting the usage of a certificate");
  }
  NESTOR_TRY_VOID(add_alternative_names(certificate, request));
  if (X509_sign(certificate, issuer_key, EVP_sha256()) == 0) {
    return openssl_failure(Code::kInternal, "signing a certificate");
  }
  return write_certificate(certificate);
}

}  // namespace

Result<KeyPair> generate_ca(const std::string& common_name, std::chrono::seconds validity,
                            KeyKind kind, Time now) {
  const CertificateRequest request{.common_name = common_name,
                                   .dns_names = {common_name},
                                   .validity = validity,
                                   .key = kind,
                                   .now = now};
  NESTOR_TRY(const Key key, generate_key(kind));
  const Extensions extensions{
      "critical,CA:TRUE", "critical,digitalSignature,keyEncipherment,keyCertSign", {}};
  NESTOR_TRY(std::string certificate,
             make_certificate(request, key.get(), nullptr, key.get(), extensions));
  NESTOR_TRY(std::string key_pem, write_private_key(key.get()));
  return KeyPair{std::move(certificate), std::move(key_pem)};
}

Result<KeyPair> issue(const CertificateRequest& request, const KeyPair& ca) {
  NESTOR_TRY_VOID(check_key_matches(ca));
  NESTOR_TRY(const auto issuers, read_certificates(ca.cert_pem));
  NESTOR_TRY(const Key issuer_key, read_private_key(ca.key_pem));
  NESTOR_TRY(const Key key, generate_key(request.key));
  Extensions extensions{"critical,CA:FALSE", "critical,digitalSignature,keyEncipherment", {}};
  if (request.server) extensions.extended_usage = "serverAuth";
  if (request.client) {
    extensions.extended_usage += extensions.extended_usage.empty() ? "clientAuth" : ",clientAuth";
  }
  NESTOR_TRY(std::string certificate, make_certificate(request, key.get(), issuers.front().get(),
                                                       issuer_key.get(), extensions));
  NESTOR_TRY(std::string key_pem, write_private_key(key.get()));
  return KeyPair{std::move(certificate), std::move(key_pem)};
}

Result<SigningKey> generate_signing_key() {
  NESTOR_TRY(const Key key, generate_key(KeyKind::kRsa2048));
  const Bio bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PUBKEY(bio.get(), key.get()) != 1) {
    return openssl_failure(Code::kInternal, "writing a public key");
  }
  NESTOR_TRY(std::string private_pem, write_private_key(key.get()));
  return SigningKey{bio_text(bio.get()), std::move(private_pem)};
}

}  // namespace nestor::pki
