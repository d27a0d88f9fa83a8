#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "autoscale/simulation/resources.hpp"
#include "base/random.hpp"

namespace nestor::autoscale {

/// One way to help pending pods: some nodes more of one group.
struct ExpansionOption {
  /// The group's place in the caller's list, and its id (for priorities).
  std::size_t group = 0;
  std::string group_id;
  int nodes = 0;
  std::size_t pods = 0;
  /// What the pods ask for, and what one node has.
  Resources requests;
  Resources capacity;
};

/// The content of ConfigMap cluster-autoscaler-priority-expander, key `priorities`: for each number
/// a list of regular expressions (RE2) on group ids; the highest number that matches wins.
class Priorities {
 public:
  Priorities();
  ~Priorities();
  Priorities(Priorities&&) noexcept;
  Priorities& operator=(Priorities&&) noexcept;

  /// Errors: kInvalidArgument naming the entry. The text is a tenant's: patterns run in linear time
  /// and bounded memory.
  static Result<Priorities> parse(const std::string& yaml);
  /// The highest priority whose patterns match; nothing when none does.
  std::optional<int> of(const std::string& group_id) const;
  bool empty() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The names that choose() knows.
bool known_expander(std::string_view name);

/// The place of the best option: the expanders of `chain` ("least-waste", "most-pods",
/// "least-nodes", "priority", "random") one after the other, each among those the one before found
/// equally good; at last by chance. `options` is not empty.
std::size_t choose(const std::vector<ExpansionOption>& options,
                   const std::vector<std::string>& chain, const Priorities& priorities,
                   Random& random);

}  // namespace nestor::autoscale
