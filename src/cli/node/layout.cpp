#include "cli/node/layout.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "cli/node/system.hpp"

namespace nestor::node {

namespace json = boost::json;
namespace fs = std::filesystem;

Result<> save(const Layout& layout, const Config& config) {
  json::object object;
  object["assets"] = config.assets;
  object["port"] = config.port;
  object["proxyPort"] = config.proxy_port;
  object["cgroup"] = config.cgroup;
  return write_text(layout.config(), json::serialize(object) + "\n", 0600);
}

Result<Config> load(const Layout& layout) {
  NESTOR_TRY(const std::string text, read_file(layout.config()));
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_object()) {
    return fail(Code::kDataLoss, layout.config() + " is damaged: " + error.message());
  }
  const json::object& object = value.get_object();
  const auto text_of = [&object](std::string_view key) {
    const json::value* found = object.if_contains(key);
    return found != nullptr && found->is_string() ? std::string(found->get_string().c_str())
                                                  : std::string();
  };
  const auto port_of = [&object](std::string_view key) {
    const json::value* found = object.if_contains(key);
    return found != nullptr && found->is_int64() ? static_cast<std::uint16_t>(found->get_int64())
                                                 : std::uint16_t{0};
  };
  Config config{text_of("assets"), port_of("port"), port_of("proxyPort"), text_of("cgroup")};
  if (config.assets.empty() || config.port == 0 || config.cgroup.empty()) {
    return fail(Code::kDataLoss, layout.config() + " is incomplete");
  }
  return config;
}

std::string cgroup_name(const std::string& state_dir) {
  return fmt::format("nestor-{:08x}", fnv1a32(state_dir));
}

bool is_node_entry(std::string_view name) {
  for (const std::string_view entry : {"node.json", "command.lock", "supervisor.lock", "init.pid",
                                       "admin.kubeconfig", "log", "root", "images"}) {
    // A file that is being written has another end.
    if (name == entry || name == std::string(entry) + ".new") return true;
  }
  return false;
}

Result<std::string> foreign_entry(const Layout& layout) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(layout.state_dir, error)) {
    const std::string name = entry.path().filename().string();
    const bool begun = name == "command.lock" || name == "log" || name == "node.json.new";
    if (!begun && name != "lost+found") return name;
  }
  if (error) return fail(Code::kInvalidArgument, layout.state_dir + ": " + error.message());
  return std::string();
}

Result<std::string> absolute_directory(const std::string& path) {
  std::error_code error;
  const fs::path absolute = fs::weakly_canonical(fs::absolute(path, error), error);
  if (error) return fail(Code::kInvalidArgument, path + ": " + error.message());
  std::string text = absolute.lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

Result<int> lock_holder(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR) return 0;
    return system_failure("opening " + path);
  }
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(file.get(), F_GETLK, &lock) != 0) return system_failure("locking " + path);
  return lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

void forget_proxies() {
  for (const char* name : {"http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY",
                           "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}) {
    ::unsetenv(name);
  }
}

void use_programs_of(const Config& config) {
  const char* path = std::getenv("PATH");
  const std::string rest = path == nullptr || *path == 0 ? "/usr/sbin:/usr/bin:/sbin:/bin" : path;
  // sbin may be missing in a person's PATH, and ip, nft and modprobe are there.
  const std::string all = config.assets + "/bin:" + rest + ":/usr/sbin:/sbin";
  ::setenv("PATH", all.c_str(), 1);
}

std::vector<std::string> inside(int init_pid, std::vector<std::string> argv) {
  std::vector<std::string> all{"nsenter", "--target", std::to_string(init_pid),
                               "--mount", "--net",    "--pid",
                               "--uts",   "--ipc",    "--"};
  for (auto& arg : argv) all.push_back(std::move(arg));
  return all;
}

}  // namespace nestor::node
