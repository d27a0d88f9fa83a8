#include "addon/values_template.hpp"

#include <gtest/gtest.h>

#include <boost/json/object.hpp>

#include "base/base64.hpp"

namespace nestor::addon {
namespace {

Json json(std::string_view text) { return parse_json(text).value(); }

TEST(ValuesTemplate, WritesObjectsAsGoExpressions) {
  EXPECT_EQ(
      go_expression(json(R"({"a":"x\"y\\z\n{{","n":12345678,"m":-5,"b":true,"none":null,
                                   "list":[1,{},"ä"]})")),
      R"((dict "a" "x\"y\\z\x0a{{" "n" 12345678 "m" -5 "b" true "list" (list 1 (dict) "ä")))");
}

TEST(ValuesTemplate, ShowsTheStatusOnlyToThoseWhoNameIt) {
  const Json object = json(R"({"metadata":{"name":"x","managedFields":[1],"resourceVersion":"1"},
                               "status":{"phase":"p"}})");
  EXPECT_EQ(visible(object, "{{ .Cluster.metadata.name }}"), json(R"({"metadata":{"name":"x"}})"));
  EXPECT_EQ(visible(object, "{{ .Cluster.status.phase }}"),
            json(R"({"metadata":{"name":"x"},"status":{"phase":"p"}})"));
}

TEST(ValuesTemplate, ReadsWhatWasRendered) {
  const std::string values = "a: 1\n---\nkind: nothing\n";
  EXPECT_EQ(
      rendered_values("---\n# Source: x\nresult: \"" + base64_encode(values) + "\"\n").value(),
      values);
  EXPECT_EQ(rendered_values("---\nresult: \"\"\n").value(), "");
  EXPECT_FALSE(rendered_values(""));
  EXPECT_FALSE(rendered_values("\nresult: \"YQ"));
}

TEST(ValuesTemplate, TellsFaultsInTheTemplatesOwnTerms) {
  EXPECT_EQ(
      template_fault("execution error at <tpl \"x\" (dict)>: error calling tpl: error during tpl "
                     "function execution for \"x\": template: gotpl:4:42: executing \"gotpl\" "
                     "at <.Cluster.a.b>: nil pointer evaluating interface {}.b\nmore"),
      "valuesTemplate:4:42: executing \"valuesTemplate\" at <.Cluster.a.b>: nil pointer "
      "evaluating interface {}.b");
  EXPECT_EQ(template_fault("something else"), "something else");
}

}  // namespace
}  // namespace nestor::addon
