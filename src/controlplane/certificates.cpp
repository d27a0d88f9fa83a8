#include "controlplane/certificates.hpp"

#include <algorithm>

#include "base/join.hpp"
#include "controlplane/names.hpp"

namespace nestor::controlplane {
namespace {

using pki::CertificateRequest;
using pki::KeyPair;

KeyPair pair_in(const SecretData& data, const std::string& stem) {
  return {value_of(data, stem + ".crt"), value_of(data, stem + ".key")};
}

/// An authority that is there is never replaced for being unreadable: that would lock out every
/// node and user for what may be a slip.
Result<> check_authority(const Work& work, const KeyPair& pair) {
  auto ok = pki::check_key_matches(pair);
  if (ok) {
    NESTOR_TRY(const auto info, pki::inspect(pair.cert_pem));
    if (!info.is_ca) ok = fail(Code::kDataLoss, "its certificate is not an authority");
    if (info.not_after <= work.runtime.clock().now()) ok = fail(Code::kDataLoss, "it has expired");
  }
  if (!ok) return fail(Code::kDataLoss, ok.error().message);
  return {};
}

Task<SecretData> make_authority(std::string common_name, std::string stem, bool for_cluster_api) {
  NESTOR_CO_TRY(const KeyPair pair, co_await pki::generate_ca_async(std::move(common_name)));
  SecretData data{{stem + ".crt", pair.cert_pem}, {stem + ".key", pair.key_pem}};
  if (for_cluster_api) {
    data["tls.crt"] = pair.cert_pem;
    data["tls.key"] = pair.key_pem;
  }
  co_return data;
}

/// A user's CA may come in Cluster API's form, with tls.crt and tls.key only.
Task<> ensure_ca(Work& work, KeyPair& out) {
  const std::string name = ca_name(work.settings.name);
  SecretPlan plan{
      .name = name,
      .component = "ca",
      .usable =
          [&work](const SecretData& data) { return check_authority(work, pair_in(data, "ca")); },
      .make = [] { return make_authority("kubernetes", "ca", true); }};
  NESTOR_CO_TRY(const SecretData data, co_await ensure_secret(work, std::move(plan)));
  out = pair_in(data, "ca");
  note_secret(work, work.tcp.status.certificates.ca, name, data);
  co_return Result<>();
}

Task<> ensure_front_proxy_ca(Work& work, KeyPair& out) {
  const std::string name = front_proxy_ca_name(work.settings.name);
  SecretPlan plan{.name = name,
                  .component = "front-proxy-ca-certificate",
                  .usable =
                      [&work](const SecretData& data) {
                        return check_authority(work, pair_in(data, "front-proxy-ca"));
                      },
                  .make = [] { return make_authority("front-proxy-ca", "front-proxy-ca", false); }};
  NESTOR_CO_TRY(const SecretData data, co_await ensure_secret(work, std::move(plan)));
  out = pair_in(data, "front-proxy-ca");
  note_secret(work, work.tcp.status.certificates.frontProxyCA, name, data);
  co_return Result<>();
}

Task<SecretData> make_signing_key() {
  NESTOR_CO_TRY(const auto key, co_await pki::generate_signing_key_async());
  co_return SecretData{{"sa.pub", key.public_pem}, {"sa.key", key.private_pem}};
}

Task<> ensure_sa(Work& work) {
  const std::string name = sa_name(work.settings.name);
  SecretPlan plan{.name = name,
                  .component = "service-account",
                  .usable = [](const SecretData& data) -> Result<> {
                    if (!value_of(data, "sa.pub").empty() && !value_of(data, "sa.key").empty())
                      return {};
                    return fail(Code::kDataLoss, "sa.pub or sa.key is missing");
                  },
                  .make = [] { return make_signing_key(); }};
  NESTOR_CO_TRY(const SecretData data, co_await ensure_secret(work, std::move(plan)));
  note_secret(work, work.tcp.status.certificates.sa, name, data);
  co_return Result<>();
}

Task<SecretData> make_leaf(CertificateRequest request, KeyPair ca, std::string stem) {
  NESTOR_CO_TRY(const KeyPair pair, co_await pki::issue_async(std::move(request), std::move(ca)));
  co_return SecretData{{stem + ".crt", pair.cert_pem}, {stem + ".key", pair.key_pem}};
}

/// One Secret with one leaf certificate.
Task<> ensure_leaf(Work& work, std::string name, std::string component, std::string stem,
                   CertificateRequest request, const KeyPair& ca,
                   api::kamaji::SecretStatus& status) {
  request.now = work.runtime.clock().now();
  SecretPlan plan{.name = name,
                  .component = std::move(component),
                  .lifecycle = "x509",
                  .usable =
                      [&](const SecretData& data) {
                        return check_leaf(work, pair_in(data, stem), request, ca.cert_pem);
                      },
                  .make = [&] { return make_leaf(request, ca, stem); }};
  NESTOR_CO_TRY(const SecretData data, co_await ensure_secret(work, std::move(plan)));
  note_secret(work, status, name, data);
  co_return Result<>();
}

bool contains_all(const std::vector<std::string>& have, const std::vector<std::string>& want) {
  return std::ranges::all_of(
      want, [&](const std::string& name) { return std::ranges::find(have, name) != have.end(); });
}

}  // namespace

Result<> check_leaf(Work& work, const KeyPair& pair, const CertificateRequest& wanted,
                    const std::string& ca_pem) {
  const WallTime now = work.runtime.clock().now();
  NESTOR_TRY(const auto info, pki::inspect(pair.cert_pem));
  NESTOR_TRY_VOID(pki::check_key_matches(pair));
  NESTOR_TRY_VOID(pki::check_signed_by(pair.cert_pem, ca_pem, now));
  if (info.common_name != wanted.common_name || info.organizations != wanted.organizations) {
    return fail(Code::kFailedPrecondition, "it is for another user");
  }
  if (!contains_all(info.dns_names, wanted.dns_names) ||
      !contains_all(info.ip_addresses, wanted.ip_addresses)) {
    return fail(Code::kFailedPrecondition, "a name is missing in it");
  }
  // An authority near its own end cannot sign for longer: then there is nothing to gain.
  NESTOR_TRY(const auto ca, pki::inspect(ca_pem));
  const WallTime renew = info.not_after - kRenewBefore;
  if (info.not_after < ca.not_after) {
    if (renew <= now) return fail(Code::kFailedPrecondition, "it expires soon");
    if (!work.renew_at || renew < *work.renew_at) work.renew_at = renew;
  }
  return {};
}

Task<> ensure_authorities(Work& work, Authorities& out) {
  std::vector<Task<>> tasks;
  tasks.push_back(ensure_ca(work, out.ca));
  tasks.push_back(ensure_front_proxy_ca(work, out.front_proxy_ca));
  tasks.push_back(ensure_sa(work));
  return join_all(std::move(tasks));
}

Task<> ensure_api_server(Work& work, const Authorities& authorities, const Address& address) {
  const SubjectNames names = api_server_names(work.tcp, work.settings, address);
  CertificateRequest request{.common_name = "kube-apiserver",
                             .dns_names = names.dns,
                             .ip_addresses = names.ips,
                             .server = true};
  return ensure_leaf(work, api_server_name(work.settings.name), "api-server-certificate",
                     "apiserver", std::move(request), authorities.ca,
                     work.tcp.status.certificates.apiServer);
}

Task<> ensure_kubelet_client(Work& work, const Authorities& authorities) {
  CertificateRequest request{.common_name = "kube-apiserver-kubelet-client",
                             .organizations = {"kubeadm:cluster-admins"},
                             .client = true};
  return ensure_leaf(work, kubelet_client_name(work.settings.name),
                     "api-server-kubelet-client-certificate", "apiserver-kubelet-client",
                     std::move(request), authorities.ca,
                     work.tcp.status.certificates.apiServerKubeletClient);
}

Task<> ensure_front_proxy_client(Work& work, const Authorities& authorities) {
  CertificateRequest request{.common_name = "front-proxy-client", .client = true};
  return ensure_leaf(work, front_proxy_client_name(work.settings.name),
                     "front-proxy-client-certificate", "front-proxy-client", std::move(request),
                     authorities.front_proxy_ca, work.tcp.status.certificates.frontProxyClient);
}

}  // namespace nestor::controlplane
