#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdio>

#include "api/cluster/labels.hpp"
#include "autoscale/node_group.hpp"
#include "cli/commands.hpp"
#include "cli/kinds.hpp"
#include "cli/table.hpp"

/// `nestor describe nodegroup`: what the autoscaler left on the group, in a person's words.
namespace nestor::cli {
namespace {

constexpr kube::ResourceType kEvent{"", "v1", "Event", "events"};
constexpr std::string_view kOwn = "autoscaler.nestor.dev/";
constexpr std::size_t kMaxEvents = 10;

std::string annotation(const Json& object, std::string_view name) {
  return std::string(find_string(object, {"metadata", "annotations", name}));
}

std::string own(const Json& object, std::string_view name) {
  return annotation(object, std::string(kOwn) + std::string(name));
}

std::string number_text(const Json& object, std::initializer_list<std::string_view> path) {
  const Json* found = find(object, path);
  return found == nullptr ? "0" : to_text(*found);
}

void line(std::string& out, std::string_view label, const std::string& value) {
  if (value.empty()) return;
  std::string padded(label);
  padded.resize(std::max<std::size_t>(padded.size(), 18), ' ');
  out += padded + value + "\n";
}

/// "Backoff: until …"
std::string with_message(const Json& report, std::string_view state, std::string_view message) {
  std::string out(find_string(report, {state}));
  if (const auto why = find_string(report, {message}); !why.empty()) {
    out += ": " + std::string(why);
  }
  return out;
}

void add_report(std::string& out, const Json& group) {
  const std::string text = own(group, "report");
  if (text.empty()) {
    line(out, "Autoscaler:", "has not looked at it yet");
    return;
  }
  const auto report = parse_json(text);
  if (!report) {
    line(out, "Autoscaler:", "left a report that cannot be read");
    return;
  }
  line(out, "Scale-up:", with_message(*report, "scaleUp", "scaleUpMessage"));
  line(out, "Scale-down:", with_message(*report, "scaleDown", "scaleDownMessage"));
  if (const Json* faults = find(*report, {"faults"}); faults != nullptr && faults->is_array()) {
    for (const Json& fault : faults->get_array()) {
      if (fault.is_string()) line(out, "Fault:", std::string(std::string_view(fault.get_string())));
    }
  }
  const Json* nodes = find(*report, {"nodes"});
  if (nodes == nullptr || !nodes->is_object() || nodes->get_object().empty()) return;
  out += "Nodes:\n";
  for (const auto& node : nodes->get_object()) {
    out += "  " + std::string(node.key()) + ": ";
    out += node.value().is_string() ? std::string(std::string_view(node.value().get_string())) : "";
    out += "\n";
  }
}

/// Read as the autoscaler reads them, which may not have looked at the group since.
std::string limits(const Json& group) {
  const Json* json = find(group, {"metadata"});
  const auto metadata = json == nullptr ? kube::ObjectMeta{} : from_json<kube::ObjectMeta>(*json);
  if (!metadata) return "cannot be read: " + metadata.error().message;
  std::string fault;
  if (const auto sizes = autoscale::read_sizes(*metadata, fault)) {
    return std::to_string(sizes->min) + " to " + std::to_string(sizes->max);
  }
  if (!fault.empty()) return "not scaled: " + fault;
  return "not scaled: that takes both annotations, " +
         std::string(api::cluster::kAutoscalerMinSizeAnnotation) +
         " and …-max-size, the latter above 0";
}

Task<std::string> events_of(Context& context, std::string uid) {
  kube::ListOptions options;
  options.field_selector = "involvedObject.uid=" + uid;
  NESTOR_CO_TRY(kube::List found, co_await context.client.list(kEvent, context.ns, options));
  std::ranges::sort(found.items, {}, [](const Json& event) {
    return std::string(find_string(event, {"lastTimestamp"}));
  });
  Table table({"LAST SEEN", "REASON", "MESSAGE"});
  const std::size_t skip = found.items.size() > kMaxEvents ? found.items.size() - kMaxEvents : 0;
  for (std::size_t i = skip; i < found.items.size(); ++i) {
    const Json& event = found.items[i];
    table.add({std::string(find_string(event, {"lastTimestamp"})),
               std::string(find_string(event, {"reason"})),
               std::string(find_string(event, {"message"}))});
  }
  co_return table.empty() ? std::string() : "Events:\n" + table.to_string();
}

/// A MachineDeployment of that name, or a MachineSet.
Task<Json> find_described_group(Context& context, std::string name) {
  const kube::ObjectKey key{context.ns, name};
  auto deployment = co_await context.client.get(kMachineDeployment, key);
  if (deployment || deployment.error().code != Code::kNotFound) co_return deployment;
  auto set = co_await context.client.get(kMachineSet, key);
  if (set || set.error().code != Code::kNotFound) co_return set;
  const kube::ListOptions all;
  NESTOR_CO_TRY(const kube::List known,
                co_await context.client.list(kMachineDeployment, context.ns, all));
  std::string names;
  for (const Json& one : known.items) {
    names += (names.empty() ? "" : ", ") + std::string(find_string(one, {"metadata", "name"}));
  }
  co_return fail(Code::kNotFound,
                 "no node group " + name + " in namespace " + context.ns +
                     (names.empty() ? "; there is none" : "; there are: " + names));
}

}  // namespace

std::string nodegroup_text(const Json& group) {
  std::string out;
  line(out, "Name:", std::string(find_string(group, {"metadata", "name"})));
  line(out, "Kind:", std::string(find_string(group, {"kind"})));
  line(out, "Cluster:", std::string(find_string(group, {"spec", "clusterName"})));
  line(out, "Size:",
       number_text(group, {"spec", "replicas"}) + " wanted, " +
           number_text(group, {"status", "replicas"}) + " there, " +
           number_text(group, {"status", "readyReplicas"}) + " ready");
  line(out, "Limits:", limits(group));
  line(out, "Last scale-up:", own(group, "last-scale-up"));
  line(out, "Last scale-down:", own(group, "last-scale-down"));
  if (const std::string until = own(group, "backoff-until"); !until.empty()) {
    line(out, "Back-off:", "until " + until + ", " + own(group, "backoff-reason"));
  }
  line(out, "Being removed:", own(group, "removing"));
  add_report(out, group);
  return out;
}

Task<int> describe_nodegroup(Context& context, std::string name) {
  NESTOR_CO_TRY(const Json group, co_await find_described_group(context, std::move(name)));
  std::string uid(find_string(group, {"metadata", "uid"}));
  NESTOR_CO_TRY(const std::string events, co_await events_of(context, std::move(uid)));
  std::fputs((nodegroup_text(group) + events).c_str(), stdout);
  co_return 0;
}

}  // namespace nestor::cli
