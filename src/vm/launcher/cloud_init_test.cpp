#include "vm/launcher/cloud_init.hpp"

#include <gtest/gtest.h>

namespace nestor::vm {
namespace {

SeedInput seed_input() {
  SeedInput input;
  input.instance_name = "w1";
  input.instance_ns = "tenants";
  input.uuid = "u-1";
  input.hostname = "w1";
  input.user_data = "#cloud-config\n{}\n";
  input.link.mac = "0a:58:0a:f4:00:05";
  input.link.mtu = 1450;
  input.link.addresses = {"10.244.0.5/24", "fd00::5/64"};
  input.link.routes = {{"0.0.0.0/0", "10.244.0.1", false}, {"::/0", "fd00::1", false}};
  input.dns = {{"10.96.0.10"}, {"svc.cluster.local"}};
  return input;
}

std::string content(const Seed& seed, std::string_view path) {
  for (const SeedFile& file : seed.files) {
    if (file.path == path) return file.content;
  }
  return "<missing>";
}

TEST(NoCloudSeed, HoldsUserDataAndAStableInstance) {
  const Seed seed = make_nocloud_seed(seed_input());
  EXPECT_EQ(seed.volume_id, "cidata");
  EXPECT_EQ(content(seed, "user-data"), "#cloud-config\n{}\n");
  const Json meta = parse_json(content(seed, "meta-data")).value();
  EXPECT_EQ(find_string(meta, {"instance-id"}), "u-1");
  EXPECT_EQ(find_string(meta, {"local-hostname"}), "w1");
}

TEST(NoCloudSeed, ConfiguresTheInterfaceByMacWithoutDhcp) {
  const Json network =
      parse_json(content(make_nocloud_seed(seed_input()), "network-config")).value();
  EXPECT_EQ(find(network, {"version"})->as_int64(), 2);
  const Json* eth0 = find(network, {"ethernets", "eth0"});
  ASSERT_NE(eth0, nullptr);
  EXPECT_EQ(find_string(*eth0, {"match", "macaddress"}), "0a:58:0a:f4:00:05");
  EXPECT_FALSE(find(*eth0, {"dhcp4"})->as_bool());
  EXPECT_EQ(find(*eth0, {"addresses"})->as_array().size(), 2u);
  EXPECT_EQ(find_string(find(*eth0, {"routes"})->as_array().at(0), {"via"}), "10.244.0.1");
  EXPECT_EQ(find(*eth0, {"nameservers", "search"})->as_array().at(0).as_string(),
            "svc.cluster.local");
}

TEST(NoCloudSeed, SaysThatAGatewayOutsideTheNetworkIsOnTheLink) {
  SeedInput input = seed_input();
  input.link.routes = {{"169.254.1.1/32", "", false}, {"0.0.0.0/0", "169.254.1.1", true}};
  const Json network = network_config_v2(input.link, input.dns);
  const JsonArray& routes = find(network, {"ethernets", "eth0", "routes"})->as_array();
  EXPECT_EQ(find_string(routes.at(0), {"scope"}), "link");
  EXPECT_EQ(find(routes.at(0), {"via"}), nullptr);
  EXPECT_TRUE(find(routes.at(1), {"on-link"})->as_bool());
}

TEST(ConfigDriveSeed, HasOpenStacksLayout) {
  const Seed seed = make_config_drive_seed(seed_input());
  EXPECT_EQ(seed.volume_id, "config-2");
  EXPECT_EQ(content(seed, "openstack/latest/user_data"), "#cloud-config\n{}\n");
  const Json meta = parse_json(content(seed, "openstack/latest/meta_data.json")).value();
  EXPECT_EQ(find_string(meta, {"instance_id"}), "w1.tenants");
  EXPECT_EQ(find_string(meta, {"hostname"}), "w1");
}

TEST(ConfigDriveSeed, SplitsNetworksByFamilyWithTheirRoutes) {
  const Json data = parse_json(content(make_config_drive_seed(seed_input()),
                                       "openstack/latest/network_data.json"))
                        .value();
  const JsonArray& networks = find(data, {"networks"})->as_array();
  ASSERT_EQ(networks.size(), 2u);
  EXPECT_EQ(find_string(networks[0], {"type"}), "ipv4");
  EXPECT_EQ(find_string(networks[0], {"ip_address"}), "10.244.0.5");
  EXPECT_EQ(find_string(networks[0], {"netmask"}), "255.255.255.0");
  const JsonArray& routes = find(networks[0], {"routes"})->as_array();
  ASSERT_EQ(routes.size(), 1u);
  EXPECT_EQ(find_string(routes[0], {"network"}), "0.0.0.0");
  EXPECT_EQ(find_string(routes[0], {"netmask"}), "0.0.0.0");
  EXPECT_EQ(find_string(routes[0], {"gateway"}), "10.244.0.1");
  EXPECT_EQ(find_string(networks[1], {"ip_address"}), "fd00::5/64");
  EXPECT_EQ(find_string(find(data, {"links"})->as_array().at(0), {"ethernet_mac_address"}),
            "0a:58:0a:f4:00:05");
}

TEST(Seeds, PreferTheUsersNetworkData) {
  SeedInput input = seed_input();
  input.network_data = "mine";
  EXPECT_EQ(content(make_nocloud_seed(input), "network-config"), "mine");
  EXPECT_EQ(content(make_config_drive_seed(input), "openstack/latest/network_data.json"), "mine");
}

}  // namespace
}  // namespace nestor::vm
