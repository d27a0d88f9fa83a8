#include "vm/launcher/hotplug_disks.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <set>
#include <utility>

#include "base/task_group.hpp"
#include "base/testing/co_test.hpp"
#include "base/testing/manual_clock.hpp"

namespace nestor::vm {
namespace {

UniqueFd some_file() { return UniqueFd(::memfd_create("disk", MFD_CLOEXEC)); }

/// A QEMU that does what it is told, and remembers it. It refuses to take away what is not there.
class FakeQemu final : public QmpChannel {
 public:
  Task<Json> execute(std::string command, Json arguments) override {
    commands.push_back(command);
    last[command] = arguments;
    if (refuse == command) co_return fail(Code::kInternal, "refused");
    NESTOR_CO_TRY_VOID(carry_out(command, arguments));
    if (std::exchange(late, late == command ? "" : late) == command) {
      co_return fail(Code::kDeadlineExceeded, "QEMU did not answer in time");
    }
    co_return Json(JsonObject{});
  }
  Task<Json> execute_with_fd(std::string command, Json arguments, int fd) override {
    EXPECT_GE(fd, 0);
    co_return co_await execute(std::move(command), std::move(arguments));
  }

  std::vector<std::string> commands;
  std::map<std::string, Json> last;
  std::string refuse;
  /// Carried out, but the answer does not come; once.
  std::string late;
  /// What it has: "file 1", "node hot1", "device hotdisk1".
  std::set<std::string> has;
  /// Gets the event of a deleted device, unless null.
  HotplugDisks* disks = nullptr;

 private:
  Result<> carry_out(const std::string& command, const Json& arguments) {
    const auto text = [&](const char* name) { return std::string(find_string(arguments, {name})); };
    const auto file = [&] {
      return "file " + std::to_string(find(arguments, {"fdset-id"})->as_int64());
    };
    if (command == "add-fd") has.insert(file());
    if (command == "blockdev-add") has.insert("node " + text("node-name"));
    if (command == "device_add") has.insert("device " + text("id"));
    if (command == "device_del") {
      if (has.erase("device " + text("id")) == 0) return fail(Code::kNotFound, "no such device");
      if (disks != nullptr) disks->take({"DEVICE_DELETED", JsonObject{{"device", text("id")}}});
    }
    if (command == "blockdev-del" && has.erase("node " + text("node-name")) == 0) {
      return fail(Code::kInternal, "Failed to find node with node-name='x'");
    }
    if (command == "remove-fd" && has.erase(file()) == 0) {
      return fail(Code::kInternal, "File descriptor not found");
    }
    return {};
  }
};

using Commands = std::vector<std::string>;

HotDisk disk(std::string name, UniqueFd file) {
  return {.name = std::move(name), .serial = "serial-of-36-characters", .file = std::move(file)};
}

CO_TEST(HotplugDisks, PlugsInWithTheWholeSerialAndTakesOutAgain) {
  ManualClock clock(io.get_executor());
  HotplugDisks disks(clock);
  FakeQemu qemu;
  qemu.disks = &disks;
  CO_ASSERT_TRUE(co_await disks.connect(qemu));
  CO_ASSERT_TRUE(co_await disks.attach(disk("v", some_file())));
  EXPECT_EQ(qemu.commands, (Commands{"add-fd", "blockdev-add", "device_add"}));
  EXPECT_EQ(find_string(qemu.last["device_add"], {"serial"}), "serial-of-36-characters");
  EXPECT_EQ(find_string(qemu.last["device_add"], {"device_id"}), "serial-of-36-characters");
  qemu.commands.clear();
  CO_ASSERT_TRUE(co_await disks.detach("v"));
  EXPECT_EQ(qemu.commands, (Commands{"device_del", "blockdev-del", "remove-fd"}));
  EXPECT_FALSE(disks.holds("v"));
  qemu.commands.clear();
  CO_ASSERT_TRUE(co_await disks.detach("v"));
  EXPECT_TRUE(qemu.commands.empty());
  co_return Result<>{};
}

CO_TEST(HotplugDisks, TheSameFileAgainIsASuccessAndAnotherOneIsNot) {
  ManualClock clock(io.get_executor());
  HotplugDisks disks(clock);
  FakeQemu qemu;
  CO_ASSERT_TRUE(co_await disks.connect(qemu));
  UniqueFd file = some_file();
  CO_ASSERT_TRUE(co_await disks.attach(disk("v", UniqueFd(::dup(file.get())))));
  qemu.commands.clear();
  CO_ASSERT_TRUE(co_await disks.attach(disk("v", UniqueFd(::dup(file.get())))));
  EXPECT_TRUE(qemu.commands.empty());
  const auto other = co_await disks.attach(disk("v", some_file()));
  EXPECT_EQ(other.error().code, Code::kAlreadyExists);
  co_return Result<>{};
}

CO_TEST(HotplugDisks, ARefusedDeviceLeavesNothingBehind) {
  ManualClock clock(io.get_executor());
  HotplugDisks disks(clock);
  FakeQemu qemu;
  qemu.refuse = "device_add";
  CO_ASSERT_TRUE(co_await disks.connect(qemu));
  const auto refused = co_await disks.attach(disk("v", some_file()));
  EXPECT_FALSE(refused);
  EXPECT_EQ(qemu.commands,
            (Commands{"add-fd", "blockdev-add", "device_add", "blockdev-del", "remove-fd"}));
  EXPECT_FALSE(disks.holds("v"));
  co_return Result<>{};
}

CO_TEST(HotplugDisks, ACommandThatIsCarriedOutLateLosesNoDisk) {
  for (const std::string late : {"add-fd", "blockdev-add", "device_add"}) {
    ManualClock clock(io.get_executor());
    HotplugDisks disks(clock);
    FakeQemu qemu;
    qemu.disks = &disks;
    CO_ASSERT_TRUE(co_await disks.connect(qemu));
    UniqueFd file = some_file();
    qemu.late = late;
    auto attached = co_await disks.attach(disk("v", UniqueFd(::dup(file.get()))));
    EXPECT_EQ(attached.error().code, Code::kDeadlineExceeded) << late;
    EXPECT_FALSE(qemu.has.empty());
    EXPECT_TRUE(disks.holds("v"));
    // Out of doubt by a new start, with that file or another.
    CO_ASSERT_TRUE(co_await disks.attach(disk("v", some_file())));
    EXPECT_EQ(qemu.has, (std::set<std::string>{"device hotdisk2", "file 2", "node hot2"}));
    CO_ASSERT_TRUE(co_await disks.detach("v"));
    EXPECT_TRUE(qemu.has.empty());
    qemu.late = late;
    EXPECT_FALSE(co_await disks.attach(disk("v", UniqueFd(::dup(file.get())))));
    CO_ASSERT_TRUE(co_await disks.detach("v"));
    EXPECT_TRUE(qemu.has.empty()) << late;
    EXPECT_FALSE(disks.holds("v"));
  }
  co_return Result<>{};
}

CO_TEST(HotplugDisks, ADetachThatIsCarriedOutLateIsFinishedByTheNextCall) {
  for (const std::string late : {"device_del", "blockdev-del", "remove-fd"}) {
    ManualClock clock(io.get_executor());
    HotplugDisks disks(clock);
    FakeQemu qemu;
    qemu.disks = &disks;
    CO_ASSERT_TRUE(co_await disks.connect(qemu));
    UniqueFd file = some_file();
    CO_ASSERT_TRUE(co_await disks.attach(disk("v", UniqueFd(::dup(file.get())))));
    qemu.late = late;
    EXPECT_FALSE(co_await disks.detach("v")) << late;
    EXPECT_EQ((co_await disks.resize("v", 1)).error().code, Code::kNotFound);
    // Not a success without the device.
    CO_ASSERT_TRUE(co_await disks.attach(disk("v", UniqueFd(::dup(file.get())))));
    EXPECT_EQ(qemu.has, (std::set<std::string>{"device hotdisk2", "file 2", "node hot2"})) << late;
    qemu.late = late;
    EXPECT_FALSE(co_await disks.detach("v"));
    CO_ASSERT_TRUE(co_await disks.detach("v"));
    EXPECT_TRUE(qemu.has.empty()) << late;
    EXPECT_FALSE(disks.holds("v"));
  }
  co_return Result<>{};
}

CO_TEST(HotplugDisks, ADetachEndsAnAttachThatWaitsForQemu) {
  ManualClock clock(io.get_executor());
  HotplugDisks disks(clock);
  Result<> attached;
  TaskGroup tasks(io.get_executor());
  const auto attach = [&]() -> Task<> {
    attached = co_await disks.attach(disk("v", some_file()));
    co_return Result<>{};
  };
  tasks.spawn("attach", attach());
  for (int i = 0; i < 5; ++i) co_await asio::post(io, asio::use_awaitable);
  EXPECT_TRUE(disks.holds("v"));
  CO_ASSERT_TRUE(co_await disks.detach("v"));
  FakeQemu qemu;
  CO_ASSERT_TRUE(co_await disks.connect(qemu));
  for (int i = 0; i < 20; ++i) co_await asio::post(io, asio::use_awaitable);
  EXPECT_TRUE(qemu.commands.empty());
  CO_ASSERT_TRUE(!attached);
  EXPECT_EQ(attached.error().code, Code::kAborted);
  co_await tasks.close();
  co_return Result<>{};
}

CO_TEST(HotplugDisks, ADiskIsNotOutBeforeTheDeviceIsDeleted) {
  ManualClock clock(io.get_executor());
  HotplugDisks disks(clock);
  FakeQemu qemu;
  CO_ASSERT_TRUE(co_await disks.connect(qemu));
  CO_ASSERT_TRUE(co_await disks.attach(disk("v", some_file())));
  TaskGroup tasks(io.get_executor());
  tasks.spawn("detach", disks.detach("v"));
  co_await asio::post(io, asio::use_awaitable);
  co_await asio::post(io, asio::use_awaitable);
  EXPECT_TRUE(disks.holds("v"));
  disks.take(
      {"DEVICE_DELETED", JsonObject{{"device", find_string(qemu.last["device_del"], {"id"})}}});
  for (int i = 0; i < 20 && disks.holds("v"); ++i) co_await asio::post(io, asio::use_awaitable);
  EXPECT_FALSE(disks.holds("v"));
  co_await tasks.close();
  co_return Result<>{};
}

Json write_error(std::string_view node) {
  return JsonObject{{"node-name", node}, {"operation", "write"}, {"reason", "no room"}};
}

CO_TEST(HotplugDisks, AWriteThatFailsIsToldUntilItIsForgotten) {
  ManualClock clock(io.get_executor());
  HotplugDisks disks(clock);
  FakeQemu qemu;
  CO_ASSERT_TRUE(co_await disks.connect(qemu));
  CO_ASSERT_TRUE(co_await disks.attach(disk("v", some_file())));
  CO_ASSERT_TRUE(co_await disks.attach(disk("w", some_file())));
  const std::string node(find_string(qemu.last["device_add"], {"drive"}));
  disks.take({"BLOCK_IO_ERROR", write_error("disk-root")});
  int told = 0;
  TaskGroup tasks(io.get_executor());
  const auto count = [&](std::string name) -> Task<> {
    auto failed = co_await disks.until_error(std::move(name));
    if (failed.error().message.ends_with("failed: no room")) ++told;
    co_return Result<>{};
  };
  tasks.spawn("v", count("v"));
  tasks.spawn("w", count("w"));
  co_await asio::post(io, asio::use_awaitable);
  EXPECT_EQ(told, 0);
  disks.take({"BLOCK_IO_ERROR", write_error(node)});
  for (int i = 0; i < 20 && told == 0; ++i) co_await asio::post(io, asio::use_awaitable);
  EXPECT_EQ(told, 1);
  // Nobody said that the word got through.
  tasks.spawn("w again", count("w"));
  for (int i = 0; i < 20 && told == 1; ++i) co_await asio::post(io, asio::use_awaitable);
  EXPECT_EQ(told, 2);
  disks.forget_error("w");
  tasks.spawn("w once more", count("w"));
  for (int i = 0; i < 20; ++i) co_await asio::post(io, asio::use_awaitable);
  EXPECT_EQ(told, 2);
  co_await tasks.close();
  co_return Result<>{};
}

CO_TEST(HotplugDisks, ANewQemuGetsTheDisksThatAreHeld) {
  ManualClock clock(io.get_executor());
  HotplugDisks disks(clock);
  FakeQemu first;
  CO_ASSERT_TRUE(co_await disks.connect(first));
  CO_ASSERT_TRUE(co_await disks.attach(disk("v", some_file())));
  disks.disconnect();
  FakeQemu second;
  CO_ASSERT_TRUE(co_await disks.connect(second));
  EXPECT_EQ(second.commands, (Commands{"add-fd", "blockdev-add", "device_add"}));
  disks.disconnect();
  // Without QEMU nobody has the file open.
  CO_ASSERT_TRUE(co_await disks.detach("v"));
  EXPECT_FALSE(disks.holds("v"));
  co_return Result<>{};
}

}  // namespace
}  // namespace nestor::vm
