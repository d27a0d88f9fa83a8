#include "addon/helm_arguments.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <chrono>

#include "base/go_duration.hpp"
#include "base/json_convert.hpp"

namespace nestor::addon {
namespace {

constexpr std::size_t kMaxMessage = 1000;
constexpr std::int64_t kMaxHistory = 10;

bool lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/// Words of letters, digits and "-._", as charts have them, parted by "/" ("team/app").
bool chart_name(std::string_view name) {
  bool at_start = true;
  for (const char c : name) {
    const bool word = lower_or_digit(c) || (c >= 'A' && c <= 'Z');
    if (at_start && !word) return false;
    if (!word && c != '-' && c != '.' && c != '_' && c != '/') return false;
    at_start = c == '/';
  }
  return !name.empty() && !at_start;
}

/// A label of DNS.
bool dns_label(std::string_view name) {
  const auto fits = [](char c) { return lower_or_digit(c) || c == '-'; };
  return !name.empty() && std::ranges::all_of(name, fits) && lower_or_digit(name.front()) &&
         lower_or_digit(name.back());
}

/// Labels parted by dots.
bool dns_subdomain(std::string_view name) {
  for (auto dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
    if (!dns_label(name.substr(0, dot))) return false;
    name.remove_prefix(dot + 1);
  }
  return dns_label(name);
}

bool on(const std::optional<bool>& flag) { return flag.value_or(false); }

class Arguments {
 public:
  explicit Arguments(std::string verb) { out_.push_back(std::move(verb)); }
  Arguments& add(const char* flag, const std::string& value) {
    out_.push_back(std::string(flag) + "=" + value);
    return *this;
  }
  Arguments& flag(const char* flag, bool wanted) {
    if (wanted) out_.emplace_back(flag);
    return *this;
  }
  /// Positional words last, so that none can be taken for a flag.
  std::vector<std::string> words(std::initializer_list<std::string> words) && {
    out_.emplace_back("--");
    out_.insert(out_.end(), words);
    return std::move(out_);
  }

 private:
  std::vector<std::string> out_;
};

std::string timeout_text(const Spec& spec) {
  const auto timeout = helm_timeout(spec.options.timeout).value_or(kDefaultTimeout);
  const auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(timeout);
  return std::to_string(whole.count()) + "ms";
}

void erase_all(std::string& text, const std::string& from) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos;) {
    text.erase(at, from.size());
  }
}

/// Lines that helm and its client print beside the error itself.
bool noise(std::string_view line) {
  if (line.starts_with("WARNING:") || line.starts_with("Use --debug")) return true;
  // The client's log: a level, then month and day.
  return line.size() > 6 && (line[0] == 'W' || line[0] == 'E' || line[0] == 'I') &&
         std::ranges::all_of(line.substr(1, 4), [](char c) { return c >= '0' && c <= '9'; }) &&
         line[5] == ' ';
}

/// A Go program that may have no more memory ends with this and pages of stacks.
bool out_of_memory(std::string_view helm_errors) {
  const auto at = helm_errors.find("fatal error: ");
  if (at == std::string_view::npos) return false;
  const std::string_view line = helm_errors.substr(at, helm_errors.find('\n', at) - at);
  return line.find("memory") != std::string_view::npos ||
         line.find("newosproc") != std::string_view::npos;
}

}  // namespace

Result<> validate_release(const Spec& spec) {
  if (spec.releaseName.size() > kMaxReleaseName || !dns_subdomain(spec.releaseName)) {
    return fail(Code::kInvalidArgument,
                "releaseName '" + spec.releaseName + "' must be at most 53 of a-z, 0-9, '-', '.'");
  }
  if (!spec.namespace_.empty() && (spec.namespace_.size() > 63 || !dns_label(spec.namespace_))) {
    return fail(Code::kInvalidArgument, "namespace '" + spec.namespace_ + "' is no valid name");
  }
  return {};
}

Result<> validate(const Spec& spec) {
  if (!chart_name(spec.chartName)) {
    return fail(Code::kInvalidArgument, "chartName '" + spec.chartName + "' is no name of a chart");
  }
  NESTOR_TRY_VOID(validate_release(spec));
  auto timeout = helm_timeout(spec.options.timeout);
  if (!timeout) return with_context(std::move(timeout).error(), "options.timeout");
  return {};
}

Result<Duration> helm_timeout(const std::string& text) {
  if (text.empty()) return kDefaultTimeout;
  auto timeout = parse_go_duration(text);
  if (timeout && timeout->count() > 0) return std::min(*timeout, kLongestTimeout);
  return fail(Code::kInvalidArgument, "'" + text + "' is no duration such as 5m30s");
}

std::string release_namespace(const Spec& spec) {
  return spec.namespace_.empty() ? "default" : spec.namespace_;
}

std::vector<std::string> pull_arguments(const Spec& spec, const ChartSource& source,
                                        const std::string& destination,
                                        const std::string& ca_file) {
  Arguments out("pull");
  out.add("--destination", destination);
  if (!spec.version.empty()) out.add("--version", spec.version);
  if (!ca_file.empty()) out.add("--ca-file", ca_file);
  out.flag("--insecure-skip-tls-verify",
           spec.tlsConfig && on(spec.tlsConfig->insecureSkipTLSVerify));
  if (source.kind == ChartSource::Kind::kRegistry) {
    return std::move(out).words({source.url + "/" + spec.chartName});
  }
  out.add("--repo", source.url);
  return std::move(out).words({spec.chartName});
}

std::vector<std::string> upgrade_arguments(const Spec& spec, const std::string& chart,
                                           const std::string& values_file,
                                           const std::string& description) {
  const auto& options = spec.options;
  const auto& upgrade = options.upgrade;
  Arguments out("upgrade");
  out.flag("--install", true)
      .flag("--hide-notes", true)
      .add("--namespace", release_namespace(spec))
      .add("--values", values_file)
      .add("--description", description)
      .add("--timeout", timeout_text(spec))
      .add("--history-max", std::to_string(upgrade.maxHistory.value_or(kMaxHistory)))
      .flag("--create-namespace", options.install.createNamespace.value_or(true))
      .flag("--wait", on(options.wait))
      .flag("--wait-for-jobs", on(options.waitForJobs))
      .flag("--atomic", on(options.atomic))
      .flag("--no-hooks", on(options.disableHooks))
      .flag("--dependency-update", on(options.dependencyUpdate))
      .flag("--skip-crds", on(options.skipCRDs))
      .flag("--render-subchart-notes", on(options.options))
      .flag("--disable-openapi-validation", on(options.disableOpenAPIValidation))
      .flag("--take-ownership", on(options.takeOwnership))
      .flag("--force", on(upgrade.force))
      .flag("--reset-values", on(upgrade.resetValues))
      .flag("--reuse-values", on(upgrade.reuseValues))
      .flag("--reset-then-reuse-values", on(upgrade.resetThenReuseValues))
      .flag("--cleanup-on-fail", on(upgrade.cleanupOnFail));
  return std::move(out).words({spec.releaseName, chart});
}

std::vector<std::string> uninstall_arguments(const Spec& spec) {
  const auto& options = spec.options;
  Arguments out("uninstall");
  out.flag("--ignore-not-found", true)
      .add("--namespace", release_namespace(spec))
      .add("--timeout", timeout_text(spec))
      .flag("--wait", on(options.wait))
      .flag("--no-hooks", on(options.disableHooks))
      .flag("--keep-history", on(options.uninstall.keepHistory));
  if (!options.uninstall.description.empty()) {
    out.add("--description", options.uninstall.description);
  }
  return std::move(out).words({spec.releaseName});
}

std::vector<std::string> history_arguments(const Spec& spec) {
  Arguments out("history");
  out.add("--namespace", release_namespace(spec)).add("--max", "1").add("--output", "json");
  return std::move(out).words({spec.releaseName});
}

Result<Release> parse_history(const std::string& output) {
  auto parsed = parse_json(output);
  if (!parsed || !parsed->is_array() || parsed->get_array().empty()) {
    return fail(Code::kDataLoss, "helm history gave no revision");
  }
  const Json& last = parsed->get_array().back();
  Release out;
  const Json* revision = find(last, {"revision"});
  if (revision == nullptr || !revision->is_int64()) {
    return fail(Code::kDataLoss, "helm history gave no revision");
  }
  out.revision = revision->get_int64();
  out.status = find_string(last, {"status"});
  out.description = find_string(last, {"description"});
  return out;
}

bool says_not_found(std::string_view helm_errors) {
  return helm_errors.find("release: not found") != std::string_view::npos;
}

std::string helm_message(std::string_view helm_errors, const std::string& directory) {
  if (out_of_memory(helm_errors)) {
    return "helm ran out of the memory it may use: the chart, its values or a template make too "
           "much";
  }
  std::string out;
  while (!helm_errors.empty()) {
    const auto end = std::min(helm_errors.find('\n'), helm_errors.size());
    std::string_view line = helm_errors.substr(0, end);
    helm_errors.remove_prefix(std::min(end + 1, helm_errors.size()));
    if (line.empty() || noise(line)) continue;
    if (line.starts_with("Error: ")) line.remove_prefix(7);
    if (!out.empty()) out += '\n';
    out += line;
  }
  erase_all(out, directory + "/");
  if (out.size() > kMaxMessage) {
    std::size_t cut = kMaxMessage;
    // Not in the middle of a character.
    while (cut > 0 && (static_cast<unsigned char>(out[cut]) & 0xC0U) == 0x80U) --cut;
    out.resize(cut);
    out += "…";
  }
  return out.empty() ? "helm failed without a word" : out;
}

}  // namespace nestor::addon
