#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/testing/co_test.hpp"
#include "kube/client.hpp"

namespace nestor::integration {

/// A real etcd and kube-apiserver (RBAC, no controllers) on free loopback ports, with their own
/// certificates and a temporary folder. Started once a test program, at the first call of shared();
/// stopped when the program's tests have ended, and by the kernel if it dies.
class ApiServer {
 public:
  /// Null when the upstream programs are not built (missing() says which); a start that fails
  /// aborts the program with the end of the server's log.
  static ApiServer* shared();
  /// Why shared() is null.
  static std::string missing();

  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  /// A client of system:masters.
  const kube::ClientConfig& admin() const;
  /// A client certificate for a user of these groups, without rights of its own.
  kube::ClientConfig user(const std::string& name, const std::vector<std::string>& groups) const;
  std::uint16_t port() const;
  /// Kills the kube-apiserver and starts it again with the same data, address and keys; returns
  /// when it is ready. Its watch caches begin anew, so that older resourceVersions are gone.
  void restart();
  /// The data directory, for files of a test.
  const std::string& directory() const;

 private:
  ApiServer();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A test with a client of the shared server, an event loop, and a namespace of its own.
class ApiServerTest : public ::testing::Test {
 protected:
  void SetUp() override;

  template <class T>
  Result<T> run(Task<T> task) {
    return run_coroutine<T>(io_, std::move(task), std::chrono::seconds(60));
  }
  /// The same for what must not fail.
  template <class T>
  T must(Task<T> task) {
    auto result = run(std::move(task));
    if (!result) {
      ADD_FAILURE() << result.error().message;
      return T{};
    }
    return std::move(*result);
  }
  void must(Task<> task) {
    const auto result = run(std::move(task));
    if (!result) ADD_FAILURE() << result.error().message;
  }
  std::unique_ptr<kube::Client> connect(kube::ClientConfig config);
  /// A ConfigMap of this test's namespace.
  Json config_map(const std::string& name, const std::string& value = "1") const;

  ApiServer* server_ = nullptr;
  asio::io_context io_;
  SystemClock clock_{io_.get_executor()};
  std::unique_ptr<kube::Client> client_;
  std::string ns_;
};

inline constexpr kube::ResourceType kConfigMaps{"", "v1", "ConfigMap", "configmaps"};
inline constexpr kube::ResourceType kNamespaces{"", "v1", "Namespace", "namespaces", false};

}  // namespace nestor::integration
