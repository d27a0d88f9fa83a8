#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <future>

#include "cli/node/assets.hpp"
#include "cli/node/cluster_steps.hpp"
#include "cli/node/images.hpp"
#include "cli/node/node.hpp"
#include "cli/node/preflight.hpp"
#include "cli/node/progress_lines.hpp"
#include "cli/node/session.hpp"
#include "cli/node/system.hpp"

namespace nestor::node {

namespace {

constexpr int kLogLines = 8;
/// For another `up` on the same directory, whose work is then found done.
constexpr std::chrono::minutes kUpPatience{5};

/// Adds the end of the log of the program because of which a step has failed.
std::unexpected<Error> with_log(Error error, const Layout& layout, const char* program) {
  const std::string text = tail(layout.log(program), kLogLines);
  if (!text.empty()) {
    error.message += fmt::format("\n\nlast lines of {}:\n{}", layout.log(program), text);
  }
  return std::unexpected(std::move(error));
}

Result<Config> decide(const UpOptions& options, const Layout& layout) {
  NESTOR_TRY(std::string assets, find_assets(options.assets));
  const auto before = load(layout);
  if (!before && before.error().code != Code::kNotFound) return before;
  Config config = before.value_or(Config{});
  config.assets = std::move(assets);
  config.port = options.port.value_or(config.port);
  config.proxy_port = options.proxy_port.value_or(config.proxy_port);
  config.cgroup = cgroup_name(layout.state_dir);
  if (config.port == 0 || config.proxy_port == 0 || config.port == config.proxy_port) {
    return fail(Code::kInvalidArgument, "--port and --proxy-port must be two different ports");
  }
  return config;
}

/// A directory in which somebody keeps something else does not become a node's: `down` would have
/// to tell the two apart.
Result<> check_state_dir(const Layout& layout) {
  if (exists(layout.config()) || !exists(layout.state_dir)) return {};
  NESTOR_TRY(const std::string name, foreign_entry(layout));
  if (name.empty()) return {};
  return fail(Code::kInvalidArgument,
              fmt::format("{0} holds {1} and is no node's directory; choose a new one with "
                          "--state-dir, such as {0}/nestor",
                          layout.state_dir, name));
}

/// The sandbox, made if need be.
Result<Node> make_sandbox(const Layout& layout, const Config& config, ProgressLines& progress) {
  progress.begin("looking at this machine");
  NESTOR_TRY(const auto running, await_session(layout));
  NESTOR_TRY_VOID(preflight(layout, config, running.has_value()));
  progress.done("this machine can carry a node");
  if (running) {
    NESTOR_TRY(const Config before, load(layout));
    if (before != config) {
      return fail(Code::kFailedPrecondition,
                  fmt::format("the node runs with other options (--assets {} --port {} "
                              "--proxy-port {}); use these, or `nestor down` first",
                              before.assets, before.port, before.proxy_port));
    }
    return Node{layout, config, running->init};
  }
  progress.begin("making the sandbox");
  NESTOR_TRY_VOID(make_directory(layout.log_dir(), 0700));
  NESTOR_TRY_VOID(save(layout, config));
  auto session = start_session(layout);
  if (!session) return with_log(session.error(), layout, "supervisor");
  progress.done("sandbox made");
  return Node{layout, config, session->init};
}

/// Imports that run beside the making of the control plane, one group after the other.
struct Imports {
  std::future<Result<>> first_pods;
  std::future<Result<>> rest;
};

Imports start_imports(const Node& node, ArchiveGroups groups) {
  std::promise<Result<>> first;
  Imports imports;
  imports.first_pods = first.get_future();
  imports.rest = std::async(
      std::launch::async,
      [node, groups = std::move(groups), first = std::move(first)]() mutable -> Result<> {
        first.set_value(
            import_archives(node.layout, node.config, node.init_pid, groups.first_pods));
        return import_archives(node.layout, node.config, node.init_pid, groups.rest);
      });
  return imports;
}

Result<> make_pods(const Node& node, ProgressLines& progress) {
  progress.begin("starting kube-proxy and CoreDNS");
  if (const auto addons = make_addons(node); !addons) {
    return with_log(addons.error(), node.layout, "kubeadm");
  }
  if (auto ready = wait_for_node(node); !ready) {
    return with_log(ready.error(), node.layout, "kubelet");
  }
  progress.done("node ready");
  progress.begin("starting storage");
  NESTOR_TRY_VOID(make_storage(node));
  if (auto ready = wait_for_pods(node); !ready) {
    return with_log(ready.error(), node.layout, "kubelet");
  }
  progress.done("cluster names and storage class served");
  return {};
}

/// `chart` "": none.
Result<> make_service(const Node& node, const std::string& chart, const std::string& image_revision,
                      ProgressLines& progress) {
  if (chart.empty()) {
    progress.note("chart skipped (--skip-chart)");
    return {};
  }
  progress.begin("installing Nestor");
  NESTOR_TRY_VOID(install_chart(node, chart, image_revision));
  progress.done("Nestor running");
  return {};
}

Result<> make_all(const UpOptions& options, const Layout& layout, ProgressLines& progress) {
  NESTOR_TRY_VOID(check_state_dir(layout));
  NESTOR_TRY(const Config config, decide(options, layout));
  // Before anything is made: what is missing now is missing then.
  std::string chart;
  if (!options.skip_chart) {
    NESTOR_TRY(chart, find_chart(options.chart, config.assets));
  }
  NESTOR_TRY_VOID(make_directory(layout.state_dir, 0711));
  NESTOR_TRY(const UniqueFd held, lock_commands(layout, kUpPatience));
  use_programs_of(config);
  NESTOR_TRY(Node node, make_sandbox(layout, config, progress));
  progress.begin("starting containerd");
  if (auto ready = wait_for_containerd(node); !ready) {
    return with_log(ready.error(), layout, "containerd");
  }
  progress.done("containerd running");
  NESTOR_TRY(const auto archives, find_archives(config.assets + "/images"));
  progress.begin("importing the control plane's images");
  NESTOR_TRY_VOID(import_archives(layout, config, node.init_pid, archives.control_plane));
  progress.done("images of the control plane present");
  Imports imports = start_imports(node, archives);
  progress.begin("starting the control plane");
  if (const auto made = make_control_plane(node); !made) {
    return with_log(made.error(), layout, "kubeadm");
  }
  progress.done("control plane running");
  progress.begin("importing the images of the first pods");
  NESTOR_TRY_VOID(imports.first_pods.get());
  progress.done("images of the first pods present");
  NESTOR_TRY_VOID(make_pods(node, progress));
  const auto own = std::ranges::find(archives.first_pods, "nestor", &Archive::name);
  const std::string revision = own == archives.first_pods.end()
                                   ? ""
                                   : fmt::format("{:x}", std::hash<std::string>{}(own->stamp));
  NESTOR_TRY_VOID(make_service(node, chart, revision, progress));
  progress.begin("importing the images of virtual machines");
  NESTOR_TRY_VOID(imports.rest.get());
  NESTOR_TRY_VOID(note_worker_images(node, archives.rest));
  progress.done("all images present");
  return {};
}

}  // namespace

int up(const UpOptions& options) {
  ProgressLines progress;
  const auto directory = absolute_directory(options.state_dir);
  if (!directory) return progress.fail(directory.error(), 2);
  if (::geteuid() != 0) {
    return progress.fail({Code::kPermissionDenied, "`nestor up` must run as root: try sudo", {}});
  }
  forget_proxies();
  const Layout layout{*directory};
  if (const auto made = make_all(options, layout, progress); !made) {
    // Wrongly asked: nothing was made that one could go on from, or take down.
    if (made.error().code == Code::kInvalidArgument) return progress.fail(made.error(), 2);
    const int code = progress.fail(made.error());
    if (exists(layout.config())) {
      fmt::print(stderr,
                 "`nestor up` again goes on from here; `nestor down` removes everything.\n");
    }
    return code;
  }
  fmt::print(
      "\nThe management cluster is up ({:.1f} s). Use it with\n\n"
      "  export KUBECONFIG={}\n\n",
      progress.total(), layout.kubeconfig());
  return 0;
}

}  // namespace nestor::node
