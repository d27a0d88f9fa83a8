// One connection through the tunnel against plain TLS, in one run; and what both ends of the tunnel
// hold in memory. Usage: tunnel_bench NESTOR [MIB]

#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/task_group.hpp"
#include "base/testing/co_test.hpp"
#include "net/connection_impl.hpp"
#include "net/grpc/client.hpp"
#include "net/testing/certificates.hpp"
#include "net/tls.hpp"
#include "tunnel/packet.hpp"

namespace nestor {
namespace {

using asio::ip::tcp;
using Seconds = std::chrono::duration<double>;

/// On a thread of its own: sends `bytes` to whoever connects, over TLS or plainly.
class Source {
 public:
  Source(std::size_t bytes, std::shared_ptr<const net::TlsContext> tls)
      : bytes_(bytes),
        tls_(std::move(tls)),
        acceptor_(io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
        tasks_(io_.get_executor()) {
    tasks_.spawn("accept", accept());
    thread_ = std::thread([this] { io_.run(); });
  }
  ~Source() {
    asio::post(io_, [this] { acceptor_.close(); });
    thread_.join();
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  Task<> accept() {
    while (true) {
      auto connection = std::make_unique<net::Connection>(io_.get_executor());
      const auto [error] = co_await acceptor_.async_accept(connection->impl().socket,
                                                           asio::as_tuple(asio::use_awaitable));
      if (error) co_return Result<>{};
      tasks_.spawn("send", send(std::move(connection)));
    }
  }
  Task<> send(std::unique_ptr<net::Connection> connection) {
    if (tls_) {
      NESTOR_CO_TRY_VOID(co_await connection->accept_tls(*tls_));
    }
    const std::string chunk(64 * 1024, 'x');
    for (std::size_t sent = 0; sent < bytes_; sent += chunk.size()) {
      NESTOR_CO_TRY_VOID(co_await connection->write(chunk));
    }
    co_return Result<>{};
  }

  std::size_t bytes_;
  std::shared_ptr<const net::TlsContext> tls_;
  asio::io_context io_;
  tcp::acceptor acceptor_;
  TaskGroup tasks_;
  std::thread thread_;
};

Task<double> read_tls(Executor executor, std::uint16_t port,
                      std::shared_ptr<const net::TlsContext> tls) {
  net::Connection connection(executor);
  NESTOR_CO_TRY_VOID(co_await connection.connect("127.0.0.1", port));
  NESTOR_CO_TRY_VOID(co_await connection.start_tls(*tls, "localhost"));
  std::vector<char> buffer(64 * 1024);
  std::size_t total = 0;
  const auto begun = std::chrono::steady_clock::now();
  while (true) {
    const auto count = co_await connection.read_some({buffer.data(), buffer.size()});
    if (!count || *count == 0) break;
    total += *count;
  }
  const Seconds took = std::chrono::steady_clock::now() - begun;
  co_return static_cast<double>(total) / took.count();
}

Task<double> read_tunnel(TaskGroup& tasks, std::string socket, std::uint16_t port) {
  NESTOR_CO_TRY(auto channel, co_await grpc::connect(tasks, {.unix_path = socket}));
  NESTOR_CO_TRY(auto call, channel->call("/ProxyService/Proxy"));
  std::string request =
      tunnel::encode(tunnel::DialRequest{"tcp", "127.0.0.1:" + std::to_string(port), 1});
  NESTOR_CO_TRY_VOID(co_await call->write(std::move(request)));
  std::size_t total = 0;
  auto begun = std::chrono::steady_clock::now();
  while (true) {
    NESTOR_CO_TRY(const auto bytes, co_await call->read());
    if (!bytes) break;
    NESTOR_CO_TRY(const tunnel::Packet packet, tunnel::decode(*bytes));
    if (const auto* response = std::get_if<tunnel::DialResponse>(&packet)) {
      if (!response->error.empty()) co_return fail(Code::kUnavailable, response->error);
      begun = std::chrono::steady_clock::now();
    }
    if (const auto* data = std::get_if<tunnel::Data>(&packet)) total += data->bytes.size();
    if (std::holds_alternative<tunnel::CloseResponse>(packet)) break;
  }
  const Seconds took = std::chrono::steady_clock::now() - begun;
  co_return static_cast<double>(total) / took.count();
}

pid_t start(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::execv(arguments[0], arguments.data());
    std::_Exit(127);
  }
  return pid;
}

double resident_mib(pid_t pid, const std::string& field) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with(field)) return std::stod(line.substr(field.size() + 1)) / 1024;
  }
  return 0;
}

/// Processor time of a process, seconds.
double process_seconds(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(stat, line);
  std::istringstream rest(line.substr(line.rfind(')') + 2));
  std::string word;
  for (int i = 0; i < 11; ++i) rest >> word;
  double user = 0;
  double system = 0;
  rest >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

/// Of this thread.
double own_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

int run(const std::string& nestor, std::size_t mib) {
  std::string folder = (std::filesystem::temp_directory_path() / "tunnel-bench-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return 1;
  const auto ca = net::make_test_ca("bench");
  const auto leaf = net::make_test_leaf(ca, {"DNS:localhost", "IP:127.0.0.1"});
  write(folder + "/ca.crt", ca.cert_pem);
  write(folder + "/tls.crt", leaf.cert_pem);
  write(folder + "/tls.key", leaf.key_pem);
  const std::string socket = folder + "/uds";
  constexpr const char* kPort = "18132";
  const pid_t server =
      start({nestor, "konnectivity-server", "--uds-name=" + socket, "--server-port=0",
             std::string("--agent-port=") + kPort, "--health-port=0", "--admin-port=0",
             "--cluster-cert=" + folder + "/tls.crt", "--cluster-key=" + folder + "/tls.key"});
  const pid_t agent =
      start({nestor, "konnectivity-agent", std::string("--proxy-server-port=") + kPort,
             "--ca-cert=" + folder + "/ca.crt", "--sync-interval=100ms", "--health-server-port=0",
             "--admin-server-port=0"});
  std::this_thread::sleep_for(std::chrono::seconds(3));
  std::printf("idle: server %.1f MiB (%.1f of its own), agent %.1f MiB (%.1f of its own)\n",
              resident_mib(server, "VmRSS"), resident_mib(server, "RssAnon"),
              resident_mib(agent, "VmRSS"), resident_mib(agent, "RssAnon"));

  const std::size_t bytes = mib * 1024 * 1024;
  asio::io_context io;
  const auto server_tls =
      net::make_server_tls({.cert_pem = leaf.cert_pem, .key_pem = leaf.key_pem}).value();
  const auto client_tls = net::make_client_tls({.ca_pem = ca.cert_pem}).value();
  int code = 0;
  {
    Source encrypted(bytes, server_tls);
    Source plain(bytes, nullptr);
    TaskGroup tasks(io.get_executor());
    for (int round = 0; round < 3; ++round) {
      const auto limit = std::chrono::seconds(600);
      const double own0 = own_seconds();
      const auto direct = run_coroutine<double>(
          io, read_tls(io.get_executor(), encrypted.port(), client_tls), limit);
      const double own1 = own_seconds();
      const double server0 = process_seconds(server);
      const double agent0 = process_seconds(agent);
      const auto through =
          run_coroutine<double>(io, read_tunnel(tasks, socket, plain.port()), limit);
      if (!direct || !through) {
        std::printf("failed: %s\n", (direct ? through : direct).error().message.c_str());
        code = 1;
        break;
      }
      std::printf("plain TLS %.0f MB/s, tunnel %.0f MB/s: %.0f %%\n", *direct / 1e6, *through / 1e6,
                  100 * *through / *direct);
      const double gigabytes = static_cast<double>(bytes) / 1e9;
      std::printf(
          "  processor seconds per GB: TLS reader %.2f; tunnel agent %.2f, server %.2f, "
          "reader %.2f\n",
          (own1 - own0) / gigabytes, (process_seconds(agent) - agent0) / gigabytes,
          (process_seconds(server) - server0) / gigabytes, (own_seconds() - own1) / gigabytes);
    }
    run_coroutine(io, tasks.close());
  }
  std::printf("after: server %.1f MiB, agent %.1f MiB\n", resident_mib(server, "VmRSS"),
              resident_mib(agent, "VmRSS"));
  for (const pid_t pid : {server, agent}) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  std::filesystem::remove_all(folder);
  return code;
}

}  // namespace
}  // namespace nestor

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "Usage: tunnel_bench NESTOR [MIB]\n");
    return 2;
  }
  return nestor::run(argv[1], argc > 2 ? std::stoul(argv[2]) : 1024);
}
