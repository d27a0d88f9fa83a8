#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/private_directory.hpp"
#include "base/process.hpp"

namespace nestor::controlplane {

/// How to talk to an etcd as its root user. Holds secrets.
struct EtcdAccess {
  /// "host:port" each.
  std::vector<std::string> endpoints;
  std::string ca_pem;
  std::string cert_pem;
  std::string key_pem;
};

/// The program etcdctl against one etcd. The certificate's files exist as long as this does, in a
/// directory of our own.
class Etcdctl {
 public:
  /// Begins the names of those directories.
  static constexpr std::string_view kDirectoryPrefix = "nestor-etcd";
  using Words = std::vector<std::string>;

  /// `program` is a path or a name looked up in PATH. `runner` must outlive this.
  /// Errors: kInternal (the files cannot be written).
  static Result<Etcdctl> open(ProcessRunner& runner, std::string program, const EtcdAccess& access);

  /// Runs `words` (a command of two words and what it takes) with all endpoints, of which etcdctl
  /// picks one that answers. Errors: as ProcessRunner::run().
  Task<ProcessOutput> run(Words words) const;
  /// The same for a command that etcdctl gives to each of `endpoints` ("https://host:port"; empty:
  /// all of this etcd) in turn, with up to `patience` for each.
  Task<ProcessOutput> run_on_each(Words words, std::vector<std::string> endpoints,
                                  std::chrono::seconds patience) const;

 private:
  Etcdctl(ProcessRunner& runner, std::string program, std::vector<std::string> endpoints,
          PrivateDirectory directory);
  Task<ProcessOutput> run_with(Words words, const std::vector<std::string>& endpoints,
                               std::chrono::seconds patience, Duration timeout) const;

  ProcessRunner& runner_;
  std::string program_;
  std::vector<std::string> endpoints_;
  PrivateDirectory directory_;
};

/// Whether etcdctl's complaint has one of `parts` in it: what etcd refuses has no other name.
bool complains(const ProcessOutput& output, std::span<const std::string_view> parts);

/// Why a command ended with another exit code than 0: kUnavailable when etcd could not be reached,
/// otherwise kInternal; with etcd's words.
Error etcd_failure(const Etcdctl::Words& words, const ProcessOutput& output);

}  // namespace nestor::controlplane
