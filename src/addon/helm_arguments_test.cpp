#include "addon/helm_arguments.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace nestor::addon {
namespace {

Spec good() {
  Spec spec;
  spec.chartName = "app";
  spec.repoURL = "https://charts.example.org";
  spec.releaseName = "app-1";
  return spec;
}

bool has(const std::vector<std::string>& arguments, const std::string& word) {
  return std::ranges::find(arguments, word) != arguments.end();
}

TEST(HelmArguments, NamesCannotBeFlagsOrPaths) {
  EXPECT_TRUE(validate(good()));
  for (const char* chart : {"", "-f", "/etc", "../x", "a/../b", "a//b", "a/", ".hidden", "a b"}) {
    Spec spec = good();
    spec.chartName = chart;
    EXPECT_FALSE(validate(spec)) << chart;
  }
  for (const char* name : {"", "-x", "A", "a_b", "a/b", "a..b", "a.-b"}) {
    Spec spec = good();
    spec.releaseName = name;
    EXPECT_FALSE(validate(spec)) << name;
  }
  Spec spec = good();
  spec.namespace_ = "--kubeconfig";
  EXPECT_FALSE(validate(spec));
  spec = good();
  spec.version = "--post-renderer";
  // Harmless: it is part of one word.
  EXPECT_TRUE(has(pull_arguments(spec, {}, "/d", ""), "--version=--post-renderer"));
}

TEST(HelmArguments, ReadsGoDurations) {
  using namespace std::chrono_literals;
  EXPECT_EQ(helm_timeout("").value(), 10min);
  EXPECT_EQ(helm_timeout("2m3.5s").value(), 2min + 3500ms);
  // No longer than others may be kept waiting.
  EXPECT_EQ(helm_timeout("1h2m3.5s").value(), 30min);
  EXPECT_EQ(helm_timeout("300ms").value(), 300ms);
  for (const char* text : {"5", "m", "-1s", "0s", "1x", "1s2", "nan", "infs", "1e9s"}) {
    EXPECT_FALSE(helm_timeout(text)) << text;
  }
}

TEST(HelmArguments, PassesTheOptions) {
  Spec spec = good();
  spec.namespace_ = "web";
  auto arguments = upgrade_arguments(spec, "/c.tgz", "/v.yaml", "nestor 1");
  EXPECT_TRUE(has(arguments, "--create-namespace"));
  EXPECT_TRUE(has(arguments, "--history-max=10"));
  EXPECT_TRUE(has(arguments, "--timeout=600000ms"));
  EXPECT_TRUE(has(arguments, "--namespace=web"));
  EXPECT_FALSE(has(arguments, "--wait"));
  EXPECT_EQ((std::vector<std::string>(arguments.end() - 3, arguments.end())),
            (std::vector<std::string>{"--", "app-1", "/c.tgz"}));
  spec.options.wait = true;
  spec.options.atomic = true;
  spec.options.skipCRDs = true;
  spec.options.install.createNamespace = false;
  spec.options.upgrade.maxHistory = 3;
  arguments = upgrade_arguments(spec, "/c.tgz", "/v.yaml", "nestor 1");
  for (const char* flag : {"--wait", "--atomic", "--skip-crds", "--history-max=3"}) {
    EXPECT_TRUE(has(arguments, flag)) << flag;
  }
  EXPECT_FALSE(has(arguments, "--create-namespace"));
}

TEST(HelmArguments, ReadsTheHistory) {
  const auto release =
      parse_history(R"([{"revision":3,"status":"pending-upgrade","description":"nestor x"}])");
  ASSERT_TRUE(release);
  EXPECT_EQ(release->revision, 3);
  EXPECT_TRUE(release->pending());
  for (const char* text : {"", "[]", "{}", "[{}]", R"([{"revision":"3"}])"}) {
    EXPECT_FALSE(parse_history(text)) << text;
  }
}

TEST(HelmArguments, KeepsHelmsWordsOnly) {
  EXPECT_EQ(
      helm_message("WARNING: insecure\nW1125 14:12:31.1 warnings.go:70] deprecated\n"
                   "Error: INSTALLATION FAILED: reading /tmp/nestor-helm-x/values.yaml: bad\n",
                   "/tmp/nestor-helm-x"),
      "INSTALLATION FAILED: reading values.yaml: bad");
  EXPECT_EQ(helm_message("", "/x"), "helm failed without a word");
  const std::string crash = "fatal error: runtime: out of memory\n\nruntime stack:\nruntime.throw";
  EXPECT_TRUE(helm_message(crash, "/x").starts_with("helm ran out of the memory"));
  const std::string longest = helm_message("Error: " + std::string(999, 'x') + "ää", "/x");
  EXPECT_EQ(longest, std::string(999, 'x') + "…");
}

}  // namespace
}  // namespace nestor::addon
