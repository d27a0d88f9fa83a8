#include "controlplane/store_step.hpp"

#include <tuple>

#include "base/join.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "controlplane/certificates.hpp"
#include "controlplane/checksum.hpp"
#include "controlplane/etcd_users.hpp"
#include "controlplane/names.hpp"
#include "controlplane/store_room.hpp"

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

/// What one control plane calls its part of a store.
struct Claim {
  std::string schema;
  std::string user;
  /// The status says so: the part is or may have been made.
  bool made = false;
};

Claim claim_of(const TenantControlPlane& tcp) {
  const auto& setup = tcp.status.storage.setup;
  const auto pick = [&](const std::string& status, const std::string& spec) {
    if (!status.empty()) return status;
    return spec.empty() ? tcp.metadata.uid : spec;
  };
  return {.schema = pick(setup.schema, tcp.spec.dataStoreSchema),
          .user = pick(setup.user, tcp.spec.dataStoreUsername),
          .made = !setup.schema.empty()};
}

/// Whether the other's claim comes before ours: first who has something already, then who is older.
bool comes_first(const TenantControlPlane& other, const Claim& theirs,
                 const TenantControlPlane& own, const Claim& ours) {
  if (theirs.made != ours.made) return theirs.made;
  const auto age = [](const kube::ObjectMeta& metadata) {
    return std::pair(metadata.creationTimestamp, metadata.uid);
  };
  return age(other.metadata) < age(own.metadata);
}

/// Whether `name`, which both use, is the other's rather than ours: a UID is its bearer's, whoever
/// else writes it into a spec.
bool is_others(const std::string& name, const TenantControlPlane& other, const Claim& theirs,
               const TenantControlPlane& own, const Claim& ours) {
  if (name == own.metadata.uid) return false;
  if (name == other.metadata.uid) return true;
  return comes_first(other, theirs, own, ours);
}

std::vector<std::shared_ptr<const TenantControlPlane>> others_in(const Work& work,
                                                                 const std::string& data_store) {
  auto out = work.caches.tcps.list();
  std::erase_if(out, [&](const auto& other) {
    const std::string& actual = other->status.storage.dataStoreName;
    return other->metadata.uid == work.tcp.metadata.uid ||
           (actual.empty() ? data_store_of(*other) : actual) != data_store;
  });
  return out;
}

/// Of a store that is for one tenant only.
Result<> check_single(const Work& work, const std::string& data_store) {
  for (const auto& other : others_in(work, data_store)) {
    if (!comes_first(*other, claim_of(*other), work.tcp, claim_of(work.tcp))) continue;
    return fail(Code::kFailedPrecondition, "DataStore " + data_store + " is for one tenant only (" +
                                               std::string(kSingleTenantAnnotation) +
                                               "), and that is " +
                                               other->metadata.key().to_string());
  }
  return {};
}

/// Two tenants must never see each other's keys, whatever their specs say.
Result<> check_alone(const Work& work, const std::string& data_store, const Claim& ours) {
  for (const auto& other : others_in(work, data_store)) {
    const Claim theirs = claim_of(*other);
    const auto lost = [&](const std::string& mine, const std::string& name) {
      return mine == name && is_others(name, *other, theirs, work.tcp, ours);
    };
    if (!lost(ours.schema, theirs.schema) && !lost(ours.user, theirs.user)) continue;
    return fail(Code::kFailedPrecondition,
                "schema or user of the DataStore is taken by " + other->metadata.key().to_string());
  }
  return {};
}

/// Whether the holder may note what it reserved, or have noted it, and the cache does not show it.
/// It is over when the note is seen, and when the holder is gone or wants other names: a late write
/// carries an older resourceVersion and is refused. A pass that fails does not end it, since its
/// write may have arrived all the same; the next one reserves anew.
bool is_pending(const Caches& caches, const std::string& uid, const Reservation& reserved) {
  const auto holder = caches.tcps.get(reserved.holder);
  if (!holder || holder->metadata.uid != uid) return false;
  if (!holder->status.storage.setup.schema.empty()) return false;
  const Claim claim = claim_of(*holder);
  return claim.schema == reserved.schema && claim.user == reserved.user;
}

/// Between check_alone and the cache that shows our note, another could find the names free too;
/// in a store for one tenant only, every other could. To be called without a wait after the checks.
Result<> reserve_names(Work& work, bool single_tenant) {
  const Settings& settings = work.settings;
  std::erase_if(work.reservations, [&](const auto& item) {
    return item.first == settings.uid || !is_pending(work.caches, item.first, item.second);
  });
  for (const auto& [uid, other] : work.reservations) {
    if (other.data_store != settings.data_store) continue;
    const bool same = other.schema == settings.schema || other.user == settings.username;
    if (!same && !single_tenant) continue;
    return fail(Code::kFailedPrecondition,
                std::string(same ? "schema or user of the DataStore" : "the DataStore") +
                    " is about to be taken by " + other.holder.to_string());
  }
  work.reservations[settings.uid] = {.holder = work.tcp.metadata.key(),
                                     .data_store = settings.data_store,
                                     .schema = settings.schema,
                                     .user = settings.username};
  return {};
}

/// The tenant's data stay where they are: under other names there would be an empty cluster.
Result<> check_unchanged(const Work& work) {
  const auto& setup = work.tcp.status.storage.setup;
  for (const auto& [field, made, wanted] :
       {std::tuple("dataStoreSchema", setup.schema, work.settings.schema),
        std::tuple("dataStoreUsername", setup.user, work.settings.username)}) {
    if (made.empty() || made == wanted) continue;
    return fail(Code::kFailedPrecondition, "spec." + std::string(field) + " means \"" + wanted +
                                               "\" but the tenant's data are under \"" + made +
                                               "\", where they have to stay");
  }
  return {};
}

/// Names that somebody chose may be of something else in the store. They are noted in the status
/// before anything is made: after a crash what we made ourselves would look like another's.
Task<> claim_names(Work& work, EtcdUsers& users) {
  const Settings& settings = work.settings;
  auto& status = work.tcp.status.storage.setup;
  NESTOR_CO_TRY(const bool there, co_await users.has_tenant(settings.username, settings.schema));
  if (there) {
    co_return fail(Code::kFailedPrecondition, "the DataStore has a user " + settings.username +
                                                  " or a role " + settings.schema +
                                                  " already, which is not this control plane's");
  }
  status.schema = settings.schema;
  status.user = settings.username;
  // The write of the status comes back as an event and goes on from there.
  co_return fail(Code::kAborted, "the names in the DataStore are noted first");
}

Task<> ensure_user(Work& work, const StoreContents& store, std::string etcdctl) {
  const Settings& settings = work.settings;
  auto& status = work.tcp.status.storage.setup;
  NESTOR_CO_TRY_VOID(check_unchanged(work));
  NESTOR_CO_TRY_VOID(check_alone(
      work, settings.data_store,
      {.schema = settings.schema, .user = settings.username, .made = !status.schema.empty()}));
  const std::string sum =
      md5_hex(settings.data_store + "\n" + settings.schema + "\n" + settings.username);
  if (status.checksum == sum) co_return Result<>();
  EtcdUsers users(work.runtime.processes(), std::move(etcdctl), store.access());
  const bool derived = settings.schema == settings.uid && settings.username == settings.uid;
  if ((!derived || store.single_tenant) && status.schema.empty()) {
    NESTOR_CO_TRY_VOID(reserve_names(work, store.single_tenant));
    co_return co_await claim_names(work, users);
  }
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
  // Those that are in it go on: what they delete makes room.
  if (is_full(*store) && status.setup.schema.empty()) {
    co_return fail(Code::kFailedPrecondition, "DataStore " + name + " is full");
  }
  auto contents = co_await read_store(work.runtime, *store);
  if (!contents) co_return with_context(std::move(contents).error(), "DataStore " + name);
  if (contents->single_tenant) NESTOR_CO_TRY_VOID(check_single(work, name));
  status.driver = contents->driver;
  status.dataStoreName = name;
  co_return contents;
}

Task<> ensure_store(Work& work, const StoreContents& store, std::string etcdctl) {
  // First of all: the certificate lets its bearer in as the user that it names.
  NESTOR_CO_TRY_VOID(co_await ensure_user(work, store, std::move(etcdctl)));
  std::vector<Task<>> tasks;
  tasks.push_back(ensure_config(work, store));
  tasks.push_back(ensure_certificate(work, store));
  co_return co_await join_all(std::move(tasks));
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
  // Such names were never ours to make, and etcd may refuse for ever to remove them.
  const bool made = !status.setup.schema.empty();
  const bool ours = is_store_name(schema) && is_store_name(user) &&
                    check_alone(work, name, {.schema = schema, .user = user, .made = made});
  if (!ours) {
    log::warn("controlplane",
              "{}: leaves schema {} and user {} in DataStore {}, they are not its own",
              work.tcp.metadata.key().to_string(), schema, user, name);
    co_return Result<>();
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
