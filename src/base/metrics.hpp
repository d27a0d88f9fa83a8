#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

/// Counters, gauges and histograms, written in Prometheus' text format.
/// Names: https://prometheus.io/docs/practices/naming/. Thread-safe.
namespace nestor {

using Labels = std::map<std::string, std::string>;

/// Only grows. A handle: copying it copies no value. Valid as long as its Metrics, and until
/// remove_series() takes it out.
class Counter {
 public:
  explicit Counter(void* impl) : impl_(impl) {}
  void increment(double by = 1);
  double value() const;

 private:
  void* impl_;
};

/// Goes up and down. A handle, see Counter.
class Gauge {
 public:
  explicit Gauge(void* impl) : impl_(impl) {}
  void set(double value);
  void add(double by);
  double value() const;

 private:
  void* impl_;
};

/// Counts observations in buckets. A handle, see Counter.
class Histogram {
 public:
  explicit Histogram(void* impl) : impl_(impl) {}
  void observe(double value);

 private:
  void* impl_;
};

/// The registry of one process (or one test).
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// The one of that name and those labels, made at the first call. One name has one help text and
  /// one type; asking for a name with another type is a bug and aborts.
  Counter counter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge gauge(const std::string& name, const std::string& help, const Labels& labels = {});
  /// `bounds`: upper ends of the buckets, growing; infinity is added.
  Histogram histogram(const std::string& name, const std::string& help, const Labels& labels,
                      const std::vector<double>& bounds);

  /// Takes out every series, of any name, that has all of `labels` among its own: for something
  /// that is gone, such as a tenant. Their handles must not be used any more. `labels` must not be
  /// empty.
  void remove_series(const Labels& labels);

  /// Prometheus' text exposition format 0.0.4.
  std::string serialize() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nestor
