#include "cli/completion.hpp"

#include <CLI/CLI.hpp>

namespace nestor::cli {
namespace {

/// One line for each command: "get clusters) words="--help -o …"".
void collect(const CLI::App& app, const std::string& path, std::string& cases) {
  std::string words;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (sub->get_group().empty()) continue;  // hidden
    words += sub->get_name() + " ";
    collect(*sub, path + " " + sub->get_name(), cases);
  }
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
  }
  cases += "    '" + path + "') words='" + words + "' ;;\n";
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
  std::string cases;
  collect(app, app.get_name(), cases);
  return "# bash completion of nestor: source <(nestor completion)\n"
         "_nestor() {\n"
         "  local path=nestor word words=''\n"
         "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
         "    case $word in -*) ;; *) case $(_nestor_words \"$path\") in "
         "*\"$word \"*) path+=\" $word\" ;; esac ;; esac\n"
         "  done\n"
         "  words=$(_nestor_words \"$path\")\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
         "}\n"
         "_nestor_words() {\n"
         "  local words=''\n"
         "  case $1 in\n" +
         cases +
         "  esac\n"
         "  printf '%s' \"$words\"\n"
         "}\n"
         "complete -F _nestor nestor\n";
}

}  // namespace nestor::cli
