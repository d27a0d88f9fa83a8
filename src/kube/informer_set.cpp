#include <tuple>

#include "base/race.hpp"
#include "base/signal.hpp"
#include "kube/informer.hpp"

namespace nestor::kube {

namespace {

/// An informer that ends when nobody holds it any more.
struct Borrowed {
  InformerCore core;
  bool let_go = false;
  Signal wake = {};
};

Task<> until_let_go(Borrowed& borrowed) {
  while (!borrowed.let_go) NESTOR_CO_TRY_VOID(co_await borrowed.wake.wait());
  co_return Result<>();
}

Task<> run_borrowed(std::shared_ptr<Borrowed> borrowed) {
  co_return co_await first_of(borrowed->core.run(), until_let_go(*borrowed));
}

}  // namespace

struct InformerSet::Impl {
  Impl(Client& client_in, Clock& clock_in, Executor executor, std::shared_ptr<CacheBudget> limits)
      : client(client_in), clock(clock_in), budget(std::move(limits)), tasks(std::move(executor)) {}

  /// API version, plural, C++ type, scope.
  using Key = std::tuple<std::string, std::string, std::type_index, Scope>;

  Client& client;
  Clock& clock;
  std::shared_ptr<CacheBudget> budget;
  std::map<Key, std::unique_ptr<InformerCore>> informers;
  std::map<Key, std::weak_ptr<InformerCore>> borrowed;
  TaskGroup tasks;
};

InformerSet::InformerSet(Client& client, Clock& clock, Executor executor,
                         std::shared_ptr<CacheBudget> budget)
    : impl_(std::make_unique<Impl>(client, clock, std::move(executor), std::move(budget))) {}

InformerSet::~InformerSet() = default;

Result<> InformerSet::check_size() const {
  const auto& failed = impl_->budget->failed;
  if (failed.empty()) return {};
  return std::unexpected(failed.begin()->second);
}

InformerCore& InformerSet::core(ResourceType type, std::type_index cpp_type, Scope scope,
                                InformerCore::Decode decode) {
  Impl::Key key{type.api_version(), std::string(type.plural), cpp_type, scope};
  auto& informer = impl_->informers[std::move(key)];
  if (!informer) {
    informer = std::make_unique<InformerCore>(impl_->client, impl_->clock, type, std::move(scope),
                                              std::move(decode), impl_->budget);
    impl_->tasks.spawn("informer " + std::string(type.plural), informer->run());
  }
  return *informer;
}

std::shared_ptr<InformerCore> InformerSet::borrow_core(ResourceType type, std::type_index cpp_type,
                                                       Scope scope, InformerCore::Decode decode) {
  std::erase_if(impl_->borrowed, [](const auto& one) { return one.second.expired(); });
  Impl::Key key{type.api_version(), std::string(type.plural), cpp_type, scope};
  if (const auto it = impl_->borrowed.find(key); it != impl_->borrowed.end()) {
    return it->second.lock();
  }
  std::shared_ptr<Borrowed> made(
      new Borrowed{InformerCore(impl_->client, impl_->clock, type, std::move(scope),
                                std::move(decode), impl_->budget, /*minor=*/true)});
  std::shared_ptr<InformerCore> handle(&made->core, [made](InformerCore*) mutable {
    made->let_go = true;
    made->wake.notify();
    // This function itself lives as long as the weak pointer in `borrowed`.
    made.reset();
  });
  impl_->borrowed.emplace(std::move(key), handle);
  impl_->tasks.spawn("informer " + std::string(type.plural), run_borrowed(std::move(made)));
  return handle;
}

asio::awaitable<void> InformerSet::close() { co_await impl_->tasks.close(); }

}  // namespace nestor::kube
