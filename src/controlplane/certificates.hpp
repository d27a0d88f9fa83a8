#pragma once

#include "controlplane/address.hpp"
#include "controlplane/secrets.hpp"
#include "pki/pki.hpp"

namespace nestor::controlplane {

/// Leaf certificates are made again this long before they expire.
inline constexpr std::chrono::hours kRenewBefore{24 * 30};

/// Whether a leaf can stay: readable, its own key, signed by `ca_pem`, for that user, with at least
/// the wanted names, and not near its end. Puts the time of renewal into `work`.
Result<> check_leaf(Work& work, const pki::KeyPair& pair, const pki::CertificateRequest& wanted,
                    const std::string& ca_pem);

/// The authorities of a tenant, which need nothing but themselves.
struct Authorities {
  pki::KeyPair ca;
  pki::KeyPair front_proxy_ca;
};

/// Ensures `<n>-ca`, `<n>-front-proxy-ca-certificate` and `<n>-sa-certificate`, at the same time.
/// Errors: kDataLoss when an authority's Secret is damaged: it is never replaced unasked.
Task<> ensure_authorities(Work& work, Authorities& out);

/// The steps that need the CA: each ensures one Secret and notes it in the status.
Task<> ensure_api_server(Work& work, const Authorities& authorities, const Address& address);
Task<> ensure_kubelet_client(Work& work, const Authorities& authorities);
Task<> ensure_front_proxy_client(Work& work, const Authorities& authorities);

}  // namespace nestor::controlplane
