#include "controlplane/etcdctl.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace nestor::controlplane {
namespace {

constexpr std::chrono::seconds kPatience{10};

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

}  // namespace

Result<Etcdctl> Etcdctl::open(ProcessRunner& runner, std::string program,
                              const EtcdAccess& access) {
  NESTOR_TRY(PrivateDirectory directory, PrivateDirectory::make(kDirectoryPrefix));
  NESTOR_TRY_VOID(directory.write("ca.crt", access.ca_pem));
  NESTOR_TRY_VOID(directory.write("tls.crt", access.cert_pem));
  NESTOR_TRY_VOID(directory.write("tls.key", access.key_pem));
  std::vector<std::string> endpoints;
  endpoints.reserve(access.endpoints.size());
  for (const std::string& endpoint : access.endpoints) endpoints.push_back("https://" + endpoint);
  return Etcdctl(runner, std::move(program), std::move(endpoints), std::move(directory));
}

Etcdctl::Etcdctl(ProcessRunner& runner, std::string program, std::vector<std::string> endpoints,
                 PrivateDirectory directory)
    : runner_(runner),
      program_(std::move(program)),
      endpoints_(std::move(endpoints)),
      directory_(std::move(directory)) {}

Task<ProcessOutput> Etcdctl::run(Words words) const {
  co_return co_await run_with(std::move(words), endpoints_, kPatience, 2 * kPatience);
}

Task<ProcessOutput> Etcdctl::run_on_each(Words words, std::vector<std::string> endpoints,
                                         std::chrono::seconds patience) const {
  if (endpoints.empty()) endpoints = endpoints_;
  const Duration timeout = patience * (static_cast<std::int64_t>(endpoints.size()) + 1);
  co_return co_await run_with(std::move(words), endpoints, patience, timeout);
}

Task<ProcessOutput> Etcdctl::run_with(Words words, const std::vector<std::string>& endpoints,
                                      std::chrono::seconds patience, Duration timeout) const {
  const std::string& files = directory_.path();
  ProcessSpec spec{
      .argv = {program_, "--endpoints=" + joined(endpoints), "--cacert=" + files + "/ca.crt",
               "--cert=" + files + "/tls.crt", "--key=" + files + "/tls.key", "--dial-timeout=3s",
               "--command-timeout=" + std::to_string(patience.count()) + "s"},
      .timeout = timeout};
  spec.argv.insert(spec.argv.end(), words.begin(), words.end());
  co_return co_await runner_.run(std::move(spec));
}

bool complains(const ProcessOutput& output, std::span<const std::string_view> parts) {
  return std::ranges::any_of(
      parts, [&](std::string_view part) { return output.err.find(part) != std::string::npos; });
}

Error etcd_failure(const Etcdctl::Words& words, const ProcessOutput& output) {
  const Code code = complains(output, kUnreachable) ? Code::kUnavailable : Code::kInternal;
  std::string command = words.at(0);
  if (words.size() > 1) command += " " + words[1];
  return {code, "etcdctl " + command + ": " + last_line(output.err)};
}

}  // namespace nestor::controlplane
