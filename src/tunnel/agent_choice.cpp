#include "tunnel/agent_choice.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "net/url.hpp"

namespace nestor::tunnel {

namespace {

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(at), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

bool fits(const Candidate& candidate, Strategy strategy, const std::string& host) {
  switch (strategy) {
    case Strategy::kDefault:
      return true;
    case Strategy::kDestHost:
      return std::ranges::find(candidate.identifiers->hosts, host) !=
             candidate.identifiers->hosts.end();
    case Strategy::kDefaultRoute:
      return candidate.identifiers->default_route;
  }
  return false;
}

}  // namespace

Result<std::vector<Strategy>> parse_strategies(std::string_view text) {
  std::vector<Strategy> out;
  for (const std::string_view name : split(text, ',')) {
    if (name == "default") {
      out.push_back(Strategy::kDefault);
    } else if (name == "destHost") {
      out.push_back(Strategy::kDestHost);
    } else if (name == "defaultRoute") {
      out.push_back(Strategy::kDefaultRoute);
    } else {
      return fail(Code::kInvalidArgument, "no proxy strategy \"" + std::string(name) +
                                              "\": there are default, destHost and defaultRoute");
    }
  }
  if (out.empty()) return fail(Code::kInvalidArgument, "no proxy strategy given");
  return out;
}

Result<Identifiers> parse_identifiers(std::string_view text) {
  Identifiers out;
  for (const std::string_view pair : split(text, '&')) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) {
      return fail(Code::kInvalidArgument, "agent identifier without value: " + std::string(pair));
    }
    const std::string_view name = pair.substr(0, equals);
    NESTOR_TRY(std::string value, net::percent_decode(pair.substr(equals + 1)));
    if (name == "ipv4" || name == "ipv6" || name == "host") {
      out.hosts.push_back(std::move(value));
    } else if (name == "default-route") {
      out.default_route = value == "true";
    } else if (name != "cidr") {
      return fail(Code::kInvalidArgument, "unknown agent identifier: " + std::string(name));
    }
  }
  return out;
}

Result<Address> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return fail(Code::kInvalidArgument, "no port in address " + std::string(text));
  }
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
  if (host.empty() || !port) {
    return fail(Code::kInvalidArgument, "not an address: " + std::string(text));
  }
  return Address{.host = std::string(host), .port = *port};
}

int choose_agent(const std::vector<Candidate>& candidates, const std::vector<Strategy>& strategies,
                 const std::string& host, Random& random) {
  for (const bool draining : {false, true}) {
    for (const Strategy strategy : strategies) {
      std::vector<int> fitting;
      for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (candidates[i].draining == draining && fits(candidates[i], strategy, host)) {
          fitting.push_back(static_cast<int>(i));
        }
      }
      if (fitting.empty()) continue;
      const auto pick =
          static_cast<std::size_t>(random.uniform() * static_cast<double>(fitting.size()));
      return fitting[std::min(pick, fitting.size() - 1)];
    }
  }
  return -1;
}

}  // namespace nestor::tunnel
