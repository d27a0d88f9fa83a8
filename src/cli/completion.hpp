#pragma once

#include <string>

namespace CLI {
class App;
}

namespace nestor::cli {

/// A bash completion script of all commands and options of `app`: `source <(nestor completion)`.
/// zsh takes it after `autoload -U bashcompinit && bashcompinit`.
std::string bash_completion(const CLI::App& app);

}  // namespace nestor::cli
