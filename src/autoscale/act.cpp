#include <algorithm>
#include <array>

#include "api/cluster/labels.hpp"
#include "autoscale/autoscaler.hpp"
#include "autoscale/status.hpp"
#include "base/log.hpp"

/// How a decision is carried out. The order matters when the process dies in between: growth first,
/// since pods wait for it; a Machine is marked before replicas are lowered; taints before both.
namespace nestor::autoscale {
namespace {

using api::cluster::Machine;
using api::core::ConfigMap;

constexpr std::string_view kLog = "autoscale";
constexpr Duration kCacheTimeout = std::chrono::seconds(10);
constexpr std::string_view kFieldManager = "nestor-autoscale";
/// What upstream's program calls itself.
constexpr std::string_view kEventSource = "cluster-autoscaler";
constexpr std::string_view kStatusMap = "cluster-autoscaler-status";
constexpr std::string_view kStatusNamespace = "kube-system";
/// Percentages and counts move all the time: a group is not written more often for them.
constexpr Duration kReportPace = std::chrono::minutes(5);
constexpr kube::ResourceType kEventType{"", "v1", "Event", "events"};
/// Names of events that are remembered.
constexpr std::size_t kMaxEvents = 5000;

/// Patches what differs and waits until the cache shows it: the next decision builds on it.
template <class T>
Task<> write(kube::Client& client, kube::Informer<T> informer, std::shared_ptr<const T> before,
             T after) {
  if (after == *before) co_return Result<>{};
  NESTOR_CO_TRY_VOID(co_await kube::patch_changes(client, *before, after));
  const kube::ObjectKey key = before->metadata.key();
  const auto shown = [informer, before, key] {
    const auto now = informer.get(key);
    return !now || now->metadata.resourceVersion != before->metadata.resourceVersion;
  };
  co_return co_await informer.wait_until(shown, kCacheTimeout);
}

template <class T>
T changed(const T& before, const GroupChange& change, const std::string& report) {
  T after = before;
  if (change.replicas) after.spec.replicas = *change.replicas;
  write_state(change.state, after.metadata.annotations);
  after.metadata.annotations[std::string(kReportAnnotation)] = report;
  return after;
}

/// Whether the API server took the write for none that may be, of this object at least; other
/// failures are of all objects, or pass by themselves.
bool refused(const Error& error) {
  constexpr std::array kPassing{Code::kAborted, Code::kCancelled, Code::kUnavailable,
                                Code::kDeadlineExceeded, Code::kResourceExhausted};
  return std::ranges::find(kPassing, error.code) == kPassing.end();
}

/// Whether the others have their turn after `result`. `first` becomes the first refusal.
bool goes_on(const Result<>& result, Result<>& first) {
  if (result) return true;
  if (!refused(result.error())) return false;
  if (first) first = result;
  return true;
}

/// The name says what the event says, so that after a restart it is not written again.
std::string event_name(const Note& note) {
  const std::size_t hash =
      std::hash<std::string>()(note.object.uid + '\n' + note.reason + '\n' + note.message);
  return fmt::format("{}.{:016x}", note.object.name.substr(0, 200), hash);
}

Json event_of(const Note& note, const kube::ResourceType& type, const std::string& now) {
  JsonObject about;
  about["apiVersion"] = type.api_version();
  about["kind"] = type.kind;
  about["name"] = note.object.name;
  if (!note.object.namespace_.empty()) about["namespace"] = note.object.namespace_;
  about["uid"] = note.object.uid;
  const std::string ns = note.object.namespace_.empty() ? "default" : note.object.namespace_;
  JsonObject out;
  out["apiVersion"] = "v1";
  out["kind"] = "Event";
  out["metadata"] = JsonObject{{"name", event_name(note)}, {"namespace", ns}};
  out["involvedObject"] = std::move(about);
  out["type"] = note.warning ? "Warning" : "Normal";
  out["reason"] = note.reason;
  out["message"] = note.message.substr(0, 1024);
  out["count"] = 1;
  out["firstTimestamp"] = now;
  out["lastTimestamp"] = now;
  out["source"] = JsonObject{{"component", kEventSource}};
  out["reportingComponent"] = kEventSource;
  out["reportingInstance"] = kEventSource;
  return out;
}

}  // namespace

std::string Autoscaler::report_of(Deed& deed, std::size_t i) {
  const GroupObject& object = deed.objects[i];
  const GroupChange& change = deed.decision.groups[i];
  const NodeGroup& group = deed.view->groups[i];
  std::string report = report_text(change.report, object.faults);
  std::string told(object.metadata().annotation(kReportAnnotation));
  if (report == told) return report;
  const WallTime now = runtime_.clock().now();
  WallTime& at = deed.tenant->reported[group.id()];
  const bool written_anyway = change.replicas || change.state != group.state;
  if (now < at + kReportPace && !written_anyway && same_but_numbers(report, told)) {
    auto& next = deed.decision.next;
    next = std::min(next.value_or(WallTime::max()), at + kReportPace);
    return told;
  }
  at = now;
  return report;
}

Task<> Autoscaler::write_group(const GroupObject& object, const GroupChange& change,
                               const std::string& report) {
  auto& informers = runtime_.informers();
  if (object.deployment) {
    auto after = changed(*object.deployment, change, report);
    const auto before = object.deployment;
    auto informer = informers.of<api::cluster::MachineDeployment>();
    co_return co_await write(runtime_.client(), informer, before, std::move(after));
  }
  auto after = changed(*object.set, change, report);
  const auto before = object.set;
  auto informer = informers.of<api::cluster::MachineSet>();
  co_return co_await write(runtime_.client(), informer, before, std::move(after));
}

Task<> Autoscaler::tell_faulty(std::vector<GroupObject> objects) {
  Result<> done;
  for (const GroupObject& object : objects) {
    GroupChange change;
    change.state = read_state(object.metadata());
    change.report.scale_up = change.report.scale_down = kNotScaled;
    const auto told = object.metadata().annotation(kReportAnnotation);
    const std::string report = report_text(change.report, object.faults);
    if (told == report) continue;
    const auto written = co_await write_group(object, change, report);
    if (!goes_on(written, done)) co_return written;
    if (!written) continue;
    runtime_.events().warning(object.type(), object.metadata(), "NotScaled", object.faults.front());
  }
  co_return done;
}

Task<> Autoscaler::mark_nodes(Deed& deed) {
  Result<> done;
  auto nodes = deed.tenant->caches->nodes();
  kube::Client& client = deed.tenant->caches->session().client();
  for (const NodeChange& change : deed.decision.nodes) {
    const auto before = nodes.get({"", change.node});
    if (!before) continue;
    auto after = with_marks(*before, change.marks);
    const auto written = co_await write(client, nodes, before, std::move(after));
    if (!goes_on(written, done)) co_return written;
    if (!written) deed.unmarked.insert(change.node);
  }
  co_return done;
}

/// Whether a Machine would go whose Node could not be told so.
bool Autoscaler::goes_untold(const Deed& deed, std::size_t i) {
  const auto& going = deed.decision.groups[i].mark;
  return std::ranges::any_of(deed.view->groups[i].machines, [&](const MachineView& machine) {
    return std::ranges::find(going, machine.name) != going.end() &&
           deed.unmarked.contains(machine.node);
  });
}

Task<> Autoscaler::mark_machines(const std::string& ns, const std::vector<std::string>& names,
                                 bool marked) {
  auto machines = runtime_.informers().of<Machine>();
  const std::string key(api::cluster::kDeleteMachineAnnotation);
  for (const std::string& name : names) {
    const auto before = machines.get({ns, name});
    if (!before || before->metadata.deleting()) continue;
    Machine after = *before;
    if (marked) {
      after.metadata.annotations.try_emplace(
          key, std::string(kMarkPrefix) + format_rfc3339(runtime_.clock().now()));
    } else {
      after.metadata.annotations.erase(key);
    }
    NESTOR_CO_TRY_VOID(co_await write(runtime_.client(), machines, before, std::move(after)));
  }
  co_return Result<>{};
}

/// A group whose growth was refused has not grown, and pauses so that others may help. Its object
/// may take no write at all, so the pause is remembered here too.
void Autoscaler::pause(Deed& deed, std::size_t i, const std::string& why) {
  const NodeGroup& group = deed.view->groups[i];
  GroupChange& change = deed.decision.groups[i];
  Pause made;
  made.length = deed.view->options.initial_node_group_backoff_duration;
  made.until = runtime_.clock().now() + made.length;
  made.reason = "FailedToScaleUpGroup: " + why;
  change.replicas.reset();
  change.state = group.state;
  made.put(change.state);
  change.report.scale_up = "Backoff";
  change.report.scale_up_message = "until " + format_rfc3339(made.until) + ": " + made.reason;
  std::erase_if(deed.decision.notes, [&](const Note& note) {
    return note.group == i && (note.subject == Subject::kGroup || note.reason == kTriggered);
  });
  deed.tenant->pauses[group.id()] = std::move(made);
}

Task<> Autoscaler::change_group(Deed& deed, std::size_t i) {
  const GroupChange& change = deed.decision.groups[i];
  const NodeGroup& group = deed.view->groups[i];
  const std::string& ns = group.metadata.namespace_;
  NESTOR_CO_TRY_VOID(co_await mark_machines(ns, change.unmark, false));
  if (goes_untold(deed, i)) co_return Result<>{};
  NESTOR_CO_TRY_VOID(co_await mark_machines(ns, change.mark, true));
  // Growth was written before.
  if (change.replicas && *change.replicas > group.target) co_return Result<>{};
  if (change.replicas) {
    log::info(kLog, "{}: {} to {} nodes", group.id(), group.target, *change.replicas);
  }
  const std::string report = report_of(deed, i);
  co_return co_await write_group(deed.objects[i], change, report);
}

Task<> Autoscaler::act(Deed& deed) {
  const Decision& decision = deed.decision;
  // What one group or node is refused keeps from none of the others what they need.
  Result<> done;
  const auto grows = [&](std::size_t i) {
    return decision.groups[i].replicas.value_or(0) > deed.view->groups[i].target;
  };
  for (std::size_t i = 0; i < deed.objects.size(); ++i) {
    if (!grows(i)) continue;
    log::info(kLog, "{}: {} to {} nodes", deed.view->groups[i].id(), deed.view->groups[i].target,
              *decision.groups[i].replicas);
    const std::string report = report_of(deed, i);
    const auto grown = co_await write_group(deed.objects[i], decision.groups[i], report);
    if (!goes_on(grown, done)) co_return grown;
    if (grown) continue;
    runtime_.events().warning(deed.objects[i].type(), deed.objects[i].metadata(),
                              "FailedToScaleUpGroup", grown.error().message);
    pause(deed, i, grown.error().message);
  }
  const auto marked = co_await mark_nodes(deed);
  if (!goes_on(marked, done)) co_return marked;
  for (std::size_t i = 0; i < deed.objects.size(); ++i) {
    const auto changed = co_await change_group(deed, i);
    if (!goes_on(changed, done)) co_return changed;
  }
  NESTOR_CO_TRY_VOID(co_await write_status(deed));
  NESTOR_CO_TRY_VOID(co_await write_notes(deed));
  co_return done;
}

Task<> Autoscaler::write_status(Deed& deed) {
  Tenant& tenant = *deed.tenant;
  const std::string now = format_rfc3339(runtime_.clock().now());
  auto states = states_of(*deed.view, deed.decision);
  for (const auto& [name, state] : states) {
    const auto before = tenant.states.find(name);
    if (before == tenant.states.end() || before->second != state) tenant.transitions[name] = now;
  }
  std::erase_if(tenant.transitions, [&](const auto& one) { return !states.contains(one.first); });
  tenant.states = std::move(states);
  // Written when what it tells has changed, not because time passed.
  const std::string told =
      to_text(status_document(*deed.view, deed.decision, "", tenant.transitions));
  if (told == tenant.status_told) co_return Result<>{};
  const Json document = status_document(*deed.view, deed.decision, now, tenant.transitions);
  ConfigMap map;
  map.metadata.name = kStatusMap;
  map.metadata.namespace_ = kStatusNamespace;
  map.metadata.annotations["cluster-autoscaler.kubernetes.io/last-updated"] = now;
  map.data["status"] = to_yaml(document);
  kube::Client& client = tenant.caches->session().client();
  std::string manager(kFieldManager);
  NESTOR_CO_TRY(const ConfigMap written,
                co_await kube::apply(client, std::move(map), std::move(manager)));
  tenant.status_map = written.metadata;
  tenant.status_told = told;
  co_return Result<>{};
}

Task<> Autoscaler::write_notes(Deed& deed) {
  Tenant& tenant = *deed.tenant;
  kube::Client& client = tenant.caches->session().client();
  const std::string now = format_rfc3339(runtime_.clock().now());
  if (tenant.events.size() > kMaxEvents) tenant.events.clear();
  for (Note note : deed.decision.notes) {
    kube::ResourceType type = ConfigMap::kType;
    if (note.subject == Subject::kPod) type = Pod::kType;
    if (note.subject == Subject::kNode) type = api::core::Node::kType;
    if (note.subject == Subject::kGroup) {
      const GroupObject& object = deed.objects[note.group];
      const auto& metadata = object.metadata();
      note.warning ? runtime_.events().warning(object.type(), metadata, note.reason, note.message)
                   : runtime_.events().normal(object.type(), metadata, note.reason, note.message);
    }
    if (note.subject == Subject::kGroup || note.subject == Subject::kTenant) {
      note.object = tenant.status_map;
    }
    // What happened to a group happens again; the rest is told once.
    if (note.subject == Subject::kGroup) note.message += " at " + now;
    std::string name = event_name(note);
    if (!tenant.events.insert(std::move(name)).second) continue;
    Json event = event_of(note, type, now);
    std::string ns(find_string(event, {"metadata", "namespace"}));
    auto written = co_await client.create(kEventType, std::move(ns), std::move(event));
    if (written || written.error().code == Code::kAlreadyExists) continue;
    if (written.error().code == Code::kCancelled) co_return std::unexpected(written.error());
    // A help for people: losing one is no failure of what it tells about.
    log::debug(kLog, "an event is lost: {}", written.error().message);
  }
  co_return Result<>{};
}

}  // namespace nestor::autoscale
