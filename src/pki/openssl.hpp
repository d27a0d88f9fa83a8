#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"

/// Ownership and reading of OpenSSL's objects; for the .cpp files of this folder only.
namespace nestor::pki::detail {

template <auto kFree>
struct Free {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};
inline void free_bio(BIO* bio) { BIO_free_all(bio); }
inline void free_names(GENERAL_NAMES* names) { sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free); }

using Bio = std::unique_ptr<BIO, Free<free_bio>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;
using Number = std::unique_ptr<BIGNUM, Free<BN_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Free<free_names>>;

/// An error with OpenSSL's own reason behind `what`; empties OpenSSL's error queue.
std::unexpected<Error> openssl_failure(Code code, std::string what);

Bio memory_bio(const std::string& text);
std::string bio_text(BIO* bio);

/// All certificates of a PEM text, at least one.
Result<std::vector<Certificate>> read_certificates(const std::string& pem);
Result<Key> read_private_key(const std::string& pem);
Result<std::string> write_certificate(X509* certificate);
/// "RSA PRIVATE KEY" or "EC PRIVATE KEY".
Result<std::string> write_private_key(EVP_PKEY* key);

/// An address in text as the bytes of an iPAddress name. Errors: kInvalidArgument.
Result<std::string> address_bytes(const std::string& text);
std::string address_text(const unsigned char* bytes, int length);

}  // namespace nestor::pki::detail
