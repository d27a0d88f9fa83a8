#include <fmt/core.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "cli/node/cluster_steps.hpp"
#include "cli/node/node.hpp"
#include "cli/node/progress_lines.hpp"
#include "cli/node/session.hpp"
#include "cli/node/system.hpp"

namespace nestor::node {

namespace {

constexpr const char* kServiceNamespace = "nestor-system";

struct Component {
  std::string name;
  bool well = false;
  std::string detail;
};

Component probe(std::string name, ProcessSpec command) {
  auto answer = run_checked(std::move(command));
  if (!answer) return {std::move(name), false, answer.error().message};
  return {std::move(name), true, ""};
}

Component rolled_out(const Node& node, const char* space, const char* object) {
  // rollout status without --watch succeeds also while pods are missing: its text tells.
  const auto answer = run_checked(
      {.argv = kubectl(node, {"-n", space, "rollout", "status", object, "--watch=false"})});
  if (!answer) return {object, false, answer.error().message};
  const bool well = answer->find("successfully rolled out") != std::string::npos;
  return {object, well, answer->substr(0, answer->find('\n'))};
}

std::vector<Component> look(const Layout& layout) {
  const auto session = find_session(layout);
  if (!session) return {{"supervisor", false, session.error().message}};
  if (!session->has_value()) return {{"supervisor", false, "not running"}};
  const auto config = load(layout);
  if (!config) return {{"supervisor", false, config.error().message}};
  const Node node{layout, *config, (*session)->init};
  std::vector<Component> all;
  all.push_back({"supervisor", true, fmt::format("process {}", (*session)->supervisor)});
  const bool sandbox = node.init_pid > 0;
  all.push_back({"sandbox", sandbox, sandbox ? fmt::format("process {}", node.init_pid) : "none"});
  if (!sandbox) return all;
  all.push_back(
      probe("containerd", {.argv = inside(node.init_pid, {config->program("ctr"), "version"}),
                           .timeout = std::chrono::seconds(5)}));
  all.push_back(probe("apiserver",
                      {.argv = kubectl(node, {"get", "--raw=/readyz", "--request-timeout=5s"})}));
  if (!all.back().well) return all;
  all.push_back(
      probe("node", {.argv = kubectl(node, {"wait", "--for=condition=Ready",
                                            std::string("node/") + kNodeName, "--timeout=1s"})}));
  all.push_back(rolled_out(node, "kube-system", "daemonset/kube-proxy"));
  all.push_back(rolled_out(node, "kube-system", "deployment/coredns"));
  all.push_back(rolled_out(node, "local-path-storage", "deployment/local-path-provisioner"));
  if (run_checked({.argv = kubectl(node, {"get", "namespace", kServiceNamespace})})) {
    all.push_back(rolled_out(node, kServiceNamespace, "deployment/nestor-manager"));
  }
  return all;
}

bool all_well(const std::vector<Component>& all) {
  for (const auto& component : all) {
    if (!component.well) return false;
  }
  return true;
}

void print_table(const std::vector<Component>& all, const Layout& layout) {
  fmt::print("{:<38} {:<8} {}\n", "COMPONENT", "STATE", "DETAIL");
  for (const auto& component : all) {
    fmt::print("{:<38} {:<8} {}\n", component.name, component.well ? "ok" : "failed",
               component.detail);
  }
  if (!all_well(all)) fmt::print("\nlogs are in {}; `nestor up` repairs\n", layout.log_dir());
}

void print_json(const std::vector<Component>& all, const Layout& layout) {
  boost::json::array components;
  for (const auto& component : all) {
    components.push_back(boost::json::object{
        {"name", component.name}, {"ok", component.well}, {"detail", component.detail}});
  }
  const boost::json::object object{{"stateDir", layout.state_dir},
                                   {"kubeconfig", layout.kubeconfig()},
                                   {"ok", all_well(all)},
                                   {"components", components}};
  fmt::print("{}\n", boost::json::serialize(object));
}

}  // namespace

int status(const StatusOptions& options) {
  ProgressLines progress;
  if (!options.output.empty() && options.output != "json") {
    return progress.fail({Code::kInvalidArgument, "-o takes json", {}}, 2);
  }
  const auto directory = absolute_directory(options.state_dir);
  if (!directory) return progress.fail(directory.error(), 2);
  if (::geteuid() != 0) {
    return progress.fail(
        {Code::kPermissionDenied, "`nestor status` must run as root: try sudo", {}});
  }
  const Layout layout{*directory};
  const auto all = look(layout);
  if (options.output == "json") {
    print_json(all, layout);
  } else {
    print_table(all, layout);
  }
  return all_well(all) ? 0 : 1;
}

}  // namespace nestor::node
