#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/async.hpp"
#include "base/result.hpp"

/// Keys and certificates as kubeadm makes them. The synchronous functions block the calling thread
/// (an RSA key takes up to a second, the rest well under a millisecond); any thread.
namespace nestor::pki {

enum class KeyKind { kEcdsaP256, kRsa2048 };

/// A certificate with its private key, both PEM. `cert_pem` may hold further certificates of the
/// chain after the first, which is the one that is meant.
struct KeyPair {
  std::string cert_pem;
  std::string key_pem;
};

/// A key pair without a certificate: "PUBLIC KEY" (PKIX) and "RSA PRIVATE KEY" (PKCS #1), as the
/// files sa.pub and sa.key of kubeadm.
struct SigningKey {
  std::string public_pem;
  std::string private_pem;
};

/// kubeadm's times: authorities ten years, the rest one year.
inline constexpr std::chrono::hours kCaValidity{24 * 3650};
inline constexpr std::chrono::hours kCertificateValidity{24 * 365};

/// What a certificate shall say. Validity begins five minutes before `now`, so that a machine whose
/// clock is a little behind accepts it.
struct CertificateRequest {
  std::string common_name;
  /// Groups of the user, for client certificates.
  std::vector<std::string> organizations = {};
  std::vector<std::string> dns_names = {};
  /// IPv4 or IPv6 in text.
  std::vector<std::string> ip_addresses = {};
  bool server = false;
  bool client = false;
  std::chrono::seconds validity = kCertificateValidity;
  KeyKind key = KeyKind::kEcdsaP256;
  std::chrono::system_clock::time_point now = std::chrono::system_clock::now();
};

/// A self-signed authority (CA:TRUE; digital signature, key encipherment, certificate signing).
/// Its name is also a DNS name of it, as kubeadm has it.
Result<KeyPair> generate_ca(
    const std::string& common_name, std::chrono::seconds validity = kCaValidity,
    KeyKind key = KeyKind::kEcdsaP256,
    std::chrono::system_clock::time_point now = std::chrono::system_clock::now());

/// A new key and a certificate for it, signed by `ca`; it never outlives `ca`.
/// Errors: kInvalidArgument for an address that is none or a `ca` that cannot be read.
Result<KeyPair> issue(const CertificateRequest& request, const KeyPair& ca);

/// The key that signs service account tokens: RSA 2048.
Result<SigningKey> generate_signing_key();

/// What a certificate says.
struct CertificateInfo {
  std::string common_name;
  std::vector<std::string> organizations;
  std::string issuer_common_name;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  bool is_ca = false;
  bool server = false;
  bool client = false;
  std::chrono::system_clock::time_point not_before;
  std::chrono::system_clock::time_point not_after;
  /// Hexadecimal.
  std::string serial;
};

/// The first certificate in `cert_pem`. Errors: kInvalidArgument.
Result<CertificateInfo> inspect(const std::string& cert_pem);

/// Whether a certificate of `ca_pem` signed it and both are valid at `now`.
/// Errors: kInvalidArgument (unreadable), kFailedPrecondition with OpenSSL's reason.
Result<> check_signed_by(
    const std::string& cert_pem, const std::string& ca_pem,
    std::chrono::system_clock::time_point now = std::chrono::system_clock::now());

/// Errors: kInvalidArgument (unreadable), kFailedPrecondition (not its key).
Result<> check_key_matches(const KeyPair& pair);

/// "sha256:<hex>" of the public key (SPKI) of the first certificate: what `kubeadm join` pins as
/// discovery-token-ca-cert-hash.
Result<std::string> public_key_hash(const std::string& cert_pem);

/// SHA-256 in lower-case hexadecimal; for checksums in annotations that restart pods.
std::string sha256_hex(std::string_view data);

/// `length` characters of [a-z0-9], from the system's generator of secrets.
std::string random_lowercase(std::size_t length);

/// A kubeadm bootstrap token: `id` is not secret, `secret` is.
struct BootstrapToken {
  std::string id;
  std::string secret;
  /// "id.secret"
  std::string text() const { return id + "." + secret; }
};
BootstrapToken generate_bootstrap_token();
/// Errors: kInvalidArgument when it is not [a-z0-9]{6}.[a-z0-9]{16}; the text is not repeated.
Result<BootstrapToken> parse_bootstrap_token(std::string_view text);

/// The same on the pool for blocking work, for coroutines; they resume on their own executor.
Task<KeyPair> generate_ca_async(std::string common_name);
Task<KeyPair> issue_async(CertificateRequest request, KeyPair ca);
Task<SigningKey> generate_signing_key_async();

}  // namespace nestor::pki
