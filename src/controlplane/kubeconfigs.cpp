#include "controlplane/kubeconfigs.hpp"

#include "base/join.hpp"
#include "controlplane/konnectivity.hpp"
#include "controlplane/names.hpp"
#include "kube/kubeconfig.hpp"
#include "net/url.hpp"

namespace nestor::controlplane {
namespace {

using pki::CertificateRequest;
using pki::KeyPair;

/// One user and the files (key of the Secret to server) it gets.
struct UserFiles {
  CertificateRequest request;
  std::map<std::string, std::string> servers;
};

struct Bundle {
  std::string secret;
  std::string component;
  std::vector<UserFiles> users;
};

/// Names no secret: errors show which file is not as wanted.
Result<> check_file(Work& work, const SecretData& data, const std::string& key,
                    const std::string& server, const CertificateRequest& request,
                    const std::string& ca_pem) {
  const auto found = data.find(key);
  if (found == data.end()) return fail(Code::kNotFound, key + " is missing");
  NESTOR_TRY(const auto config, kube::parse_foreign_kubeconfig(found->second));
  if (config.server != server) return fail(Code::kFailedPrecondition, key + ": another server");
  if (config.ca_pem != ca_pem) return fail(Code::kFailedPrecondition, key + ": another authority");
  const KeyPair pair{config.cert_pem, config.key_pem};
  if (auto ok = check_leaf(work, pair, request, ca_pem); !ok) {
    return with_context(std::move(ok).error(), key);
  }
  return {};
}

Result<> check_bundle(Work& work, const Bundle& bundle, const SecretData& data,
                      const std::string& ca_pem) {
  for (const UserFiles& user : bundle.users) {
    for (const auto& [key, server] : user.servers) {
      NESTOR_TRY_VOID(check_file(work, data, key, server, user.request, ca_pem));
    }
  }
  return {};
}

Task<SecretData> make_bundle(const Bundle& bundle, const Settings& settings, const KeyPair& ca) {
  SecretData data;
  for (const UserFiles& user : bundle.users) {
    NESTOR_CO_TRY(const KeyPair pair, co_await pki::issue_async(user.request, ca));
    for (const auto& [key, server] : user.servers) {
      const kube::ClientConfig config{.server = server,
                                      .ca_pem = ca.cert_pem,
                                      .cert_pem = pair.cert_pem,
                                      .key_pem = pair.key_pem};
      data[key] = kube::make_kubeconfig(config, settings.name, user.request.common_name);
    }
  }
  co_return data;
}

Task<> ensure_bundle(Work& work, Bundle bundle, const KeyPair& ca,
                     api::kamaji::SecretStatus& status) {
  for (UserFiles& user : bundle.users) {
    user.request.client = true;
    user.request.now = work.runtime.clock().now();
  }
  SecretPlan plan{
      .name = bundle.secret,
      .component = bundle.component,
      .lifecycle = "kubeconfig",
      .usable =
          [&](const SecretData& data) { return check_bundle(work, bundle, data, ca.cert_pem); },
      .make = [&] { return make_bundle(bundle, work.settings, ca); }};
  NESTOR_CO_TRY(const SecretData data, co_await ensure_secret(work, std::move(plan)));
  note_secret(work, status, bundle.secret, data);
  co_return Result<>();
}

Bundle admin_bundle(const Settings& settings, const Address& address) {
  const std::string outside = "https://" + net::authority(address.host, address.port);
  const std::string inside = "https://" + net::authority(settings.service_host(), settings.port);
  return {.secret = admin_kubeconfig_name(settings.name),
          .component = "admin-kubeconfig",
          .users = {{.request = {.common_name = "kubernetes-admin",
                                 .organizations = {"kubeadm:cluster-admins"}},
                     .servers = {{"admin.conf", outside}, {"admin.svc", inside}}},
                    {.request = {.common_name = "kubernetes-super-admin",
                                 .organizations = {"system:masters"}},
                     .servers = {{"super-admin.conf", outside}, {"super-admin.svc", inside}}}}};
}

}  // namespace

Task<> ensure_kubeconfigs(Work& work, const Authorities& authorities, const Address& address) {
  const Settings& settings = work.settings;
  const std::string local = "https://127.0.0.1:" + std::to_string(settings.port);
  Bundle controller_manager{.secret = controller_manager_kubeconfig_name(settings.name),
                            .component = "controller-manager-kubeconfig",
                            .users = {{.request = {.common_name = "system:kube-controller-manager"},
                                       .servers = {{"controller-manager.conf", local}}}}};
  Bundle scheduler{.secret = scheduler_kubeconfig_name(settings.name),
                   .component = "scheduler-kubeconfig",
                   .users = {{.request = {.common_name = "system:kube-scheduler"},
                              .servers = {{"scheduler.conf", local}}}}};
  auto& status = work.tcp.status.kubeconfig;
  std::vector<Task<>> tasks;
  tasks.push_back(
      ensure_bundle(work, admin_bundle(settings, address), authorities.ca, status.admin));
  tasks.push_back(
      ensure_bundle(work, std::move(controller_manager), authorities.ca, status.controllerManager));
  tasks.push_back(ensure_bundle(work, std::move(scheduler), authorities.ca, status.scheduler));
  if (work.tcp.spec.addons.konnectivity) {
    // Its one right, to have tokens reviewed, is given inside the tenant.
    Bundle tunnel{.secret = konnectivity_kubeconfig_name(settings.name),
                  .component = "konnectivity-kubeconfig",
                  .users = {{.request = {.common_name = std::string(kKonnectivityUser)},
                             .servers = {{"konnectivity-server.conf", local}}}}};
    tasks.push_back(ensure_bundle(work, std::move(tunnel), authorities.ca,
                                  konnectivity_kubeconfig_status(work)));
  }
  return join_all(std::move(tasks));
}

}  // namespace nestor::controlplane
