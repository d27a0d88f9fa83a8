#pragma once

#include <string>

#include "api/core/secret.hpp"
#include "api/kamaji/data_store.hpp"
#include "controlplane/etcdctl.hpp"
#include "kube/runtime.hpp"
#include "pki/pki.hpp"

namespace nestor::controlplane {

/// What a DataStore's references hold, read and checked. Holds secrets.
struct StoreContents {
  std::string driver;
  std::vector<std::string> endpoints;
  /// With key: it signs the tenants' client certificates.
  pki::KeyPair ca;
  /// The certificate of etcd's root user.
  pki::KeyPair client;
  /// One tenant only may keep its data there.
  bool single_tenant = false;

  EtcdAccess access() const { return {endpoints, ca.cert_pem, client.cert_pem, client.key_pem}; }
};

/// Reads caches, which each reference starts. Errors: kUnimplemented for another driver than etcd;
/// kNotFound (a Secret or its key) and kInvalidArgument (missing part, unreadable or foreign
/// certificate), both naming the field; and kUnavailable while a cache cannot be filled.
Task<StoreContents> read_store(kube::Runtime& runtime, api::kamaji::DataStore store);

/// The cache of a Secret that a DataStore refers to: of that one alone, wherever it is.
kube::Informer<api::core::Secret> secret_cache(kube::Runtime& runtime, const kube::ObjectKey& key);

}  // namespace nestor::controlplane
