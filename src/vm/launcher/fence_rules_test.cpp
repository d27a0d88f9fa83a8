#include "vm/launcher/fence_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "vm/launcher/fence_guard.hpp"

namespace nestor::vm {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

PodLink link() {
  PodLink out;
  out.mac = "0a:58:0a:f4:00:05";
  out.addresses = {"10.244.0.5/24"};
  out.routes = {{"0.0.0.0/0", "10.244.0.1", false}};
  return out;
}

Fence fence(PodLink pod = link()) {
  return make_fence({}, pod, {{"10.96.0.10"}, {}}, "203.0.113.7,2001:db8::7", "203.0.113.99")
      .value();
}

TEST(MakeFence, ClosesWhatThePodShowsOfTheManagementCluster) {
  const Fence out = fence();
  for (const char* closed : {"10.0.0.0/8", "10.244.0.5/24", "10.244.0.1", "203.0.113.7",
                             "2001:db8::7", "203.0.113.99"}) {
    EXPECT_THAT(out.closed, Contains(closed));
  }
  EXPECT_THAT(out.addresses, ::testing::ElementsAre("10.244.0.5"));
}

TEST(MakeFence, RefusesWhatIsNoNetwork) {
  FenceOptions options;
  options.open = {"10.0.0.0/8; flush ruleset"};
  EXPECT_EQ(make_fence(options, link(), {}, "", "").error().code, Code::kInvalidArgument);
}

TEST(FenceRules, HoldTheGuestToItsOwnAddresses) {
  const std::string rules = fence_rules(fence());
  EXPECT_THAT(rules, HasSubstr("ether saddr != 0a:58:0a:f4:00:05 drop"));
  EXPECT_THAT(rules, HasSubstr("arp saddr ether 0a:58:0a:f4:00:05 arp saddr ip { 10.244.0.5, "
                               "0.0.0.0 } accept"));
  EXPECT_THAT(rules, HasSubstr("ip saddr != { 10.244.0.5 } drop"));
  EXPECT_THAT(rules, HasSubstr("ip daddr { 10.96.0.10 } meta l4proto { tcp, udp } th dport 53"));
  EXPECT_THAT(rules, HasSubstr("chain guest_v6 { drop; }"));
}

TEST(FenceRules, ServeIpv6WhereThePodHasIt) {
  PodLink pod = link();
  pod.addresses.push_back("fd00::5/64");
  const std::string rules = fence_rules(fence(pod));
  EXPECT_THAT(rules, HasSubstr("nd-neighbor-advert @th,64,128 0xfd000000000000000000000000000005"));
  EXPECT_THAT(rules, HasSubstr("ip6 saddr != { fd00::5 } drop"));
  EXPECT_THAT(rules, Not(HasSubstr("chain guest_v6 { drop; }")));
}

TEST(FenceUpdate, ReplacesTheSetsAsAWhole) {
  const std::string update =
      fence_update({{"10.244.0.6", "fd00::6"}, {{"192.168.250.128", "tcp", 6443}}});
  EXPECT_EQ(update,
            "flush set bridge nestor peers4\n"
            "add element bridge nestor peers4 { 10.244.0.6 }\n"
            "flush set bridge nestor services4\n"
            "add element bridge nestor services4 { 192.168.250.128 . tcp . 6443 }\n"
            "flush set bridge nestor peers6\n"
            "add element bridge nestor peers6 { fd00::6 }\n"
            "flush set bridge nestor services6\n");
}

TEST(FenceUpdate, LetsNothingButAddressesThrough) {
  const std::string update = fence_update({{"0.0.0.0/0; flush ruleset", "x", "fe80::1%eth0"},
                                           {{"192.168.250.128", "tcp } accept", 1},
                                            {"192.168.250.128", "tcp", 70000},
                                            {"y", "tcp", 1}}});
  EXPECT_EQ(update, fence_update({}));
}

TEST(ReadFenceUpdate, KnowsNoFileNoAnswerAndNonsense) {
  const auto file = std::filesystem::path(::testing::TempDir()) / "fence-access";
  std::filesystem::remove(file);
  EXPECT_FALSE(read_fence_update(file));
  std::ofstream(file) << "";
  EXPECT_EQ(read_fence_update(file), fence_update({}));
  std::ofstream(file) << R"({"peers": ["10.244.0.6"]})";
  EXPECT_EQ(read_fence_update(file), fence_update({{"10.244.0.6"}, {}}));
  std::ofstream(file) << R"({"peers": 7})";
  EXPECT_FALSE(read_fence_update(file));
}

}  // namespace
}  // namespace nestor::vm
