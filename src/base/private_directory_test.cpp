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

TEST(PrivateDirectory, RemovesWhatAKilledProcessLeftAndNothingInUse) {
  namespace fs = std::filesystem;
  const auto used = PrivateDirectory::make("nestor-test");
  ASSERT_TRUE(used) << used.error().message;
  const fs::path left = fs::temp_directory_path() / "nestor-test-killed";
  const fs::path other = fs::temp_directory_path() / "nestor-tests-killed";
  for (const fs::path& path : {left, other}) fs::create_directories(path / "home");
  EXPECT_GE(PrivateDirectory::remove_left_behind("nestor-test"), 1);
  EXPECT_FALSE(fs::exists(left));
  EXPECT_TRUE(fs::exists(other));
  EXPECT_TRUE(fs::exists(used->path()));
  fs::remove_all(other);
}

}  // namespace
}  // namespace nestor
