#include "kube/metrics.hpp"

namespace nestor::kube {

namespace {

Metrics* registry = nullptr;

Counter outcome_counter(Metrics& metrics, const std::string& controller, const char* result) {
  return metrics.counter("nestor_reconcile_total", "Reconciles that ended, by result",
                         {{"controller", controller}, {"result", result}});
}

}  // namespace

void set_metrics(Metrics* metrics) { registry = metrics; }

Metrics* metrics() { return registry; }

struct ControllerMetrics::Handles {
  Handles(Metrics& metrics, const std::string& controller)
      : done(outcome_counter(metrics, controller, "done")),
        requeued(outcome_counter(metrics, controller, "requeued")),
        failed(outcome_counter(metrics, controller, "failed")),
        seconds(metrics.histogram("nestor_reconcile_seconds", "How long a reconcile took",
                                  {{"controller", controller}},
                                  {0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60})),
        depth(metrics.gauge("nestor_queue_depth", "Keys that wait to be reconciled",
                            {{"controller", controller}})) {}

  Counter done;
  Counter requeued;
  Counter failed;
  Histogram seconds;
  Gauge depth;
};

ControllerMetrics::ControllerMetrics(const std::string& controller) {
  if (registry != nullptr) handles_ = std::make_unique<Handles>(*registry, controller);
}

ControllerMetrics::~ControllerMetrics() = default;

void ControllerMetrics::reconciled(Outcome outcome, std::chrono::steady_clock::duration took) {
  if (!handles_) return;
  switch (outcome) {
    case Outcome::kDone:
      handles_->done.increment();
      break;
    case Outcome::kRequeued:
      handles_->requeued.increment();
      break;
    case Outcome::kFailed:
      handles_->failed.increment();
      break;
  }
  handles_->seconds.observe(std::chrono::duration<double>(took).count());
}

void ControllerMetrics::depth(std::size_t keys) {
  if (handles_) handles_->depth.set(static_cast<double>(keys));
}

}  // namespace nestor::kube
