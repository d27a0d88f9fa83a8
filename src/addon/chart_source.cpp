#include "addon/chart_source.hpp"

#include <array>

namespace nestor::addon {
namespace {

/// Files of a chart that do not stand in a folder.
constexpr std::array<std::string_view, 5> kRootFiles{"Chart.yaml", "Chart.lock", "values.yaml",
                                                     "values.schema.json", ".helmignore"};

Result<ChartSource> object_source(ChartSource::Kind kind, std::string_view path,
                                  std::string_view ns) {
  while (path.starts_with('/')) path.remove_prefix(1);
  const auto slash = path.find('/');
  if (slash != std::string_view::npos) {
    if (path.substr(0, slash) != ns) {
      return fail(Code::kInvalidArgument,
                  "repoURL: a chart in the management cluster must be in the own namespace " +
                      std::string(ns) + ", not in " + std::string(path.substr(0, slash)));
    }
    path.remove_prefix(slash + 1);
  }
  if (path.empty() || path.find('/') != std::string_view::npos) {
    return fail(Code::kInvalidArgument, "repoURL: expected configmap://NAME or secret://NAME");
  }
  return ChartSource{.kind = kind, .object = {std::string(ns), std::string(path)}};
}

Result<std::string> chart_path(const std::string& key) {
  std::string path = key;
  for (std::size_t at = 0; (at = path.find("__", at)) != std::string::npos; ++at) {
    path.replace(at, 2, "/");
  }
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = std::string_view(path).substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") {
      return fail(Code::kInvalidArgument, "key " + key + " is no path of a chart");
    }
    begin = end + 1;
  }
  if (path.find('/') != std::string::npos) return path;
  for (const std::string_view root : kRootFiles) {
    if (path == root) return path;
  }
  return "templates/" + path;
}

}  // namespace

Result<ChartSource> parse_chart_source(std::string_view repo_url, std::string_view ns) {
  const auto mark = repo_url.find("://");
  const std::string_view scheme = repo_url.substr(0, std::min(mark, repo_url.size()));
  const std::string_view rest =
      mark == std::string_view::npos ? std::string_view() : repo_url.substr(mark + 3);
  if (scheme == "configmap") return object_source(ChartSource::Kind::kConfigMap, rest, ns);
  if (scheme == "secret") return object_source(ChartSource::Kind::kSecret, rest, ns);
  if (scheme != "https" && scheme != "http" && scheme != "oci") {
    return fail(Code::kInvalidArgument,
                "repoURL must begin with https://, http://, oci://, configmap:// or secret://");
  }
  const std::string_view host = rest.substr(0, std::min(rest.find('/'), rest.size()));
  if (host.empty()) return fail(Code::kInvalidArgument, "repoURL has no host");
  // They would show in process lists and conditions.
  if (host.find('@') != std::string_view::npos) {
    return fail(Code::kInvalidArgument, "repoURL must not hold a password; use credentials");
  }
  for (const char c : repo_url) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) {
      return fail(Code::kInvalidArgument, "repoURL holds a space or control character");
    }
  }
  ChartSource source;
  source.kind = scheme == "oci" ? ChartSource::Kind::kRegistry : ChartSource::Kind::kRepository;
  source.url = repo_url;
  while (source.url.ends_with('/')) source.url.pop_back();
  return source;
}

Result<ChartFiles> chart_of(const std::map<std::string, std::string>& entries,
                            const std::string& chart, const std::string& version) {
  const std::string archive = "chart.tgz";
  for (const std::string& key : {chart + "-" + version + ".tgz", chart + ".tgz"}) {
    if (const auto it = entries.find(key); it != entries.end()) {
      return ChartFiles{{{archive, it->second}}, archive};
    }
  }
  if (entries.contains("Chart.yaml")) {
    ChartFiles out{{}, "chart"};
    for (const auto& [key, content] : entries) {
      NESTOR_TRY(std::string path, chart_path(key));
      if (!out.files.emplace("chart/" + path, content).second) {
        return fail(Code::kInvalidArgument, "two keys give the file " + path);
      }
    }
    return out;
  }
  ChartFiles only;
  for (const auto& [key, content] : entries) {
    if (!key.ends_with(".tgz")) continue;
    if (!only.files.empty()) {
      return fail(Code::kNotFound, "there is no " + chart + ".tgz among several archives");
    }
    only = ChartFiles{{{archive, content}}, archive};
  }
  if (only.files.empty()) {
    return fail(Code::kNotFound, "it holds neither " + chart + ".tgz nor Chart.yaml");
  }
  return only;
}

}  // namespace nestor::addon
