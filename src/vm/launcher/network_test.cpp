#include "vm/launcher/network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nestor::vm {
namespace {

using ::testing::ElementsAre;

Json addresses(std::string_view info) {
  return parse_json(R"([{"ifname": "lo", "address": "00:00:00:00:00:00", "addr_info": []},
      {"ifname": "eth0", "mtu": 1450, "address": "0a:58:0a:f4:00:05", "addr_info": )" +
                    std::string(info) + "}]")
      .value();
}

const char kIpv4[] = R"([{"family": "inet", "local": "10.244.0.5", "prefixlen": 24,
                          "scope": "global"},
                         {"family": "inet6", "local": "fe80::858:aff:fef4:5", "prefixlen": 64,
                          "scope": "link"}])";

TEST(ReadPodLink, TakesAddressMacMtuAndRoutes) {
  const auto link = read_pod_link(addresses(kIpv4), parse_json(R"([
        {"dst": "default", "gateway": "10.244.0.1", "flags": []},
        {"dst": "10.244.0.0/24", "protocol": "kernel", "scope": "link"},
        {"dst": "10.96.0.10", "gateway": "10.244.0.1"},
        {"dst": "fe80::/64", "protocol": "kernel"}])")
                                                        .value());
  ASSERT_TRUE(link);
  EXPECT_EQ(link->mac, "0a:58:0a:f4:00:05");
  EXPECT_EQ(link->mtu, 1450);
  EXPECT_THAT(link->addresses, ElementsAre("10.244.0.5/24"));
  EXPECT_THAT(link->routes, ElementsAre(Route{"0.0.0.0/0", "10.244.0.1", false},
                                        Route{"10.96.0.10/32", "10.244.0.1", false}));
}

TEST(ReadPodLink, MarksAGatewayOutsideTheNetwork) {
  const auto link =
      read_pod_link(addresses(R"([{"local": "10.1.2.3", "prefixlen": 32, "scope": "global"}])"),
                    parse_json(R"([{"dst": "169.254.1.1", "scope": "link"},
                     {"dst": "default", "gateway": "169.254.1.1"}])")
                        .value());
  ASSERT_TRUE(link);
  EXPECT_THAT(link->routes, ElementsAre(Route{"169.254.1.1/32", "", false},
                                        Route{"0.0.0.0/0", "169.254.1.1", true}));
}

TEST(ReadPodLink, KnowsIpv6Defaults) {
  const auto link =
      read_pod_link(addresses(R"([{"local": "fd00::5", "prefixlen": 64, "scope": "global"}])"),
                    parse_json(R"([{"dst": "default", "gateway": "fd00::1"}])").value());
  ASSERT_TRUE(link);
  EXPECT_THAT(link->routes, ElementsAre(Route{"::/0", "fd00::1", false}));
}

TEST(ReadPodLink, RefusesAPodWithoutAddress) {
  EXPECT_EQ(read_pod_link(addresses("[]"), Json(JsonArray{})).error().code,
            Code::kFailedPrecondition);
  EXPECT_EQ(read_pod_link(parse_json("[]").value(), Json(JsonArray{})).error().code,
            Code::kFailedPrecondition);
}

TEST(BridgePortMac, IsLocalUnicastAndNotTheGuests) {
  for (const char* mac : {"0a:58:0a:f4:00:05", "fe:ff:ff:ff:ff:ff", "00:11:22:33:44:55"}) {
    const std::string port = bridge_port_mac(mac);
    EXPECT_NE(port, mac);
    EXPECT_EQ(port.size(), 17u);
    const int first = std::stoi(port.substr(0, 2), nullptr, 16);
    EXPECT_EQ(first & 3, 2) << port;
  }
}

TEST(BridgeCommands, NeverGiveTheGuestsMacToABridgePort) {
  PodLink link{
      .mac = "0a:58:0a:f4:00:05", .mtu = 1450, .addresses = {"10.244.0.5/24"}, .routes = {}};
  bool learning_off = false;
  for (const auto& argv : bridge_commands(link)) {
    EXPECT_EQ(std::count(argv.begin(), argv.end(), link.mac), 0);
    if (argv ==
        std::vector<std::string>{"bridge", "link", "set", "dev", "eth0-nic", "learning", "off"}) {
      learning_off = true;
    }
  }
  EXPECT_TRUE(learning_off);
}

TEST(ReadResolvConf, TakesServersAndTheLastSearchList) {
  const Dns dns = read_resolv_conf(
      "# made by kubelet\nsearch old.example\nsearch a.svc b.svc # c\nnameserver 10.96.0.10\n"
      "nameserver fd00::a\noptions ndots:5\n");
  EXPECT_THAT(dns.servers, ElementsAre("10.96.0.10", "fd00::a"));
  EXPECT_THAT(dns.search, ElementsAre("a.svc", "b.svc"));
}

}  // namespace
}  // namespace nestor::vm
