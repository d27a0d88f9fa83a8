#include "vm/attach/attach.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/write.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/race.hpp"
#include "base/testing/co_test.hpp"
#include "vm/launcher/fd_socket.hpp"
#include "vm/launcher/hotplug_server.hpp"
#include "vm/launcher/hotplug_wire.hpp"

namespace nestor::vm {
namespace {

namespace fs = std::filesystem;

/// A folder of its own for each test.
class OpenDisk : public ::testing::Test {
 protected:
  OpenDisk() : folder_(fs::temp_directory_path() / ("attach-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
    options_.claim_folder = folder_.string();
  }
  ~OpenDisk() override { fs::remove_all(folder_); }
  fs::path image() const { return folder_ / "disk.img"; }

  fs::path folder_;
  AttachOptions options_{.volume = "v"};
};

TEST_F(OpenDisk, MakesAnImageThatTakesNoRoomUntilItIsWritten) {
  const auto fd = open_disk(options_, 1LL << 30);
  ASSERT_TRUE(fd);
  struct stat info{};
  ASSERT_EQ(::fstat(fd->get(), &info), 0);
  EXPECT_EQ(info.st_size, 1LL << 30);
  EXPECT_LT(info.st_blocks, 100);
}

TEST_F(OpenDisk, GrowsAnImageAndNeverShrinksIt) {
  std::ofstream(image()) << "data";
  ASSERT_TRUE(open_disk(options_, 1 << 20));
  EXPECT_EQ(fs::file_size(image()), 1u << 20);
  ASSERT_TRUE(open_disk(options_, 10));
  EXPECT_EQ(fs::file_size(image()), 1u << 20);
}

TEST_F(OpenDisk, RefusesLinksAndFolders) {
  fs::create_symlink("/etc/passwd", image());
  EXPECT_FALSE(open_disk(options_, 10));
  fs::remove(image());
  options_.read_only = true;
  fs::create_directories(image());
  EXPECT_EQ(open_disk(options_, 10).error().code, Code::kFailedPrecondition);
}

TEST(HotplugWire, IsReadAsItIsWritten) {
  HotplugRequest request{.action = "attach", .name = "v", .serial = "s", .readOnly = true};
  const std::string line = to_line(request);
  ASSERT_EQ(line.back(), '\n');
  EXPECT_EQ(from_line<HotplugRequest>(line).value(), request);
  EXPECT_FALSE(from_line<HotplugRequest>("nonsense"));
  EXPECT_FALSE(from_line<HotplugRequest>(R"({"action": 7})"));
}

/// Takes files as QEMU does, and remembers what it was told.
class FileTakingQemu final : public QmpChannel {
 public:
  explicit FileTakingQemu(HotplugDisks& disks) : disks_(disks) {}
  Task<Json> execute(std::string command, Json arguments) override {
    commands.push_back(command);
    if (command == "blockdev-add") node = find_string(arguments, {"node-name"});
    if (command == "device_del") {
      disks_.take({"DEVICE_DELETED", JsonObject{{"device", find_string(arguments, {"id"})}}});
    }
    co_return Json(JsonObject{});
  }
  Task<Json> execute_with_fd(std::string command, Json arguments, int fd) override {
    struct stat info{};
    EXPECT_EQ(::fstat(fd, &info), 0);
    size = info.st_size;
    co_return co_await execute(std::move(command), std::move(arguments));
  }
  std::vector<std::string> commands;
  std::int64_t size = 0;
  /// Of the last disk.
  std::string node;

 private:
  HotplugDisks& disks_;
};

Task<HotplugReply> ask(LocalSocket& socket, LineReader& reader, HotplugRequest request, int fd) {
  const std::string line = to_line(request);
  NESTOR_CO_TRY(const std::size_t sent, co_await send_with_fd(socket, line, fd));
  EXPECT_EQ(sent, line.size());
  NESTOR_CO_TRY(const auto reply, co_await reader.next());
  if (!reply) co_return fail(Code::kUnavailable, "closed");
  co_return from_line<HotplugReply>(*reply);
}

CO_TEST(HotplugServer, TakesAnOpenFileFromAnotherProcessAndGivesItBack) {
  const fs::path folder = fs::temp_directory_path() / ("hotplug-" + std::to_string(::getpid()));
  fs::create_directories(folder);
  const std::string path = (folder / "launcher.sock").string();
  SystemClock clock(io.get_executor());
  HotplugDisks disks(clock);
  FileTakingQemu qemu(disks);
  CO_ASSERT_TRUE(co_await disks.connect(qemu));
  HotplugServer server(io.get_executor(), disks);
  CO_ASSERT_TRUE(server.start(path));

  AttachOptions options{.volume = "v"};
  options.claim_folder = folder.string();
  CO_ASSERT_OK(const UniqueFd disk, open_disk(options, 4096));
  LocalSocket socket(io.get_executor());
  co_await socket.async_connect(asio::local::stream_protocol::endpoint(path), asio::use_awaitable);
  LineReader reader(socket);
  HotplugRequest attach{.action = "attach", .name = "v", .serial = "s"};
  CO_ASSERT_OK(const auto attached, co_await ask(socket, reader, attach, disk.get()));
  EXPECT_EQ(attached.ok, true) << attached.error;
  EXPECT_EQ(qemu.size, 4096);
  EXPECT_TRUE(disks.holds("v"));
  HotplugRequest unknown{.action = "explode", .name = "v"};
  CO_ASSERT_OK(const auto refused, co_await ask(socket, reader, unknown, disk.get()));
  EXPECT_FALSE(refused.error.empty());
  // Nobody asks for this reply, and it is the connection's last.
  disks.take({"BLOCK_IO_ERROR", JsonObject{{"node-name", qemu.node}, {"reason", "no room"}}});
  CO_ASSERT_OK(const auto told, co_await reader.next());
  CO_ASSERT_TRUE(told);
  EXPECT_NE(from_line<HotplugReply>(*told).value().error.find("no room"), std::string::npos);
  CO_ASSERT_OK(const auto end, co_await reader.next());
  EXPECT_FALSE(end);
  EXPECT_TRUE(disks.holds("v"));
  socket.close();
  co_await socket.async_connect(asio::local::stream_protocol::endpoint(path), asio::use_awaitable);
  HotplugRequest detach{.action = "detach", .name = "v"};
  CO_ASSERT_OK(const auto detached, co_await ask(socket, reader, detach, disk.get()));
  EXPECT_EQ(detached.ok, true) << detached.error;
  EXPECT_FALSE(disks.holds("v"));
  co_await server.stop();
  fs::remove_all(folder);
  co_return Result<>{};
}

/// What the next request asks for.
Task<std::string> next_action(LineReader& reader) {
  NESTOR_CO_TRY(const auto line, co_await reader.next());
  if (!line) co_return fail(Code::kUnavailable, "closed");
  NESTOR_CO_TRY(const HotplugRequest request, from_line<HotplugRequest>(*line));
  co_return request.action;
}

/// Sees when another thread has read a file to its end.
class ReadWatch {
 public:
  explicit ReadWatch(const fs::path& file) : events_(::inotify_init1(IN_CLOEXEC)) {
    ::inotify_add_watch(events_.get(), file.c_str(), IN_CLOSE_NOWRITE);
  }
  bool wait() const {
    pollfd set{events_.get(), POLLIN, 0};
    return ::poll(&set, 1, 20'000) == 1;
  }

 private:
  UniqueFd events_;
};

/// Puts `text` where the program looks for a detach, whole as the kubelet does, and waits until it
/// was read.
bool show_detach(const fs::path& folder, const char* text) {
  std::ofstream(folder / "detach") << text;
  const ReadWatch seen(folder / "detach");
  fs::rename(folder / "detach", folder / "wanted" / "detach");
  return seen.wait();
}

/// What the program is started with, all of it below `folder`.
AttachOptions options_in(const fs::path& folder) {
  AttachOptions out{.volume = "v"};
  out.claim_folder = folder.string();
  out.wanted_folder = (folder / "wanted").string();
  out.socket = (folder / "launcher.sock").string();
  out.port = 0;
  return out;
}

CO_TEST(AttachMain, WaitsForTheLaunchersSocket) {
  const fs::path folder = fs::temp_directory_path() / ("attach-wait-" + std::to_string(::getpid()));
  fs::create_directories(folder / "wanted");
  const AttachOptions options = options_in(folder);
  std::ofstream(folder / "wanted" / "size") << "4096";
  std::ofstream(folder / "wanted" / "detach") << "false";
  // Of what it reads at its start this is the last.
  const ReadWatch begun(folder / "wanted" / "detach");
  SystemClock clock(io.get_executor());
  int code = -1;
  // Before the server: what fails ends that, and so the program.
  std::jthread program([&] { code = attach_main(options); });
  HotplugDisks disks(clock);
  FileTakingQemu qemu(disks);
  CO_ASSERT_TRUE(co_await disks.connect(qemu));
  HotplugServer server(io.get_executor(), disks);
  CO_ASSERT_TRUE(begun.wait());
  // What is read after that is read by one that has found no socket.
  CO_ASSERT_TRUE(show_detach(folder, "false"));
  CO_ASSERT_TRUE(server.start(options.socket));
  const SteadyTime until = clock.steady_now() + std::chrono::seconds(20);
  while (!disks.holds("v") && clock.steady_now() < until) {
    CO_ASSERT_TRUE(co_await clock.sleep_for(std::chrono::milliseconds(5)));
  }
  EXPECT_TRUE(disks.holds("v"));
  std::ofstream(folder / "wanted" / "detach") << "true";
  while (disks.holds("v") && clock.steady_now() < until) {
    CO_ASSERT_TRUE(co_await clock.sleep_for(std::chrono::milliseconds(5)));
  }
  EXPECT_FALSE(disks.holds("v"));
  co_await server.stop();
  program.join();
  EXPECT_EQ(code, 0);
  fs::remove_all(folder);
  co_return Result<>{};
}

CO_TEST(AttachMain, ADetachThatIsAskedForDuringAResizeIsNotLost) {
  const fs::path folder = fs::temp_directory_path() / ("attach-main-" + std::to_string(::getpid()));
  fs::create_directories(folder / "wanted");
  const AttachOptions options = options_in(folder);
  const auto want = [&](const char* name, const char* text) {
    std::ofstream(folder / "wanted" / name) << text;
  };
  want("size", "4096");
  SystemClock clock(io.get_executor());
  asio::local::stream_protocol::acceptor acceptor(io, options.socket);
  int code = -1;
  // Before the socket: what fails closes that, and so ends the program.
  std::jthread program([&] { code = attach_main(options); });
  LocalSocket socket = co_await acceptor.async_accept(asio::use_awaitable);
  LineReader reader(socket);
  const std::string ok = to_line(HotplugReply{.ok = true});
  const auto answer = [&] { asio::write(socket, asio::buffer(ok)); };
  const auto next = [&] {
    return before(clock, clock.steady_now() + std::chrono::seconds(20), next_action(reader));
  };
  CO_ASSERT_OK(std::string action, co_await next());
  EXPECT_EQ(action, "attach");
  answer();
  CO_ASSERT_OK(action, co_await next());
  EXPECT_EQ(action, "resize");
  answer();
  want("size", "8192");
  CO_ASSERT_OK(action, co_await next());
  EXPECT_EQ(action, "resize");
  CO_ASSERT_TRUE(show_detach(folder, "true"));
  answer();
  CO_ASSERT_OK(action, co_await next());
  EXPECT_EQ(action, "detach");
  answer();
  program.join();
  EXPECT_EQ(code, 0);
  fs::remove_all(folder);
  co_return Result<>{};
}

}  // namespace
}  // namespace nestor::vm
