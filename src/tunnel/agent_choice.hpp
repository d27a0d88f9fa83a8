#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "base/result.hpp"

namespace nestor::tunnel {

/// How an agent for a connection is chosen, in order: the first that finds one decides.
enum class Strategy {
  /// Any.
  kDefault,
  /// One that says by `host`, `ipv4` or `ipv6` that it serves the address.
  kDestHost,
  /// One that says `default-route=true`.
  kDefaultRoute,
};

/// "default,destHost,defaultRoute". Errors: kInvalidArgument.
Result<std::vector<Strategy>> parse_strategies(std::string_view text);

/// What an agent says that it reaches, "ipv4=10.0.0.1&host=node-a&default-route=true".
struct Identifiers {
  std::vector<std::string> hosts;
  bool default_route = false;
};
/// Errors: kInvalidArgument.
Result<Identifiers> parse_identifiers(std::string_view text);

struct Candidate {
  const Identifiers* identifiers;
  bool draining = false;
};

/// The place in `candidates` of the one to take, or -1 when there is none. One that drains is taken
/// only when all do.
int choose_agent(const std::vector<Candidate>& candidates, const std::vector<Strategy>& strategies,
                 const std::string& host, Random& random);

}  // namespace nestor::tunnel
