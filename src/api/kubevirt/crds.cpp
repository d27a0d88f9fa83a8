#include "api/all_crds.hpp"
#include "api/crd.hpp"
#include "api/kubevirt/virtual_machine.hpp"

namespace nestor::api::kubevirt {
namespace {

const PrinterColumn kAge{"Age", "date", ".metadata.creationTimestamp"};

PrinterColumn condition_column(const std::string& name, const std::string& type, int priority) {
  return {name, "string", ".status.conditions[?(@.type=='" + type + "')].status", priority};
}

}  // namespace

std::vector<Json> crds() {
  const CrdOptions machine{
      .short_names = {"vm", "vms"},
      .categories = {"all"},
      .columns = {kAge,
                  {"Status", "string", ".status.printableStatus"},
                  condition_column("Ready", "Ready", 0)},
      .rules = {{"", required({"spec"})},
                {"spec", required({"template"})},
                {"spec.runStrategy",
                 one_of({"Always", "Halted", "Manual", "RerunOnFailure", "Once"})}},
  };
  const CrdOptions instance{
      .short_names = {"vmi", "vmis"},
      .categories = {"all"},
      .columns = {kAge,
                  {"Phase", "string", ".status.phase"},
                  {"IP", "string", ".status.interfaces[0].ipAddress"},
                  {"NodeName", "string", ".status.nodeName"},
                  condition_column("Ready", "Ready", 0),
                  condition_column("Live-Migratable", "LiveMigratable", 1),
                  condition_column("Paused", "Paused", 1)},
      .rules = {{"", required({"spec"})}, {"spec", required({"domain"})}},
  };
  return {make_crd<VirtualMachine>(machine), make_crd<VirtualMachineInstance>(instance)};
}

}  // namespace nestor::api::kubevirt
