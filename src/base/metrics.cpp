#include "base/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <utility>

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
  std::mutex mutex;
  /// Of each series how it is taken out.
  std::map<std::pair<std::string, Labels>, std::function<void()>> series;

  template <class T>
  void remember(const std::string& name, const Labels& labels, prometheus::Family<T>& family,
                T& one) {
    const std::scoped_lock lock(mutex);
    series.try_emplace({name, labels}, [&family, &one] { family.Remove(&one); });
  }
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
    auto& one = family.Add(labels);
    impl_->remember(name, labels, family, one);
    return one;
  }));
}

Gauge Metrics::gauge(const std::string& name, const std::string& help, const Labels& labels) {
  return Gauge(or_abort(name, [&]() -> prometheus::Gauge& {
    auto& family = prometheus::BuildGauge().Name(name).Help(help).Register(impl_->registry);
    auto& one = family.Add(labels);
    impl_->remember(name, labels, family, one);
    return one;
  }));
}

Histogram Metrics::histogram(const std::string& name, const std::string& help, const Labels& labels,
                             const std::vector<double>& bounds) {
  return Histogram(or_abort(name, [&]() -> prometheus::Histogram& {
    auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(impl_->registry);
    auto& one = family.Add(labels, bounds);
    impl_->remember(name, labels, family, one);
    return one;
  }));
}

void Metrics::remove_series(const Labels& labels) {
  if (labels.empty()) return;
  const std::scoped_lock lock(impl_->mutex);
  std::erase_if(impl_->series, [&](const auto& entry) {
    const bool fits = std::ranges::includes(entry.first.second, labels);
    if (fits) entry.second();
    return fits;
  });
}

std::string Metrics::serialize() const {
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace nestor
