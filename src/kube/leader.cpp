#include "kube/leader.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>

#include "base/log.hpp"
#include "base/race.hpp"
#include "base/signal.hpp"
#include "kube/lease.hpp"

namespace nestor::kube {

namespace {

constexpr std::string_view kLeaderLog = "kube.leader";
constexpr ResourceType kLeaseType{"coordination.k8s.io", "v1", "Lease", "leases", true};

/// Reads the lease, and takes or renews it when the rules allow.
Task<> try_hold(Client& client, Clock& clock, const LeaderOptions& options, LeaseKeeper& keeper) {
  ObjectKey key{options.ns, options.name};
  auto current = co_await client.get(kLeaseType, key);
  if (!current && current.error().code != Code::kNotFound) {
    co_return std::unexpected(std::move(current).error());
  }
  if (!current) {
    Json fresh = keeper.first(clock.now());
    auto created = co_await client.create(kLeaseType, options.ns, std::move(fresh));
    if (!created) co_return std::unexpected(std::move(created).error());
    keeper.held(*created);
    co_return Result<>();
  }
  auto wanted = keeper.next(*current, clock.now(), clock.steady_now());
  if (!wanted) {
    co_return fail(Code::kFailedPrecondition, "held by " + keeper.holder());
  }
  auto updated = co_await client.update(kLeaseType, std::move(*wanted));
  if (!updated) co_return std::unexpected(std::move(updated).error());
  keeper.held(*updated);
  co_return Result<>();
}

/// Lets the next candidate in at once.
Task<> release(Client& client, Clock& clock, const LeaderOptions& options, LeaseKeeper& keeper) {
  Json empty = keeper.released(clock.now());
  std::string no_subresource;
  const SteadyTime deadline = clock.steady_now() + options.retry_period;
  auto done = co_await before(
      clock, deadline, client.update(kLeaseType, std::move(empty), std::move(no_subresource)));
  if (!done) log::debug(kLeaderLog, "the lease was not released: {}", done.error().message);
  co_return Result<>();
}

/// Renews until the lease is lost (kAborted) or the caller is cancelled. `renewed`: before it was
/// taken, since others count from what was written then.
Task<> renew(Client& client, Clock& clock, const LeaderOptions& options, LeaseKeeper& keeper,
             SteadyTime renewed) {
  for (;;) {
    NESTOR_CO_TRY_VOID(co_await clock.sleep_for(options.retry_period));
    const SteadyTime started = clock.steady_now();
    const SteadyTime deadline = renewed + options.renew_deadline;
    // A renewal that hangs must not outlast the lease.
    auto held = co_await before(clock, deadline, try_hold(client, clock, options, keeper));
    if (co_await cancelled()) co_return fail(Code::kCancelled, "cancelled");
    if (held) {
      renewed = started;
      continue;
    }
    if (keeper.taken_by_other() || clock.steady_now() >= deadline) {
      co_return fail(Code::kAborted, "the lease " + options.ns + "/" + options.name +
                                         " is lost: " + held.error().message);
    }
    log::warn(kLeaderLog, "renewing the lease failed: {}", held.error().message);
  }
}

}  // namespace

Task<> lead(Client& client, Clock& clock, LeaderOptions options, std::function<void()> on_started) {
  // After a cancel the lease must still be released.
  co_await asio::this_coro::throw_if_cancelled(false);
  LeaseKeeper keeper(options);
  SteadyTime started = {};
  for (bool told = false;;) {
    started = clock.steady_now();
    const SteadyTime deadline = started + options.renew_deadline;
    auto held = co_await before(clock, deadline, try_hold(client, clock, options, keeper));
    if (held) break;
    if (co_await cancelled()) co_return fail(Code::kCancelled, "cancelled");
    if (held.error().code != Code::kFailedPrecondition) {
      log::debug(kLeaderLog, "{}/{}: {}", options.ns, options.name, held.error().message);
    } else if (!told) {
      log::info(kLeaderLog, "waiting for the lease {}/{}, {}", options.ns, options.name,
                held.error().message);
      told = true;
    }
    NESTOR_CO_TRY_VOID(co_await clock.sleep_for(options.retry_period));
  }
  Result<> end = fail(Code::kCancelled, "cancelled");
  if (!co_await cancelled()) {
    log::info(kLeaderLog, "leading as {}", options.identity);
    on_started();
    end = co_await renew(client, clock, options, keeper, started);
  }
  if (end.error().code == Code::kCancelled) {
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await release(client, clock, options, keeper);
  }
  co_return end;
}

}  // namespace nestor::kube
