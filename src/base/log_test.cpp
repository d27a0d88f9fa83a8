#include "base/log.hpp"

#include <gtest/gtest.h>

namespace nestor {
namespace {

TEST(Log, WritesOneLineWithTimeLevelAndComponent) {
  testing::internal::CaptureStderr();
  log::info("kube.informer", "listed {} pods", 3);
  const std::string line = testing::internal::GetCapturedStderr();
  EXPECT_EQ(line.substr(20), " INFO kube.informer listed 3 pods\n");
  EXPECT_EQ(line[19], 'Z') << line;
}

TEST(Log, ForeignTextCannotForgeALine) {
  testing::internal::CaptureStderr();
  log::warn("a", "{}", "x\n2026 ERROR fake\x1b[0m");
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(text.substr(20), " WARN a x\\n2026 ERROR fake\\x1b[0m\n");
}

TEST(Log, WritesOnlyFromTheLevelUp) {
  testing::internal::CaptureStderr();
  log::debug("a", "hidden");
  log::set_level(log::Level::kError);
  log::warn("a", "hidden");
  log::error("a", "shown");
  log::set_level(log::Level::kInfo);
  EXPECT_EQ(testing::internal::GetCapturedStderr().substr(20), " ERROR a shown\n");
}

}  // namespace
}  // namespace nestor
