#include "cli/cluster_watch.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <cstdio>

#include "base/race.hpp"
#include "cli/kinds.hpp"
#include "cli/usage.hpp"

namespace nestor::cli {
namespace {

Result<kube::InformerCore::Cached> keep_json(const Json& object) {
  return kube::InformerCore::Cached{std::make_shared<const Json>(object)};
}

const Json& as_json(const kube::InformerCore::Object& object) {
  return *static_cast<const Json*>(object.get());
}

kube::Scope in(const std::string& ns) {
  kube::Scope scope;
  scope.ns = ns;
  return scope;
}

}  // namespace

ClusterWatch::ClusterWatch(Context& context, kube::ObjectKey cluster)
    : context_(context),
      cluster_(std::move(cluster)),
      clusters_(context.client, context.clock, kCluster, in(cluster_.ns), keep_json),
      control_planes_(context.client, context.clock, kKamajiControlPlane, in(cluster_.ns),
                      keep_json),
      deployments_(context.client, context.clock, kMachineDeployment, in(cluster_.ns), keep_json),
      machines_(context.client, context.clock, kMachine, in(cluster_.ns), keep_json),
      tasks_(context.executor) {
  for (kube::InformerCore* informer : informers()) {
    informer->subscribe([this](const auto&, const auto&, const auto&) { changed_.notify(); });
    tasks_.spawn("watch " + std::string(informer->type().plural), informer->run());
  }
}

std::array<kube::InformerCore*, 4> ClusterWatch::informers() {
  return {&clusters_, &control_planes_, &deployments_, &machines_};
}

ClusterState ClusterWatch::state() const {
  ClusterState out;
  if (auto object = clusters_.get(cluster_)) out.cluster = as_json(object);
  kube::ObjectKey control_plane{
      cluster_.ns, std::string(find_string(out.cluster, {"spec", "controlPlaneRef", "name"}))};
  if (auto object = control_planes_.get(control_plane)) out.control_plane = as_json(object);
  const auto mine = [&](const Json& json) {
    return find_string(json, {"spec", "clusterName"}) == cluster_.name;
  };
  for (const auto& [key, object] : deployments_.objects()) {
    if (mine(as_json(object))) out.deployments.push_back(as_json(object));
  }
  for (const auto& [key, object] : machines_.objects()) {
    if (mine(as_json(object))) out.machines.push_back(as_json(object));
  }
  return out;
}

Task<> ClusterWatch::wait_until(std::function<bool(const ClusterState&)> predicate,
                                std::function<void(const ClusterState&)> changed,
                                Duration timeout) {
  for (kube::InformerCore* informer : informers()) {
    NESTOR_CO_TRY_VOID(co_await informer->wait_synced());
  }
  const SteadyTime deadline = context_.clock.steady_now() + timeout;
  co_return co_await before(context_.clock, deadline,
                            until(std::move(predicate), std::move(changed)));
}

Task<> ClusterWatch::until(std::function<bool(const ClusterState&)> predicate,
                           std::function<void(const ClusterState&)> changed) {
  for (;;) {
    const ClusterState now = state();
    changed(now);
    if (predicate(now)) co_return Result<>{};
    NESTOR_CO_TRY_VOID(co_await changed_.wait());
  }
}

asio::awaitable<void> ClusterWatch::close() { return tasks_.close(); }

void ProgressPrinter::line(const std::string& text) {
  const double seconds = std::chrono::duration<double>(clock_.steady_now() - start_).count();
  std::printf("%7.1fs  %s\n", seconds, text.c_str());
  std::fflush(stdout);
}

void ProgressPrinter::print(const ClusterState& state) {
  for (const Milestone& one : milestones(state)) {
    if (std::find(printed_.begin(), printed_.end(), one) != printed_.end()) continue;
    std::erase_if(printed_, [&](const Milestone& old) { return old.subject == one.subject; });
    printed_.push_back(one);
    line(one.subject + ": " + one.state);
  }
}

Task<> wait_and_print(Context& context, kube::ObjectKey cluster, ProgressPrinter& printer,
                      std::function<bool(const ClusterState&)> predicate, Duration timeout,
                      std::string what, std::string then) {
  ClusterWatch watch(context, std::move(cluster));
  ClusterState last;
  auto waited = co_await watch.wait_until(
      std::move(predicate),
      [&](const ClusterState& state) {
        if (!state.cluster.is_null()) printer.print(state);
        last = state;
      },
      timeout);
  co_await watch.close();
  if (waited || waited.error().code != Code::kDeadlineExceeded) co_return waited;
  const std::string missing = what_is_missing(last);
  co_return fail(Code::kDeadlineExceeded, what + " after " + timeout_text(timeout) +
                                              " (it goes on in the background" + then + ")" +
                                              (missing.empty() ? "" : ":\n" + missing));
}

}  // namespace nestor::cli
