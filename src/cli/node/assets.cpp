#include "cli/node/assets.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <filesystem>

#include "cli/node/layout.hpp"
#include "cli/node/system.hpp"

namespace nestor::node {

namespace fs = std::filesystem;

std::vector<std::string> asset_places() {
  if (const char* given = std::getenv("NESTOR_ASSETS"); given != nullptr && *given) return {given};
  std::error_code error;
  const fs::path own = fs::read_symlink("/proc/self/exe", error).parent_path();
  std::vector<std::string> places;
  for (const char* place : {"../assets", "assets", "../../assets", "../share/nestor/assets"}) {
    places.push_back((own / place).lexically_normal().string());
  }
  places.emplace_back("/usr/share/nestor/assets");
  return places;
}

Result<std::string> find_assets(const std::string& given) {
  const auto places = given.empty() ? asset_places() : std::vector{given};
  for (const auto& place : places) {
    if (exists(place + "/bin/containerd")) return absolute_directory(place);
  }
  return fail(Code::kNotFound, fmt::format("no assets (bin, cni, images) in {}; name their "
                                           "directory with --assets",
                                           fmt::join(places, ", ")));
}

std::string find_program(const std::string& name) {
  for (const auto& place : asset_places()) {
    if (const std::string path = place + "/bin/" + name; exists(path)) return path;
  }
  return name;
}

Result<std::string> find_chart(const std::string& given, const std::string& assets) {
  if (!given.empty()) {
    if (exists(given + "/Chart.yaml")) return absolute_directory(given);
    return fail(Code::kNotFound, given + " holds no Chart.yaml; name a chart with --chart");
  }
  for (const char* place : {"/charts/nestor", "/../charts/nestor", "/../../charts/nestor"}) {
    if (exists(assets + place + "/Chart.yaml")) return absolute_directory(assets + place);
  }
  return fail(Code::kNotFound,
              fmt::format("no chart charts/nestor in {} or beside it: name it with --chart, or "
                          "start Kubernetes only with --skip-chart",
                          assets));
}

}  // namespace nestor::node
