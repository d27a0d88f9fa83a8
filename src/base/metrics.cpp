#include "base/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <cstdlib>

#include "base/log.hpp"

namespace nestor {

namespace {

/// Runs a call of the library, whose throws (a bad name, a name with two types) are our bugs.
template <class Function>
auto* or_abort(const std::string& name, Function function) {
  try {
    return &function();
  } catch (const std::exception& error) {
    log::error("base.metrics", "metric {}: {}", name, error.what());
    std::abort();
  }
}

}  // namespace

struct Metrics::Impl {
  prometheus::Registry registry;
};

void Counter::increment(double by) { static_cast<prometheus::Counter*>(impl_)->Increment(by); }
double Counter::value() const { return static_cast<prometheus::Counter*>(impl_)->Value(); }
void Gauge::set(double value) { static_cast<prometheus::Gauge*>(impl_)->Set(value); }
void Gauge::add(double by) { static_cast<prometheus::Gauge*>(impl_)->Increment(by); }
double Gauge::value() const { return static_cast<prometheus::Gauge*>(impl_)->Value(); }
void Histogram::observe(double value) {
  static_cast<prometheus::Histogram*>(impl_)->Observe(value);
}

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

Counter Metrics::counter(const std::string& name, const std::string& help, const Labels& labels) {
  return Counter(or_abort(name, [&]() -> prometheus::Counter& {
    auto& family = prometheus::BuildCounter().Name(name).Help(help).Register(impl_->registry);
    return family.Add(labels);
  }));
}

Gauge Metrics::gauge(const std::string& name, const std::string& help, const Labels& labels) {
  return Gauge(or_abort(name, [&]() -> prometheus::Gauge& {
    auto& family = prometheus::BuildGauge().Name(name).Help(help).Register(impl_->registry);
    return family.Add(labels);
  }));
}

Histogram Metrics::histogram(const std::string& name, const std::string& help, const Labels& labels,
                             const std::vector<double>& bounds) {
  return Histogram(or_abort(name, [&]() -> prometheus::Histogram& {
    auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(impl_->registry);
    return family.Add(labels, bounds);
  }));
}

std::string Metrics::serialize() const {
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace nestor
