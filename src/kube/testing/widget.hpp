#pragma once

#include <boost/describe/class.hpp>
#include <map>
#include <optional>
#include <string>

#include "kube/object.hpp"

namespace nestor::kube::testing {

/// A kind for tests.
struct WidgetSpec {
  std::string color;
  std::optional<std::int64_t> size;
  friend bool operator==(const WidgetSpec&, const WidgetSpec&) = default;
};
BOOST_DESCRIBE_STRUCT(WidgetSpec, (), (color, size))

struct WidgetStatus {
  std::string phase;
  std::vector<Condition> conditions;
  friend bool operator==(const WidgetStatus&, const WidgetStatus&) = default;
};
BOOST_DESCRIBE_STRUCT(WidgetStatus, (), (phase, conditions))

struct Widget {
  static constexpr ResourceType kType{"test.nestor.dev", "v1", "Widget", "widgets"};
  ObjectMeta metadata;
  WidgetSpec spec;
  WidgetStatus status;
};
BOOST_DESCRIBE_STRUCT(Widget, (), (metadata, spec, status))

inline Widget widget(std::string name, std::string color = "red", std::string ns = "default") {
  Widget out;
  out.metadata.name = std::move(name);
  out.metadata.namespace_ = std::move(ns);
  out.spec.color = std::move(color);
  return out;
}

}  // namespace nestor::kube::testing
