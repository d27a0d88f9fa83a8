#include "vm/launcher/network.hpp"

#include <fmt/core.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <charconv>
#include <sstream>

namespace nestor::vm {
namespace {

/// Whether `gateway` lies in the network of `address` (with prefix length).
bool contains(const std::string& address, const std::string& gateway) {
  boost::system::error_code error;
  const auto ip = asio::ip::make_address(gateway, error);
  if (error) return false;
  if (ip.is_v4()) {
    const auto network = asio::ip::make_network_v4(address, error);
    if (error) return false;
    return asio::ip::network_v4(ip.to_v4(), network.prefix_length()).canonical() ==
           network.canonical();
  }
  const auto network = asio::ip::make_network_v6(address, error);
  if (error) return false;
  return asio::ip::network_v6(ip.to_v6(), network.prefix_length()).canonical() ==
         network.canonical();
}

void read_addresses(const Json& link, PodLink& out) {
  const Json* infos = find(link, {"addr_info"});
  if (infos == nullptr || !infos->is_array()) return;
  for (const Json& info : infos->get_array()) {
    const std::string_view local = find_string(info, {"local"});
    const Json* prefix = find(info, {"prefixlen"});
    if (local.empty() || prefix == nullptr || !prefix->is_int64()) continue;
    if (find_string(info, {"scope"}) != "global") continue;
    out.addresses.push_back(fmt::format("{}/{}", local, prefix->get_int64()));
  }
}

void read_routes(const Json& routes, PodLink& out) {
  if (!routes.is_array()) return;
  for (const Json& item : routes.get_array()) {
    // the kernel makes these itself from the addresses
    if (find_string(item, {"protocol"}) == "kernel") continue;
    Route route{std::string(find_string(item, {"dst"})),
                std::string(find_string(item, {"gateway"}))};
    if (route.destination.empty() || route.destination.starts_with("fe80:")) continue;
    if (route.destination == "default") {
      route.destination = is_v6(route.gateway) ? "::/0" : "0.0.0.0/0";
    } else if (route.destination.find('/') == std::string::npos) {
      route.destination += is_v6(route.destination) ? "/128" : "/32";
    }
    if (!route.gateway.empty()) {
      route.on_link = true;
      for (const std::string& address : out.addresses) {
        if (contains(address, route.gateway)) route.on_link = false;
      }
    }
    out.routes.push_back(std::move(route));
  }
}

}  // namespace

Result<PodLink> read_pod_link(const Json& addresses, const Json& routes) {
  const auto missing = [](const char* what) {
    return fail(Code::kFailedPrecondition, fmt::format("the pod's interface eth0 has no {}", what));
  };
  if (!addresses.is_array()) return missing("description");
  for (const Json& link : addresses.get_array()) {
    PodLink out;
    if (find_string(link, {"ifname"}) != out.name) continue;
    out.mac = find_string(link, {"address"});
    if (const Json* mtu = find(link, {"mtu"}); mtu != nullptr && mtu->is_int64()) {
      out.mtu = static_cast<int>(mtu->get_int64());
    }
    read_addresses(link, out);
    read_routes(routes, out);
    if (out.mac.size() != 17) return missing("MAC address");
    if (out.addresses.empty()) return missing("address");
    return out;
  }
  return missing("description");
}

std::string bridge_port_mac(std::string_view pod_mac) {
  unsigned first = 0;
  std::from_chars(pod_mac.data(), pod_mac.data() + std::min<std::size_t>(2, pod_mac.size()), first,
                  16);
  // bit 1: locally administered; bit 0: multicast. Another bit flips, so that it is not the
  // guest's.
  first = ((first | 2U) & ~1U) ^ 0x40U;
  return fmt::format("{:02x}{}", first, pod_mac.substr(std::min<std::size_t>(2, pod_mac.size())));
}

std::vector<std::vector<std::string>> bridge_commands(const PodLink& link) {
  const std::string nic = link.name + "-nic";
  const std::string bridge(kBridge);
  const std::string tap(kTap);
  const std::string mtu = std::to_string(link.mtu);
  const std::string mac = bridge_port_mac(link.mac);
  return {
      {"ip", "link", "set", "dev", link.name, "down"},
      {"ip", "address", "flush", "dev", link.name},
      {"ip", "link", "set", "dev", link.name, "name", nic},
      {"ip", "link", "set", "dev", nic, "address", mac},
      // the bridge's own MAC is its port's: the guest's must not be local to it
      {"ip", "link", "add", "name", bridge, "address", mac, "mtu", mtu, "type", "bridge",
       "forward_delay", "0"},
      {"ip", "link", "set", "dev", nic, "master", bridge},
      {"bridge", "link", "set", "dev", nic, "learning", "off"},
      {"ip", "tuntap", "add", "dev", tap, "mode", "tap"},
      {"ip", "link", "set", "dev", tap, "mtu", mtu, "master", bridge},
      {"ip", "link", "set", "dev", bridge, "up"},
      {"ip", "link", "set", "dev", nic, "up"},
      {"ip", "link", "set", "dev", tap, "up"},
  };
}

Dns read_resolv_conf(std::string_view text) {
  Dns out;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    words >> word;
    const bool server = word == "nameserver";
    if (word == "search") out.search.clear();  // the last one counts
    if (!server && word != "search") continue;
    while (words >> word && !word.starts_with('#')) {
      (server ? out.servers : out.search).push_back(word);
    }
  }
  return out;
}

Task<PodLink> set_up_bridge(ProcessRunner& processes) {
  ProcessSpec show{{"ip", "-json", "address", "show"}};
  NESTOR_CO_TRY(const ProcessOutput addresses, co_await run_checked(processes, show));
  ProcessSpec routes4{{"ip", "-json", "route", "show", "dev", "eth0"}};
  NESTOR_CO_TRY(const ProcessOutput ipv4, co_await run_checked(processes, routes4));
  ProcessSpec routes6{{"ip", "-json", "-6", "route", "show", "dev", "eth0"}};
  // fails where the kernel has no IPv6
  NESTOR_CO_TRY(const ProcessOutput ipv6, co_await processes.run(routes6));

  NESTOR_CO_TRY(const Json links, parse_json(addresses.out));
  // A guest without its routes starts, but never joins: better not to start it.
  NESTOR_CO_TRY(const Json routes4_list, parse_json(ipv4.out));
  if (!routes4_list.is_array()) co_return fail(Code::kInternal, "ip route: not a list");
  JsonArray routes = routes4_list.get_array();
  if (const auto list = parse_json(ipv6.out); list && list->is_array()) {
    for (const Json& route : list->get_array()) routes.push_back(route);
  }
  NESTOR_CO_TRY(PodLink link, read_pod_link(links, Json(routes)));
  for (const auto& argv : bridge_commands(link)) {
    ProcessSpec command{argv};
    NESTOR_CO_TRY_VOID(co_await run_checked(processes, command));
  }
  co_return link;
}

}  // namespace nestor::vm
