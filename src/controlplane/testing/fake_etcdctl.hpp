#pragma once

#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/process.hpp"

namespace nestor::controlplane::testing {

/// An etcd behind the command line of etcdctl: users, roles and their grants, with etcd's answers
/// to what exists already or does not. Checks that the key file is private while it is used.
class FakeEtcdctl final : public ProcessRunner {
 public:
  Task<ProcessOutput> run(ProcessSpec spec) override {
    commands.push_back(spec.argv);
    for (const std::string& word : spec.argv) {
      if (word.starts_with("--key=")) check_private(word.substr(6));
    }
    const std::vector<std::string> words = words_of(spec.argv);
    ProcessOutput out = words.at(0) == "defrag" ? defragment(spec.argv) : answer(words);
    if (verb_of(words) == "role get") {
      const int number = ++role_questions;
      asio::steady_timer timer(co_await asio::this_coro::executor);
      while (number > role_answers) {
        timer.expires_after(std::chrono::milliseconds(1));
        co_await timer.async_wait(asio::use_awaitable);
      }
    }
    co_return out;
  }

  std::set<std::string> users;
  /// Role to the key range it may read and write.
  std::map<std::string, std::string> roles;
  std::map<std::string, std::string> grants;
  std::vector<std::string> deleted_prefixes;
  /// Whether authentication is switched on.
  bool auth = true;
  /// One member, as `endpoint status` has it. Sizes are bytes.
  struct Member {
    std::string endpoint = "https://etcd-0:2379";
    std::int64_t size = 20480;
    std::int64_t in_use = 16384;
    std::int64_t quota = 1000000;
    bool down = false;
  };
  std::vector<Member> members{Member{}};
  /// The alarm NOSPACE, and CORRUPT.
  bool full = false;
  bool corrupt = false;
  /// What `defrag` answers instead of doing it.
  std::string defrag_failure;
  bool keys_were_private = true;
  std::vector<std::vector<std::string>> commands;
  /// What `commands` were about, without options: "auth status".
  std::vector<std::string> verbs() const {
    std::vector<std::string> out;
    for (const auto& command : commands) out.push_back(verb_of(words_of(command)));
    return out;
  }
  /// Answers that nobody can be reached.
  bool down = false;
  /// So many commands get this answer.
  int failures = 0;
  std::string failure = "etcdserver: request timed out";
  /// How often it was asked for a role, and how many of these questions are answered: the answers
  /// to the others, true when they were asked, are held back.
  int role_questions = 0;
  int role_answers = std::numeric_limits<int>::max();

 private:
  static std::vector<std::string> words_of(const std::vector<std::string>& command) {
    std::vector<std::string> out;
    for (std::size_t i = 1; i < command.size(); ++i) {
      const std::string& word = command[i];
      if (!word.starts_with("--") || word == "--prefix" || word == "--no-password") {
        out.push_back(word);
      }
    }
    return out;
  }
  static std::string verb_of(const std::vector<std::string>& words) {
    return words.size() < 2 ? words.at(0) : words[0] + " " + words[1];
  }
  static ProcessOutput refuse(std::string why) { return {1, "", "Error: " + why + "\n"}; }

  void check_private(const std::string& path) {
    struct stat info{};
    if (stat(path.c_str(), &info) != 0 || (info.st_mode & 077) != 0) keys_were_private = false;
  }

  ProcessOutput endpoint_status() const {
    std::string list;
    std::string complaints;
    for (const Member& member : members) {
      if (member.down) {
        complaints += "Failed to get the status of endpoint " + member.endpoint +
                      " (context deadline exceeded)\n";
        continue;
      }
      std::string errors;
      if (full) errors += R"("memberID:1  alarm:NOSPACE")";
      if (corrupt) errors += std::string(full ? "," : "") + R"("memberID:1  alarm:CORRUPT")";
      list += std::string(list.empty() ? "" : ",") + R"({"Endpoint":")" + member.endpoint +
              R"(","Status":{"dbSize":)" + std::to_string(member.size) + R"(,"dbSizeInUse":)" +
              std::to_string(member.in_use) + R"(,"dbSizeQuota":)" + std::to_string(member.quota) +
              R"(,"errors":[)" + errors + "]}}";
    }
    return {complaints.empty() ? 0 : 1, list.empty() ? "null\n" : "[" + list + "]\n", complaints};
  }

  ProcessOutput defragment(const std::vector<std::string>& command) {
    if (!defrag_failure.empty()) return refuse(defrag_failure);
    for (Member& member : members) {
      const bool meant = std::ranges::count(command, "--endpoints=" + member.endpoint) > 0;
      if (meant) member.size = member.in_use;
    }
    return {};
  }

  ProcessOutput answer(const std::vector<std::string>& w) {
    if (down) return refuse("context deadline exceeded");
    if (failures > 0) {
      --failures;
      return refuse(failure);
    }
    const std::string verb = verb_of(w);
    if (verb == "user add") {
      return users.insert(w.at(2)).second ? ProcessOutput{}
                                          : refuse("etcdserver: user name already exists");
    }
    if (verb == "user get") {
      return users.contains(w.at(2)) ? ProcessOutput{} : refuse("etcdserver: user name not found");
    }
    if (verb == "role get") {
      return roles.contains(w.at(2)) ? ProcessOutput{} : refuse("etcdserver: role name not found");
    }
    if (verb == "role add") {
      return roles.emplace(w.at(2), "").second ? ProcessOutput{}
                                               : refuse("etcdserver: role name already exists");
    }
    if (verb == "role grant-permission") {
      roles[w.at(2)] = w.at(4);
      return {};
    }
    if (verb == "user grant-role") {
      grants[w.at(2)] = w.at(3);
      return {};
    }
    if (verb == "role delete") {
      return roles.erase(w.at(2)) > 0 ? ProcessOutput{} : refuse("etcdserver: role name not found");
    }
    if (verb == "user delete") {
      return users.erase(w.at(2)) > 0 ? ProcessOutput{} : refuse("etcdserver: user name not found");
    }
    if (w.at(0) == "del") {
      deleted_prefixes.push_back(w.at(2));
      return {};
    }
    if (verb == "endpoint status") return endpoint_status();
    if (verb == "alarm disarm") {
      full = corrupt = false;
      return {};
    }
    if (verb == "auth status") {
      return {0,
              std::string("Authentication Status: ") + (auth ? "true" : "false") +
                  "\nAuthRevision: 1\n",
              ""};
    }
    if (verb == "auth enable") {
      auth = true;
      return {};
    }
    return refuse("unknown command " + verb);
  }
};

}  // namespace nestor::controlplane::testing
