#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string>

#include "api/all_crds.hpp"
#include "api/reference.hpp"
#include "base/log.hpp"
#include "cli/commands.hpp"
#include "cli/completion.hpp"
#include "cli/node/node.hpp"
#include "cli/role_commands.hpp"
#include "cli/usage.hpp"

namespace nestor::cli {
namespace {

/// What the callbacks fill and main returns. Options live here because CLI11 keeps references.
struct Program {
  CLI::App app{"Managed Kubernetes on your own metal", "nestor"};
  int exit_code = 0;
  std::string log_level = "info";
  ConnectOptions connect;
  std::string output;
  std::string name;
  std::string group;
  CreateClusterOptions create;
  GetOptions get;
  KubeconfigOptions kubeconfig;
  ScaleOptions scale;
  UpgradeOptions upgrade;
  DeleteOptions remove;
  bool no_wait = false;
  node::UpOptions up;
  node::DownOptions down;
  node::StatusOptions status;
  node::HiddenOptions hidden;
  bool crds_as_markdown = false;
};

void add_connect_options(CLI::App& command, Program& p) {
  command.add_option(
      "--kubeconfig", p.connect.kubeconfig,
      "Of the management cluster (default: $KUBECONFIG, else what `nestor up` wrote)");
  command.add_option("--context", p.connect.context, "Of the kubeconfig (default: its current)");
  command.add_option("-n,--namespace", p.connect.ns,
                     "Namespace of the cluster (default: the kubeconfig's, else default)");
  command.add_option("--state-dir", p.connect.state_dir, "Of the embedded management node")
      ->capture_default_str();
}

void add_timeout(CLI::App& command, Duration& value, const std::string& what) {
  command
      .add_option_function<std::string>(
          "--timeout",
          [&value](const std::string& text) {
            const auto parsed = parse_timeout(text);
            if (!parsed) throw CLI::ValidationError("--timeout", parsed.error().message);
            value = *parsed;
          },
          what)
      ->type_name("DURATION")
      ->default_str(timeout_text(value));
}

/// Turns -o into a format; a wrong one is a usage error.
bool read_output(Program& p, OutputFormat& format) {
  auto parsed = parse_output_format(p.output);
  if (!parsed) {
    print_error(parsed.error());
    p.exit_code = kWrongUsage;
    return false;
  }
  format = *parsed;
  return true;
}

void add_create(Program& p) {
  auto* create = p.app.add_subcommand("create", "Make something");
  create->require_subcommand(1);
  auto* cluster = create->add_subcommand("cluster", "Make a tenant cluster");
  cluster->alias("clusters");
  auto& request = p.create.request;
  cluster->add_option("name", request.name, "Name of the cluster")->required();
  cluster->add_option("--workers", request.workers,
                      "Number of worker nodes, of the group md-0 (default 1)");
  cluster->add_option("--cpu", request.cpu, "Cores of a worker of the group md-0 (default 2)");
  cluster->add_option("--memory", request.memory,
                      "Memory of a worker of the group md-0 (default 2Gi)");
  cluster->add_option("--kubernetes-version", request.kubernetes_version,
                      "Default: the newest that this program knows");
  cluster->add_option("--worker-image", request.worker_image,
                      "containerDisk of the group md-0 (default: Nestor's of that version)");
  cluster->add_option("--data-store", request.data_store,
                      "DataStore of its control plane (default: default)");
  cluster->add_option("--pod-cidr", request.pod_cidr, "Default: 10.243.0.0/16");
  cluster->add_option("--service-cidr", request.service_cidr, "Default: 10.95.0.0/16");
  cluster
      ->add_option("-f,--values", p.create.values_files,
                   "File with values of the chart cluster; may be given several times")
      ->take_all()
      ->allow_extra_args(false);  // what follows is the name
  cluster->add_option("--set", p.create.sets, "A value of the chart, as helm takes it: key=value")
      ->take_all()
      ->allow_extra_args(false);
  cluster->add_flag("--wait", p.create.wait, "Show progress until every node is Ready");
  auto* dry_run = cluster->add_flag("--dry-run", p.create.dry_run, "Print the objects instead");
  cluster->add_option("-o,--output", p.output, "Of --dry-run: yaml (default) or json")
      ->check(CLI::IsMember({"yaml", "json"}))
      ->needs(dry_run);
  add_timeout(*cluster, p.create.timeout, "How long --wait waits at most");
  add_connect_options(*cluster, p);
  cluster->footer(
      "Examples:\n"
      "  nestor create cluster demo --workers 1 --wait\n"
      "  nestor create cluster big --workers 3 --cpu 4 --memory 8Gi -n team-a\n"
      "  nestor create cluster prod -f prod.yaml --set controlPlane.replicas=3\n"
      "  nestor create cluster demo --dry-run -o yaml > demo.yaml");
  cluster->callback([&p] {
    if (!p.output.empty() && !read_output(p, p.create.format)) return;
    if (p.create.dry_run) {
      p.exit_code = print_cluster(p.connect, p.create);
      return;
    }
    p.exit_code = run_command(p.connect,
                              [&p](Context& context) { return create_cluster(context, p.create); });
  });
}

void add_upgrade(Program& p) {
  auto* upgrade = p.app.add_subcommand("upgrade", "Bring something to another version");
  upgrade->require_subcommand(1);
  auto* cluster =
      upgrade->add_subcommand("cluster", "A cluster's control plane, then its nodes one by one");
  cluster->alias("clusters");
  cluster->add_option("name", p.upgrade.name, "Name of the cluster")->required();
  cluster->add_option("--kubernetes-version", p.upgrade.kubernetes_version, "The new one")
      ->required();
  cluster
      ->add_option("--set", p.upgrade.sets,
                   "A value of the chart that changes with the nodes, as helm takes it: key=value")
      ->take_all()
      ->allow_extra_args(false);
  cluster->add_flag("--wait", p.upgrade.wait, "Show progress until every node is replaced");
  add_timeout(*cluster, p.upgrade.timeout,
              "How long it waits at most for the control plane, then for the nodes");
  add_connect_options(*cluster, p);
  cluster->footer(
      "Examples:\n"
      "  nestor upgrade cluster demo --kubernetes-version v1.37.2 --wait\n"
      "  nestor upgrade cluster prod --kubernetes-version v1.37.2 "
      "--set nodeGroups.web.image=example.com/worker:v1.37.2");
  cluster->callback([&p] {
    p.exit_code = run_command(
        p.connect, [&p](Context& context) { return upgrade_cluster(context, p.upgrade); });
  });
}

void add_get_kind(CLI::App& get, Program& p, const std::string& kind, const std::string& singular,
                  const std::string& what, Task<int> (*command)(Context&, GetOptions)) {
  auto* sub = get.add_subcommand(kind, "List " + what);
  sub->alias(singular);
  sub->add_option("name", p.get.name, "Only this one");
  sub->add_flag("-A,--all-namespaces", p.get.all_namespaces, "Those of every namespace");
  sub->add_option("-o,--output", p.output, "wide, json, yaml or name");
  if (singular != "cluster") {
    sub->add_option("--cluster", p.get.cluster, "Only those of this cluster");
  }
  add_connect_options(*sub, p);
  sub->footer("Examples:\n  nestor get " + kind + "\n  nestor get " + kind + " -A -o wide");
  sub->callback([&p, command] {
    if (!read_output(p, p.get.format)) return;
    p.exit_code =
        run_command(p.connect, [&p, command](Context& context) { return command(context, p.get); });
  });
}

void add_cluster_commands(Program& p) {
  add_create(p);
  auto* get = p.app.add_subcommand("get", "List clusters, node groups or machines");
  get->require_subcommand(1);
  add_get_kind(*get, p, "clusters", "cluster", "clusters", get_clusters);
  add_get_kind(*get, p, "nodegroups", "nodegroup", "node groups", get_nodegroups);
  add_get_kind(*get, p, "machines", "machine", "machines", get_machines);

  auto* describe = p.app.add_subcommand("describe", "Show something with all its parts");
  describe->require_subcommand(1);
  auto* described = describe->add_subcommand("cluster", "A cluster's objects as a tree");
  described->alias("clusters");
  described->add_option("name", p.name, "Name of the cluster")->required();
  add_connect_options(*described, p);
  described->footer("Example:\n  nestor describe cluster demo");
  described->callback([&p] {
    p.exit_code = run_command(p.connect,
                              [&p](Context& context) { return describe_cluster(context, p.name); });
  });

  auto* nodegroup = describe->add_subcommand(
      "nodegroup", "A node group, and why the autoscaler did or did not act on it");
  nodegroup->alias("nodegroups");
  nodegroup->add_option("name", p.name, "MachineDeployment or MachineSet; or the cluster")
      ->required();
  nodegroup->add_option("group", p.group, "Its node group, as `scale --node-group` names it");
  add_connect_options(*nodegroup, p);
  nodegroup->footer(
      "Examples:\n  nestor describe nodegroup demo md-0\n  nestor describe nodegroup demo-md-0");
  nodegroup->callback([&p] {
    if (!p.group.empty()) p.name = node_group_name(p.name, p.group);
    p.exit_code = run_command(
        p.connect, [&p](Context& context) { return describe_nodegroup(context, p.name); });
  });

  auto* kubeconfig = p.app.add_subcommand("kubeconfig", "Print a cluster's admin kubeconfig");
  kubeconfig->add_option("name", p.kubeconfig.name, "Name of the cluster")->required();
  kubeconfig->add_flag("--no-proxy", p.kubeconfig.no_proxy,
                       "As the control plane made it, for use inside the management cluster");
  add_connect_options(*kubeconfig, p);
  kubeconfig->footer("Example:\n  (umask 077 && nestor kubeconfig demo > demo.kubeconfig)");
  kubeconfig->callback([&p] {
    p.exit_code = run_command(
        p.connect, [&p](Context& context) { return print_kubeconfig(context, p.kubeconfig); });
  });

  auto* scale = p.app.add_subcommand("scale", "Set the number of a cluster's workers");
  scale->add_option("name", p.scale.name, "Name of the cluster")->required();
  scale->add_option("--workers", p.scale.workers, "Number of nodes wanted")->required();
  scale->add_option("--node-group", p.scale.node_group, "Which, if the cluster has several");
  scale->add_flag("--wait", p.scale.wait, "Show progress until every node is Ready");
  add_timeout(*scale, p.scale.timeout, "How long --wait waits at most");
  add_connect_options(*scale, p);
  scale->footer("Example:\n  nestor scale demo --workers 3 --wait");
  scale->callback([&p] {
    p.exit_code =
        run_command(p.connect, [&p](Context& context) { return scale_cluster(context, p.scale); });
  });

  add_upgrade(p);
  auto* remove = p.app.add_subcommand("delete", "Remove something");
  remove->require_subcommand(1);
  auto* cluster = remove->add_subcommand("cluster", "Remove a cluster with all its data");
  cluster->alias("clusters");
  cluster->add_option("name", p.remove.name, "Name of the cluster")->required();
  cluster->add_flag("--no-wait", p.no_wait, "Return as soon as deletion has begun");
  add_timeout(*cluster, p.remove.timeout, "How long it waits at most until all of it is gone");
  add_connect_options(*cluster, p);
  cluster->footer("Example:\n  nestor delete cluster demo");
  cluster->callback([&p] {
    p.remove.wait = !p.no_wait;
    p.exit_code = run_command(p.connect,
                              [&p](Context& context) { return delete_cluster(context, p.remove); });
  });

  auto* console = p.app.add_subcommand("console", "Follow a machine's serial console");
  console->add_option("machine", p.name, "Name of the machine")->required();
  add_connect_options(*console, p);
  console->footer("Example:\n  nestor console demo-md-0-x7k2p-9q4wz");
  console->callback([&p] {
    p.exit_code =
        run_command(p.connect, [&p](Context& context) { return show_console(context, p.name); });
  });
}

void add_node_commands(Program& p) {
  auto* up = p.app.add_subcommand("up", "Start a management cluster on this machine");
  up->add_option("--state-dir", p.up.state_dir, "Where all of it is kept; made if missing")
      ->capture_default_str();
  up->add_option("--assets", p.up.assets,
                 "Directory with bin, cni and images (default: $NESTOR_ASSETS, else near nestor)");
  up->add_option("--port", p.up.port, "Loopback port of its API server")
      ->default_str("6443, or as before");
  up->add_option("--proxy-port", p.up.proxy_port, "Loopback port of the proxy into its networks")
      ->default_str("6442, or as before");
  up->add_option("--chart", p.up.chart,
                 "Helm chart of Nestor to install (default: charts/nestor, in or near the assets)");
  up->add_flag("--skip-chart", p.up.skip_chart, "Start Kubernetes only");
  up->footer(
      "Assets are looked for in $NESTOR_ASSETS, or beside nestor, ../share/nestor/assets from "
      "there "
      "and\n/usr/share/nestor/assets. Other commands take helm and kubectl from the same place, or "
      "from PATH;\n$NESTOR_HELM names another helm.\n"
      "Example:\n  nestor up && nestor create cluster demo --wait");
  up->callback([&p] { p.exit_code = node::up(p.up); });

  auto* down = p.app.add_subcommand("down", "Stop it and remove all that `up` made");
  down->add_option("--state-dir", p.down.state_dir, "That of `up`")->capture_default_str();
  down->footer("Removes all clusters with their data.\nExample:\n  nestor down");
  down->callback([&p] { p.exit_code = node::down(p.down); });

  auto* status = p.app.add_subcommand("status", "Show whether its parts are well");
  status->add_option("--state-dir", p.status.state_dir, "That of `up`")->capture_default_str();
  status->footer("Exits with 1 when something is not well.\nExample:\n  nestor status -o json");
  status->add_option("-o,--output", p.status.output, "json");
  status->callback([&p] { p.exit_code = node::status(p.status); });

  auto* hidden = p.app.add_subcommand("node", "")->group("");
  for (const bool init : {false, true}) {
    auto* sub = hidden->add_subcommand(init ? "init" : "supervise", "");
    sub->add_option("--state", p.hidden.state_dir)->required();
    sub->add_option("--ready-fd", p.hidden.ready_fd);
    sub->callback([&p, init] {
      p.exit_code = init ? node::node_init(p.hidden) : node::node_supervise(p.hidden);
    });
  }
}

void add_other_commands(Program& p) {
  auto* crds = p.app.add_subcommand("crds", "Print the CustomResourceDefinitions of our kinds");
  crds->add_flag("--markdown", p.crds_as_markdown, "As a reference for people");
  crds->footer("Example:\n  nestor crds | kubectl apply --server-side --force-conflicts -f -");
  crds->callback([&p] {
    if (p.crds_as_markdown) {
      std::fputs(api::api_reference(api::all_crds()).c_str(), stdout);
      return;
    }
    for (const Json& crd : api::all_crds()) std::printf("---\n%s", to_yaml(crd).c_str());
  });
  p.app.add_subcommand("version", "Print the version")->callback([] {
    std::printf("nestor %s\n", NESTOR_VERSION);
  });
  auto* completion = p.app.add_subcommand("completion", "Print a bash completion script");
  completion->add_option("shell", p.name, "bash")->check(CLI::IsMember({"bash"}));
  completion->footer("Example:\n  source <(nestor completion)");
  completion->callback([&p] { std::fputs(bash_completion(p.app).c_str(), stdout); });
}

log::Level level_of(const std::string& name) {
  if (name == "debug") return log::Level::kDebug;
  if (name == "warn") return log::Level::kWarn;
  if (name == "error") return log::Level::kError;
  return log::Level::kInfo;
}

/// Each tenant takes the manager some fifty connections, each machine the supervisor two. The usual
/// limit, 1024, is for programs that use select(2); ours do not, and may have what the machine
/// allows.
void allow_many_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(int argc, char** argv) {
  Program p;
  p.app.require_subcommand(1);
  p.app.fallthrough();
  p.app.set_version_flag("--version", "nestor " NESTOR_VERSION, "Print the version");
  p.app.failure_message(
      [](const CLI::App* app, const CLI::Error& error) { return usage_error(*app, error); });
  p.app.add_option("--log-level", p.log_level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->each([](const std::string& level) { log::set_level(level_of(level)); });
  add_node_commands(p);
  add_cluster_commands(p);
  add_other_commands(p);
  add_role_commands(p.app, p.exit_code);
  // After the commands, which would take it over.
  p.app.footer(
      "A management cluster with one tenant cluster:\n"
      "  nestor up\n"
      "  nestor create cluster demo --workers 1 --wait\n"
      "  (umask 077 && nestor kubeconfig demo > demo.kubeconfig)");
  std::vector<std::string> words(argv + 1, argv + argc);
  // `nestor help get clusters`
  if (!words.empty() && words.front() == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  std::ranges::reverse(words);  // as CLI11 takes them
  try {
    p.app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    const int code = p.app.exit(error);
    return code == 0 ? 0 : kWrongUsage;
  }
  return p.exit_code;
}

}  // namespace
}  // namespace nestor::cli

int main(int argc, char** argv) {
  nestor::cli::allow_many_files();
  return nestor::cli::run(argc, argv);
}
