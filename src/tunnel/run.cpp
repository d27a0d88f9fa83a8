#include "base/run.hpp"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>
#include <memory>

#include "base/file.hpp"
#include "base/log.hpp"
#include "kube/client.hpp"
#include "kube/events.hpp"
#include "kube/kubeconfig.hpp"
#include "net/http.hpp"
#include "tunnel/agent.hpp"
#include "tunnel/server.hpp"
#include "tunnel/token_review.hpp"
#include "tunnel/tunnel.hpp"

namespace nestor::tunnel {

namespace {

/// How long an agent lives on after it asked servers to choose others.
constexpr Duration kDrainTime = std::chrono::seconds(5);
/// In this time an agent that has connected begins its call.
constexpr Duration kGreetTime = std::chrono::seconds(20);
constexpr kube::ResourceType kPod{"", "v1", "Pod", "pods"};
/// After this the first connections are made.
constexpr Duration kStartUp = std::chrono::seconds(10);

/// The file of an option, "" without one.
Result<std::string> read_option(const std::string& path) {
  return path.empty() ? std::string() : read_file(path);
}

/// Answers health probes and Prometheus.
class Health {
 public:
  Health(Metrics& metrics, std::function<bool()> ready, std::string why_not)
      : metrics_(metrics), ready_(std::move(ready)), why_not_(std::move(why_not)) {}

  Result<> listen(Executor executor, const HealthOptions& options) {
    if (options.port == 0) return {};
    const net::HttpServerOptions http{
        .address = options.bind_address, .port = options.port, .max_body = 0};
    NESTOR_TRY(auto server, net::make_http_server(executor, http, [this](net::HttpRequest request) {
                 return answer(std::move(request));
               }));
    servers_.push_back(std::move(server));
    return {};
  }

  asio::awaitable<void> stop() {
    for (const auto& server : servers_) co_await server->stop();
  }

 private:
  asio::awaitable<net::HttpResponse> answer(net::HttpRequest request) {
    net::HttpResponse response;
    response.status = 200;
    response.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
    const std::string path = request.target.substr(0, request.target.find('?'));
    if (path == "/healthz") {
      response.body = "ok";
    } else if (path == "/readyz" || path == "/ready") {
      if (!ready_()) response.status = 500;
      response.body = ready_() ? "ok" : why_not_;
    } else if (path == "/metrics") {
      response.body = metrics_.serialize();
    } else {
      response.status = 404;
    }
    co_return response;
  }

  Metrics& metrics_;
  std::function<bool()> ready_;
  std::string why_not_;
  std::vector<std::unique_ptr<net::HttpServer>> servers_;
};

class ServerProgram {
 public:
  ServerProgram(asio::io_context& io, ServerOptions options)
      : executor_(io.get_executor()), options_(std::move(options)), clock_(executor_) {}

  Result<> start() {
    NESTOR_TRY_VOID(check(options_));
    ServerSettings settings;
    settings.server_id = options_.server_id.empty() ? random_.hex(16) : options_.server_id;
    settings.server_count = options_.server_count;
    settings.dial_timeout = std::chrono::seconds(options_.backend_dial_seconds);
    NESTOR_TRY(settings.strategies, parse_strategies(options_.proxy_strategies));
    NESTOR_TRY(TokenCheck token_check, make_check());
    tunnel_ = std::make_unique<TunnelServer>(clock_, random_, metrics_, std::move(settings),
                                             std::move(token_check));
    NESTOR_TRY_VOID(listen());
    NESTOR_TRY_VOID(health_.listen(executor_, options_.health));
    NESTOR_TRY_VOID(health_.listen(executor_, options_.admin));
    log::info("tunnel.server", "agents on port {}, the API server on {}", agents_->port(),
              options_.uds_name.empty() ? std::to_string(proxies_->port()) : options_.uds_name);
    return {};
  }

  asio::awaitable<void> stop() {
    const Duration grace = std::chrono::seconds(options_.graceful_shutdown_seconds);
    if (proxies_) co_await proxies_->stop(grace);
    if (agents_) co_await agents_->stop();
    co_await health_.stop();
  }

 private:
  Result<TokenCheck> make_check() {
    if (options_.authentication_audience.empty()) return TokenCheck();
    NESTOR_TRY(auto config, kube::load_config(options_.kubeconfig));
    NESTOR_TRY(client_, kube::make_client(executor_, std::move(config)));
    const TokenRule rule{options_.authentication_audience, options_.agent_namespace,
                         options_.agent_service_account};
    return TokenCheck(
        [this, rule](std::string token) { return review_token(*client_, rule, std::move(token)); });
  }

  Result<> listen() {
    grpc::Options stream;
    stream.window = kFlowWindow;
    stream.write_ahead = 4 * kChunk;
    stream.keepalive_time = std::chrono::seconds(options_.keepalive_seconds);
    // Anyone may reach the port; an agent makes one call, at once.
    stream.max_calls = 8;
    stream.idle_timeout = kGreetTime;
    stream.max_idle_connections = 512;
    agents_ = std::make_unique<grpc::Server>(executor_, tunnel_->agent_handlers(), stream);
    grpc::Listen agents{.address = options_.agent_bind_address, .port = options_.agent_port};
    NESTOR_TRY(agents.tls.cert_pem, read_option(options_.cluster_cert));
    NESTOR_TRY(agents.tls.key_pem, read_option(options_.cluster_key));
    NESTOR_TRY(agents.tls.client_ca_pem, read_option(options_.cluster_ca_cert));
    NESTOR_TRY_VOID(agents_->listen(std::move(agents)));

    grpc::Options frontend;
    frontend.keepalive_time = std::chrono::seconds(options_.frontend_keepalive_seconds);
    proxies_ = std::make_unique<grpc::Server>(executor_, tunnel_->proxy_handlers(), frontend);
    grpc::Listen proxies{.unix_path = options_.uds_name,
                         .unix_mode = 0770,
                         .address = options_.server_bind_address,
                         .port = options_.server_port};
    NESTOR_TRY(proxies.tls.cert_pem, read_option(options_.server_cert));
    NESTOR_TRY(proxies.tls.key_pem, read_option(options_.server_key));
    NESTOR_TRY(proxies.tls.client_ca_pem, read_option(options_.server_ca_cert));
    return proxies_->listen(std::move(proxies));
  }

  Executor executor_;
  const ServerOptions options_;
  SystemClock clock_;
  SystemRandom random_;
  Metrics metrics_;
  std::unique_ptr<kube::Client> client_;
  std::unique_ptr<TunnelServer> tunnel_;
  std::unique_ptr<grpc::Server> agents_;
  std::unique_ptr<grpc::Server> proxies_;
  Health health_{metrics_, [this] { return tunnel_->ready(); }, "no connection to any proxy agent"};
};

class AgentProgram {
 public:
  AgentProgram(asio::io_context& io, AgentOptions options)
      : executor_(io.get_executor()), options_(std::move(options)), clock_(executor_) {}

  Result<> start() {
    AgentSettings settings;
    settings.server.host = options_.proxy_server_host;
    settings.server.port = options_.proxy_server_port;
    // Without a CA: the system's.
    settings.server.tls = true;
    NESTOR_TRY(settings.server.tls_config.ca_pem, read_option(options_.ca_cert));
    NESTOR_TRY(settings.server.tls_config.cert_pem, read_option(options_.agent_cert));
    NESTOR_TRY(settings.server.tls_config.key_pem, read_option(options_.agent_key));
    settings.server.tls_config.alpn = options_.alpn_proto;
    settings.agent_id = options_.agent_id.empty() ? random_.hex(16) : options_.agent_id;
    NESTOR_TRY_VOID(parse_identifiers(options_.agent_identifiers));
    settings.identifiers = options_.agent_identifiers;
    settings.token_path = options_.service_account_token_path;
    settings.sync_interval = Duration(options_.sync_interval_ms);
    settings.sync_interval_cap = Duration(options_.sync_interval_cap_ms);
    settings.keepalive_time = std::chrono::seconds(options_.keepalive_seconds);
    settings.on_refused = [this](const Error& error) { tell_refusal(error); };
    agent_ = std::make_unique<Agent>(executor_, clock_, random_, metrics_, std::move(settings));
    agent_->start();
    NESTOR_TRY_VOID(health_.listen(executor_, options_.health));
    return health_.listen(executor_, options_.admin);
  }

  asio::awaitable<void> stop() {
    if (agent_ && agent_->ready()) {
      agent_->drain();
      (void)co_await clock_.sleep_for(kDrainTime);
    }
    if (agent_) co_await agent_->stop();
    if (events_) co_await events_->close();
    co_await health_.stop();
  }

 private:
  /// On the agent's own pod, where people look first: a probe that fails does not say why.
  void tell_refusal(const Error& error) {
    const auto variable = [](const char* name) {
      const char* value = std::getenv(name);
      return std::string(value == nullptr ? "" : value);
    };
    kube::ObjectMeta pod;
    pod.name = variable("POD_NAME");
    pod.namespace_ = variable("POD_NAMESPACE");
    pod.uid = variable("POD_UID");
    if (pod.name.empty() || pod.namespace_.empty()) return;
    if (!events_) {
      auto config = kube::in_cluster_config();
      if (!config) return;
      auto client = kube::make_client(executor_, std::move(*config));
      if (!client) return;
      client_ = std::move(*client);
      events_ =
          std::make_unique<kube::EventRecorder>(*client_, clock_, executor_, "konnectivity-agent");
    }
    events_->warning(kPod, pod, "TokenRefused",
                     "the tunnel's server refuses the agent: " + error.message);
  }

  Executor executor_;
  const AgentOptions options_;
  SystemClock clock_;
  SystemRandom random_;
  Metrics metrics_;
  /// Made when there is something to tell.
  std::unique_ptr<kube::Client> client_;
  std::unique_ptr<kube::EventRecorder> events_;
  std::unique_ptr<Agent> agent_;
  Health health_{metrics_, [this] { return agent_->ready(); }, "not connected to a proxy server"};
};

/// Lets go of one mapped object's code and constants: what is still needed comes back page by page
/// from the page cache, the rest (other roles, start-up) does not count as ours any more.
int drop_unused_pages(dl_phdr_info* object, std::size_t /*size*/, void* /*data*/) {
  const auto page = static_cast<ElfW(Addr)>(::sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& part = object->dlpi_phdr[i];
    if (part.p_type != PT_LOAD || (part.p_flags & PF_W) != 0) continue;
    const ElfW(Addr) begin = (object->dlpi_addr + part.p_vaddr) / page * page;
    const ElfW(Addr) end = object->dlpi_addr + part.p_vaddr + part.p_memsz;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): this is how the loader tells addresses.
    void* const start = reinterpret_cast<void*>(begin);
    (void)::madvise(start, end - begin, MADV_RANDOM);
    (void)::madvise(start, end - begin, MADV_DONTNEED);
  }
  return 0;
}

/// One of each runs in every tenant's control plane and on every node: small is worth a moment.
void give_memory_back() {
  ::malloc_trim(0);
  ::dl_iterate_phdr(drop_unused_pages, nullptr);
}

/// Buffers come and go at the heap's end while bytes flow: to give pages back and to fault them in
/// again each time would take a tenth of the processor. So much may stay.
void keep_some_memory() {
  constexpr int kKept = 512 * 1024;
  ::mallopt(M_TRIM_THRESHOLD, kKept);
  ::mallopt(M_MMAP_THRESHOLD, kKept);
}

/// Stops at the first signal; a second one ends the process at once.
template <class Program>
Task<> stop_at_signal(Program& program, asio::signal_set& signals) {
  co_await signals.async_wait(asio::as_tuple(asio::use_awaitable));
  signals.async_wait([](auto error, int) {
    if (!error) std::_Exit(1);
  });
  co_await program.stop();
  co_return Result<>{};
}

template <class Program>
Task<> stop_now(Program& program) {
  co_await program.stop();
  co_return Result<>{};
}

template <class Program, class Options>
int run(std::string_view name, Options options) {
  keep_some_memory();
  asio::io_context io(1);
  Program program(io, std::move(options));
  if (auto started = program.start(); !started) {
    log::error(name, "cannot start: {}", started.error().message);
    (void)run_to_end(io, stop_now(program));
    return 1;
  }
  asio::steady_timer started_up(io, kStartUp);
  started_up.async_wait([](auto error) {
    if (!error) give_memory_back();
  });
  asio::signal_set signals(io, SIGINT, SIGTERM);
  const Result<> ended = run_to_end(io, stop_at_signal(program, signals));
  if (!ended) log::error(name, "{}", ended.error().message);
  return ended ? 0 : 1;
}

}  // namespace

Result<> check(const ServerOptions& options) {
  if (!options.uds_name.empty() && options.server_port != 0) {
    return fail(Code::kInvalidArgument, "--uds-name goes with --server-port=0");
  }
  if (options.uds_name.empty() && options.server_port == 0) {
    return fail(Code::kInvalidArgument, "--uds-name or --server-port is needed");
  }
  if (options.server_port != 0 && (options.server_cert.empty() || options.server_key.empty() ||
                                   options.server_ca_cert.empty())) {
    return fail(Code::kInvalidArgument,
                "--server-port needs --server-cert, --server-key and --server-ca-cert: whoever can "
                "connect uses the tunnel");
  }
  if (options.cluster_cert.empty() || options.cluster_key.empty()) {
    return fail(Code::kInvalidArgument,
                "--cluster-cert and --cluster-key are needed: agents send tokens");
  }
  if (options.authentication_audience.empty() && options.cluster_ca_cert.empty()) {
    return fail(Code::kInvalidArgument,
                "--authentication-audience or --cluster-ca-cert is needed: whoever can connect "
                "would be an agent");
  }
  if (!options.authentication_audience.empty() && !options.cluster_ca_cert.empty()) {
    return fail(Code::kInvalidArgument,
                "agents show tokens or certificates: --authentication-audience and "
                "--cluster-ca-cert exclude each other");
  }
  if (options.authentication_audience.empty() != options.agent_service_account.empty() ||
      options.agent_namespace.empty() != options.agent_service_account.empty()) {
    return fail(Code::kInvalidArgument,
                "--authentication-audience, --agent-namespace and --agent-service-account go "
                "together");
  }
  return {};
}

int run_server(ServerOptions options) {
  return run<ServerProgram>("tunnel.server", std::move(options));
}

int run_agent(AgentOptions options) {
  return run<AgentProgram>("tunnel.agent", std::move(options));
}

}  // namespace nestor::tunnel
