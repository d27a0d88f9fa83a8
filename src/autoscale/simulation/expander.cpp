#include "autoscale/simulation/expander.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <numeric>
#include <optional>

#include "base/json.hpp"
#include "base/text.hpp"

namespace nestor::autoscale {
namespace {

constexpr std::array<std::string_view, 5> kExpanders{"least-waste", "most-pods", "least-nodes",
                                                     "priority", "random"};
constexpr std::int64_t kPatternMemory = 1 << 20;
constexpr std::size_t kMaxPatterns = 1000;

/// Part of the new CPU and memory that nobody asked for: 0 to 2.
double waste(const ExpansionOption& option) {
  double sum = 0;
  for (const auto kind : {Resources::kCpu, Resources::kMemory}) {
    const double whole = static_cast<double>(option.capacity.get(kind)) * option.nodes;
    if (whole <= 0) continue;
    sum += (whole - static_cast<double>(option.requests.get(kind))) / whole;
  }
  return sum;
}

/// Keeps those of `left` for which `score` is least.
template <class Score>
void keep_least(std::vector<std::size_t>& left, Score score) {
  const auto best = std::ranges::min(left, {}, score);
  const auto least = score(best);
  std::erase_if(left, [&](std::size_t one) { return score(one) > least; });
}

}  // namespace

struct Priorities::Impl {
  std::map<int, std::vector<std::unique_ptr<RE2>>, std::greater<>> patterns;
};

Priorities::Priorities() : impl_(std::make_unique<Impl>()) {}
Priorities::~Priorities() = default;
Priorities::Priorities(Priorities&&) noexcept = default;
Priorities& Priorities::operator=(Priorities&&) noexcept = default;

bool Priorities::empty() const { return impl_->patterns.empty(); }

Result<Priorities> Priorities::parse(const std::string& yaml) {
  NESTOR_TRY(const auto documents, parse_yaml_documents(yaml));
  if (documents.empty() || !documents.front().is_object()) {
    return fail(Code::kInvalidArgument, "expected a number with a list of patterns per line");
  }
  RE2::Options options;
  options.set_max_mem(kPatternMemory);
  options.set_log_errors(false);
  Priorities out;
  std::size_t count = 0;
  for (const auto& item : documents.front().get_object()) {
    const std::string_view key = item.key();
    const auto priority = parse_number<int>(key);
    if (!priority || !item.value().is_array()) {
      return fail(Code::kInvalidArgument,
                  "\"" + std::string(key) + "\" must be a number with a list of patterns");
    }
    for (const Json& pattern : item.value().get_array()) {
      if (!pattern.is_string() || ++count > kMaxPatterns) {
        return fail(Code::kInvalidArgument, "priority " + std::string(key) +
                                                ": patterns must be texts, at most 1000 of them");
      }
      const std::string text(std::string_view(pattern.get_string()));
      auto compiled = std::make_unique<RE2>(text, options);
      if (!compiled->ok()) {
        return fail(Code::kInvalidArgument, "priority " + std::string(key) + ": pattern " + text +
                                                ": " + compiled->error());
      }
      out.impl_->patterns[*priority].push_back(std::move(compiled));
    }
  }
  return out;
}

std::optional<int> Priorities::of(const std::string& group_id) const {
  for (const auto& [priority, patterns] : impl_->patterns) {
    for (const auto& pattern : patterns) {
      if (RE2::PartialMatch(group_id, *pattern)) return priority;
    }
  }
  return std::nullopt;
}

bool known_expander(std::string_view name) {
  return std::ranges::find(kExpanders, name) != kExpanders.end();
}

std::size_t choose(const std::vector<ExpansionOption>& options,
                   const std::vector<std::string>& chain, const Priorities& priorities,
                   Random& random) {
  std::vector<std::size_t> left(options.size());
  std::iota(left.begin(), left.end(), std::size_t{0});
  for (const std::string& name : chain) {
    if (name == "least-waste") {
      keep_least(left, [&](std::size_t i) { return waste(options[i]); });
    } else if (name == "most-pods") {
      keep_least(left, [&](std::size_t i) { return -static_cast<std::int64_t>(options[i].pods); });
    } else if (name == "least-nodes") {
      keep_least(left, [&](std::size_t i) { return options[i].nodes; });
    } else if (name == "priority" && !priorities.empty()) {
      // A group that no pattern names comes after all that one does.
      keep_least(left, [&](std::size_t i) {
        const auto priority = priorities.of(options[i].group_id);
        return priority ? -std::int64_t{*priority} : std::numeric_limits<std::int64_t>::max();
      });
    }
  }
  const auto pick = static_cast<std::size_t>(random.uniform() * static_cast<double>(left.size()));
  return left[std::min(pick, left.size() - 1)];
}

}  // namespace nestor::autoscale
