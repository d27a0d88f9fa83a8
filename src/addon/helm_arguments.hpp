#pragma once

#include <string>
#include <vector>

#include "addon/chart_source.hpp"
#include "api/addons/helm_release_proxy.hpp"
#include "base/clock.hpp"

/// The command lines of helm and what they answer. Pure.
namespace nestor::addon {

using Spec = api::addons::HelmReleaseProxySpec;

/// What helm allows: a suffix still fits a label.
inline constexpr std::size_t kMaxReleaseName = 53;

/// Names that go into command lines and paths, and what else helm is given. Errors:
/// kInvalidArgument with the field.
Result<> validate(const Spec& spec);
/// Of these only the release's name and namespace, as helm asks for them: nothing can have been
/// installed under others. Errors: as above.
Result<> validate_release(const Spec& spec);

inline constexpr Duration kDefaultTimeout = std::chrono::minutes(10);
/// A run that waits holds a place that others wait for.
inline constexpr Duration kLongestTimeout = std::chrono::minutes(30);

/// A Go duration ("2m3.5s"), at most kLongestTimeout: more counts as that. "" is kDefaultTimeout.
/// Errors: kInvalidArgument, also for nothing and less.
Result<Duration> helm_timeout(const std::string& text);

/// "" is the namespace `default`.
std::string release_namespace(const Spec& spec);

std::vector<std::string> pull_arguments(const Spec& spec, const ChartSource& source,
                                        const std::string& destination, const std::string& ca_file);
/// `description` is kept with the release.
std::vector<std::string> upgrade_arguments(const Spec& spec, const std::string& chart,
                                           const std::string& values_file,
                                           const std::string& description);
std::vector<std::string> uninstall_arguments(const Spec& spec);
std::vector<std::string> history_arguments(const Spec& spec);

/// The last revision of a release.
struct Release {
  std::int64_t revision = 0;
  std::string status;
  std::string description;
  /// An interrupted helm left it; until it is cleared every other run is refused.
  bool pending() const { return status.starts_with("pending-"); }
};
/// Reads `helm history -o json`. Errors: kDataLoss.
Result<Release> parse_history(const std::string& output);
/// Whether helm says that there is no such release.
bool says_not_found(std::string_view helm_errors);

/// helm's own words on standard error, fit for a condition: without warnings, without paths below
/// `directory`, at most 1,000 bytes.
std::string helm_message(std::string_view helm_errors, const std::string& directory);

}  // namespace nestor::addon
