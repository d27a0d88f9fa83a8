#include "controlplane/etcd_users.hpp"

#include <array>

#include "base/text.hpp"

namespace nestor::controlplane {
namespace {

/// What etcd answers when the wanted state is there already.
constexpr std::array<std::string_view, 7> kAlreadyDone{"user name already exists",
                                                       "role name already exists",
                                                       "user name not found",
                                                       "role name not found",
                                                       "user already has",
                                                       "auth is already enabled",
                                                       "authentication is already enabled"};

constexpr std::array<std::string_view, 2> kNotThere{"user name not found", "role name not found"};

/// What one hears whose certificate names another user than root, or none.
constexpr std::array<std::string_view, 2> kNotRoot{"etcdserver: permission denied",
                                                   "etcdserver: user name is empty"};

std::string prefix_of(const std::string& schema) { return "/" + schema + "/"; }

Task<> run_one(const Etcdctl& etcdctl, const Etcdctl::Words& words) {
  NESTOR_CO_TRY(const ProcessOutput output, co_await etcdctl.run(words));
  if (output.exit_code == 0 || complains(output, kAlreadyDone)) co_return Result<>();
  co_return std::unexpected(etcd_failure(words, output));
}

}  // namespace

EtcdUsers::EtcdUsers(ProcessRunner& runner, std::string etcdctl, EtcdAccess access)
    : runner_(runner), etcdctl_(std::move(etcdctl)), access_(std::move(access)) {}

Task<> EtcdUsers::ensure_tenant(std::string username, std::string schema) {
  // Without the last slash the range would cover a tenant whose name begins with this one's.
  Steps steps{{"user", "add", username, "--no-password"},
              {"role", "add", schema},
              {"role", "grant-permission", "--prefix=true", schema, "readwrite", prefix_of(schema)},
              {"user", "grant-role", username, schema}};
  return run_all(std::move(steps));
}

Task<> EtcdUsers::remove_tenant(std::string username, std::string schema) {
  Steps steps{{"role", "delete", schema},
              {"del", "--prefix", prefix_of(schema)},
              {"user", "delete", username}};
  return run_all(std::move(steps));
}

Task<bool> EtcdUsers::has_authentication() {
  NESTOR_CO_TRY(const Etcdctl etcdctl, open());
  const Etcdctl::Words question{"auth", "status"};
  NESTOR_CO_TRY(const ProcessOutput output, co_await etcdctl.run(question));
  if (output.exit_code == 0) {
    if (output.out.starts_with("Authentication Status: true")) co_return true;
    if (output.out.starts_with("Authentication Status: false")) co_return false;
    co_return fail(Code::kInternal, "etcdctl auth status does not say whether it is on");
  }
  if (complains(output, kNotRoot)) {
    co_return fail(
        Code::kPermissionDenied,
        "the client certificate is not that of etcd's root user: " + last_line(output.err));
  }
  co_return std::unexpected(etcd_failure(question, output));
}

Task<> EtcdUsers::enable_authentication() {
  Steps steps{{"user", "add", "root", "--no-password"},
              {"role", "add", "root"},
              {"user", "grant-role", "root", "root"},
              {"auth", "enable"}};
  return run_all(std::move(steps));
}

Task<bool> EtcdUsers::has_tenant(std::string username, std::string schema) {
  NESTOR_CO_TRY(const Etcdctl etcdctl, open());
  const Steps questions{{"user", "get", username}, {"role", "get", schema}};
  for (const Etcdctl::Words& question : questions) {
    NESTOR_CO_TRY(const ProcessOutput output, co_await etcdctl.run(question));
    if (output.exit_code == 0) co_return true;
    if (!complains(output, kNotThere)) {
      co_return std::unexpected(etcd_failure(question, output));
    }
  }
  co_return false;
}

Result<Etcdctl> EtcdUsers::open() const { return Etcdctl::open(runner_, etcdctl_, access_); }

Task<> EtcdUsers::run_all(Steps steps) {
  NESTOR_CO_TRY(const Etcdctl etcdctl, open());
  for (const Etcdctl::Words& step : steps) {
    NESTOR_CO_TRY_VOID(co_await run_one(etcdctl, step));
  }
  co_return Result<>();
}

}  // namespace nestor::controlplane
