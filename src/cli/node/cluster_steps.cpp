#include "cli/node/cluster_steps.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "base/file.hpp"
#include "cli/node/config_files.hpp"
#include "cli/node/kvm.hpp"
#include "cli/node/proxy.hpp"
#include "cli/node/session.hpp"
#include "cli/node/system.hpp"
#include "cli/worker_images.hpp"

namespace nestor::node {

namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr milliseconds kRetry{50};
constexpr const char* kKubeadmConfig = "/run/nestor/kubeadm.yaml";
constexpr const char* kDnsAddress = "10.96.0.10";
constexpr std::uint16_t kDnsPort = 53;
constexpr int kConnectMs = 1000;
constexpr const char* kFirstAddress = "192.168.250.128";
constexpr const char* kLastAddress = "192.168.250.250";

/// Tries until it works or the time is over. For things that cannot be watched: a server that
/// is not there yet.
template <class F>
bool retry_for(milliseconds time, F attempt, milliseconds pause = kRetry) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  while (!attempt()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(pause);
  }
  return true;
}

bool answers(const std::string& socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, socket_path.c_str(), socket_path.size());
  const UniqueFd made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return made &&
         ::connect(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

/// Whether CoreDNS takes connections on the address of its service.
bool dns_answers(const Gateway& gateway) {
  const auto made = gateway.make_socket();
  if (!made) return false;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kDnsPort);
  if (::inet_pton(AF_INET, kDnsAddress, &address.sin_addr) != 1) return false;
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(made->get(), generic, sizeof address) == 0) return true;
  pollfd set{made->get(), POLLOUT, 0};
  if (errno != EINPROGRESS || ::poll(&set, 1, kConnectMs) <= 0) return false;
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(made->get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

bool api_ready(const Node& node) {
  return run_checked({.argv = kubectl(node, {"get", "--raw=/readyz", "--request-timeout=2s"})})
      .has_value();
}

bool there(const Node& node, const std::string& space, const std::string& object) {
  return run_checked({.argv = kubectl(node, {"-n", space, "get", object, "-o", "name"})})
      .has_value();
}

Result<> write_kubeconfig(const Node& node) {
  NESTOR_TRY(std::string text, read_file(node.layout.kubernetes() + "/admin.conf"));
  return write_text(node.layout.kubeconfig(),
                    loopback_kubeconfig(std::move(text), node.config.port, node.config.proxy_port),
                    0600);
}

bool was_initialised(const Node& node) {
  for (const char* file :
       {"/admin.conf", "/manifests/etcd.yaml", "/manifests/kube-apiserver.yaml",
        "/manifests/kube-controller-manager.yaml", "/manifests/kube-scheduler.yaml"}) {
    if (!exists(node.layout.kubernetes() + file)) return false;
  }
  return exists(node.layout.var_lib() + "/kubelet/config.yaml");
}

Result<std::string> kubeadm(const Node& node, std::vector<std::string> rest, minutes time) {
  std::vector<std::string> argv{node.config.program("kubeadm")};
  for (auto& arg : rest) argv.push_back(std::move(arg));
  NESTOR_TRY(ProcessOutput output,
             run({.argv = inside(node.init_pid, std::move(argv)), .timeout = time}));
  const std::string log = output.out + output.err;
  // kubeadm prints a bootstrap token.
  if (auto written = write_text(node.layout.log("kubeadm"), log, 0600); !written) {
    return std::unexpected(written.error());
  }
  if (output.exit_code == 0) return output.out;
  return fail(Code::kInternal, fmt::format("kubeadm failed with exit code {}; see {}",
                                           output.exit_code, node.layout.log("kubeadm")));
}

Result<> apply(const Node& node, std::string manifest) {
  NESTOR_TRY_VOID(run_checked({.argv = kubectl(node, {"apply", "--server-side", "--force-conflicts",
                                                      "--field-manager=nestor-up", "-f", "-"}),
                               .input = std::move(manifest)}));
  return {};
}

Result<> wait(const Node& node, std::vector<std::string> rest) {
  rest.emplace_back("--timeout=10m");
  NESTOR_TRY_VOID(run_checked({.argv = kubectl(node, std::move(rest)), .timeout = minutes(11)}));
  return {};
}

}  // namespace

Result<> note_worker_images(const Node& node, const std::vector<Archive>& archives) {
  std::string names;
  for (const Archive& archive : archives) {
    NESTOR_TRY(const auto tags, archive_tags(archive.path));
    for (const std::string& tag : tags) {
      if (tag.starts_with(std::string(cli::kWorkerRepository) + ":")) {
        names += (names.empty() ? "" : ",") + tag;
      }
    }
  }
  const std::string note = fmt::format("{}={}", cli::kWorkerImagesAnnotation, names);
  NESTOR_TRY_VOID(
      run_checked({.argv = kubectl(node, {"annotate", "--overwrite", "node", kNodeName, note})}));
  return {};
}

std::vector<std::string> kubectl(const Node& node, std::vector<std::string> rest) {
  std::vector<std::string> argv{node.config.program("kubectl"),
                                "--kubeconfig=" + node.layout.kubeconfig()};
  for (auto& arg : rest) argv.push_back(std::move(arg));
  return argv;
}

Result<> wait_for_containerd(Node& node) {
  const auto attempt = [&node] {
    const auto session = find_session(node.layout);
    if (!session || !session->has_value() || (*session)->init == 0) return false;
    node.init_pid = (*session)->init;
    return answers(fmt::format("/proc/{}/root{}", node.init_pid, kContainerdSocket));
  };
  if (retry_for(seconds(60), attempt)) return {};
  return fail(Code::kDeadlineExceeded,
              "containerd does not answer; see " + node.layout.log("containerd"));
}

Result<bool> make_control_plane(const Node& node) {
  if (was_initialised(node)) {
    NESTOR_TRY_VOID(write_kubeconfig(node));
    // An `up` that was cut short left no cluster-info: kubeadm then does its work again.
    // Each attempt is a kubectl.
    if (retry_for(
            minutes(4), [&node] { return api_ready(node); }, milliseconds(500)) &&
        there(node, "kube-public", "configmap/cluster-info")) {
      return true;
    }
  }
  NESTOR_TRY_VOID(kubeadm(
      node, {"init", std::string("--config=") + kKubeadmConfig, "--skip-phases=preflight,addon"},
      minutes(15)));
  NESTOR_TRY_VOID(write_kubeconfig(node));
  return false;
}

Result<bool> make_addons(const Node& node) {
  if (there(node, "kube-system", "daemonset/kube-proxy") &&
      there(node, "kube-system", "deployment/coredns")) {
    return true;
  }
  NESTOR_TRY_VOID(
      kubeadm(node, {"init", "phase", "addon", "all", std::string("--config=") + kKubeadmConfig},
              minutes(5)));
  NESTOR_TRY_VOID(apply(node, dns_manifest()));
  // One is enough where all share one machine.
  NESTOR_TRY_VOID(run_checked(
      {kubectl(node, {"-n", "kube-system", "scale", "deployment/coredns", "--replicas=1"})}));
  return false;
}

Result<> make_storage(const Node& node) { return apply(node, storage_manifest()); }

namespace {

/// A helm that was ended in the middle leaves a record because of which the next one refuses to
/// work. It is nobody's now: a helm at work holds the lock of the command that started it.
Result<> forget_interrupted_release(const Node& node) {
  NESTOR_TRY_VOID(run_checked(
      {kubectl(node, {"-n", "nestor-system", "delete", "secret", "--ignore-not-found", "-l",
                      "owner=helm,name=nestor,status in (pending-install,pending-upgrade,"
                      "pending-rollback)"})}));
  return {};
}

}  // namespace

std::vector<std::string> install_command(const Node& node, const std::string& chart,
                                         const std::string& image_revision, bool kvm) {
  // What somebody else gave the release stays. Ours is given whole each time, so that nothing of an
  // earlier `up` stays with it.
  return {node.config.program("helm"),
          "--kubeconfig",
          node.layout.kubeconfig(),
          "upgrade",
          "--install",
          "nestor",
          chart,
          "--namespace",
          "nestor-system",
          "--create-namespace",
          "--reset-then-reuse-values",
          "--wait",
          "--timeout",
          "10m",
          "--set",
          fmt::format("localPath.grow=true,addressPool.enabled=true,addressPool.first={},"
                      "addressPool.last={},vm.kvm.runtimeClassName={}",
                      kFirstAddress, kLastAddress, kvm ? kKvmRuntime : ""),
          "--set-string",
          "image.revision=" + image_revision};
}

Result<> install_chart(const Node& node, const std::string& chart,
                       const std::string& image_revision) {
  // Helm installs CRDs once and never changes them; ours must follow the program.
  NESTOR_TRY_VOID(
      run_checked({.argv = kubectl(node, {"apply", "--server-side", "--force-conflicts",
                                          "--field-manager=nestor-up", "-f", chart + "/crds"}),
                   .timeout = minutes(2)}));
  const bool kvm = exists(fmt::format("/proc/{}/root{}", node.init_pid, kKvmSpec));
  if (kvm) NESTOR_TRY_VOID(apply(node, kvm_runtime_class()));
  NESTOR_TRY_VOID(forget_interrupted_release(node));
  const auto outcome = run_checked(
      {.argv = install_command(node, chart, image_revision, kvm), .timeout = minutes(11)});
  if (!outcome) {
    return fail(outcome.error().code,
                fmt::format("installing {}: {}; see `kubectl -n nestor-system get pods,events`",
                            chart, outcome.error().message));
  }
  return {};
}

Result<> wait_for_node(const Node& node) {
  NESTOR_TRY_VOID(wait(node, {"wait", "--for=condition=Ready", std::string("node/") + kNodeName}));
  return wait(node, {"-n", "kube-system", "rollout", "status", "daemonset/kube-proxy"});
}

Result<> wait_for_pods(const Node& node) {
  // After a restart of the sandbox the API still tells of the pods as they were before: ask the
  // name server itself, the way a pod would.
  NESTOR_TRY(const Gateway gateway, Gateway::open(node.init_pid));
  if (!retry_for(minutes(2), [&gateway] { return dns_answers(gateway); })) {
    return fail(Code::kDeadlineExceeded, "CoreDNS does not answer on its service's address");
  }
  NESTOR_TRY_VOID(wait(node, {"-n", "kube-system", "rollout", "status", "deployment/coredns"}));
  return wait(
      node, {"-n", "local-path-storage", "rollout", "status", "deployment/local-path-provisioner"});
}

}  // namespace nestor::node
