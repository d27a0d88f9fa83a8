// One connection through the tunnel against plain TLS, in one run; and what both ends of the tunnel
// hold in memory. See usage().

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
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
#include "net/tls_impl.hpp"
#include "tunnel/packet.hpp"

namespace nestor {
namespace {

using asio::ip::tcp;
using Seconds = std::chrono::duration<double>;
using Tls = std::shared_ptr<const net::TlsContext>;
/// Boost.Asio's own TLS: a system call for each record, as most programs do it.
using AsioTls = asio::ssl::stream<tcp::socket>;

/// Processor time of this thread.
double own_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

enum class Kind { kPlain, kTls, kAsioTls };

/// On a thread of its own: sends `bytes` to whoever connects.
class Source {
 public:
  Source(std::size_t bytes, Kind kind, Tls tls)
      : bytes_(bytes),
        kind_(kind),
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
  /// Processor time of the last connection.
  double seconds() const { return seconds_; }

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
    const double begun = own_seconds();
    if (kind_ == Kind::kAsioTls) {
      tcp::socket socket(io_, tcp::v4(), connection->impl().socket.release());
      co_return co_await send_asio_tls(std::move(socket));
    }
    if (kind_ == Kind::kTls) {
      NESTOR_CO_TRY_VOID(co_await connection->accept_tls(*tls_));
    }
    for (std::size_t sent = 0; sent < bytes_; sent += chunk_.size()) {
      NESTOR_CO_TRY_VOID(co_await connection->write(chunk_));
    }
    seconds_ = own_seconds() - begun;
    co_return Result<>{};
  }
  Task<> send_asio_tls(tcp::socket socket) {
    const double begun = own_seconds();
    AsioTls stream(std::move(socket), tls_->impl().context);
    co_await stream.async_handshake(AsioTls::server, asio::use_awaitable);
    for (std::size_t sent = 0; sent < bytes_; sent += chunk_.size()) {
      co_await asio::async_write(stream, asio::buffer(chunk_), asio::use_awaitable);
    }
    seconds_ = own_seconds() - begun;
    co_return Result<>{};
  }

  const std::string chunk_ = std::string(64 * 1024, 'x');
  std::size_t bytes_;
  Kind kind_;
  Tls tls_;
  std::atomic<double> seconds_ = 0;
  asio::io_context io_;
  tcp::acceptor acceptor_;
  TaskGroup tasks_;
  std::thread thread_;
};

Task<double> read_asio_tls(Executor executor, std::uint16_t port, Tls tls) {
  AsioTls stream(executor, tls->impl().context);
  const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
  co_await stream.next_layer().async_connect(endpoint, asio::use_awaitable);
  co_await stream.async_handshake(AsioTls::client, asio::use_awaitable);
  std::vector<char> buffer(64 * 1024);
  std::size_t total = 0;
  const auto begun = std::chrono::steady_clock::now();
  while (true) {
    const auto [error, count] =
        co_await stream.async_read_some(asio::buffer(buffer), asio::as_tuple(asio::use_awaitable));
    if (error) break;
    total += count;
  }
  const Seconds took = std::chrono::steady_clock::now() - begun;
  co_return static_cast<double>(total) / took.count();
}

Task<double> read_tls(Executor executor, std::uint16_t port, Tls tls) {
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
    NESTOR_CO_TRY(auto bytes, co_await call->read());
    if (!bytes) break;
    NESTOR_CO_TRY(const tunnel::Packet packet, tunnel::decode(std::move(*bytes)));
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

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

struct Ends {
  pid_t server;
  pid_t agent;
};

/// `server` and `agent`: upstream's programs, or "" for ours.
Ends start_ends(const std::string& nestor, const std::string& server, const std::string& agent,
                const std::string& folder) {
  std::vector<std::string> serve{server};
  if (server.empty()) serve = {nestor, "konnectivity-server"};
  std::vector<std::string> dial{agent};
  if (agent.empty()) dial = {nestor, "konnectivity-agent"};
  for (const auto& word :
       {"--uds-name=" + folder + "/uds", std::string("--server-port=0"),
        std::string("--agent-port=18132"), std::string("--health-port=18133"),
        std::string("--admin-port=18134"), "--cluster-cert=" + folder + "/tls.crt",
        "--cluster-key=" + folder + "/tls.key", "--cluster-ca-cert=" + folder + "/ca.crt"}) {
    serve.push_back(word);
  }
  for (const auto& word :
       {std::string("--proxy-server-host=127.0.0.1"), std::string("--proxy-server-port=18132"),
        "--ca-cert=" + folder + "/ca.crt", "--agent-cert=" + folder + "/tls.crt",
        "--agent-key=" + folder + "/tls.key", std::string("--sync-interval=100ms"),
        std::string("--health-server-port=18135"), std::string("--admin-server-port=18136")}) {
    dial.push_back(word);
  }
  return {start(serve), start(dial)};
}

double median(std::vector<double> of) {
  std::ranges::sort(of);
  return of[of.size() / 2];
}

class Bench {
 public:
  Bench(Ends ends, std::string socket, std::size_t bytes, Tls server_tls, Tls client_tls)
      : ends_(ends),
        socket_(std::move(socket)),
        gigabytes_(static_cast<double>(bytes) / 1e9),
        client_tls_(std::move(client_tls)),
        tls_source_(bytes, Kind::kTls, server_tls),
        asio_source_(bytes, Kind::kAsioTls, server_tls),
        plain_source_(bytes, Kind::kPlain, nullptr) {}

  Result<> round() {
    const double own0 = own_seconds();
    NESTOR_TRY(const double asio_tls,
               wait(read_asio_tls(io_.get_executor(), asio_source_.port(), client_tls_)));
    const double own1 = own_seconds();
    NESTOR_TRY(const double tls,
               wait(read_tls(io_.get_executor(), tls_source_.port(), client_tls_)));
    const double own2 = own_seconds();
    const double server = process_seconds(ends_.server);
    const double agent = process_seconds(ends_.agent);
    NESTOR_TRY(const double through, wait(read_tunnel(tasks_, socket_, plain_source_.port())));
    const double own3 = own_seconds();
    std::printf("MB/s: Asio's TLS %.0f, our TLS %.0f, tunnel %.0f (%.0f %% and %.0f %%)\n",
                asio_tls / 1e6, tls / 1e6, through / 1e6, 100 * through / asio_tls,
                100 * through / tls);
    of_asio_.push_back(through / asio_tls);
    of_tls_.push_back(through / tls);
    speed_.push_back(through);
    const double ends_server = (process_seconds(ends_.server) - server) / gigabytes_;
    const double ends_agent = (process_seconds(ends_.agent) - agent) / gigabytes_;
    // The source counts its last bytes a moment after they are read here.
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    std::printf(
        "  processor seconds per GB, sender and reader: Asio's TLS %.2f + %.2f, our TLS %.2f + "
        "%.2f; tunnel %.2f, agent %.2f, server %.2f, reader %.2f\n",
        asio_source_.seconds() / gigabytes_, (own1 - own0) / gigabytes_,
        tls_source_.seconds() / gigabytes_, (own2 - own1) / gigabytes_,
        plain_source_.seconds() / gigabytes_, ends_agent, ends_server, (own3 - own2) / gigabytes_);
    agent_.push_back(ends_agent);
    server_.push_back(ends_server);
    return {};
  }

  void summary() const {
    if (speed_.empty()) return;
    std::printf(
        "median: tunnel %.0f MB/s, %.0f %% of Asio's TLS, %.0f %% of our TLS; processor seconds "
        "per GB: agent %.2f, server %.2f\n",
        median(speed_) / 1e6, 100 * median(of_asio_), 100 * median(of_tls_), median(agent_),
        median(server_));
  }

  void close() { run_coroutine(io_, tasks_.close()); }

 private:
  Result<double> wait(Task<double> task) {
    return run_coroutine<double>(io_, std::move(task), std::chrono::seconds(600));
  }

  Ends ends_;
  std::string socket_;
  double gigabytes_;
  Tls client_tls_;
  asio::io_context io_;
  Source tls_source_;
  Source asio_source_;
  Source plain_source_;
  TaskGroup tasks_{io_.get_executor()};
  std::vector<double> of_asio_;
  std::vector<double> of_tls_;
  std::vector<double> speed_;
  std::vector<double> agent_;
  std::vector<double> server_;
};

int run(const std::string& nestor, std::size_t mib, int rounds, const std::string& server,
        const std::string& agent) {
  std::string folder = (std::filesystem::temp_directory_path() / "tunnel-bench-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return 1;
  const auto ca = net::make_test_ca("bench");
  const auto leaf = net::make_test_leaf(ca, {"DNS:localhost", "IP:127.0.0.1"});
  write(folder + "/ca.crt", ca.cert_pem);
  write(folder + "/tls.crt", leaf.cert_pem);
  write(folder + "/tls.key", leaf.key_pem);
  const Ends ends = start_ends(nestor, server, agent, folder);
  // Ours give back what only their start needs after ten seconds.
  std::this_thread::sleep_for(std::chrono::seconds(12));
  std::printf("idle: server %.1f MiB (%.1f of its own), agent %.1f MiB (%.1f of its own)\n",
              resident_mib(ends.server, "VmRSS"), resident_mib(ends.server, "RssAnon"),
              resident_mib(ends.agent, "VmRSS"), resident_mib(ends.agent, "RssAnon"));
  const auto server_tls =
      net::make_server_tls({.cert_pem = leaf.cert_pem, .key_pem = leaf.key_pem}).value();
  const auto client_tls = net::make_client_tls({.ca_pem = ca.cert_pem}).value();
  int code = 0;
  {
    Bench bench(ends, folder + "/uds", mib * 1024 * 1024, server_tls, client_tls);
    for (int i = 0; i < rounds && code == 0; ++i) {
      if (const Result<> done = bench.round(); !done) {
        std::printf("failed: %s\n", done.error().message.c_str());
        code = 1;
      }
    }
    bench.summary();
    bench.close();
  }
  std::printf("after: server %.1f MiB (%.1f of its own), agent %.1f MiB (%.1f of its own)\n",
              resident_mib(ends.server, "VmRSS"), resident_mib(ends.server, "RssAnon"),
              resident_mib(ends.agent, "VmRSS"), resident_mib(ends.agent, "RssAnon"));
  for (const pid_t pid : {ends.server, ends.agent}) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  std::filesystem::remove_all(folder);
  return code;
}

int usage() {
  std::fprintf(
      stderr,
      "Usage: tunnel_bench NESTOR [MIB [ROUNDS [SERVER [AGENT]]]]\n"
      "SERVER, AGENT: upstream's programs, to be measured instead of ours; \"\" is ours.\n");
  return 2;
}

}  // namespace
}  // namespace nestor

int main(int argc, char** argv) {
  if (argc < 2) return nestor::usage();
  const std::vector<std::string> words(argv, argv + argc);
  const auto word = [&words](std::size_t at, const char* otherwise) {
    return words.size() > at ? words[at] : std::string(otherwise);
  };
  return nestor::run(words[1], std::stoul(word(2, "512")), std::stoi(word(3, "5")), word(4, ""),
                     word(5, ""));
}
