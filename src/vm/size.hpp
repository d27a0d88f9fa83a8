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

/// QEMU's cache of translated code when it emulates; it fills up in the first minutes. Bytes.
inline constexpr std::int64_t kTranslationCache = 256 * kMiB;

/// Bytes that the pod needs beside the guest's `memory`, without kTranslationCache. Measured with
/// QEMU 10.0, two CPUs and 1.5 GiB: 94 MiB beside guest and cache, 39 of them pages of programs;
/// the launcher 15. To that, page tables (host's and guest's, 1/512 each) and what a CPU's thread
/// keeps.
std::int64_t memory_overhead(std::int64_t memory, const CpuTopology& cpu);

/// Bytes the guest sees: memory.guest, else the memory request, else the limit.
/// Errors: kInvalidArgument when none is given, or unreadable.
Result<std::int64_t> guest_memory(const api::kubevirt::Domain& domain);

}  // namespace nestor::vm
