#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "base/task_group.hpp"
#include "base/testing/co_test.hpp"
#include "vm/attach/attach.hpp"
#include "vm/launcher/child_process.hpp"
#include "vm/launcher/hotplug_disks.hpp"
#include "vm/launcher/hotplug_server.hpp"
#include "vm/launcher/qemu_command.hpp"
#include "vm/launcher/qmp_client.hpp"

/// The whole way of a hot-plugged disk on a real QEMU: attachment program, launcher's socket, QMP.
/// Nothing boots, and there is no network. Needs `qemu-system-x86_64` 10 in $NESTOR_QEMU_FOLDER.
namespace nestor::vm {
namespace {

namespace fs = std::filesystem;
constexpr const char* kSerial = "12345678-1234-1234-1234-1234567890ab";

void write(const fs::path& folder, const std::string& name, const std::string& text) {
  std::ofstream(folder / "new") << text;
  fs::rename(folder / "new", folder / name);
}

/// The size of the only hot-plugged disk, or -1.
Task<std::int64_t> disk_size(QmpChannel& qmp) {
  NESTOR_CO_TRY(const Json blocks, co_await qmp.execute("query-block", nullptr));
  for (const Json& block : blocks.as_array()) {
    if (find_string(block, {"qdev"}).find("hotdisk") == std::string_view::npos) continue;
    const Json* size = find(block, {"inserted", "image", "virtual-size"});
    if (size != nullptr && size->is_int64()) co_return size->get_int64();
  }
  co_return std::int64_t{-1};
}

Task<> wait_for_size(QmpChannel& qmp, Clock& clock, std::int64_t wanted) {
  for (int i = 0; i < 200; ++i) {
    NESTOR_CO_TRY(const std::int64_t size, co_await disk_size(qmp));
    if (size == wanted) co_return Result<>{};
    NESTOR_CO_TRY_VOID(co_await clock.sleep_for(std::chrono::milliseconds(50)));
  }
  co_return fail(Code::kDeadlineExceeded, "the disk never had " + std::to_string(wanted));
}

Task<> plug_grow_unplug(asio::io_context& io, QmpClient& qmp, HotplugDisks& disks,
                        const fs::path& folder) {
  SystemClock clock(io.get_executor());
  CO_ASSERT_TRUE(co_await qmp.negotiate());
  CO_ASSERT_TRUE(co_await disks.connect(qmp));
  AttachOptions options{.volume = "pvc-0b1c2d3e-0000-4000-8000-0123456789ab", .serial = kSerial};
  options.claim_folder = (folder / "claim").string();
  options.wanted_folder = (folder / "wanted").string();
  options.socket = (folder / "launcher.sock").string();
  options.port = 0;
  write(folder / "wanted", "size", "1073741824");
  std::promise<int> end;
  std::thread attach([&] { end.set_value(attach_main(options)); });
  auto grown = co_await wait_for_size(qmp, clock, 1LL << 30);
  if (grown) {
    write(folder / "wanted", "size", "2147483648");
    grown = co_await wait_for_size(qmp, clock, 2LL << 30);
  }
  const bool held = disks.holds(options.volume);
  write(folder / "wanted", "detach", "true");
  auto gone = co_await wait_for_size(qmp, clock, -1);
  // The program waits for the answer of our loop, so the loop must run.
  auto ended = end.get_future();
  while (ended.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    CO_ASSERT_TRUE(co_await clock.sleep_for(std::chrono::milliseconds(20)));
  }
  attach.join();
  EXPECT_EQ(ended.get(), 0);
  EXPECT_TRUE(held);
  EXPECT_FALSE(disks.holds(options.volume));
  EXPECT_EQ(fs::file_size(folder / "claim/disk.img"), 2u << 30);
  NESTOR_CO_TRY_VOID(std::move(grown));
  NESTOR_CO_TRY_VOID(std::move(gone));
  (void)co_await qmp.execute("quit");
  co_return Result<>{};
}

TEST(Hotplug, ADiskIsPluggedInGrownAndTakenOut) {
  const char* where = std::getenv("NESTOR_QEMU_FOLDER");
  if (where == nullptr) GTEST_SKIP() << "NESTOR_QEMU_FOLDER is not set";
  const fs::path folder = fs::temp_directory_path() / ("hotplug-" + std::to_string(::getpid()));
  fs::create_directories(folder / "claim");
  fs::create_directories(folder / "wanted");
  asio::io_context io;
  SystemClock clock(io.get_executor());
  QemuConfig config;
  config.name = "test";
  config.uuid = machine_uuid("test", "test");
  config.memory_bytes = 64 * kMiB;
  config.console_socket = (folder / "console.sock").string();
  auto command = qemu_command(config);
  command[0] = std::string(where) + "/qemu-system-x86_64";
  std::array<int, 2> pair{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
  auto child = ChildProcess::start(io.get_executor(), command, {{pair[1], config.qmp_fd}});
  ::close(pair[1]);
  ASSERT_TRUE(child) << child.error().message;
  HotplugDisks disks(clock);
  HotplugServer server(io.get_executor(), disks);
  ASSERT_TRUE(server.start((folder / "launcher.sock").string()));
  QmpClient qmp(io.get_executor(), pair[0], [&](QmpEvent event) { disks.take(event); });
  TaskGroup tasks(io.get_executor());
  tasks.spawn("QMP", qmp.run());
  const auto result =
      run_coroutine<void>(io, plug_grow_unplug(io, qmp, disks, folder), std::chrono::seconds(120));
  disks.disconnect();
  run_coroutine(io, server.stop());
  run_coroutine(io, tasks.close());
  fs::remove_all(folder);
  EXPECT_TRUE(result) << result.error().message;
}

}  // namespace
}  // namespace nestor::vm
