#include "controlplane/store_step.hpp"

#include "base/join.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "controlplane/certificates.hpp"
#include "controlplane/checksum.hpp"
#include "controlplane/names.hpp"

namespace nestor::controlplane {
namespace {

using api::kamaji::DataStore;

constexpr std::size_t kPasswordLength = 32;

Task<SecretData> make_config(SecretData wanted) {
  wanted["DB_PASSWORD"] = pki::random_lowercase(kPasswordLength);
  co_return wanted;
}

Task<> ensure_config(Work& work, const StoreContents& store) {
  const std::string name = store_config_name(work.settings.name);
  const SecretData wanted{{"DB_CONNECTION_STRING", joined(store.endpoints)},
                          {"DB_SCHEMA", work.settings.schema},
                          {"DB_USER", work.settings.username}};
  SecretPlan plan{.name = name,
                  .component = "datastore-config",
                  .usable = [&wanted](const SecretData& data) -> Result<> {
                    for (const auto& [key, value] : wanted) {
                      if (value_of(data, key) == value) continue;
                      return fail(Code::kFailedPrecondition, key + " is not as wanted");
                    }
                    if (!value_of(data, "DB_PASSWORD").empty()) return {};
                    return fail(Code::kFailedPrecondition, "DB_PASSWORD is missing");
                  },
                  .make = [&wanted] { return make_config(wanted); }};
  NESTOR_CO_TRY(const SecretData data, co_await ensure_secret(work, std::move(plan)));
  auto& status = work.tcp.status.storage.config;
  status.secretName = name;
  status.checksum = checksum(data);
  co_return Result<>();
}

Task<SecretData> make_certificate(pki::CertificateRequest request, pki::KeyPair ca) {
  NESTOR_CO_TRY(const auto pair, co_await pki::issue_async(std::move(request), ca));
  co_return SecretData{
      {"ca.crt", ca.cert_pem}, {"server.crt", pair.cert_pem}, {"server.key", pair.key_pem}};
}

Task<> ensure_certificate(Work& work, const StoreContents& store) {
  const std::string name = store_certificate_name(work.settings.name);
  // etcd logs a user in by the certificate's common name.
  pki::CertificateRequest request{.common_name = work.settings.username,
                                  .organizations = {"system:masters"},
                                  .client = true,
                                  .validity = pki::kCaValidity,
                                  .now = work.runtime.clock().now()};
  SecretPlan plan{.name = name,
                  .component = "datastore-certificate",
                  .lifecycle = "x509",
                  .usable = [&](const SecretData& data) -> Result<> {
                    if (value_of(data, "ca.crt") != store.ca.cert_pem) {
                      return fail(Code::kFailedPrecondition, "the store has another authority");
                    }
                    const pki::KeyPair pair{value_of(data, "server.crt"),
                                            value_of(data, "server.key")};
                    return check_leaf(work, pair, request, store.ca.cert_pem);
                  },
                  .make = [&] { return make_certificate(request, store.ca); }};
  NESTOR_CO_TRY(const SecretData data, co_await ensure_secret(work, std::move(plan)));
  note_secret(work, work.tcp.status.storage.certificate, name, data);
  co_return Result<>();
}

/// Whether `other` keeps, or has the older right to keep, its data where we want to.
bool collides(const TenantControlPlane& other, const Work& work) {
  const auto& storage = other.status.storage;
  const std::string& store =
      storage.dataStoreName.empty() ? other.spec.dataStore : storage.dataStoreName;
  if (!store.empty() && store != work.settings.data_store) return false;
  const auto pick = [&](const std::string& status, const std::string& spec) {
    if (!status.empty()) return status;
    return spec.empty() ? other.metadata.uid : spec;
  };
  const bool same =
      pick(storage.setup.schema, other.spec.dataStoreSchema) == work.settings.schema ||
      pick(storage.setup.user, other.spec.dataStoreUsername) == work.settings.username;
  if (!same || !storage.setup.schema.empty()) return same;
  const auto age = [](const kube::ObjectMeta& metadata) {
    return std::pair(metadata.creationTimestamp, metadata.uid);
  };
  return age(other.metadata) < age(work.tcp.metadata);
}

/// Two tenants must never see each other's keys, whatever their specs say.
Result<> check_alone(const Work& work) {
  for (const auto& other : work.caches.tcps.list()) {
    if (other->metadata.uid == work.settings.uid || !collides(*other, work)) continue;
    return fail(Code::kFailedPrecondition,
                "schema or user of the DataStore is taken by " + other->metadata.key().to_string());
  }
  return {};
}

Task<> ensure_user(Work& work, const StoreContents& store, std::string etcdctl) {
  const Settings& settings = work.settings;
  auto& status = work.tcp.status.storage.setup;
  const std::string sum =
      md5_hex(settings.data_store + "\n" + settings.schema + "\n" + settings.username);
  if (status.checksum == sum) co_return Result<>();
  NESTOR_CO_TRY_VOID(check_alone(work));
  EtcdUsers users(work.runtime.processes(), std::move(etcdctl), store.access());
  NESTOR_CO_TRY_VOID(co_await users.ensure_tenant(settings.username, settings.schema));
  status.schema = settings.schema;
  status.user = settings.username;
  note(status, sum, work.now());
  co_return Result<>();
}

}  // namespace

Task<StoreContents> open_store(Work& work) {
  const std::string& name = work.settings.data_store;
  if (name.empty()) co_return fail(Code::kInvalidArgument, "spec.dataStore is empty");
  const auto store = work.caches.stores.get({"", name});
  if (!store) co_return fail(Code::kFailedPrecondition, "there is no DataStore " + name);
  if (!store->status.ready) {
    co_return fail(Code::kFailedPrecondition, "DataStore " + name + " is not ready");
  }
  auto& status = work.tcp.status.storage;
  if (!status.dataStoreName.empty() && status.dataStoreName != name) {
    co_return fail(Code::kUnimplemented, "moving from DataStore " + status.dataStoreName + " to " +
                                             name + " is not supported yet");
  }
  auto contents = co_await read_store(work.runtime, *store);
  if (!contents) co_return with_context(std::move(contents).error(), "DataStore " + name);
  status.driver = contents->driver;
  status.dataStoreName = name;
  co_return contents;
}

Task<> ensure_store(Work& work, const StoreContents& store, std::string etcdctl) {
  std::vector<Task<>> tasks;
  tasks.push_back(ensure_config(work, store));
  tasks.push_back(ensure_certificate(work, store));
  tasks.push_back(ensure_user(work, store, std::move(etcdctl)));
  return join_all(std::move(tasks));
}

Result<StoreAccess> store_access(const Work& work, const StoreContents& store) {
  StoreAccess out{.driver = store.driver, .endpoints = store.endpoints, .overrides = {}};
  for (const auto& item : work.tcp.spec.dataStoreOverrides) {
    const auto other = work.caches.stores.get({"", item.dataStore});
    if (!other) return fail(Code::kNotFound, "there is no DataStore " + item.dataStore);
    out.overrides[item.resource] = other->spec.endpoints;
  }
  return out;
}

Task<> clean_store(Work& work, std::string etcdctl) {
  const auto& status = work.tcp.status.storage;
  std::string name = status.dataStoreName;
  std::string schema = status.setup.schema;
  std::string user = status.setup.user;
  if (schema.empty() || user.empty()) {
    // The status may lag behind what was made, but only a name that is ours alone may be guessed.
    if (work.settings.schema != work.settings.uid || work.settings.username != work.settings.uid) {
      co_return Result<>();
    }
    name = work.settings.data_store;
    schema = user = work.settings.uid;
  }
  const auto store = work.caches.stores.get({"", name});
  if (!store) {
    log::warn("controlplane", "{}/{}: DataStore {} is gone, its keys cannot be removed",
              work.settings.ns, work.settings.name, name);
    co_return Result<>();
  }
  NESTOR_CO_TRY(const StoreContents contents, co_await read_store(work.runtime, *store));
  EtcdUsers users(work.runtime.processes(), std::move(etcdctl), contents.access());
  co_return co_await users.remove_tenant(user, schema);
}

}  // namespace nestor::controlplane
