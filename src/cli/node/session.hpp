#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "cli/node/layout.hpp"
#include "cli/node/system.hpp"

/// How the commands find, start and stop the supervisor of a state directory.
namespace nestor::node {

/// Of a node whose supervisor lives.
struct Session {
  int supervisor = 0;
  /// 0 while there is no sandbox: it is being made, or has just died.
  int init = 0;
};

/// Nothing when no supervisor runs.
Result<std::optional<Session>> find_session(const Layout& layout);

/// find_session, but waits for a sandbox that the supervisor is making anew.
Result<std::optional<Session>> await_session(const Layout& layout);

/// Starts the supervisor as a daemon and waits until the sandbox stands.
Result<Session> start_session(const Layout& layout);

/// Asks the supervisor to stop, insists after a while. Nothing to do is success.
Result<> stop_session(const Layout& layout);

/// Keeps other `up` and `down` of this directory away while held, also by the programs that the
/// command has started, should it be killed. Waits for others up to `patience`, then
/// kFailedPrecondition.
Result<UniqueFd> lock_commands(const Layout& layout, std::chrono::milliseconds patience);

}  // namespace nestor::node
