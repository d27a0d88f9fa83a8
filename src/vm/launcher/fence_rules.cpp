#include "vm/launcher/fence_rules.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include "base/text.hpp"

namespace nestor::vm {
namespace {

using List = std::vector<std::string>;

/// Families apart: nft's sets hold one.
struct Families {
  List v4;
  List v6;
};

/// Nothing reaches nft that was not read as an address here. Networks lose their host bits.
bool add(std::string_view text, Families& out) {
  boost::system::error_code error;
  const std::string copy(text);
  if (text.find('/') == std::string_view::npos) {
    const auto address = asio::ip::make_address(copy, error);
    if (error || (address.is_v6() && address.to_v6().scope_id() != 0)) return false;
    (address.is_v4() ? out.v4 : out.v6).push_back(address.to_string());
    return true;
  }
  if (const auto v4 = asio::ip::make_network_v4(copy, error); !error) {
    out.v4.push_back(v4.canonical().to_string());
    return true;
  }
  const auto v6 = asio::ip::make_network_v6(copy, error);
  if (error) return false;
  out.v6.push_back(v6.canonical().to_string());
  return true;
}

Families families(const List& texts) {
  Families out;
  for (const std::string& text : texts) add(text, out);
  return out;
}

std::string braces(const List& items) { return fmt::format("{{ {} }}", fmt::join(items, ", ")); }

std::string set(std::string_view name, std::string_view type, std::string_view flags,
                const List& elements) {
  std::string out = fmt::format("  set {} {{\n    type {}\n", name, type);
  if (!flags.empty()) out += fmt::format("    {}\n", flags);
  if (!elements.empty()) out += fmt::format("    elements = {}\n", braces(elements));
  return out + "  }\n";
}

std::string sets(const Families& closed, const Families& open) {
  const auto both = [](int family, const List& shut, const List& free) {
    const std::string type = fmt::format("ipv{}_addr", family);
    const auto name = [family](const char* base) { return fmt::format("{}{}", base, family); };
    return set(name("closed"), type, "flags interval\n    auto-merge", shut) +
           set(name("open"), type, "flags interval\n    auto-merge", free) +
           set(name("peers"), type, "", {}) +
           set(name("services"), type + " . inet_proto . inet_service", "", {}) +
           set(name("asked"), type + " . inet_proto . inet_service . inet_service",
               "flags dynamic,timeout\n    timeout 2m\n    size 65536", {});
  };
  return both(4, closed.v4, open.v4) + both(6, closed.v6, open.v6);
}

/// Where a packet of that family with a true sender may go.
std::string destinations(int family, const List& resolvers) {
  const char* ip = family == 4 ? "ip" : "ip6";
  std::string out = fmt::format(
      "    {0} daddr @peers{1} accept\n"
      "    {0} daddr . meta l4proto . th dport @services{1} accept\n"
      "    {0} daddr @open{1} accept\n",
      ip, family);
  if (!resolvers.empty()) {
    out += fmt::format("    {} daddr {} meta l4proto {{ tcp, udp }} th dport 53 accept\n", ip,
                       braces(resolvers));
  }
  return out +
         fmt::format("    {0} daddr @closed{1} goto replies{1}\n    accept\n  }}\n", ip, family);
}

/// What a closed network gets: answers. A fragment could hide what it is.
std::string replies(int family) {
  const bool v4 = family == 4;
  return fmt::format(
      "  chain replies{0} {{\n"
      "    {1} drop\n"
      "    tcp flags & (ack | rst) != 0 accept\n"
      "    {2} accept\n"
      "    {3} daddr . meta l4proto . th dport . th sport @asked{0} accept\n"
      "    drop\n  }}\n",
      family, v4 ? "ip frag-off & 0x3fff != 0" : "exthdr frag exists",
      v4 ? "icmp type { echo-reply, destination-unreachable, time-exceeded, parameter-problem }"
         : "icmpv6 type { echo-reply, destination-unreachable, packet-too-big, time-exceeded, "
           "parameter-problem }",
      v4 ? "ip" : "ip6");
}

/// As nft compares 16 bytes of an ICMPv6 message, whose own keyword older ones lack.
std::string hexadecimal(const std::string& address) {
  return "0x" + to_hex(asio::ip::make_address_v6(address).to_bytes());
}

std::string chain_v4(const Fence& fence, const Families& own) {
  if (own.v4.empty()) return "  chain guest_arp { drop; }\n  chain guest_v4 { drop; }\n";
  List senders = own.v4;
  senders.emplace_back("0.0.0.0");  // asks whether an address is free
  return fmt::format(
             "  chain guest_arp {{\n"
             "    arp operation {{ request, reply }} arp saddr ether {} arp saddr ip {} accept\n"
             "    drop\n  }}\n"
             "  chain guest_v4 {{\n"
             "    ip saddr != {} drop\n",
             fence.mac, braces(senders), braces(own.v4)) +
         destinations(4, families(fence.resolvers).v4);
}

std::string chain_v6(const Fence& fence, const Families& own) {
  if (own.v6.empty()) return "  chain guest_v6 { drop; }\n";
  // Neighbours learn from questions too. The guest answers for its own addresses only, and never
  // speaks as a router. From "::" it asks whether an address is free.
  List senders = own.v6;
  senders.emplace_back("::");
  std::string out = fmt::format(
      "  chain guest_v6 {{\n"
      "    ip6 saddr {} icmpv6 type nd-neighbor-solicit accept\n",
      braces(senders));
  for (const std::string& address : own.v6) {
    out += fmt::format("    icmpv6 type nd-neighbor-advert @th,64,128 {} accept\n",
                       hexadecimal(address));
  }
  out +=
      "    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, nd-redirect } "
      "drop\n";
  out += fmt::format("    ip6 saddr != {} drop\n", braces(own.v6));
  return out + destinations(6, families(fence.resolvers).v6);
}

std::string hooks(const Fence& fence) {
  return fmt::format(R"(  chain from_guest {{
    ether saddr != {mac} drop
    ether type arp goto guest_arp
    ether type ip goto guest_v4
    ether type ip6 goto guest_v6
    drop
  }}
  chain to_guest {{
    ether daddr != {mac} accept
    meta l4proto {{ udp, sctp }} ip saddr @closed4 update @asked4 {{ ip saddr . meta l4proto . th sport . th dport }}
    meta l4proto {{ udp, sctp }} ip6 saddr @closed6 update @asked6 {{ ip6 saddr . meta l4proto . th sport . th dport }}
  }}
  chain ports {{
    type filter hook prerouting priority -200; policy accept;
    iifname "{tap}" goto from_guest
    goto to_guest
  }}
)",
                     fmt::arg("mac", fence.mac), fmt::arg("tap", kTap));
}

std::string replace_set(std::string_view name, const List& elements) {
  std::string out = fmt::format("flush set bridge nestor {}\n", name);
  if (elements.empty()) return out;
  return out + fmt::format("add element bridge nestor {} {}\n", name, braces(elements));
}

}  // namespace

Result<Fence> make_fence(const FenceOptions& options, const PodLink& link, const Dns& dns,
                         std::string_view host_addresses, std::string_view api_address) {
  Fence out;
  out.mac = link.mac;
  out.closed = options.closed;
  out.open = options.open;
  Families checked;
  for (const auto* list : {&options.closed, &options.open}) {
    for (const std::string& network : *list) {
      if (add(network, checked)) continue;
      return fail(Code::kInvalidArgument, "the fence's option " + network + " is no network");
    }
  }
  for (const std::string& address : link.addresses) {
    out.addresses.push_back(address.substr(0, address.find('/')));
    out.closed.push_back(address);
  }
  for (const Route& route : link.routes) {
    if (!route.gateway.empty()) out.closed.push_back(route.gateway);
  }
  while (!host_addresses.empty()) {
    const std::size_t comma = host_addresses.find(',');
    out.closed.emplace_back(host_addresses.substr(0, comma));
    host_addresses.remove_prefix(comma == std::string_view::npos ? host_addresses.size()
                                                                 : comma + 1);
  }
  if (!api_address.empty()) out.closed.emplace_back(api_address);
  out.resolvers = dns.servers;
  return out;
}

std::string fence_rules(const Fence& fence) {
  const Families own = families(fence.addresses);
  // The first line makes the second one valid when there is no table yet.
  return "table bridge nestor\ndelete table bridge nestor\ntable bridge nestor {\n" +
         sets(families(fence.closed), families(fence.open)) + replies(4) + replies(6) +
         chain_v4(fence, own) + chain_v6(fence, own) + hooks(fence) + "}\n";
}

std::string fence_update(const FenceAccess& access) {
  const Families peers = families(access.peers);
  Families services;
  for (const FenceService& service : access.services) {
    const bool known =
        service.protocol == "tcp" || service.protocol == "udp" || service.protocol == "sctp";
    if (!known || service.port < 1 || service.port > 65535) continue;
    Families address;
    if (!add(service.address, address)) continue;
    const auto element = [&service](const std::string& text) {
      return fmt::format("{} . {} . {}", text, service.protocol, service.port);
    };
    if (!address.v4.empty()) services.v4.push_back(element(address.v4.front()));
    if (!address.v6.empty()) services.v6.push_back(element(address.v6.front()));
  }
  return replace_set("peers4", peers.v4) + replace_set("services4", services.v4) +
         replace_set("peers6", peers.v6) + replace_set("services6", services.v6);
}

}  // namespace nestor::vm
