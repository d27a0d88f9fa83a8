#include "vm/size.hpp"

#include <gtest/gtest.h>

namespace nestor::vm {
namespace {

TEST(CpuTopology, MultipliesAndFallsBackToRequestsAsSockets) {
  api::kubevirt::Domain domain;
  EXPECT_EQ(cpu_topology(domain)->total(), 1);
  domain.resources.requests["cpu"] = "2500m";
  EXPECT_EQ(cpu_topology(domain)->sockets, 3);
  domain.cpu = api::kubevirt::Cpu{.cores = 2, .sockets = 2, .threads = {}, .model = ""};
  EXPECT_EQ(cpu_topology(domain)->total(), 4);
  domain.cpu->cores = 500;
  EXPECT_FALSE(cpu_topology(domain));
}

TEST(MemoryOverhead, GrowsWithMemoryAndCpus) {
  EXPECT_EQ(memory_overhead(1536 * kMiB, {1, 2, 1}), (112 + 6 + 16) * kMiB);
  EXPECT_EQ(memory_overhead(65536 * kMiB, {1, 16, 1}), (112 + 256 + 128) * kMiB);
}

TEST(GuestMemory, PrefersGuestThenRequestThenLimit) {
  api::kubevirt::Domain domain;
  EXPECT_FALSE(guest_memory(domain));
  domain.resources.limits["memory"] = "3Gi";
  EXPECT_EQ(guest_memory(domain).value(), 3072 * kMiB);
  domain.resources.requests["memory"] = "2Gi";
  EXPECT_EQ(guest_memory(domain).value(), 2048 * kMiB);
  domain.memory = api::kubevirt::Memory{"1Gi"};
  EXPECT_EQ(guest_memory(domain).value(), 1024 * kMiB);
}

}  // namespace
}  // namespace nestor::vm
