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

/// What passes by itself.
constexpr std::array<std::string_view, 9> kUnreachable{"context deadline exceeded",
                                                       "connection refused",
                                                       "connection reset",
                                                       "no such host",
                                                       "transport",
                                                       "EOF",
                                                       "etcdserver: no leader",
                                                       "etcdserver: leader changed",
                                                       "etcdserver: request timed out"};

template <std::size_t N>
bool mentions(const std::string& text, const std::array<std::string_view, N>& parts) {
  for (const std::string_view part : parts) {
    if (text.find(part) != std::string::npos) return true;
  }
  return false;
}

std::unexpected<Error> etcd_failure(const std::vector<std::string>& arguments,
                                    const ProcessOutput& output) {
  const Code code = mentions(output.err, kUnreachable) ? Code::kUnavailable : Code::kInternal;
  return fail(code, "etcdctl " + arguments[0] + " " + arguments[1] + ": " + last_line(output.err));
}

std::string prefix_of(const std::string& schema) { return "/" + schema + "/"; }

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

Task<> EtcdUsers::ensure_authentication() {
  Steps steps{{"user", "add", "root", "--no-password"},
              {"role", "add", "root"},
              {"user", "grant-role", "root", "root"},
              {"auth", "enable"}};
  return run_all(std::move(steps));
}

Task<bool> EtcdUsers::has_tenant(std::string username, std::string schema) {
  NESTOR_CO_TRY(const PrivateDirectory directory, write_keys());
  const Steps questions{{"user", "get", username}, {"role", "get", schema}};
  for (const std::vector<std::string>& question : questions) {
    NESTOR_CO_TRY(const ProcessOutput output, co_await call(directory.path(), question));
    if (output.exit_code == 0) co_return true;
    if (!mentions(output.err, kNotThere)) co_return etcd_failure(question, output);
  }
  co_return false;
}

Result<PrivateDirectory> EtcdUsers::write_keys() const {
  NESTOR_TRY(PrivateDirectory directory, PrivateDirectory::make(kPrefix));
  NESTOR_TRY_VOID(directory.write("ca.crt", access_.ca_pem));
  NESTOR_TRY_VOID(directory.write("tls.crt", access_.cert_pem));
  NESTOR_TRY_VOID(directory.write("tls.key", access_.key_pem));
  return directory;
}

Task<> EtcdUsers::run_all(Steps steps) {
  NESTOR_CO_TRY(const PrivateDirectory directory, write_keys());
  for (const std::vector<std::string>& step : steps) {
    NESTOR_CO_TRY_VOID(co_await run_one(directory.path(), step));
  }
  co_return Result<>();
}

Task<> EtcdUsers::run_one(const std::string& directory, const std::vector<std::string>& arguments) {
  NESTOR_CO_TRY(const ProcessOutput output, co_await call(directory, arguments));
  if (output.exit_code == 0 || mentions(output.err, kAlreadyDone)) co_return Result<>();
  co_return etcd_failure(arguments, output);
}

Task<ProcessOutput> EtcdUsers::call(const std::string& directory,
                                    const std::vector<std::string>& arguments) {
  std::string endpoints;
  for (const std::string& endpoint : access_.endpoints) {
    if (!endpoints.empty()) endpoints += ",";
    endpoints += "https://" + endpoint;
  }
  ProcessSpec spec{
      .argv = {etcdctl_, "--endpoints=" + endpoints, "--cacert=" + directory + "/ca.crt",
               "--cert=" + directory + "/tls.crt", "--key=" + directory + "/tls.key",
               "--dial-timeout=3s", "--command-timeout=10s"},
      .timeout = std::chrono::seconds(20)};
  spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
  co_return co_await runner_.run(std::move(spec));
}

}  // namespace nestor::controlplane
