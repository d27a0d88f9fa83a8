#pragma once

#include <cstdint>

#include "api/kubevirt/domain.hpp"
#include "base/result.hpp"

/// How large a machine is, by KubeVirt's rules.
namespace nestor::vm {

inline constexpr std::int64_t kMiB = 1024 * 1024;

struct CpuTopology {
  int sockets = 1;
  int cores = 1;
  int threads = 1;
  int total() const { return sockets * cores * threads; }
};

/// From domain.cpu; without one, the requested or limited CPUs (rounded up) become sockets.
/// Errors: kInvalidArgument.
Result<CpuTopology> cpu_topology(const api::kubevirt::Domain& domain);

/// Bytes the guest sees: memory.guest, else the memory request, else the limit.
/// Errors: kInvalidArgument when none is given, or unreadable.
Result<std::int64_t> guest_memory(const api::kubevirt::Domain& domain);

}  // namespace nestor::vm
