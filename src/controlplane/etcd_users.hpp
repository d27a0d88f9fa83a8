#pragma once

#include <string>
#include <vector>

#include "controlplane/etcdctl.hpp"

namespace nestor::controlplane {

/// Users, roles and keys of tenants in one etcd. Every call is idempotent.
/// Errors: kUnavailable when etcd cannot be reached, kInternal with etcd's words otherwise.
class EtcdUsers {
 public:
  /// `etcdctl` as in Etcdctl::open(). `runner` must outlive this.
  EtcdUsers(ProcessRunner& runner, std::string etcdctl, EtcdAccess access);

  /// A user without password (it logs in by its certificate's name) with a role for all keys below
  /// "/<schema>/" and no others.
  Task<> ensure_tenant(std::string username, std::string schema);
  /// Whether there is a user or a role of these names, whoever made it.
  Task<bool> has_tenant(std::string username, std::string schema);
  /// Deletes role, keys and user.
  Task<> remove_tenant(std::string username, std::string schema);
  /// Whether etcd asks who somebody is. While it does not, everybody whom it lets in reads all
  /// keys. Errors also: kPermissionDenied (before etcd 3.7) when it does and our certificate is not
  /// its root user's.
  Task<bool> has_authentication();
  /// Makes the root user and role and switches authentication on. For an etcd that is Nestor's own.
  Task<> enable_authentication();

 private:
  using Steps = std::vector<Etcdctl::Words>;
  Task<> run_all(Steps steps);
  Result<Etcdctl> open() const;

  ProcessRunner& runner_;
  std::string etcdctl_;
  EtcdAccess access_;
};

}  // namespace nestor::controlplane
