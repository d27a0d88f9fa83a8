#pragma once

#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>

#include "base/task_group.hpp"
#include "base/testing/co_test.hpp"
#include "base/testing/manual_clock.hpp"
#include "base/testing/seeded_random.hpp"
#include "net/grpc/client.hpp"
#include "net/grpc/server.hpp"
#include "tunnel/agent.hpp"
#include "tunnel/server.hpp"

/// For tests: a server, agents and an endpoint in one event loop, over loopback.
namespace nestor::tunnel {

using asio::ip::tcp;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

/// What the tunnel leads to. A connection that begins with "s" is never read again; one that begins
/// with "e" gets `answer` and is closed; others get everything back.
class Endpoint {
 public:
  explicit Endpoint(Executor executor)
      : acceptor_(executor, tcp::endpoint(asio::ip::address_v4::loopback(), 0)), tasks_(executor) {
    tasks_.spawn("accept", accept());
  }
  std::string address() const {
    return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }
  asio::awaitable<void> close() { return tasks_.close(); }
  int open = 0;
  std::string answer;

 private:
  struct Count {
    int& open;
    explicit Count(int& of) : open(of) { ++open; }
    Count(const Count&) = delete;
    Count& operator=(const Count&) = delete;
    ~Count() { --open; }
  };

  Task<> accept() {
    while (true) {
      auto [error, socket] = co_await acceptor_.async_accept(kTuple);
      if (error) co_return Result<>{};
      tasks_.spawn("connection", serve(std::move(socket)));
    }
  }

  Task<> serve(tcp::socket socket) {
    const Count count(open);
    std::vector<char> buffer(64 * 1024);
    while (true) {
      const auto [error, size] = co_await socket.async_read_some(asio::buffer(buffer), kTuple);
      if (error || buffer[0] == 'q') co_return Result<>{};
      if (buffer[0] == 's') {
        co_await socket.async_wait(tcp::socket::wait_error, kTuple);
        co_return Result<>{};
      }
      if (buffer[0] == 'e') {
        co_await asio::async_write(socket, asio::buffer(answer), kTuple);
        co_return Result<>{};
      }
      co_await asio::async_write(socket, asio::buffer(buffer.data(), size), kTuple);
    }
  }

  tcp::acceptor acceptor_;
  TaskGroup tasks_;
};

/// The API server's side: one tunnelled connection.
class Frontend {
 public:
  Frontend(asio::io_context& io, grpc::Channel& channel) : io_(io) {
    call_ = std::move(channel.call("/ProxyService/Proxy").value());
  }
  DialResponse dial(const std::string& address) {
    send(DialRequest{"tcp", address, 99});
    const auto packet = read();
    if (!packet || !std::holds_alternative<DialResponse>(*packet)) return {"no response", 0, 0};
    const auto response = std::get<DialResponse>(*packet);
    id = response.connect_id;
    return response;
  }
  Result<> send(Packet packet) {
    std::string bytes = encode(std::move(packet));
    return run_coroutine<void>(io_, call_->write(std::move(bytes)));
  }
  std::optional<Packet> read() {
    const auto bytes = run_coroutine<std::optional<std::string>>(io_, call_->read());
    if (!bytes || !*bytes) return std::nullopt;
    const auto packet = decode(**bytes);
    return packet ? std::optional(*packet) : std::nullopt;
  }
  /// Reads until so many bytes of data came, or something else.
  std::string read_data(std::size_t count) {
    std::string out;
    while (out.size() < count) {
      const auto packet = read();
      if (!packet || !std::holds_alternative<Data>(*packet)) return out;
      out += std::get<Data>(*packet).bytes;
    }
    return out;
  }
  grpc::ClientCall& call() { return *call_; }

  std::int64_t id = 0;

 private:
  asio::io_context& io_;
  std::unique_ptr<grpc::ClientCall> call_;
};

class Tunnel : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "tunnel-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }

  void TearDown() override {
    channel_.reset();
    for (auto& agent : agents_) run_coroutine(io_, agent->stop());
    if (proxies_) run_coroutine(io_, proxies_->stop());
    if (agents_server_) run_coroutine(io_, agents_server_->stop());
    run_coroutine(io_, endpoint_.close());
    run_coroutine(io_, tasks_.close());
    std::filesystem::remove_all(folder_);
  }

  void serve(ServerSettings settings = {.server_id = "s1"}, TokenCheck check = {}) {
    tunnel_ = std::make_unique<TunnelServer>(clock_, random_, metrics_, std::move(settings),
                                             std::move(check));
    agents_server_ = std::make_unique<grpc::Server>(io_.get_executor(), tunnel_->agent_handlers());
    ASSERT_TRUE(agents_server_->listen({.address = "127.0.0.1"}));
    proxies_ = std::make_unique<grpc::Server>(io_.get_executor(), tunnel_->proxy_handlers());
    const grpc::Listen where{.unix_path = folder_ + "/p.sock"};
    ASSERT_TRUE(proxies_->listen(where));
    auto made = run_coroutine<std::unique_ptr<grpc::Channel>>(
        io_, grpc::connect(tasks_, {.unix_path = where.unix_path}));
    ASSERT_TRUE(made);
    channel_ = std::move(*made);
  }

  Agent& add_agent(AgentSettings settings = {}) {
    settings.server = {.host = "127.0.0.1", .port = agents_server_->port(), .tls = false};
    if (settings.agent_id.empty()) settings.agent_id = "a" + std::to_string(agents_.size());
    settings.sync_interval = Duration(5);
    settings.sync_interval_cap = Duration(5);
    agents_.push_back(std::make_unique<Agent>(io_.get_executor(), clock_, random_, metrics_,
                                              std::move(settings)));
    agents_.back()->start();
    return *agents_.back();
  }

  void start() {
    serve();
    add_agent();
    run_until([this] { return tunnel_->ready() && agents_[0]->ready(); });
  }

  template <class Condition>
  void run_until(Condition condition) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    if (io_.stopped()) io_.restart();
    while (!condition() && std::chrono::steady_clock::now() < until) {
      if (io_.run_one_for(std::chrono::milliseconds(5)) == 0) clock_.advance(Duration(100));
    }
    EXPECT_TRUE(condition());
  }

  double connections() {
    return metrics_
        .gauge("konnectivity_network_proxy_agent_open_endpoint_connections",
               "Connections to endpoints that are open")
        .value();
  }

  Frontend frontend() { return Frontend(io_, *channel_); }

  Task<> flood(grpc::ClientCall& call, std::int64_t id, int& chunks) {
    while (true) {
      std::string bytes = encode(Data{id, std::string(kChunk, 'x')});
      NESTOR_CO_TRY_VOID(co_await call.write(std::move(bytes)));
      ++chunks;
    }
  }

  void quiesce() {
    while (io_.run_one_for(std::chrono::milliseconds(50)) > 0) {
    }
  }

  asio::io_context io_;
  std::string folder_;
  /// Goes on only in run_until().
  ManualClock clock_{io_.get_executor()};
  SeededRandom random_;
  Metrics metrics_;
  Endpoint endpoint_{io_.get_executor()};
  std::unique_ptr<TunnelServer> tunnel_;
  std::unique_ptr<grpc::Server> agents_server_;
  std::unique_ptr<grpc::Server> proxies_;
  std::vector<std::unique_ptr<Agent>> agents_;
  TaskGroup tasks_{io_.get_executor()};
  std::unique_ptr<grpc::Channel> channel_;
};

}  // namespace nestor::tunnel
