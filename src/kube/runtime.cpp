#include "kube/runtime.hpp"

namespace nestor::kube {

Runtime::Runtime(Executor executor, Client& client, Clock& clock, ProcessRunner& processes,
                 std::string component)
    : executor_(executor),
      client_(client),
      clock_(clock),
      processes_(processes),
      informers_(std::make_unique<InformerSet>(client, clock, executor)),
      events_(std::make_unique<EventRecorder>(client, clock, executor, std::move(component))),
      tasks_(executor) {}

Runtime::~Runtime() = default;

Controller& Runtime::add_controller(std::string name, Reconcile reconcile,
                                    ControllerOptions options) {
  controllers_.push_back(std::make_unique<Controller>(std::move(name), clock_, executor_,
                                                      std::move(reconcile), std::move(options)));
  return *controllers_.back();
}

void Runtime::start() {
  for (const auto& controller : controllers_) {
    tasks_.spawn("controller " + controller->name(), controller->run());
  }
}

asio::awaitable<void> Runtime::close() {
  co_await tasks_.close();
  co_await informers_->close();
  co_await events_->close();
}

}  // namespace nestor::kube
