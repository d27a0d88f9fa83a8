#include <unistd.h>

#include <boost/json/object.hpp>
#include <cstdio>
#include <string>

#include "cli/commands.hpp"
#include "cli/kinds.hpp"
#include "cli/node/assets.hpp"

namespace nestor::cli {
Task<int> show_console(Context& context, std::string machine) {
  kube::ListOptions launcher;
  launcher.label_selector = "vm.kubevirt.io/name=" + machine + ",kubevirt.io=virt-launcher";
  NESTOR_CO_TRY(const kube::List pods, co_await context.client.list(kPod, context.ns, launcher));
  if (pods.items.empty()) {
    co_return fail(Code::kNotFound, "no virtual machine of machine " + machine + " runs in " +
                                        context.ns + "; `nestor get machines" + context.same_place +
                                        "` lists them");
  }
  const std::string pod(find_string(pods.items.back(), {"metadata", "name"}));
  const std::string program = node::find_program("kubectl");
  // The console is the pod's log; kubectl follows it better than we would.
  ::execlp(program.c_str(), "kubectl", "--kubeconfig", context.kubeconfig.c_str(), "--context",
           context.kube_context.c_str(), "--namespace", context.ns.c_str(), "logs", "--follow",
           pod.c_str(), static_cast<char*>(nullptr));
  co_return fail(Code::kNotFound, "cannot run " + program +
                                      ": set NESTOR_ASSETS to the directory that `nestor up` uses");
}

}  // namespace nestor::cli
