#include "addon/chart_source.hpp"

#include <gtest/gtest.h>

namespace nestor::addon {
namespace {

using Kind = ChartSource::Kind;

TEST(ChartSource, ReadsEveryKind) {
  EXPECT_EQ(parse_chart_source("https://charts.example.org/stable/", "ns")->url,
            "https://charts.example.org/stable");
  EXPECT_EQ(parse_chart_source("oci://ghcr.io/org", "ns")->kind, Kind::kRegistry);
  const auto map = parse_chart_source("configmap://charts", "ns").value();
  EXPECT_EQ(map.kind, Kind::kConfigMap);
  EXPECT_EQ(map.object, (kube::ObjectKey{"ns", "charts"}));
  EXPECT_EQ(parse_chart_source("secret://ns/charts", "ns")->object,
            (kube::ObjectKey{"ns", "charts"}));
}

TEST(ChartSource, RefusesWhatWouldReachElsewhere) {
  for (const char* url : {"file:///etc", "/etc", "", "ftp://x/y", "https://", "https:///x",
                          "https://user:secret@host/x", "https://host/a b", "configmap://other/x",
                          "configmap://", "configmap://ns/a/b", "oci://h\nx"}) {
    EXPECT_FALSE(parse_chart_source(url, "ns")) << url;
  }
}

TEST(ChartOf, FindsTheArchive) {
  const auto entry = [](const std::map<std::string, std::string>& entries) {
    const auto chart = chart_of(entries, "app", "1.2.3");
    return chart ? chart->files.at(chart->entry) : "error: " + chart.error().message;
  };
  EXPECT_EQ(entry({{"app-1.2.3.tgz", "a"}, {"app.tgz", "b"}}), "a");
  EXPECT_EQ(entry({{"app-1.2.4.tgz", "a"}, {"app.tgz", "b"}}), "b");
  EXPECT_EQ(entry({{"other.tgz", "c"}, {"README", ""}}), "c");
  EXPECT_EQ(entry({{"x.tgz", "c"}, {"y.tgz", "d"}}),
            "error: there is no app.tgz among several archives");
  EXPECT_EQ(entry({{"README", ""}}), "error: it holds neither app.tgz nor Chart.yaml");
}

TEST(ChartOf, TakesTheFilesThemselves) {
  const auto chart = chart_of({{"Chart.yaml", "c"},
                               {"values.yaml", "v"},
                               {"deployment.yaml", "d"},
                               {"crds__a.yaml", "x"},
                               {"templates__sub__b.tpl", "b"}},
                              "app", "");
  ASSERT_TRUE(chart) << chart.error().message;
  EXPECT_EQ(chart->entry, "chart");
  EXPECT_EQ(chart->files,
            (std::map<std::string, std::string>{{"chart/Chart.yaml", "c"},
                                                {"chart/values.yaml", "v"},
                                                {"chart/templates/deployment.yaml", "d"},
                                                {"chart/crds/a.yaml", "x"},
                                                {"chart/templates/sub/b.tpl", "b"}}));
}

TEST(ChartOf, NeverLeavesItsFolder) {
  for (const char* key : {"..__x", "a__..__..__..__x", "__x", "x__", "..", "."}) {
    EXPECT_FALSE(chart_of({{"Chart.yaml", ""}, {key, ""}}, "app", "")) << key;
  }
  EXPECT_FALSE(chart_of({{"Chart.yaml", ""}, {"a", ""}, {"templates__a", ""}}, "app", ""));
}

}  // namespace
}  // namespace nestor::addon
