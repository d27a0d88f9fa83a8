#include "base/file.hpp"

#include <gtest/gtest.h>

#include "base/private_directory.hpp"

namespace nestor {
namespace {

TEST(ReadFile, ReadsAll) {
  const auto directory = PrivateDirectory::make("file_test-").value();
  const std::string content = std::string(100'000, 'x') + '\0' + "\n";
  EXPECT_EQ(read_file(directory.write("a", content).value()), content);
  EXPECT_EQ(read_file(directory.write("empty", "").value()), "");
  // The size of the kernel's files is 0.
  EXPECT_NE(read_file("/proc/self/status").value().find("Name:"), std::string::npos);
}

TEST(ReadFile, SaysWhyNot) {
  const auto missing = read_file("/nowhere/a");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_EQ(missing.error().message, "reading /nowhere/a: No such file or directory");
  EXPECT_EQ(read_file("/proc").error().code, Code::kInternal);
}

}  // namespace
}  // namespace nestor
