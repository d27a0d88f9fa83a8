#pragma once

#include <string>

namespace CLI {
class App;
}

namespace nestor::cli {

/// Adds the commands that Nestor's own pods run: the manager, the launcher of a machine, both sides
/// of the disks and of the tunnel. They write their exit code to `exit_code`, which must outlive
/// the app.
void add_role_commands(CLI::App& app, int& exit_code);

/// A command of that kind, in the group of the help text that is not for people.
CLI::App& add_role(CLI::App& app, const std::string& name, const std::string& help);

}  // namespace nestor::cli
