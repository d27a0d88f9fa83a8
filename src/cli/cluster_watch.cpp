#include "cli/cluster_watch.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/object.hpp>
#include <cstdio>

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

}  // namespace

ClusterWatch::ClusterWatch(Context& context, kube::ObjectKey cluster)
    : context_(context), cluster_(std::move(cluster)), tasks_(context.executor) {
  // In the order of ClusterState; one watch each, of the cluster's namespace.
  for (const kube::ResourceType& type :
       {kCluster, kKamajiControlPlane, kMachineDeployment, kMachine}) {
    add(type);
  }
}

kube::InformerCore& ClusterWatch::add(kube::ResourceType type) {
  kube::Scope scope;
  scope.ns = cluster_.ns;
  auto& informer = *informers_.emplace_back(std::make_unique<kube::InformerCore>(
      context_.client, context_.clock, type, std::move(scope), keep_json));
  tasks_.spawn("watch " + std::string(type.plural), informer.run());
  return informer;
}

ClusterState ClusterWatch::state() const {
  ClusterState out;
  if (auto object = informers_[0]->get(cluster_)) out.cluster = as_json(object);
  kube::ObjectKey control_plane{
      cluster_.ns, std::string(find_string(out.cluster, {"spec", "controlPlaneRef", "name"}))};
  if (auto object = informers_[1]->get(control_plane)) out.control_plane = as_json(object);
  const auto mine = [&](const Json& json) {
    return find_string(json, {"spec", "clusterName"}) == cluster_.name;
  };
  for (const auto& [key, object] : informers_[2]->objects()) {
    if (mine(as_json(object))) out.deployments.push_back(as_json(object));
  }
  for (const auto& [key, object] : informers_[3]->objects()) {
    if (mine(as_json(object))) out.machines.push_back(as_json(object));
  }
  return out;
}

Task<> ClusterWatch::wait_until(std::function<bool(const ClusterState&)> predicate,
                                std::function<void(const ClusterState&)> changed,
                                Duration timeout) {
  for (auto& informer : informers_) NESTOR_CO_TRY_VOID(co_await informer->wait_synced());
  // Every informer wakes the same check: whichever changes last completes the picture and ends the
  // timer, which otherwise runs to the deadline.
  asio::steady_timer timer(context_.executor, timeout);
  bool done = false;
  auto check = std::make_shared<std::function<void()>>([&] {
    if (done) return;
    const ClusterState now = state();
    changed(now);
    if (!predicate(now)) return;
    done = true;
    timer.cancel();
  });
  for (auto& informer : informers_) {
    informer->subscribe([weak = std::weak_ptr(check)](const auto&, const auto&, const auto&) {
      if (auto call = weak.lock()) (*call)();
    });
  }
  (*check)();
  if (!done) {
    auto [ec] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (!done && ec) co_return fail(Code::kCancelled, "interrupted");
    if (!done) co_return fail(Code::kDeadlineExceeded, "timed out");
  }
  co_return Result<>{};
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
