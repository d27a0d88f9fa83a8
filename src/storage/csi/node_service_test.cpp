#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>

#include "base/testing/co_test.hpp"
#include "base/testing/manual_clock.hpp"
#include "csi.pb.h"
#include "net/grpc/client.hpp"
#include "storage/csi/services.hpp"
#include "storage/names.hpp"
#include "storage/testing/fake_node_host.hpp"

namespace nestor::storage {
namespace {

namespace v1 = csi::v1;
namespace fs = std::filesystem;

/// The Node service behind its socket, and a kubelet.
class NodeServiceTest : public ::testing::Test {
 protected:
  NodeServiceTest() {
    folder_ = fs::temp_directory_path() / ("nestor-csi-" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    grpc::Listen where;
    where.unix_path = (folder_ / "csi.sock").string();
    EXPECT_TRUE(server_.listen(where));
  }
  ~NodeServiceTest() override {
    channel_.reset();
    run_coroutine(io_, tasks_.close());
    run_coroutine(io_, server_.stop());
    fs::remove_all(folder_);
  }

  template <class Response, class Request>
  Result<Response> call(const std::string& method, Request request) {
    return run_coroutine<Response>(io_, call_now<Response, Request>(method, std::move(request)));
  }
  template <class Response, class Request>
  Task<Response> call_now(std::string method, Request request) {
    if (!channel_) {
      grpc::Target target;
      target.unix_path = (folder_ / "csi.sock").string();
      target.tls = false;
      NESTOR_CO_TRY(channel_, co_await grpc::connect(tasks_, target));
    }
    co_return co_await grpc::call_unary<Response>(*channel_, "/csi.v1.Node/" + method,
                                                  std::move(request));
  }

  std::string staging() const { return (folder_ / "staging").string(); }
  std::string target() const { return (folder_ / "target").string(); }

  Result<v1::NodeStageVolumeResponse> stage(bool block = false, const char* type = "") {
    v1::NodeStageVolumeRequest request;
    request.set_volume_id("pvc-a");
    request.set_staging_target_path(staging());
    (*request.mutable_volume_context())[std::string(kSerialAttribute)] = "s1";
    auto& capability = *request.mutable_volume_capability();
    if (block) {
      capability.mutable_block();
    } else {
      capability.mutable_mount()->set_fs_type(type);
      capability.mutable_mount()->add_mount_flags("noatime");
    }
    return call<v1::NodeStageVolumeResponse>("NodeStageVolume", request);
  }
  Result<v1::NodePublishVolumeResponse> publish(bool block = false, bool read_only = false) {
    v1::NodePublishVolumeRequest request;
    request.set_volume_id("pvc-a");
    request.set_staging_target_path(staging());
    request.set_target_path(target());
    request.set_readonly(read_only);
    (*request.mutable_volume_context())[std::string(kSerialAttribute)] = "s1";
    auto& capability = *request.mutable_volume_capability();
    if (block) {
      capability.mutable_block();
    } else {
      capability.mutable_mount();
    }
    return call<v1::NodePublishVolumeResponse>("NodePublishVolume", request);
  }

  asio::io_context io_;
  ManualClock clock_{io_.get_executor()};
  fs::path folder_;
  testing::FakeNodeHost host_;
  NodeOptions options_{.node_name = "node-1", .max_volumes = 64};
  grpc::Server server_{io_.get_executor(), node_service(host_, clock_, options_)};
  TaskGroup tasks_{io_.get_executor()};
  std::unique_ptr<grpc::Channel> channel_;
};

TEST_F(NodeServiceTest, FormatsABlankDiskOnceAndHonoursFlagsAndReadOnly) {
  host_.disks["s1"] = {};
  ASSERT_TRUE(stage());
  EXPECT_EQ(host_.mounts.at(staging()).fs_type, "ext4");
  EXPECT_EQ(host_.mounts.at(staging()).options, std::vector<std::string>{"noatime"});
  ASSERT_TRUE(stage());
  EXPECT_EQ(host_.formats, 1);
  ASSERT_TRUE(publish(false, true));
  EXPECT_TRUE(host_.mounts.at(target()).read_only);
}

TEST_F(NodeServiceTest, NeverOverwritesWhatIsOnADisk) {
  host_.disks["s1"].fs_type = "xfs";
  const auto staged = stage();
  ASSERT_FALSE(staged);
  EXPECT_EQ(staged.error().code, Code::kFailedPrecondition);
  EXPECT_EQ(host_.formats, 0);
  EXPECT_EQ(host_.disks["s1"].fs_type, "xfs");
}

TEST_F(NodeServiceTest, NeverFormatsADiskThatItCannotReadOrThatIsAnotherNow) {
  host_.disks["s1"].unreadable = true;
  EXPECT_EQ(stage().error().code, Code::kInternal);
  host_.disks["s1"].unreadable = false;
  host_.after_probe = [&] {
    host_.disks["s2"] = host_.disks["s1"];
    host_.moved["s1"] = "/dev/fake-s2";
  };
  EXPECT_EQ(stage().error().code, Code::kUnavailable);
  EXPECT_EQ(host_.formats, 0);
  EXPECT_TRUE(host_.mounts.empty());
}

TEST_F(NodeServiceTest, NothingIsPublishedThatIsNotStaged) {
  host_.disks["s1"] = {};
  const auto published = publish();
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().code, Code::kFailedPrecondition);
}

TEST_F(NodeServiceTest, ABlockVolumeIsTheDeviceItself) {
  host_.disks["s1"] = {};
  ASSERT_TRUE(stage(true));
  EXPECT_TRUE(host_.mounts.empty());
  ASSERT_TRUE(publish(true));
  EXPECT_EQ(host_.mounts.at(target()).device, "/dev/fake-s1");
  EXPECT_EQ(host_.formats, 0);
}

TEST_F(NodeServiceTest, GrowsTheFileSystemToTheDisk) {
  host_.disks["s1"] = {};
  ASSERT_TRUE(stage());
  ASSERT_TRUE(publish());
  host_.disks["s1"].size = 2LL << 30;
  v1::NodeExpandVolumeRequest request;
  request.set_volume_id("pvc-a");
  request.set_volume_path(target());
  request.mutable_capacity_range()->set_required_bytes(2LL << 30);
  const auto grown = call<v1::NodeExpandVolumeResponse>("NodeExpandVolume", request);
  ASSERT_TRUE(grown);
  EXPECT_EQ(grown->capacity_bytes(), 2LL << 30);
  v1::NodeGetVolumeStatsRequest ask;
  ask.set_volume_id("pvc-a");
  ask.set_volume_path(target());
  const auto stats = call<v1::NodeGetVolumeStatsResponse>("NodeGetVolumeStats", ask);
  ASSERT_TRUE(stats);
  EXPECT_EQ(stats->usage(0).total(), 2LL << 30);
}

TEST_F(NodeServiceTest, TellsItsNameAndLimit) {
  const auto info = call<v1::NodeGetInfoResponse>("NodeGetInfo", v1::NodeGetInfoRequest());
  ASSERT_TRUE(info);
  EXPECT_EQ(info->node_id(), "node-1");
  EXPECT_EQ(info->max_volumes_per_node(), 64);
}

TEST(MountText, FindsTheLastMountOfAPath) {
  const std::string text =
      "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
      "40 22 8:16 / /mnt/with\\040space rw shared:5 - ext4 /dev/sdb rw\n"
      "41 22 8:32 / /mnt/a rw - xfs /dev/sdc rw\n"
      "broken line\n"
      "42 22 8:48 / /mnt/a ro - ext4 /dev/sdd ro\n";
  EXPECT_EQ(find_mount(text, "/mnt/with space")->source, "/dev/sdb");
  EXPECT_EQ(find_mount(text, "/mnt/a")->source, "/dev/sdd");
  EXPECT_FALSE(find_mount(text, "/mnt"));
}

TEST(MountText, SplitsOptionsIntoFlagsAndData) {
  const auto options = read_mount_options({"ro", "noatime", "discard", "nouuid", "defaults"});
  EXPECT_NE(options.flags, 0u);
  EXPECT_EQ(options.data, "discard,nouuid");
}

TEST(MountText, OnlyADeviceThatCannotBeWrittenToIsMountedReadOnlyInstead) {
  const unsigned long read_only = read_mount_options({"ro"}).flags;
  EXPECT_TRUE(may_mount_read_only(EACCES, 0));
  EXPECT_TRUE(may_mount_read_only(EROFS, 0));
  EXPECT_FALSE(may_mount_read_only(EROFS, read_only));
  EXPECT_FALSE(may_mount_read_only(EIO, 0));
}

/// A file beside the test, on a disk: not every file system in memory knows direct reads.
class ReadEnds : public ::testing::Test {
 protected:
  ~ReadEnds() override { fs::remove(path_); }
  Result<std::string> read(std::string content) {
    std::ofstream(path_, std::ios::binary) << content;
    return read_ends(path_);
  }
  const std::string path_ = fs::absolute("read-ends-" + std::to_string(::getpid())).string();
};

TEST_F(ReadEnds, GivesTheBeginningOfWhatCanBeReadWhateverItsSize) {
  for (const std::size_t size : {1u, 512u, 4096u, 70'000u, 1u << 20, (1u << 20) + 513u}) {
    const std::string content(size, 'x');
    const auto head = read(content);
    ASSERT_TRUE(head) << size << ": " << head.error().message;
    EXPECT_EQ(*head, content.substr(0, 1 << 20)) << size;
  }
}

TEST_F(ReadEnds, WhatCannotBeReadIsNotBlank) {
  EXPECT_FALSE(read(""));
  EXPECT_FALSE(read_ends(path_ + "-missing"));
  // It opens, and reads fail.
  EXPECT_FALSE(read_ends(fs::temp_directory_path().string()));
}

/// A blkid that finds nothing, whatever there is, and remembers what else was run.
class BlindBlkid final : public ProcessRunner {
 public:
  Task<ProcessOutput> run(ProcessSpec spec) override {
    ProcessOutput out;
    out.exit_code = spec.argv.front() == "blkid" ? 2 : 0;
    last = std::move(spec.argv);
    co_return out;
  }
  std::vector<std::string> last;
};

TEST_F(ReadEnds, ADeviceIsBlankOnlyWhenItWasReadAndHoldsNothing) {
  asio::io_context io;
  BlindBlkid processes;
  const auto host = make_node_host(processes);
  const auto file_system = [&] { return run_coroutine<std::string>(io, host->file_system(path_)); };
  EXPECT_FALSE(file_system());
  ASSERT_TRUE(read(std::string(4096, '\0')));
  EXPECT_EQ(file_system().value(), "");
  ASSERT_TRUE(read("XFSB" + std::string(4096, '\0')));
  EXPECT_EQ(file_system().error().code, Code::kInternal);
  ASSERT_TRUE(run_coroutine<void>(io, host->format(path_, "xfs")));
  EXPECT_EQ(processes.last, (std::vector<std::string>{"mkfs.xfs", "-q", path_}));
}

TEST(FileSystem, IsKnownByItsMagic) {
  EXPECT_TRUE(begins_with_file_system("XFSB rest"));
  std::string ext(4096, '\0');
  EXPECT_FALSE(begins_with_file_system(ext));
  ext.replace(1080, 2, "\x53\xef");
  EXPECT_TRUE(begins_with_file_system(ext));
  EXPECT_FALSE(begins_with_file_system(""));
  EXPECT_FALSE(begins_with_file_system(std::string(1080, '\0') + "\x53"));
}

TEST(Blkid, NamesAFileSystemOrSomethingUnknown) {
  EXPECT_EQ(file_system_in("DEVNAME=/dev/vdb\nPTTYPE=dos\nTYPE=ext4\nUSAGE=x\n"), "ext4");
  EXPECT_EQ(file_system_in("TYPE=xfs"), "xfs");
  // Never "", which is a blank device: that would be formatted.
  for (const char* text : {"", "DEVNAME=/dev/vdb\nPTTYPE=dos\n", "TYPE=\n", "UUID=1\nTYPE="}) {
    EXPECT_EQ(file_system_in(text), "unknown") << text;
  }
}

TEST(Serial, IsReadFromTheVitalProductData) {
  using namespace std::string_view_literals;
  EXPECT_EQ(serial_in_vpd("\0\x80\0\x06"
                          "ab12 \0"sv),
            "ab12");
  for (const auto page : {""sv, "\0\x80\0"sv, "\0\x80\0\0"sv, "\0\x80\0\x02 \0"sv}) {
    EXPECT_EQ(serial_in_vpd(page), "");
  }
}

TEST(Serial, IsComparedWholeOrAsVirtioCutsIt) {
  const std::string serial = "12345678-1234-1234-1234-1234567890ab";
  EXPECT_TRUE(serial_matches(serial, serial));
  EXPECT_TRUE(serial_matches(serial.substr(0, 20), serial));
  EXPECT_FALSE(serial_matches(serial.substr(0, 19), serial));
  EXPECT_FALSE(serial_matches("", serial));
}

}  // namespace
}  // namespace nestor::storage
