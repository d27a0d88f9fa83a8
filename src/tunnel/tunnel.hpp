#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"

/// The two programs of the tunnel, with upstream's options under upstream's names.
/// Source: sigs.k8s.io/apiserver-network-proxy, cmd/server and cmd/agent.
namespace nestor::tunnel {

/// Where a program answers /healthz, /readyz and /metrics. Port 0: nowhere. Here and below, an
/// empty address is every one of the machine.
struct HealthOptions {
  std::string bind_address = {};
  std::uint16_t port = 0;
};

struct ServerOptions {
  /// For the API server: a socket file, or a port with TLS.
  std::string uds_name = {};
  std::string server_bind_address = {};
  std::uint16_t server_port = 8090;
  std::string server_cert = {};
  std::string server_key = {};
  std::string server_ca_cert = {};
  /// For agents. A CA asks them for certificates; an audience for tokens.
  std::string agent_bind_address = {};
  std::uint16_t agent_port = 8091;
  std::string cluster_cert = {};
  std::string cluster_key = {};
  std::string cluster_ca_cert = {};
  std::string authentication_audience = {};
  std::string agent_namespace = {};
  std::string agent_service_account = {};
  /// Of the cluster that reviews tokens.
  std::string kubeconfig = {};

  /// "": a random one.
  std::string server_id = {};
  int server_count = 1;
  std::string proxy_strategies = "default";
  int keepalive_seconds = 3600;
  int frontend_keepalive_seconds = 3600;
  int graceful_shutdown_seconds = 0;
  int backend_dial_seconds = 0;
  HealthOptions health = {"", 8092};
  HealthOptions admin = {"127.0.0.1", 8095};
};

struct AgentOptions {
  std::string proxy_server_host = "127.0.0.1";
  std::uint16_t proxy_server_port = 8091;
  std::string alpn_proto = {};
  std::string ca_cert = {};
  std::string agent_cert = {};
  std::string agent_key = {};
  std::string service_account_token_path = {};
  /// "": a random one.
  std::string agent_id = {};
  std::string agent_identifiers = {};
  int sync_interval_ms = 1000;
  int sync_interval_cap_ms = 10'000;
  int keepalive_seconds = 3600;
  HealthOptions health = {"", 8093};
  HealthOptions admin = {"127.0.0.1", 8094};
};

/// Whether they fit together, nobody speaks without TLS over a network, and no stranger is an
/// agent. Errors: kInvalidArgument.
Result<> check(const ServerOptions& options);

/// Run to a signal's end. Return the exit code; why something failed is in the log. The agent's
/// first signal moves new connections to other agents for a moment; a second one ends it at once.
int run_server(ServerOptions options);
int run_agent(AgentOptions options);

}  // namespace nestor::tunnel
