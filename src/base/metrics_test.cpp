#include "base/metrics.hpp"

#include <gtest/gtest.h>

namespace nestor {
namespace {

TEST(Metrics, SameNameAndLabelsAreTheSameCounter) {
  Metrics metrics;
  metrics.counter("nestor_test_total", "help", {{"a", "x"}}).increment();
  metrics.counter("nestor_test_total", "help", {{"a", "x"}}).increment(2);
  metrics.counter("nestor_test_total", "help", {{"a", "y"}}).increment();
  EXPECT_EQ(metrics.counter("nestor_test_total", "help", {{"a", "x"}}).value(), 3);
  const std::string text = metrics.serialize();
  EXPECT_NE(text.find("# TYPE nestor_test_total counter"), std::string::npos) << text;
  EXPECT_NE(text.find("nestor_test_total{a=\"x\"} 3"), std::string::npos) << text;
  EXPECT_NE(text.find("nestor_test_total{a=\"y\"} 1"), std::string::npos) << text;
}

TEST(Metrics, HistogramsCountPerBucket) {
  Metrics metrics;
  Histogram histogram = metrics.histogram("nestor_test_seconds", "help", {}, {0.1, 1});
  histogram.observe(0.05);
  histogram.observe(0.5);
  histogram.observe(5);
  const std::string text = metrics.serialize();
  EXPECT_NE(text.find("nestor_test_seconds_bucket{le=\"1\"} 2"), std::string::npos) << text;
  EXPECT_NE(text.find("nestor_test_seconds_count 3"), std::string::npos) << text;
}

TEST(Metrics, GaugesGoBothWays) {
  Metrics metrics;
  Gauge gauge = metrics.gauge("nestor_test", "help");
  gauge.set(5);
  gauge.add(-2);
  EXPECT_EQ(metrics.gauge("nestor_test", "help").value(), 3);
}

TEST(Metrics, WhatIsGoneLeavesNoSeries) {
  Metrics metrics;
  metrics.counter("nestor_test_total", "help", {{"tenant", "a"}, {"verb", "get"}}).increment();
  metrics.gauge("nestor_test_up", "help", {{"tenant", "a"}}).set(1);
  metrics.histogram("nestor_test_seconds", "help", {{"tenant", "a"}}, {1}).observe(2);
  metrics.gauge("nestor_test_up", "help", {{"tenant", "ab"}}).set(1);
  metrics.gauge("nestor_test_all", "help").set(1);
  metrics.remove_series({{"tenant", "a"}});
  const std::string text = metrics.serialize();
  EXPECT_EQ(text.find("tenant=\"a\""), std::string::npos) << text;
  EXPECT_NE(text.find("tenant=\"ab\""), std::string::npos) << text;
  EXPECT_NE(text.find("nestor_test_all"), std::string::npos) << text;
  // Made again, it starts anew.
  const Labels labels{{"tenant", "a"}, {"verb", "get"}};
  EXPECT_EQ(metrics.counter("nestor_test_total", "help", labels).value(), 0);
}

}  // namespace
}  // namespace nestor
