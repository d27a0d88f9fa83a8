#pragma once

#include <string>
#include <vector>

#include "base/private_directory.hpp"
#include "base/process.hpp"

namespace nestor::controlplane {

/// How to talk to an etcd as its root user. Holds secrets.
struct EtcdAccess {
  /// "host:port" each.
  std::vector<std::string> endpoints;
  std::string ca_pem;
  std::string cert_pem;
  std::string key_pem;
};

/// Users, roles and keys of tenants in one etcd, by the program etcdctl. Every call is idempotent.
/// The certificate's files exist only while a call runs, in a directory of our own.
/// Errors: kUnavailable when etcd cannot be reached, kInternal with etcd's words otherwise.
class EtcdUsers {
 public:
  /// Begins the names of those directories.
  static constexpr std::string_view kPrefix = "nestor-etcd";

  /// `etcdctl` is a path or a name looked up in PATH. `runner` must outlive this.
  EtcdUsers(ProcessRunner& runner, std::string etcdctl, EtcdAccess access);

  /// A user without password (it logs in by its certificate's name) with a role for all keys below
  /// "/<schema>/" and no others.
  Task<> ensure_tenant(std::string username, std::string schema);
  /// Whether there is a user or a role of these names, whoever made it.
  Task<bool> has_tenant(std::string username, std::string schema);
  /// Deletes role, keys and user.
  Task<> remove_tenant(std::string username, std::string schema);
  /// Makes the root user and role and switches authentication on. For an etcd that is Nestor's own.
  Task<> ensure_authentication();

 private:
  using Steps = std::vector<std::vector<std::string>>;
  Result<PrivateDirectory> write_keys() const;
  Task<> run_all(Steps steps);
  Task<> run_one(const std::string& directory, const std::vector<std::string>& arguments);
  Task<ProcessOutput> call(const std::string& directory, const std::vector<std::string>& arguments);

  ProcessRunner& runner_;
  std::string etcdctl_;
  EtcdAccess access_;
};

}  // namespace nestor::controlplane
