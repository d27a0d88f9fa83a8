#include "vm/launcher/cloud_init.hpp"

#include <boost/asio/ip/network_v4.hpp>
#include <utility>

namespace nestor::vm {
namespace {

JsonArray to_array(const std::vector<std::string>& values) {
  JsonArray out;
  for (const std::string& value : values) out.emplace_back(value);
  return out;
}

/// "10.1.2.3/24" as {"10.1.2.3", "255.255.255.0"}; IPv6 keeps its prefix length in the address.
std::pair<std::string, std::string> with_netmask(const std::string& cidr) {
  boost::system::error_code error;
  const auto network = asio::ip::make_network_v4(cidr, error);
  if (error) return {cidr, ""};
  return {cidr.substr(0, cidr.find('/')), network.netmask().to_string()};
}

JsonObject openstack_route(const Route& route) {
  const auto [network, netmask] = with_netmask(route.destination);
  JsonObject out{{"network", network}};
  if (!netmask.empty()) out["netmask"] = netmask;
  out["gateway"] = route.gateway;
  return out;
}

}  // namespace

Json network_config_v2(const PodLink& link, const Dns& dns) {
  JsonArray routes;
  for (const Route& route : link.routes) {
    JsonObject item{{"to", route.destination}};
    if (route.gateway.empty()) {
      item["scope"] = "link";
    } else {
      item["via"] = route.gateway;
    }
    if (route.on_link) item["on-link"] = true;
    routes.push_back(std::move(item));
  }
  JsonObject ethernet{{"match", JsonObject{{"macaddress", link.mac}}},
                      {"set-name", link.name},
                      {"dhcp4", false},
                      {"dhcp6", false},
                      {"mtu", link.mtu},
                      {"addresses", to_array(link.addresses)}};
  if (!routes.empty()) ethernet["routes"] = std::move(routes);
  if (!dns.servers.empty()) {
    JsonObject servers{{"addresses", to_array(dns.servers)}};
    if (!dns.search.empty()) servers["search"] = to_array(dns.search);
    ethernet["nameservers"] = std::move(servers);
  }
  return JsonObject{{"version", 2}, {"ethernets", JsonObject{{link.name, std::move(ethernet)}}}};
}

Json openstack_network_data(const PodLink& link, const Dns& dns) {
  JsonArray networks;
  for (const std::string& address : link.addresses) {
    const bool v6 = is_v6(address);
    const auto [ip, netmask] = with_netmask(address);
    JsonArray routes;
    for (const Route& route : link.routes) {
      // the format has no routes without gateway; such a one only makes the gateway reachable
      if (route.gateway.empty() || is_v6(route.destination) != v6) continue;
      routes.push_back(openstack_route(route));
    }
    JsonObject network{{"id", "network" + std::to_string(networks.size())},
                       {"link", link.name},
                       {"type", v6 ? "ipv6" : "ipv4"},
                       {"ip_address", ip}};
    if (!netmask.empty()) network["netmask"] = netmask;
    if (!routes.empty()) network["routes"] = std::move(routes);
    if (!dns.servers.empty()) network["dns_nameservers"] = to_array(dns.servers);
    if (!dns.search.empty()) network["dns_search"] = to_array(dns.search);
    networks.push_back(std::move(network));
  }
  JsonArray services;
  for (const std::string& server : dns.servers) {
    services.push_back(JsonObject{{"type", "dns"}, {"address", server}});
  }
  return JsonObject{{"links", JsonArray{JsonObject{{"id", link.name},
                                                   {"type", "phy"},
                                                   {"mtu", link.mtu},
                                                   {"ethernet_mac_address", link.mac}}}},
                    {"networks", std::move(networks)},
                    {"services", std::move(services)}};
}

Seed make_nocloud_seed(const SeedInput& input) {
  const JsonObject meta{{"instance-id", input.uuid}, {"local-hostname", input.hostname}};
  const std::string network = input.network_data.empty()
                                  ? to_text(network_config_v2(input.link, input.dns))
                                  : input.network_data;
  return {
      "cidata",
      {{"meta-data", to_text(meta)}, {"user-data", input.user_data}, {"network-config", network}}};
}

Seed make_config_drive_seed(const SeedInput& input) {
  const std::string hostname = input.hostname;
  const JsonObject meta{{"instance_id", input.instance_name + "." + input.instance_ns},
                        {"uuid", input.uuid},
                        {"name", hostname},
                        {"hostname", hostname}};
  const std::string network = input.network_data.empty()
                                  ? to_text(openstack_network_data(input.link, input.dns))
                                  : input.network_data;
  return {"config-2",
          {{"openstack/latest/meta_data.json", to_text(meta)},
           {"openstack/latest/user_data", input.user_data},
           {"openstack/latest/network_data.json", network}}};
}

}  // namespace nestor::vm
