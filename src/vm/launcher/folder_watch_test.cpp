#include "vm/launcher/folder_watch.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "base/testing/co_test.hpp"

namespace nestor::vm {
namespace {

namespace fs = std::filesystem;

CO_TEST(FolderWatch, TellsOfAFileThatIsWritten) {
  const fs::path folder = fs::temp_directory_path() / ("watch-" + std::to_string(::getpid()));
  fs::create_directories(folder);
  FolderWatch watch(io.get_executor(), folder, std::chrono::hours(1));
  std::ofstream(folder / "size") << "1";
  CO_ASSERT_TRUE(co_await watch.wait());
  fs::remove_all(folder);
  co_return Result<>{};
}

CO_TEST(FolderWatch, LooksNowAndThenWhenItCannotWatch) {
  FolderWatch watch(io.get_executor(), "/nonexistent", std::chrono::milliseconds(1));
  CO_ASSERT_TRUE(co_await watch.wait());
  CO_ASSERT_TRUE(co_await watch.wait());
  co_return Result<>{};
}

}  // namespace
}  // namespace nestor::vm
