#include "kube/controller.hpp"

#include <algorithm>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <set>

#include "base/log.hpp"
#include "base/signal.hpp"
#include "kube/metrics.hpp"
#include "kube/work_queue.hpp"

namespace nestor::kube {

namespace {
/// From this delay on even what passes by itself is worth a warning: a race that is lost again and
/// again, an API server that does not come.
constexpr Duration kTooLong = std::chrono::seconds(1);
/// First delay of failures that another try alone is unlikely to mend.
constexpr Duration kSlowFirstDelay = std::chrono::seconds(1);

bool slow(Code code) { return code == Code::kInvalidArgument || code == Code::kFailedPrecondition; }
}  // namespace

struct Controller::Impl {
  Impl(std::string name_in, Clock& clock_in, Executor executor, Reconcile reconcile_in,
       ControllerOptions options_in)
      : name(std::move(name_in)),
        clock(clock_in),
        reconcile(std::move(reconcile_in)),
        concurrency(static_cast<std::size_t>(options_in.concurrency)),
        queue(std::move(options_in.group), std::max<std::size_t>(1, concurrency / 4)),
        metrics(name),
        workers(std::move(executor)) {}

  std::string name;
  Clock& clock;
  Reconcile reconcile;
  std::size_t concurrency;
  std::set<InformerCore*> sources;
  WorkQueue queue;
  ControllerMetrics metrics;
  Signal wake;
  /// Times at which a sleeper wakes the dispatcher.
  std::multiset<SteadyTime> armed;
  TaskGroup workers;

  /// Starts what is ready, and a sleeper for the next delayed key unless one wakes early enough.
  void dispatch();
  Task<> sleeper(SteadyTime when);
  Task<> flight(ObjectKey key);
  Task<ReconcileResult> guarded(ObjectKey key);
  void settle(const ObjectKey& key, const Result<ReconcileResult>& result);
};

void Controller::Impl::dispatch() {
  while (queue.in_flight() < concurrency) {
    auto key = queue.next(clock.steady_now());
    if (!key) break;
    std::string task = name + " " + key->to_string();
    workers.spawn(std::move(task), flight(std::move(*key)));
  }
  metrics.depth(queue.depth());
  // With all flights taken the end of one wakes the dispatcher.
  if (queue.in_flight() >= concurrency) return;
  const auto due = queue.next_due();
  if (due && (armed.empty() || *due < *armed.begin())) {
    armed.insert(*due);
    workers.spawn(name + " delay", sleeper(*due));
  }
}

Task<> Controller::Impl::sleeper(SteadyTime when) {
  auto slept = co_await clock.sleep_until(when);
  armed.erase(armed.find(when));
  wake.notify();
  co_return slept;
}

/// A reconcile that throws has failed like any other; the controller goes on.
Task<ReconcileResult> Controller::Impl::guarded(ObjectKey key) {
  try {
    co_return co_await reconcile(std::move(key));
  } catch (const std::exception& exception) {
    co_return fail(Code::kInternal, std::string("exception: ") + exception.what());
  }
}

Task<> Controller::Impl::flight(ObjectKey key) {
  const SteadyTime started = clock.steady_now();
  const auto result = co_await guarded(key);
  const bool stopping = co_await cancelled();
  if (!stopping) {
    settle(key, result);
    using Outcome = ControllerMetrics::Outcome;
    const Outcome outcome = !result                 ? Outcome::kFailed
                            : result->requeue_after ? Outcome::kRequeued
                                                    : Outcome::kDone;
    metrics.reconciled(outcome, clock.steady_now() - started);
  }
  queue.done(key);
  wake.notify();
  co_return Result<>();
}

void Controller::Impl::settle(const ObjectKey& key, const Result<ReconcileResult>& result) {
  const SteadyTime now = clock.steady_now();
  if (result) {
    queue.succeeded(key);
    if (result->requeue_after) queue.add_at(key, now + *result->requeue_after);
    return;
  }
  const Error& error = result.error();
  const bool first = queue.failures(key) == 0;
  Duration delay = queue.failed(key, slow(error.code) ? kSlowFirstDelay : WorkQueue::kFirstDelay);
  if (error.code == Code::kAborted && first) delay = Duration::zero();
  if (error.retry_after) delay = std::max(delay, *error.retry_after);
  const bool passes = error.code == Code::kAborted || error.code == Code::kUnavailable;
  const auto level = passes && delay < kTooLong ? log::Level::kDebug : log::Level::kWarn;
  log::write(level, name,
             fmt::format("{}: {} (again in {} ms)", key.to_string(), error.message, delay.count()));
  queue.add_at(key, now + delay);
}

Controller::Controller(std::string name, Clock& clock, Executor executor, Reconcile reconcile,
                       ControllerOptions options)
    : impl_(std::make_unique<Impl>(std::move(name), clock, std::move(executor),
                                   std::move(reconcile), std::move(options))) {}

Controller::~Controller() = default;

void Controller::watch(InformerCore& informer) {
  require_synced(informer);
  informer.subscribe([this](const ObjectKey& key, const InformerCore::Object&,
                            const InformerCore::Object&) { enqueue(key); });
}

void Controller::enqueue(ObjectKey key) {
  impl_->queue.add(key);
  impl_->wake.notify();
}

void Controller::enqueue_after(ObjectKey key, Duration delay) {
  impl_->queue.add_at(key, impl_->clock.steady_now() + delay);
  impl_->wake.notify();
}

Task<> Controller::run() {
  // After a cancel the workers must still be waited for.
  co_await asio::this_coro::throw_if_cancelled(false);
  Result<> end;
  for (InformerCore* source : impl_->sources) {
    end = co_await source->wait_synced();
    if (!end) break;
  }
  while (end) {
    impl_->dispatch();
    end = co_await impl_->wake.wait();
  }
  co_await impl_->workers.close();
  co_return end;
}

const std::string& Controller::name() const { return impl_->name; }

std::vector<ObjectKey> Controller::owners(const ObjectMeta& metadata, const ResourceType& owner) {
  std::vector<ObjectKey> out;
  const std::string_view group = owner.group;
  for (const OwnerReference& reference : metadata.ownerReferences) {
    // The version may differ from ours: references are written once and stay.
    const std::string_view version = reference.apiVersion;
    const auto slash = version.find('/');
    const auto its_group = slash == std::string_view::npos ? "" : version.substr(0, slash);
    if (reference.kind != owner.kind || its_group != group) continue;
    out.push_back({owner.namespaced ? metadata.namespace_ : std::string(), reference.name});
  }
  return out;
}

void Controller::require_synced(InformerCore& informer) { impl_->sources.insert(&informer); }

}  // namespace nestor::kube
