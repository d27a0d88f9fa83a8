#include "vm/size.hpp"

#include <algorithm>
#include <string>

#include "base/quantity.hpp"

namespace nestor::vm {
namespace {

/// The resource in requests, else in limits, else nullptr.
const Quantity* requested(const api::kubevirt::ResourceRequirements& resources,
                          const std::string& name) {
  if (auto it = resources.requests.find(name); it != resources.requests.end()) return &it->second;
  if (auto it = resources.limits.find(name); it != resources.limits.end()) return &it->second;
  return nullptr;
}

}  // namespace

Result<CpuTopology> cpu_topology(const api::kubevirt::Domain& domain) {
  CpuTopology out;
  const auto count = [](const std::optional<std::int64_t>& value) {
    // bounded, so that the product stays an int
    return static_cast<int>(std::clamp<std::int64_t>(value.value_or(1), 1, 256));
  };
  if (domain.cpu && (domain.cpu->cores || domain.cpu->sockets || domain.cpu->threads)) {
    out = {count(domain.cpu->sockets), count(domain.cpu->cores), count(domain.cpu->threads)};
  } else if (const Quantity* cpu = requested(domain.resources, "cpu")) {
    NESTOR_TRY(const std::int64_t millis, parse_quantity_milli(*cpu));
    out.sockets = static_cast<int>(std::max<std::int64_t>((millis + 999) / 1000, 1));
  }
  if (out.total() > 255) return fail(Code::kInvalidArgument, "more than 255 CPUs");
  return out;
}

std::int64_t memory_overhead(std::int64_t memory, const CpuTopology& cpu) {
  constexpr std::int64_t kPrograms = 112 * kMiB;
  constexpr std::int64_t kEachCpu = 8 * kMiB;
  // in whole MiB, so that the pod's sizes stay readable
  const std::int64_t page_tables = (memory / 256 + kMiB - 1) / kMiB * kMiB;
  return kPrograms + page_tables + cpu.total() * kEachCpu;
}

Result<std::int64_t> guest_memory(const api::kubevirt::Domain& domain) {
  if (domain.memory && !domain.memory->guest.empty()) return parse_quantity(domain.memory->guest);
  if (const Quantity* memory = requested(domain.resources, "memory")) {
    return parse_quantity(*memory);
  }
  return fail(Code::kInvalidArgument, "the machine names no memory (domain.memory.guest)");
}

}  // namespace nestor::vm
