#pragma once

#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/base64.hpp"
#include "base/json.hpp"
#include "base/process.hpp"

namespace nestor::addon::testing {

/// helm behind its command line: releases of one tenant, charts that can be pulled, and templates
/// that it renders as "rendered: <how often>". Looks at what it is given as a program would: files
/// exist and are private, nothing of our environment is there.
class FakeHelm final : public ProcessRunner {
 public:
  struct State {
    std::int64_t revision = 0;
    std::string status;
    std::string description;
    std::string values;
    std::string chart_file;
  };

  Task<ProcessOutput> run(ProcessSpec spec) override {
    commands.push_back(spec.argv);
    check(spec);
    if (hangs && spec.argv.at(1) == "upgrade") {
      asio::steady_timer forever(co_await asio::this_coro::executor,
                                 asio::steady_timer::time_point::max());
      co_await forever.async_wait(asio::as_tuple(asio::use_awaitable));
      co_return fail(Code::kCancelled, "killed");
    }
    co_return answer(spec);
  }

  /// By name; all in one namespace each.
  std::map<std::string, State> releases;
  std::vector<std::vector<std::string>> commands;
  /// What the next installs and upgrades say before they fail; "" succeeds.
  std::string fault;
  std::string uninstall_fault;
  std::string template_fault;
  int rendered = 0;
  /// An upgrade that never ends: it waits for pods.
  bool hangs = false;
  /// Broken rules of secrecy, and runs without a limit; must stay empty.
  std::vector<std::string> leaks;

  int count(const std::string& verb) const {
    int out = 0;
    for (const auto& command : commands) out += command.at(1) == verb ? 1 : 0;
    return out;
  }
  std::string last(const std::string& verb) const {
    std::string out;
    for (const auto& command : commands) {
      if (command.at(1) != verb) continue;
      out.clear();
      for (const auto& word : command) out += word + " ";
    }
    return out;
  }

 private:
  static std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void check(const ProcessSpec& spec) {
    if (spec.max_memory == 0 || !spec.env.contains("GOMEMLIMIT")) leaks.emplace_back("memory");
    if (!spec.clean_env) leaks.push_back("environment");
    for (const char* name : {"KUBERNETES_SERVICE_HOST", "AWS_SECRET"}) {
      if (spec.env.contains(name)) leaks.emplace_back(name);
    }
    for (const char* name : {"HOME", "TMPDIR", "HELM_PLUGINS"}) {
      if (!std::filesystem::is_directory(spec.env.at(name))) leaks.emplace_back(name);
    }
    struct stat info{};
    const std::string& kubeconfig = spec.env.at("KUBECONFIG");
    if (::stat(kubeconfig.c_str(), &info) == 0 && (info.st_mode & 077U) != 0) {
      leaks.push_back("kubeconfig is readable by others");
    }
    for (const auto& word : spec.argv) {
      if (word.find("abc") != std::string::npos) leaks.push_back("token in the command line");
    }
  }
  static std::string flag(const std::vector<std::string>& argv, const std::string& name) {
    for (const auto& word : argv) {
      if (word.starts_with(name + "=")) return word.substr(name.size() + 1);
    }
    return {};
  }
  ProcessOutput answer(const ProcessSpec& spec) {
    const auto& argv = spec.argv;
    const std::string& verb = argv.at(1);
    if (verb == "template") {
      if (!template_fault.empty()) return {1, "", template_fault};
      return {0,
              "---\n# Source: values\nresult: \"" +
                  base64_encode("rendered: " + std::to_string(++rendered)) + "\"\n",
              ""};
    }
    if (verb == "pull") {
      std::ofstream(flag(argv, "--destination") + "/app-1.0.0.tgz") << "archive";
      return {};
    }
    if (read(spec.env.at("KUBECONFIG")).find("server") == std::string::npos) {
      return {1, "", "Error: Kubernetes cluster unreachable\n"};
    }
    if (verb == "uninstall") {
      if (!uninstall_fault.empty()) return {1, "", "Error: " + uninstall_fault + "\n"};
      const auto it = releases.find(argv.back());
      if (std::ranges::find(argv, "--keep-history") == argv.end()) {
        releases.erase(argv.back());
      } else if (it != releases.end()) {
        if (it->second.status == "uninstalled") {
          return {1, "", "Error: the release named \"" + it->first + "\" is already deleted\n"};
        }
        it->second.status = "uninstalled";
      }
      return {};
    }
    if (verb == "history") {
      const auto it = releases.find(argv.back());
      if (it == releases.end()) return {1, "", "Error: release: not found\n"};
      const State& state = it->second;
      return {0,
              to_text(JsonArray{JsonObject{{"revision", state.revision},
                                           {"status", state.status},
                                           {"description", state.description}}}),
              ""};
    }
    return upgrade(argv);
  }
  ProcessOutput upgrade(const std::vector<std::string>& argv) {
    State& state = releases[argv.at(argv.size() - 2)];
    ++state.revision;
    state.chart_file = argv.back();
    if (!std::filesystem::exists(argv.back())) return {1, "", "Error: path not found\n"};
    state.values = read(flag(argv, "--values"));
    state.status = fault.empty() ? "deployed" : "failed";
    state.description = fault.empty() ? flag(argv, "--description") : fault;
    if (!fault.empty()) {
      return {1, "", "WARNING: old API\nError: UPGRADE FAILED: " + fault + "\n"};
    }
    return {};
  }
};

}  // namespace nestor::addon::testing
