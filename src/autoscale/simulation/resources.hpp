#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace nestor::autoscale {

/// Amounts of what a node has and a pod asks for. CPU in millicores, "pods" in pods, all else in
/// the resource's own unit (bytes, devices).
class Resources {
 public:
  enum Kind : std::uint8_t { kCpu, kMemory, kStorage, kPods, kKinds };

  std::int64_t get(Kind kind) const { return basic_[kind]; }
  void set(Kind kind, std::int64_t amount) { basic_[kind] = amount; }
  /// By Kubernetes' name: "cpu", "memory", "ephemeral-storage", "pods", "nvidia.com/gpu".
  std::int64_t get(std::string_view name) const;
  void set(std::string_view name, std::int64_t amount);
  /// Those beyond the four, sorted by name.
  const std::vector<std::pair<std::string, std::int64_t>>& extended() const { return extended_; }

  Resources& operator+=(const Resources& other);
  Resources& operator-=(const Resources& other);
  /// The greater of the two, name by name.
  void raise_to(const Resources& other);
  /// Whether `request` fits into this beside what is `used`; if not, `lacking` (may be null) gets
  /// the name of what is missing. Of what is not asked for, any amount will do.
  bool fits(const Resources& request, const Resources& used, std::string* lacking = nullptr) const;
  bool operator==(const Resources&) const = default;

  static std::string_view name_of(Kind kind);

 private:
  std::array<std::int64_t, kKinds> basic_{};
  std::vector<std::pair<std::string, std::int64_t>> extended_;
};

/// From quantities by name, as in requests, capacity and allocatable.
/// Errors: kInvalidArgument naming the resource.
Result<Resources> parse_resources(const std::map<std::string, std::string>& quantities);

}  // namespace nestor::autoscale
