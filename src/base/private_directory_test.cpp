#include "base/private_directory.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

namespace nestor {
namespace {

mode_t mode_of(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777U : 0;
}

TEST(PrivateDirectory, KeepsFilesToItselfAndGoesWithThem) {
  std::string path;
  {
    auto directory = PrivateDirectory::make("nestor-test");
    ASSERT_TRUE(directory) << directory.error().message;
    path = directory->path();
    EXPECT_EQ(mode_of(path), 0700U);
    const auto file = directory->write("chart/templates/a.yaml", "x");
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(mode_of(*file), 0600U);
    EXPECT_FALSE(directory->write("chart/templates/a.yaml", "again"));
    const PrivateDirectory moved = std::move(*directory);
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace nestor
