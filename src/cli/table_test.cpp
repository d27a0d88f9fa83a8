#include "cli/table.hpp"

#include <gtest/gtest.h>

namespace nestor::cli {
namespace {

TEST(Table, AlignsColumnsAndMarksEmptyCells) {
  Table table({"NAME", "READY"});
  table.add({"a-long-name", "True"});
  table.add({"b", ""});
  EXPECT_EQ(table.to_string(),
            "NAME          READY\n"
            "a-long-name   True\n"
            "b             -\n");
}

TEST(HumanDuration, ReadsAsKubectlWritesIt) {
  using std::chrono::seconds;
  EXPECT_EQ(human_duration(seconds(0)), "0s");
  EXPECT_EQ(human_duration(seconds(119)), "119s");
  EXPECT_EQ(human_duration(seconds(310)), "5m10s");
  EXPECT_EQ(human_duration(seconds(3600)), "60m");
  EXPECT_EQ(human_duration(seconds(4 * 3600)), "4h");
  EXPECT_EQ(human_duration(seconds(3 * 86400)), "3d");
  EXPECT_EQ(human_duration(seconds(-5)), "0s");
}

TEST(OutputFormat, IsCheckedAndApplied) {
  EXPECT_FALSE(parse_output_format("xml"));
  const Json object = JsonObject{{"kind", "Cluster"}, {"metadata", JsonObject{{"name", "demo"}}}};
  EXPECT_EQ(format_objects({object}, OutputFormat::kName), "cluster/demo\n");
  auto list = parse_json(format_objects({object, object}, OutputFormat::kJson));
  ASSERT_TRUE(list);
  EXPECT_EQ(find(*list, {"items"})->get_array().size(), 2U);
  auto yaml = parse_yaml_documents(format_objects({object}, OutputFormat::kYaml));
  ASSERT_TRUE(yaml);
  EXPECT_EQ(yaml->at(0), object);
}

}  // namespace
}  // namespace nestor::cli
