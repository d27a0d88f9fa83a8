#include "integration/api_server.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>

#include "pki/pki.hpp"

namespace nestor::integration {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void die(const std::string& why) {
  std::cerr << "integration test server: " << why << "\n";
  std::exit(1);
}

template <class T>
T must(Result<T> result) {
  if (!result) die(result.error().message);
  return std::move(*result);
}

fs::path binary(const char* name) {
  const char* given = std::getenv("NESTOR_ASSETS");
  return fs::path(given != nullptr ? given : NESTOR_ASSETS) / "bin" / name;
}

/// A loopback port that is free now. Another program may take it before it is used: the start of
/// the server then fails, and says so.
std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  if (fd < 0 || ::bind(fd, any, size) != 0 || ::getsockname(fd, any, &size) != 0) {
    die("no free port");
  }
  ::close(fd);
  return ntohs(address.sin_port);
}

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream(path) << text;
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
}

std::string tail(const fs::path& path) {
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  return text.size() > 3000 ? text.substr(text.size() - 3000) : text;
}

/// A program that ends with this one at the latest.
class Child {
 public:
  Child(std::vector<std::string> arguments, fs::path log) : log_(std::move(log)) {
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) die("fork failed");
    if (pid_ > 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    const int fd = ::open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(fd, 1);
    ::dup2(fd, 2);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ~Child() {
    if (ended_) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  bool ended() {
    if (!ended_) ended_ = ::waitpid(pid_, nullptr, WNOHANG) == pid_;
    return ended_;
  }
  const fs::path& log() const { return log_; }

 private:
  fs::path log_;
  pid_t pid_ = -1;
  bool ended_ = false;
};

std::unique_ptr<ApiServer> instance;

/// Stops the server while the program still lives normally.
class Stopper final : public ::testing::Environment {
 public:
  void TearDown() override { instance.reset(); }
};
const ::testing::Environment* const kStopper = ::testing::AddGlobalTestEnvironment(new Stopper);

}  // namespace

struct ApiServer::Impl {
  std::string directory;
  std::uint16_t etcd_port = 0;
  std::uint16_t port = 0;
  pki::KeyPair ca;
  kube::ClientConfig admin;
  std::unique_ptr<Child> etcd;
  std::unique_ptr<Child> apiserver;

  kube::ClientConfig client_config(const std::string& name,
                                   const std::vector<std::string>& groups) const;
  void start_etcd();
  void make_keys();
  void start_apiserver();
  void wait_ready();
};

kube::ClientConfig ApiServer::Impl::client_config(const std::string& name,
                                                  const std::vector<std::string>& groups) const {
  pki::CertificateRequest request;
  request.common_name = name;
  request.organizations = groups;
  request.client = true;
  const pki::KeyPair pair = must(pki::issue(request, ca));
  kube::ClientConfig config;
  config.server = "https://127.0.0.1:" + std::to_string(port);
  config.ca_pem = ca.cert_pem;
  config.cert_pem = pair.cert_pem;
  config.key_pem = pair.key_pem;
  return config;
}

void ApiServer::Impl::start_etcd() {
  etcd_port = free_port();
  const std::string client = "http://127.0.0.1:" + std::to_string(etcd_port);
  const std::string peer = "http://127.0.0.1:" + std::to_string(free_port());
  etcd = std::make_unique<Child>(
      std::vector<std::string>{binary("etcd").string(), "--data-dir=" + directory + "/etcd",
                               "--name=test", "--listen-client-urls=" + client,
                               "--advertise-client-urls=" + client, "--listen-peer-urls=" + peer,
                               "--initial-advertise-peer-urls=" + peer,
                               "--initial-cluster=test=" + peer, "--unsafe-no-fsync"},
      fs::path(directory) / "etcd.log");
}

void ApiServer::Impl::make_keys() {
  const fs::path dir(directory);
  port = free_port();
  ca = must(pki::generate_ca("nestor-test"));
  pki::CertificateRequest request;
  request.common_name = "kube-apiserver";
  request.dns_names = {"localhost", "kubernetes.default.svc"};
  request.ip_addresses = {"127.0.0.1"};
  request.server = true;
  const pki::KeyPair serving = must(pki::issue(request, ca));
  const pki::SigningKey accounts = must(pki::generate_signing_key());
  write_file(dir / "ca.crt", ca.cert_pem);
  write_file(dir / "tls.crt", serving.cert_pem);
  write_file(dir / "tls.key", serving.key_pem);
  write_file(dir / "sa.pub", accounts.public_pem);
  write_file(dir / "sa.key", accounts.private_pem);
  admin = client_config("admin", {"system:masters"});
}

void ApiServer::Impl::start_apiserver() {
  apiserver = std::make_unique<Child>(
      std::vector<std::string>{
          binary("kube-apiserver").string(),
          "--etcd-servers=http://127.0.0.1:" + std::to_string(etcd_port),
          "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1",
          "--endpoint-reconciler-type=none", "--secure-port=" + std::to_string(port),
          "--cert-dir=" + directory, "--tls-cert-file=" + directory + "/tls.crt",
          "--tls-private-key-file=" + directory + "/tls.key",
          "--client-ca-file=" + directory + "/ca.crt",
          "--service-account-issuer=https://kubernetes.default.svc",
          "--service-account-key-file=" + directory + "/sa.pub",
          "--service-account-signing-key-file=" + directory + "/sa.key",
          "--authorization-mode=RBAC",
          // No controller makes the accounts that this plugin wants to find.
          "--disable-admission-plugins=ServiceAccount", "--service-cluster-ip-range=10.96.0.0/16"},
      fs::path(directory) / "kube-apiserver.log");
}

namespace {
Task<> until_ready(kube::Client& client, Clock& clock, std::function<bool()> ended) {
  constexpr int kTries = 1000;
  for (int i = 0; i < kTries && !ended(); ++i) {
    std::string path = "/readyz";
    const auto answer = co_await client.get_raw(std::move(path));
    if (answer) co_return Result<>();
    NESTOR_CO_TRY_VOID(co_await clock.sleep_for(std::chrono::milliseconds(100)));
  }
  co_return fail(Code::kUnavailable, "it did not get ready");
}
}  // namespace

void ApiServer::Impl::wait_ready() {
  asio::io_context io;
  SystemClock clock(io.get_executor());
  const auto client = must(kube::make_client(io.get_executor(), admin));
  const auto ready = run_coroutine<void>(
      io, until_ready(*client, clock, [this] { return apiserver->ended() || etcd->ended(); }),
      std::chrono::seconds(120));
  if (ready) return;
  const std::string logs = tail(etcd->log()) + "\n" + tail(apiserver->log());
  apiserver.reset();
  etcd.reset();
  fs::remove_all(directory);
  die(ready.error().message + "\n" + logs);
}

std::string ApiServer::missing() {
  for (const char* name : {"etcd", "kube-apiserver"}) {
    if (!fs::exists(binary(name))) {
      return binary(name).string() + " is not built (upstream/build makes it)";
    }
  }
  return {};
}

ApiServer* ApiServer::shared() {
  if (!instance && missing().empty()) instance.reset(new ApiServer);
  return instance.get();
}

ApiServer::ApiServer() : impl_(std::make_unique<Impl>()) {
  std::string pattern = (fs::temp_directory_path() / "nestor-apiserver-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) die("no temporary folder");
  impl_->directory = pattern;
  impl_->start_etcd();
  impl_->make_keys();
  impl_->start_apiserver();
  impl_->wait_ready();
}

void ApiServer::restart() {
  impl_->apiserver.reset();
  impl_->start_apiserver();
  impl_->wait_ready();
}

ApiServer::~ApiServer() {
  impl_->apiserver.reset();
  impl_->etcd.reset();
  std::error_code ignored;
  fs::remove_all(impl_->directory, ignored);
}

const kube::ClientConfig& ApiServer::admin() const { return impl_->admin; }

kube::ClientConfig ApiServer::user(const std::string& name,
                                   const std::vector<std::string>& groups) const {
  return impl_->client_config(name, groups);
}

std::uint16_t ApiServer::port() const { return impl_->port; }

const std::string& ApiServer::directory() const { return impl_->directory; }

void ApiServerTest::SetUp() {
  if (const std::string why = ApiServer::missing(); !why.empty()) GTEST_SKIP() << why;
  server_ = ApiServer::shared();
  client_ = connect(server_->admin());
  JsonObject metadata;
  metadata["generateName"] = "test-";
  JsonObject space;
  space["metadata"] = std::move(metadata);
  std::string none;
  const Json made = must(client_->create(kNamespaces, std::move(none), Json(std::move(space))));
  ns_ = find_string(made, {"metadata", "name"});
}

std::unique_ptr<kube::Client> ApiServerTest::connect(kube::ClientConfig config) {
  return integration::must(kube::make_client(io_.get_executor(), std::move(config)));
}

Json ApiServerTest::config_map(const std::string& name, const std::string& value) const {
  JsonObject metadata;
  metadata["name"] = name;
  metadata["namespace"] = ns_;
  JsonObject data;
  data["value"] = value;
  JsonObject out;
  out["apiVersion"] = "v1";
  out["kind"] = "ConfigMap";
  out["metadata"] = std::move(metadata);
  out["data"] = std::move(data);
  return out;
}

}  // namespace nestor::integration
