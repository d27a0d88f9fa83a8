#include "base/heap_size.hpp"

#include <gtest/gtest.h>

#include <boost/describe/class.hpp>
#include <map>
#include <optional>

namespace nestor {
namespace {

struct Inner {
  std::string text;
  std::optional<std::int64_t> number;
};
BOOST_DESCRIBE_STRUCT(Inner, (), (text, number))

struct Outer {
  std::map<std::string, std::string> labels;
  std::vector<Inner> list;
  Json any;
  std::shared_ptr<const Inner> shared;
};
BOOST_DESCRIBE_STRUCT(Outer, (), (labels, list, any, shared))

TEST(HeapSize, CountsWhatIsHeldAndNotWhatWasWritten) {
  EXPECT_LT(heap_size(Outer()), 100U);
  Outer value;
  for (int i = 0; i < 1000; ++i) value.labels[std::to_string(i)] = "";
  EXPECT_GE(heap_size(value), 1000U * 112);
  EXPECT_LE(heap_size(value), 1000U * 140);

  Outer list;
  list.list.resize(1000);
  EXPECT_GE(heap_size(list), 1000U * sizeof(Inner));
  list.list[0].text = std::string(5000, 'x');
  EXPECT_GE(heap_size(list), 1000U * sizeof(Inner) + 5000);

  Outer any;
  any.any = parse_json("[{\"a\":{}},{\"a\":[0,0,0,0]},\"" + std::string(100, 'x') + "\"]").value();
  EXPECT_GE(heap_size(any), 3 * sizeof(Json) + 2 * sizeof(JsonObject::value_type) + 100);

  Outer shared;
  shared.shared = std::make_shared<const Inner>(Inner{std::string(300, 'x'), 1});
  EXPECT_GE(heap_size(shared), sizeof(Inner) + 300);
}

}  // namespace
}  // namespace nestor
