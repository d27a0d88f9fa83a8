#pragma once

namespace CLI {
class App;
}

namespace nestor::cli {

/// Adds `konnectivity-server` and `konnectivity-agent`, which take upstream's options. Both write
/// their exit code to `exit_code`, which must outlive the app.
void add_tunnel_commands(CLI::App& app, int& exit_code);

}  // namespace nestor::cli
