#include "controlplane/store_room.hpp"

#include <algorithm>

#include "controlplane/names.hpp"
#include "kube/metrics.hpp"

namespace nestor::controlplane {
namespace {

using api::kamaji::DataStore;

constexpr Duration kAskEvery = std::chrono::minutes(1);
/// A member answers nobody while it defragments.
constexpr Duration kDefragmentEvery = std::chrono::minutes(10);
constexpr std::chrono::seconds kStatusPatience{5};
/// For gigabytes on a slow disk.
constexpr std::chrono::seconds kDefragmentPatience{60};
constexpr const char* kFull = "Full";
constexpr std::string_view kSilent = "; no member answers now";

bool is_own(const DataStore& store) {
  return store.metadata.annotation(kEnableAuthAnnotation) == "true";
}

Labels labels_of(const std::string& store) { return {{"datastore", store}}; }

void count(const std::string& store, const EtcdStatus& status) {
  Metrics* metrics = kube::metrics();
  if (metrics == nullptr) return;
  const EtcdMember& most = *std::ranges::max_element(status.members, {}, &EtcdMember::size);
  const auto set = [&](const char* name, const char* help, std::int64_t value) {
    metrics->gauge(name, help, labels_of(store)).set(static_cast<double>(value));
  };
  set("nestor_datastore_size_bytes", "The largest member's file", most.size);
  set("nestor_datastore_in_use_bytes", "What of that file holds something", most.in_use);
  if (most.quota <= 0) return;
  set("nestor_datastore_quota_bytes", "How large the file may become", most.quota);
}

Task<EtcdStatus> ask(const Etcdctl& etcdctl) {
  const Etcdctl::Words question{"endpoint", "status", "-w", "json"};
  NESTOR_CO_TRY(const ProcessOutput output,
                co_await etcdctl.run_on_each(question, {}, kStatusPatience));
  // One member that is down makes it fail, and it prints what the others said.
  auto status = parse_etcd_status(output.out);
  if (!status && output.exit_code != 0) co_return std::unexpected(etcd_failure(question, output));
  if (!status) co_return with_context(std::move(status).error(), "etcdctl endpoint status");
  co_return status;
}

Task<> checked(Etcdctl::Words words, Task<ProcessOutput> command) {
  NESTOR_CO_TRY(const ProcessOutput output, co_await std::move(command));
  if (output.exit_code != 0) co_return std::unexpected(etcd_failure(words, output));
  co_return Result<>();
}

/// One that answers nobody may be busy with a defragmentation, and there must not be two; and of
/// its room nothing is known.
bool all_answer(const EtcdStatus& status, const StoreContents& contents) {
  return status.members.size() >= contents.endpoints.size();
}

bool can_defragment(const EtcdStatus& status) {
  return std::ranges::all_of(status.members, [&](const EtcdMember& member) {
    return !status.worth_defragmenting(member) || member.has_room_to_defragment();
  });
}

/// One member after the other, and no further when one fails: they must not all be busy at once.
Task<> defragment(const Etcdctl& etcdctl, const EtcdStatus& status) {
  for (const EtcdMember& member : status.members) {
    if (!status.worth_defragmenting(member)) continue;
    const Etcdctl::Words words{"defrag"};
    NESTOR_CO_TRY_VOID(co_await checked(
        words, etcdctl.run_on_each(words, {member.endpoint}, kDefragmentPatience)));
  }
  co_return Result<>();
}

Task<> disarm(const Etcdctl& etcdctl) {
  const Etcdctl::Words words{"alarm", "disarm"};
  co_return co_await checked(words, etcdctl.run(words));
}

/// What helps, as far as we do not do it.
std::string advice(const EtcdStatus& status, bool own, bool all) {
  if (status.worth_defragmenting()) {
    if (own && can_defragment(status)) {
      return "Some of its file is free inside, which Nestor gives back with etcdctl defrag" +
             std::string(all ? "" : " once all members of spec.endpoints answer");
    }
    return "Some of its file is free inside: where its disk has room for a copy of the rest, run "
           "etcdctl defrag for one member after the other" +
           std::string(status.full ? ", then etcdctl alarm disarm" : "");
  }
  if (status.full && !status.almost_full()) {
    return "When there is room again, run etcdctl alarm disarm" +
           std::string(status.other_alarm ? ", but see to its other alarm first" : "");
  }
  return "Raise its quota (--quota-backend-bytes), or delete what is not needed; it has to compact "
         "by itself (--auto-compaction-retention)";
}

/// Without numbers that change: each change of a DataStore wakes all its control planes.
kube::Condition condition_of(const Result<EtcdStatus>& status, bool own, bool all) {
  if (!status) {
    return kube::make_unknown_condition(kStoreHasRoom, "StatusUnknown", status.error().message);
  }
  if (status->full) {
    return kube::make_condition(
        kStoreHasRoom, false, kFull,
        "etcd takes nothing but deletions until its alarm NOSPACE is disarmed. " +
            advice(*status, own, all));
  }
  if (status->almost_full()) {
    return kube::make_condition(
        kStoreHasRoom, false, "AlmostFull",
        "four fifths of etcd's quota are taken: when it is full it takes no more writes. " +
            advice(*status, own, all));
  }
  if (status->quota_unknown()) {
    return kube::make_condition(
        kStoreHasRoom, true, "QuotaUnknown",
        "etcd takes writes; before version 3.6 it does not say how large it may become");
  }
  return kube::make_condition(kStoreHasRoom, true, "HasRoom",
                              "less than four fifths of etcd's quota are taken");
}

}  // namespace

StoreRoom::StoreRoom(kube::Runtime& runtime, std::string etcdctl)
    : runtime_(runtime), etcdctl_(std::move(etcdctl)) {}

Task<kube::Condition> StoreRoom::look(DataStore store, StoreContents contents) {
  const std::string& name = store.metadata.name;
  std::optional<SteadyTime> defragmented;
  if (const auto found = known_.find(name); found != known_.end()) {
    if (runtime_.clock().steady_now() < found->second.asked + kAskEvery) {
      co_return found->second.condition;
    }
    defragmented = found->second.defragmented;
  }
  const auto status = co_await find_out(store, contents, defragmented);
  if (!status && status.error().code == Code::kCancelled) co_return std::unexpected(status.error());
  if (status) count(name, *status);
  const bool all = status && all_answer(*status, contents);
  kube::Condition condition = condition_of(status, is_own(store), all);
  const auto* before = kube::find_condition(store.status.conditions, kStoreHasRoom);
  // One that was full has not got room by falling silent.
  if (!status && before != nullptr && before->status == "False") {
    condition = *before;
    if (!before->message.ends_with(kSilent)) condition.message += kSilent;
  }
  const Known& known = known_[name] = {.asked = runtime_.clock().steady_now(),
                                       .condition = std::move(condition),
                                       .defragmented = defragmented};
  co_return known.condition;
}

Duration StoreRoom::wait(const std::string& store) const {
  const auto found = known_.find(store);
  if (found == known_.end()) return kAskEvery;
  const auto left = time_until(found->second.asked + kAskEvery, runtime_.clock().steady_now());
  return std::max(left, Duration(std::chrono::seconds(1)));
}

void StoreRoom::forget(const std::string& store) {
  if (known_.erase(store) == 0) return;
  if (Metrics* metrics = kube::metrics()) metrics->remove_series(labels_of(store));
}

Task<EtcdStatus> StoreRoom::find_out(const DataStore& store, const StoreContents& contents,
                                     std::optional<SteadyTime>& defragmented) {
  NESTOR_CO_TRY(const Etcdctl etcdctl,
                Etcdctl::open(runtime_.processes(), etcdctl_, contents.access()));
  NESTOR_CO_TRY(EtcdStatus status, co_await ask(etcdctl));
  if (!is_own(store) || !all_answer(status, contents)) co_return status;
  const SteadyTime now = runtime_.clock().steady_now();
  const auto is_recent = [&] { return defragmented && now < *defragmented + kDefragmentEvery; };
  if (status.worth_defragmenting() && can_defragment(status) && !is_recent()) {
    defragmented = now;
    const Result<> done = co_await defragment(etcdctl, status);
    NESTOR_CO_TRY_VOID(
        tell(store, done, "Defragmentation", "etcd gave back what was free inside its file"));
    NESTOR_CO_TRY(status, co_await ask(etcdctl));
    if (!all_answer(status, contents)) co_return status;
  }
  // Of an etcd that keeps its quota to itself we know only what we just gave back.
  const bool gave_back = is_recent() && !status.fragmented();
  const bool has_room = !status.almost_full() && (gave_back || !status.quota_unknown());
  if (status.full && has_room && !status.other_alarm) {
    const Result<> done = co_await disarm(etcdctl);
    NESTOR_CO_TRY_VOID(tell(store, done, "AlarmDisarm", "etcd takes writes again"));
    NESTOR_CO_TRY(status, co_await ask(etcdctl));
  }
  co_return status;
}

Result<> StoreRoom::tell(const DataStore& store, const Result<>& done, std::string deed,
                         std::string success) {
  if (done) {
    runtime_.events().normal(store, std::move(deed), std::move(success));
  } else if (done.error().code == Code::kCancelled) {
    return done;
  } else {
    runtime_.events().warning(store, std::move(deed), done.error().message);
  }
  return {};
}

bool is_full(const DataStore& store) {
  const kube::Condition* found = kube::find_condition(store.status.conditions, kStoreHasRoom);
  return found != nullptr && found->status == "False" && found->reason == kFull;
}

}  // namespace nestor::controlplane
