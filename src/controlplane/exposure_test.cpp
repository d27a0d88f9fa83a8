#include "controlplane/exposure.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "controlplane/testing/world.hpp"

namespace nestor::controlplane::testing {
namespace {

using api::core::Service;
using api::kamaji::TenantControlPlane;

/// "blue" is reached at 192.0.2.7; another wants that as its external IP.
struct ForeignAddress : World {
  static constexpr const char* kAddress = "192.0.2.7";

  void put_blue() {
    management.put(sample());
    give_address(kAddress);
    ASSERT_TRUE(until([&] { return has_deployment(); }));
  }
  void put_other(int port) {
    TenantControlPlane other = sample();
    other.metadata.name = "red";
    other.spec.networkProfile.address = kAddress;
    other.spec.networkProfile.port = port;
    other.spec.networkProfile.allowAddressAsExternalIP = true;
    management.put(other);
  }
  std::optional<Service> others() const { return management.peek<Service>({"team", "red"}); }
  bool was_refused() const {
    return std::ranges::any_of(
        management.all({"", "v1", "Event", "events"}), [](const Json& event) {
          return find_string(event, {"involvedObject", "name"}) == "red" &&
                 find_string(event, {"message"}).contains("is that of another control plane");
        });
  }
};

TEST_F(ForeignAddress, IsNotCaptured) {
  put_blue();
  put_other(6443);
  ASSERT_TRUE(until([&] { return was_refused(); }));
  EXPECT_FALSE(others());
}

TEST_F(ForeignAddress, IsSharedByDifferentPortsAlone) {
  put_blue();
  put_other(7443);
  ASSERT_TRUE(until([&] { return others().has_value(); }));
  EXPECT_EQ(others()->spec.externalIPs, std::vector<std::string>{kAddress});
  quiet();
  EXPECT_FALSE(was_refused());
  put_other(6443);
  ASSERT_TRUE(until([&] { return was_refused(); }));
  EXPECT_EQ(others()->spec.ports.front().port, 7443);
}

TEST_F(ForeignAddress, StaysWithWhoHadItFirst) {
  put_other(6443);
  ASSERT_TRUE(until([&] { return others().has_value(); }));
  put_blue();
  put_other(6443);
  quiet();
  EXPECT_FALSE(was_refused());
}

}  // namespace
}  // namespace nestor::controlplane::testing
