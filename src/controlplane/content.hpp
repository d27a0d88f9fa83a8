#pragma once

#include <string>

#include "api/kamaji/data_store.hpp"
#include "controlplane/etcd_users.hpp"
#include "kube/client.hpp"
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

  EtcdAccess access() const { return {endpoints, ca.cert_pem, client.cert_pem, client.key_pem}; }
};

/// Errors: kUnimplemented for another driver than etcd; kNotFound (a Secret or its key) and
/// kInvalidArgument (missing part, unreadable or foreign certificate), both naming the field; and
/// those of the client.
Task<StoreContents> read_store(kube::Client& client, api::kamaji::DataStore store, WallTime now);

}  // namespace nestor::controlplane
