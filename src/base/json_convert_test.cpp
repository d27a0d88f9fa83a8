#include "base/json_convert.hpp"

#include <gtest/gtest.h>

namespace nestor {
namespace {

struct Port {
  std::string name;
  std::int32_t number = 80;
};
BOOST_DESCRIBE_STRUCT(Port, (), (name, number))

struct Thing {
  std::string namespace_;
  std::optional<std::int64_t> replicas;
  std::optional<bool> paused;
  std::vector<Port> ports;
  std::map<std::string, std::string> labels;
  Json value;
  Quantity size;
  std::map<std::string, Quantity> requests;
};
BOOST_DESCRIBE_STRUCT(Thing, (),
                      (namespace_, replicas, paused, ports, labels, value, size, requests))

Result<Thing> read(std::string_view text) { return from_json<Thing>(*parse_json(text)); }

TEST(JsonConvert, ReadsAndWritesByTheRules) {
  const auto thing = read(
      R"({"namespace":"a","replicas":0,"paused":null,"ports":[{"name":"x"},{"number":1.0}],
          "labels":{"k":"v"},"value":"50%","other":1})");
  ASSERT_TRUE(thing) << thing.error().message;
  EXPECT_EQ(thing->namespace_, "a");
  EXPECT_EQ(thing->replicas, 0);
  EXPECT_FALSE(thing->paused.has_value());
  EXPECT_EQ(thing->ports.at(0).number, 80);
  EXPECT_EQ(thing->ports.at(1).number, 1);
  EXPECT_EQ(to_text(to_json(*thing)),
            R"({"namespace":"a","replicas":0,"ports":[{"name":"x","number":80},{"number":1}],)"
            R"("labels":{"k":"v"},"value":"50%"})");
}

TEST(JsonConvert, LeavesOutWhatIsEmpty) { EXPECT_EQ(to_text(to_json(Thing{})), "{}"); }

TEST(JsonConvert, TakesNumbersForQuantitiesAndWritesText) {
  const auto thing =
      read(R"({"size":4,"requests":{"cpu":1.5,"memory":"4Gi","disk":1e3,"x":null}})");
  ASSERT_TRUE(thing) << thing.error().message;
  EXPECT_EQ(parse_quantity(thing->size), 4);
  EXPECT_EQ(parse_quantity_milli(thing->requests.at("cpu")), 1500);
  EXPECT_EQ(parse_quantity(thing->requests.at("disk")), 1000);
  EXPECT_EQ(to_text(to_json(*thing)),
            R"({"size":"4","requests":{"cpu":"1.5","disk":"1000","memory":"4Gi"}})");
  EXPECT_EQ(read(R"({"size":true})").error().message, "size: expected a quantity, got a boolean");
}

TEST(JsonConvert, NamesThePathOfAnError) {
  const auto message = [](std::string_view text) { return read(text).error().message; };
  EXPECT_EQ(message(R"({"replicas":"3"})"), "replicas: expected a whole number, got a string");
  EXPECT_EQ(message(R"({"ports":[{},{"number":true}]})"),
            "ports[1].number: expected a whole number, got a boolean");
  EXPECT_EQ(message(R"({"ports":[{"number":3000000000}]})"),
            "ports[0].number: number out of range");
  EXPECT_EQ(message(R"({"labels":{"a/b":1}})"), "labels.a/b: expected a string, got a number");
  EXPECT_EQ(message(R"([])"), "expected an object, got a list");
  EXPECT_EQ(message(R"({"replicas":1.5})"), "replicas: expected a whole number, got a number");
  EXPECT_EQ(message(R"({"replicas":18446744073709551615})"), "replicas: number out of range");
}

}  // namespace
}  // namespace nestor
