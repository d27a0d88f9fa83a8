#include "cli/node/images.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/json.hpp>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

#include "base/file.hpp"
#include "cli/node/system.hpp"

namespace nestor::node {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr const char* kControlPlane[] = {"pause", "etcd", "kube-apiserver",
                                         "kube-controller-manager", "kube-scheduler"};
constexpr const char* kFirstPods[] = {"kube-proxy", "coredns", "local-path-provisioner", "busybox"};
constexpr int kImportThreads = 2;
constexpr std::chrono::minutes kImportTime{10};
constexpr std::size_t kTarBlock = 512;
constexpr std::uint64_t kLongestManifest = 1024 * 1024;

Result<Archive> describe(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return system_failure("reading " + path);
  std::error_code error;
  const std::string real = fs::canonical(path, error).string();
  const auto size = static_cast<std::uint64_t>(status.st_size);
  return Archive{
      path, fs::path(path).stem().string(), size,
      fmt::format("{} {} {}.{}\n", real, size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec)};
}

Result<std::string> read_at(const UniqueFd& file, std::uint64_t offset, std::size_t size) {
  std::string text(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const auto count =
        ::pread(file.get(), text.data() + done, size - done, static_cast<off_t>(offset + done));
    if (count < 0) return system_failure("reading an archive");
    if (count == 0) return fail(Code::kDataLoss, "the archive ends too early");
    done += static_cast<std::size_t>(count);
  }
  return text;
}

std::uint64_t tar_size(const std::string& block) {
  // Larger than 8 GiB: GNU tar's binary form, marked by the top bit.
  if ((static_cast<unsigned char>(block[124]) & 0x80U) != 0) {
    std::uint64_t size = 0;
    for (std::size_t i = 128; i < 136; ++i) size = size << 8 | static_cast<unsigned char>(block[i]);
    return size;
  }
  return std::strtoull(block.substr(124, 12).c_str(), nullptr, 8);
}

/// The content of one file of a tar archive.
Result<std::string> tar_member(const std::string& path, std::string_view name) {
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return system_failure("opening " + path);
  std::uint64_t offset = 0;
  while (true) {
    NESTOR_TRY(const std::string block, read_at(file, offset, kTarBlock));
    if (block[0] == '\0') break;
    const std::uint64_t size = tar_size(block);
    offset += kTarBlock;
    if (std::string_view(block.c_str()) == name && size <= kLongestManifest) {
      return read_at(file, offset, size);
    }
    offset += (size + kTarBlock - 1) / kTarBlock * kTarBlock;
  }
  return fail(Code::kNotFound, path + " holds no " + std::string(name));
}

Result<std::set<std::string>> present_images(const Config& config, int init_pid) {
  NESTOR_TRY(const std::string text,
             run_checked({.argv = inside(init_pid, {config.program("ctr"), "-n", "k8s.io", "images",
                                                    "ls", "-q"})}));
  std::set<std::string> names;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) names.insert(line);
  return names;
}

struct Job {
  const Layout& layout;
  const Config& config;
  int init_pid;
  std::set<std::string> present;
};

Result<> import_one(const Job& job, const Archive& archive) {
  const std::string record = job.layout.images() + "/" + archive.name;
  NESTOR_TRY(const auto tags, archive_tags(archive.path));
  const bool there = std::ranges::all_of(
      tags, [&job](const std::string& tag) { return job.present.contains(tag); });
  if (const auto stamp = read_file(record); there && stamp && *stamp == archive.stamp) return {};
  ProcessSpec import{
      .argv = inside(job.init_pid, {job.config.program("ctr"), "-n", "k8s.io", "images", "import",
                                    "--all-platforms", archive.path}),
      .timeout = kImportTime};
  if (auto done = run_checked(std::move(import)); !done) {
    return with_context(done.error(), "importing " + archive.path);
  }
  return write_text(record, archive.stamp);
}

}  // namespace

Result<std::vector<std::string>> archive_tags(const std::string& path) {
  NESTOR_TRY(const std::string text, tar_member(path, "manifest.json"));
  boost::system::error_code error;
  const json::value manifest = json::parse(text, error);
  std::vector<std::string> tags;
  if (error || !manifest.is_array()) {
    return fail(Code::kDataLoss, path + ": manifest.json is damaged");
  }
  for (const auto& image : manifest.get_array()) {
    const json::object* object = image.if_object();
    const json::value* names = object == nullptr ? nullptr : object->if_contains("RepoTags");
    if (names == nullptr || !names->is_array()) continue;
    for (const auto& name : names->get_array()) {
      if (name.is_string()) tags.emplace_back(name.get_string().c_str());
    }
  }
  return tags;
}

Result<ArchiveGroups> find_archives(const std::string& directory) {
  ArchiveGroups groups;
  std::set<std::string> placed;
  for (const char* name : kControlPlane) {
    NESTOR_TRY(Archive archive, describe(directory + "/" + name + ".tar"));
    groups.control_plane.push_back(std::move(archive));
    placed.insert(name);
  }
  for (const char* name : kFirstPods) {
    NESTOR_TRY(Archive archive, describe(directory + "/" + name + ".tar"));
    groups.first_pods.push_back(std::move(archive));
    placed.insert(name);
  }
  if (const std::string service = directory + "/nestor.tar"; exists(service)) {
    NESTOR_TRY(Archive archive, describe(service));
    groups.first_pods.push_back(std::move(archive));
    placed.insert("nestor");
  }
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(directory, error)) {
    const fs::path& path = entry.path();
    std::string name = path.lexically_relative(directory).replace_extension().string();
    if (path.extension() != ".tar" || placed.contains(name)) continue;
    // A link whose archive was cleared from the cache: that version is not offered.
    if (name.contains('/') && !fs::exists(path, error)) continue;
    NESTOR_TRY(Archive archive, describe(path.string()));
    std::ranges::replace(name, '/', '-');
    archive.name = std::move(name);
    groups.rest.push_back(std::move(archive));
  }
  if (error) return fail(Code::kInternal, "listing " + directory + ": " + error.message());
  std::ranges::sort(groups.rest, {}, &Archive::size);
  return groups;
}

Result<> import_archives(const Layout& layout, const Config& config, int init_pid,
                         std::vector<Archive> archives) {
  NESTOR_TRY_VOID(make_directory(layout.images()));
  NESTOR_TRY(auto present, present_images(config, init_pid));
  const Job job{layout, config, init_pid, std::move(present)};
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::optional<Error> first_error;
  const auto work = [&] {
    for (std::size_t i = next++; i < archives.size(); i = next++) {
      auto done = import_one(job, archives[i]);
      const std::scoped_lock held(mutex);
      if (done) continue;
      if (!first_error) first_error = done.error();
      return;
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kImportThreads; ++i) threads.emplace_back(work);
  }
  if (first_error) return std::unexpected(std::move(*first_error));
  return {};
}

}  // namespace nestor::node
