#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/file.hpp"
#include "base/json.hpp"
#include "cli/node/assets.hpp"
#include "cli/node/cluster_steps.hpp"
#include "cli/node/config_files.hpp"
#include "cli/node/images.hpp"
#include "cli/node/kvm.hpp"
#include "cli/node/layout.hpp"
#include "cli/node/proxy.hpp"
#include "cli/node/system.hpp"

namespace nestor::node {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class Directory {
 public:
  Directory() {
    std::string pattern = fs::temp_directory_path() / "node_test.XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~Directory() { fs::remove_all(path_); }
  Directory(const Directory&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Code code_of(const Result<Tcp::endpoint>& result) {
  return result ? Code::kUnknown : result.error().code;
}

TEST(ProxyTarget, TakesAddressesInsideTheSandbox) {
  for (const char* address :
       {"192.168.250.128:6443", "10.96.0.1:443", "10.111.255.9:1", "10.244.0.7:8080"}) {
    const auto target =
        proxy_target(std::string("CONNECT ") + address + " HTTP/1.1\r\nHost: ignored\r\n\r\n");
    ASSERT_TRUE(target) << address;
    EXPECT_EQ(target->address().to_string() + ":" + std::to_string(target->port()), address);
  }
}

TEST(ProxyTarget, RefusesWhatIsOutside) {
  for (const char* address :
       {"127.0.0.1:22", "192.168.251.1:80", "10.112.0.1:80", "10.95.255.255:80", "10.245.0.1:80",
        "169.254.169.254:80", "example.org:443", "[::1]:80", "0.0.0.0:80"}) {
    EXPECT_EQ(code_of(proxy_target(std::string("CONNECT ") + address + " HTTP/1.1\r\n\r\n")),
              Code::kPermissionDenied)
        << address;
  }
}

TEST(ProxyTarget, RefusesWhatIsNoTunnel) {
  EXPECT_EQ(code_of(proxy_target("GET http://10.96.0.1/ HTTP/1.1\r\n\r\n")), Code::kUnimplemented);
  for (const char* head :
       {"CONNECT 10.96.0.1 HTTP/1.1\r\n\r\n", "CONNECT 10.96.0.1:0 HTTP/1.1\r\n\r\n",
        "CONNECT 10.96.0.1:70000 HTTP/1.1\r\n\r\n", "CONNECT 10.96.0.1:4x HTTP/1.1\r\n\r\n",
        "CONNECT 10.96.0.1:443\r\n\r\n", "\r\n\r\n", ""}) {
    EXPECT_EQ(code_of(proxy_target(head)), Code::kInvalidArgument) << head;
  }
}

TEST(ConfigFiles, KubeconfigPointsToLoopback) {
  const std::string text = "clusters:\n- cluster:\n    server: https://192.168.250.2:6443\n";
  const auto config = parse_yaml_documents(loopback_kubeconfig(text, 7443, 7442));
  ASSERT_TRUE(config);
  const Json& cluster = *find(config->at(0).at("clusters").at(0), {"cluster"});
  EXPECT_EQ(find_string(cluster, {"server"}), "https://127.0.0.1:7443");
  EXPECT_EQ(find_string(cluster.at("extensions").at(0), {"extension", "tenant-proxy-url"}),
            "http://127.0.0.1:7442");
}

TEST(ConfigFiles, AreWellFormed) {
  const Config config{"/assets", 6443, 6442, "nestor-00000000"};
  const auto kubeadm = parse_yaml_documents(kubeadm_config(config));
  ASSERT_TRUE(kubeadm);
  ASSERT_EQ(kubeadm->size(), 4U);
  EXPECT_EQ(find_string((*kubeadm)[2], {"cgroupRoot"}), "/nestor-00000000");
  const auto cni = parse_json(cni_config());
  ASSERT_TRUE(cni);
  EXPECT_EQ(find_string(*cni, {"name"}), "nestor");
  EXPECT_TRUE(parse_yaml_documents(storage_manifest()));
  EXPECT_THAT(storage_manifest(), HasSubstr(kNodeAddress));
  const auto dns = parse_yaml_documents(dns_manifest());
  ASSERT_TRUE(dns);
  EXPECT_THAT(std::string(find_string(dns->at(0), {"data", "Corefile"})), HasSubstr("NXDOMAIN"));
}

TEST(Layout, CgroupNameFollowsTheDirectory) {
  EXPECT_EQ(cgroup_name("/var/lib/nestor"), cgroup_name("/var/lib/nestor"));
  EXPECT_NE(cgroup_name("/var/lib/nestor"), cgroup_name("/var/lib/nestor2"));
  EXPECT_THAT(cgroup_name("/x"), testing::MatchesRegex("nestor-[0-9a-f]+"));
  EXPECT_EQ(cgroup_name("/x").size(), 15U);
}

TEST(Layout, DirectoryIsMadeAbsolute) {
  const Directory directory;
  fs::create_directory_symlink(directory.path(), directory / "link");
  EXPECT_EQ(absolute_directory((directory / "link") + "/state/../state/").value_or("?"),
            fs::canonical(directory.path()).string() + "/state");
}

TEST(Layout, ConfigComesBackAsItWasSaved) {
  const Directory directory;
  const Layout layout{directory.path()};
  const Config config{"/usr/share/nestor/assets", 7001, 7002, "nestor-12345678"};
  ASSERT_TRUE(save(layout, config));
  const auto loaded = load(layout);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(*loaded, config);
  ASSERT_TRUE(write_text(layout.config(), "{\"port\": "));
  const auto damaged = load(layout);
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, Code::kDataLoss);
}

TEST(Layout, LockOfNobodyHasNoHolder) {
  const Directory directory;
  EXPECT_EQ(lock_holder(directory / "missing").value_or(-1), 0);
  ASSERT_TRUE(write_text(directory / "lock", ""));
  EXPECT_EQ(lock_holder(directory / "lock").value_or(-1), 0);
}

TEST(System, FilesAreReplacedWithTheirMode) {
  const Directory directory;
  ASSERT_TRUE(write_text(directory / "secret", "one", 0644));
  ASSERT_TRUE(write_text(directory / "secret", "two", 0600));
  EXPECT_EQ(read_file(directory / "secret").value_or("?"), "two");
  struct stat status{};
  ASSERT_EQ(::stat((directory / "secret").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_FALSE(exists(directory / "secret.new"));
}

TEST(System, TailIsTheEnd) {
  const Directory directory;
  ASSERT_TRUE(write_text(directory / "log", "1\n2\n3\n4\n"));
  EXPECT_EQ(tail(directory / "log", 2), "3\n4\n");
  EXPECT_EQ(tail(directory / "log", 9), "1\n2\n3\n4\n");
  EXPECT_EQ(tail(directory / "missing", 2), "");
}

TEST(System, RunPassesInputAndCollectsOutput) {
  const std::string large(200'000, 'x');
  const auto copied = run({.argv = {"cat"}, .input = large});
  ASSERT_TRUE(copied);
  EXPECT_EQ(copied->out, large);
  const auto failed = run_checked({.argv = {"sh", "-c", "echo before >&2; echo why >&2; exit 3"}});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "sh: why");
  EXPECT_EQ(run({.argv = {"/no/such/program"}}).error().code, Code::kNotFound);
}

TEST(System, RunSurvivesAProgramThatDoesNotReadItsInput) {
  ::signal(SIGPIPE, SIG_DFL);
  const auto output = run({.argv = {"true"}, .input = std::string(200'000, 'x')});
  ASSERT_TRUE(output);
  EXPECT_EQ(output->exit_code, 0);
}

TEST(System, RunEndsAtItsDeadline) {
  const auto late = run({.argv = {"sleep", "60"}, .timeout = std::chrono::milliseconds(20)});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::kDeadlineExceeded);
}

/// One entry of a tar archive.
std::string tar_entry(const std::string& name, const std::string& content) {
  std::string header(512, '\0');
  name.copy(header.data(), 100);
  std::snprintf(header.data() + 124, 12, "%011zo", content.size());
  std::string padded = content;
  padded.resize((content.size() + 511) / 512 * 512);
  return header + padded;
}

TEST(Images, TagsAreReadFromTheArchive) {
  const Directory directory;
  const std::string path = directory / "image.tar";
  const std::string manifest = R"([{"Config":"c","RepoTags":["a.example/b:1","c:2"]}])";
  ASSERT_TRUE(write_text(path, tar_entry("layer.tar", std::string(1000, 'l')) +
                                   tar_entry("manifest.json", manifest) + std::string(1024, '\0')));
  const auto tags = archive_tags(path);
  ASSERT_TRUE(tags) << tags.error().message;
  EXPECT_THAT(*tags, ElementsAre("a.example/b:1", "c:2"));
}

TEST(Images, DamagedArchivesAreErrors) {
  const Directory directory;
  const std::string path = directory / "image.tar";
  ASSERT_TRUE(write_text(path, tar_entry("other", "x") + std::string(1024, '\0')));
  EXPECT_EQ(archive_tags(path).error().code, Code::kNotFound);
  ASSERT_TRUE(write_text(path, "short"));
  EXPECT_EQ(archive_tags(path).error().code, Code::kDataLoss);
  ASSERT_TRUE(write_text(path, tar_entry("manifest.json", "{]") + std::string(1024, '\0')));
  EXPECT_EQ(archive_tags(path).error().code, Code::kDataLoss);
}

TEST(Images, AreGroupedByWhatNeedsThemFirst) {
  const Directory directory;
  for (const char* name : {"pause", "etcd", "kube-apiserver", "kube-controller-manager",
                           "kube-scheduler", "kube-proxy", "coredns", "local-path-provisioner",
                           "busybox", "worker", "agnhost", "nestor"}) {
    const std::string content = std::string(std::strcmp(name, "worker") == 0 ? 1000 : 10, 'x');
    ASSERT_TRUE(write_text(directory / (std::string(name) + ".tar"), content));
  }
  ASSERT_TRUE(make_directory(directory / "v1.36.3"));
  ASSERT_TRUE(write_text(directory / "v1.36.3/etcd.tar", std::string(20, 'x')));
  fs::create_symlink("/gone/worker.tar", directory / "v1.36.3/worker.tar");
  const auto groups = find_archives(directory.path());
  ASSERT_TRUE(groups) << groups.error().message;
  EXPECT_EQ(groups->control_plane.size(), 5U);
  EXPECT_EQ(groups->first_pods.back().name, "nestor");
  ASSERT_EQ(groups->rest.size(), 3U);
  EXPECT_EQ(groups->rest[1].name, "v1.36.3-etcd");
  EXPECT_EQ(groups->rest[2].name, "worker");
  fs::remove(directory / "etcd.tar");
  EXPECT_EQ(find_archives(directory.path()).error().code, Code::kNotFound);
}

TEST(StateDirectory, IsForeignWithAnythingThatNoNodeMade) {
  const Directory directory;
  const Layout layout{directory.path()};
  EXPECT_EQ(foreign_entry(layout).value(), "");
  ASSERT_TRUE(make_directory(directory / "log"));
  ASSERT_TRUE(make_directory(directory / "lost+found"));
  ASSERT_TRUE(write_text(layout.command_lock(), ""));
  // Of an `up` that was ended while it wrote its first file.
  ASSERT_TRUE(write_text(layout.config() + ".new", ""));
  EXPECT_EQ(foreign_entry(layout).value(), "");
  ASSERT_TRUE(write_text(directory / "letter.txt", ""));
  EXPECT_EQ(foreign_entry(layout).value(), "letter.txt");
  EXPECT_EQ(foreign_entry(Layout{directory / "letter.txt"}).error().code, Code::kInvalidArgument);
}

TEST(Assets, AreFoundInTheirPlaceOrNamed) {
  const Directory directory;
  ::setenv("NESTOR_ASSETS", directory.path().c_str(), 1);
  EXPECT_THAT(asset_places(), ElementsAre(directory.path()));
  EXPECT_EQ(find_program("helm"), "helm") << "from PATH";
  EXPECT_EQ(find_assets("").error().code, Code::kNotFound);
  ASSERT_TRUE(make_directory(directory / "bin"));
  ASSERT_TRUE(write_text(directory / "bin/helm", ""));
  ASSERT_TRUE(write_text(directory / "bin/containerd", ""));
  EXPECT_EQ(find_program("helm"), directory / "bin/helm");
  EXPECT_EQ(find_assets("").value(), absolute_directory(directory.path()).value());
  EXPECT_EQ(find_assets(directory / "bin").error().code, Code::kNotFound);
  ::unsetenv("NESTOR_ASSETS");
  EXPECT_THAT(asset_places(), Contains(testing::EndsWith("/share/nestor/assets")));
}

TEST(Chart, IsBesideTheAssetsOrMissed) {
  const Directory directory;
  const std::string assets = directory / "assets";
  EXPECT_THAT(find_chart("", assets).error().message, HasSubstr("--skip-chart"));
  EXPECT_EQ(find_chart(assets, assets).error().code, Code::kNotFound);
  ASSERT_TRUE(make_directory(assets));
  ASSERT_TRUE(make_directory(directory / "charts/nestor"));
  ASSERT_TRUE(write_text(directory / "charts/nestor/Chart.yaml", ""));
  EXPECT_EQ(find_chart("", assets).value(),
            absolute_directory(directory / "charts/nestor").value());
}

TEST(Chart, KeepsValuesOfOthersAndGivesOursWhole) {
  const Node node{Layout{"/state"}, Config{"/assets", 6443, 6442, "nestor-1"}, 7};
  const auto argv = install_command(node, "/charts/nestor", "", false);
  EXPECT_EQ(argv.front(), "/assets/bin/helm");
  EXPECT_THAT(argv, Contains("--reset-then-reuse-values"));
  // What an earlier `up` set would stay, were it not set again.
  EXPECT_THAT(argv, Contains(testing::EndsWith(",vm.kvm.runtimeClassName=")));
  EXPECT_THAT(argv, Contains("image.revision="));
  EXPECT_THAT(install_command(node, "/charts/nestor", "7f", true),
              Contains(testing::EndsWith("=nestor-kvm")));
}

TEST(Kvm, AddsTheDeviceToContainerdsDefaults) {
  const auto text = kvm_spec(R"({"ociVersion": "1.3.0", "linux": {"resources": {"devices": [
      {"allow": false, "access": "rwm"}]}}})",
                             10, 232);
  ASSERT_TRUE(text);
  const Json spec = parse_json(*text).value();
  const JsonArray& rules = find(spec, {"linux", "resources", "devices"})->as_array();
  ASSERT_EQ(rules.size(), 2u);
  EXPECT_FALSE(find(rules[0], {"allow"})->as_bool());
  EXPECT_TRUE(find(rules[1], {"allow"})->as_bool());
  EXPECT_EQ(find(rules[1], {"minor"})->as_int64(), 232);
  const JsonArray& devices = find(spec, {"linux", "devices"})->as_array();
  ASSERT_EQ(devices.size(), 1u);
  EXPECT_EQ(find_string(devices[0], {"path"}), "/dev/kvm");
  EXPECT_EQ(find_string(spec, {"ociVersion"}), "1.3.0");
}

TEST(Kvm, RefusesASpecificationWithoutDeviceRules) {
  // Without rules of its own it would allow every device.
  EXPECT_FALSE(kvm_spec(R"({"linux": {}})", 10, 232));
  EXPECT_FALSE(kvm_spec("no JSON", 10, 232));
}

TEST(Kvm, RuntimeAndClassHaveOneName) {
  Config config;
  config.assets = "/assets";
  const std::string runtime = kvm_runtime_config(config);
  EXPECT_NE(runtime.find("containerd.runtimes.nestor-kvm]"), std::string::npos);
  EXPECT_NE(runtime.find("base_runtime_spec = \"/run/nestor/kvm-spec.json\""), std::string::npos);
  const auto manifest = parse_yaml_documents(kvm_runtime_class()).value();
  EXPECT_EQ(find_string(manifest.at(0), {"handler"}), "nestor-kvm");
}

}  // namespace
}  // namespace nestor::node
