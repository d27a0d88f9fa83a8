#include "cli/tunnel_commands.hpp"

#include <CLI/CLI.hpp>
#include <limits>
#include <memory>
#include <string>

#include "base/go_duration.hpp"
#include "base/log.hpp"
#include "cli/role_commands.hpp"
#include "cli/usage.hpp"
#include "tunnel/tunnel.hpp"

namespace nestor::cli {
namespace {

void add_duration(CLI::App& command, const std::string& name, int& value, int unit,
                  const std::string& help) {
  command
      .add_option_function<std::string>(
          name,
          [&value, unit, name](const std::string& text) {
            const auto duration = parse_go_duration(text);
            const auto count = duration ? duration->count() / unit : 0;
            if (!duration || count > std::numeric_limits<int>::max()) {
              throw CLI::ValidationError(name, "not a duration such as 1h or 30s: " + text);
            }
            value = static_cast<int>(count);
          },
          help)
      ->type_name("DURATION");
}

/// Options of upstream's programs about their own inner parts, which ours do not have.
void add_ignored(CLI::App& command, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    command.add_option_function<std::string>(
               name, [](const std::string&) {}, "Has no effect")
        ->expected(0, 1)
        ->group("Taken for compatibility");
  }
}

/// Options of upstream's logging library: its level is ours, the rest means nothing here.
void add_klog(CLI::App& command) {
  command
      .add_option_function<std::string>(
          "-v,--v",
          [](const std::string& level) {
            if (is_debug_level(level)) log::set_level(log::Level::kDebug);
          },
          "Log level; 4 and more show everything")
      ->group("Logging");
  add_ignored(command, {"--logtostderr", "--alsologtostderr", "--stderrthreshold", "--vmodule",
                        "--log_dir", "--log_file", "--skip_headers", "--add_dir_header"});
}

void add_health(CLI::App& command, const std::string& name, const std::string& address,
                tunnel::HealthOptions& options) {
  command.add_option(name, options.port, "Port; 0: none")->capture_default_str();
  command.add_option(address, options.bind_address, "Address")->capture_default_str();
}

void add_server(CLI::App& app, int& exit_code) {
  auto* command =
      &add_role(app, "konnectivity-server", "Role: beside an API server, its way to the nodes");
  // Lives as long as the app, in its callback.
  const auto options = std::make_shared<tunnel::ServerOptions>();
  auto& o = *options;
  command->add_option("--uds-name", o.uds_name, "Socket file for the API server");
  command->add_option("--server-port", o.server_port, "Instead of it; 0: none")
      ->capture_default_str();
  command->add_option("--server-bind-address", o.server_bind_address);
  command->add_option("--server-cert", o.server_cert, "PEM file");
  command->add_option("--server-key", o.server_key, "PEM file");
  command->add_option("--server-ca-cert", o.server_ca_cert, "Of the API server's certificate");
  command->add_option("--agent-port", o.agent_port, "For agents")->capture_default_str();
  command->add_option("--agent-bind-address", o.agent_bind_address);
  command->add_option("--cluster-cert", o.cluster_cert, "Shown to agents, PEM file");
  command->add_option("--cluster-key", o.cluster_key, "PEM file");
  command->add_option("--cluster-ca-cert", o.cluster_ca_cert, "Of the agents' certificates");
  command->add_option("--authentication-audience", o.authentication_audience,
                      "Agents show tokens for it");
  command->add_option("--agent-namespace", o.agent_namespace, "Of the agents' service account");
  command->add_option("--agent-service-account", o.agent_service_account);
  command->add_option("--kubeconfig", o.kubeconfig, "Of the cluster that reviews tokens");
  command->add_option("--server-id", o.server_id, "Default: random")->envname("PROXY_SERVER_ID");
  command->add_option("--server-count", o.server_count, "How many servers there are")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--proxy-strategies", o.proxy_strategies, "default, destHost, defaultRoute")
      ->capture_default_str();
  command->add_option("--mode", "Of the API server's connections: grpc")
      ->type_name("TEXT")
      ->check(CLI::IsMember({"grpc"}));
  add_ignored(*command, {"--delete-existing-uds-file", "--kubeconfig-qps", "--kubeconfig-burst",
                         "--kube-api-content-type", "--xfr-channel-size", "--warn-on-channel-limit",
                         "--enable-profiling", "--enable-contention-profiling"});
  add_duration(*command, "--keepalive-time", o.keepalive_seconds, 1000, "Of agents' connections");
  add_duration(*command, "--frontend-keepalive-time", o.frontend_keepalive_seconds, 1000,
               "Of the API server's connections");
  add_duration(*command, "--graceful-shutdown-timeout", o.graceful_shutdown_seconds, 1000,
               "For connections to end");
  add_duration(*command, "--backend-dial-timeout", o.backend_dial_seconds, 1000,
               "For an agent to connect; 0: none");
  add_health(*command, "--health-port", "--health-bind-address", o.health);
  add_health(*command, "--admin-port", "--admin-bind-address", o.admin);
  add_klog(*command);
  command->callback([options, &exit_code] { exit_code = tunnel::run_server(*options); });
}

void add_agent(CLI::App& app, int& exit_code) {
  auto* command =
      &add_role(app, "konnectivity-agent", "Role: in a tenant, the API server's way in");
  const auto options = std::make_shared<tunnel::AgentOptions>();
  auto& o = *options;
  command->add_option("--proxy-server-host", o.proxy_server_host)->capture_default_str();
  command->add_option("--proxy-server-port", o.proxy_server_port)->capture_default_str();
  command->add_option("--alpn-proto", o.alpn_proto, "Instead of h2");
  command->add_option("--ca-cert", o.ca_cert, "Of the server's certificate, PEM file");
  command->add_option("--agent-cert", o.agent_cert, "PEM file");
  command->add_option("--agent-key", o.agent_key, "PEM file");
  command->add_option("--service-account-token-path", o.service_account_token_path,
                      "Token to show to the server");
  command->add_option("--agent-id", o.agent_id, "Default: random")->envname("PROXY_AGENT_ID");
  command->add_option("--agent-identifiers", o.agent_identifiers,
                      "host=…&ipv4=…&ipv6=…&default-route=true");
  add_ignored(*command, {"--probe-interval", "--sync-forever", "--xfr-channel-size",
                         "--warn-on-channel-limit", "--kubeconfig", "--kube-api-content-type",
                         "--enable-profiling", "--enable-contention-profiling"});
  add_duration(*command, "--sync-interval", o.sync_interval_ms, 1, "Between tries to connect");
  add_duration(*command, "--sync-interval-cap", o.sync_interval_cap_ms, 1, "The longest one");
  add_duration(*command, "--keepalive-time", o.keepalive_seconds, 1000, "Of its connections");
  add_health(*command, "--health-server-port", "--health-server-host", o.health);
  add_health(*command, "--admin-server-port", "--admin-bind-address", o.admin);
  add_klog(*command);
  command->callback([options, &exit_code] { exit_code = tunnel::run_agent(*options); });
}

}  // namespace

void add_tunnel_commands(CLI::App& app, int& exit_code) {
  add_server(app, exit_code);
  add_agent(app, exit_code);
}

}  // namespace nestor::cli
