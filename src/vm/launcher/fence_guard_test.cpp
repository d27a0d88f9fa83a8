#include "vm/launcher/fence_guard.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

#include "base/task_group.hpp"
#include "base/testing/co_test.hpp"

namespace nestor::vm {
namespace {

namespace fs = std::filesystem;

/// Keeps what nft was told; fails when asked to.
class FakeNft final : public ProcessRunner {
 public:
  Task<ProcessOutput> run(ProcessSpec spec) override {
    EXPECT_EQ(spec.argv, (std::vector<std::string>{"nft", "-f", "-"}));
    inputs.push_back(std::move(spec.input));
    ProcessOutput output;
    output.exit_code = fails ? 1 : 0;
    output.err = fails ? "Error: Operation not supported\n" : "";
    co_return output;
  }
  std::vector<std::string> inputs;
  bool fails = false;
};

class FenceGuard : public ::testing::Test {
 protected:
  FenceGuard() {
    std::string name = ::testing::TempDir() + "fenceXXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~FenceGuard() override {
    run_coroutine(io_, tasks_.close());
    fs::remove_all(folder_);
  }

  /// As the kubelet does it: a new folder, and a link that is renamed to it.
  void publish(const std::string& text) {
    const fs::path data = folder_ / ("..data" + std::to_string(++version_));
    fs::create_directory(data);
    std::ofstream(data / kFenceFile) << text;
    fs::create_directory_symlink(data.filename(), folder_ / "..data_tmp");
    fs::rename(folder_ / "..data_tmp", folder_ / "..data");
    if (!fs::exists(fs::symlink_status(folder_ / kFenceFile))) {
      fs::create_symlink(fs::path("..data") / kFenceFile, folder_ / kFenceFile);
    }
  }
  void follow() {
    tasks_.spawn("fence", follow_fence(io_.get_executor(), nft_, folder_));
    settle(io_);
  }
  /// Until nft was called that often, or 5 seconds have passed.
  std::size_t calls(std::size_t wanted) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    if (io_.stopped()) io_.restart();
    while (nft_.inputs.size() < wanted && io_.run_one_until(until) > 0) {
    }
    return nft_.inputs.size();
  }

  asio::io_context io_;
  FakeNft nft_;
  fs::path folder_;
  int version_ = 0;
  TaskGroup tasks_{io_.get_executor()};
};

TEST_F(FenceGuard, FollowsTheFileAsTheKubeletReplacesIt) {
  publish(R"({"peers": ["10.244.0.6"]})");
  follow();
  ASSERT_EQ(calls(1), 1u);
  EXPECT_EQ(nft_.inputs[0], fence_update({{"10.244.0.6"}, {}}));
  publish(R"({"peers": ["10.244.0.6", "10.244.0.7"]})");
  ASSERT_EQ(calls(2), 2u);
  EXPECT_EQ(nft_.inputs[1], fence_update({{"10.244.0.6", "10.244.0.7"}, {}}));
}

TEST_F(FenceGuard, AnUnreadableFileChangesNothing) {
  publish(R"({"peers": ["10.244.0.6"]})");
  follow();
  publish("{");
  publish(R"({"peers": ["10.244.0.8"]})");
  ASSERT_EQ(calls(2), 2u);
  EXPECT_EQ(nft_.inputs[1], fence_update({{"10.244.0.8"}, {}}));
}

TEST_F(FenceGuard, TriesAgainWhatFailed) {
  nft_.fails = true;
  publish(R"({"peers": ["10.244.0.6"]})");
  follow();
  ASSERT_EQ(calls(1), 1u);
  nft_.fails = false;
  publish(R"({"peers": ["10.244.0.6"]})");
  ASSERT_EQ(calls(2), 2u);
}

TEST_F(FenceGuard, WithoutAFenceTheMachineDoesNotStart) {
  nft_.fails = true;
  const auto up = run_coroutine(io_, put_up_fence(nft_, Fence{}));
  ASSERT_FALSE(up);
  EXPECT_EQ(up.error().code, Code::kFailedPrecondition);
  EXPECT_NE(up.error().message.find("Operation not supported"), std::string::npos);
}

}  // namespace
}  // namespace nestor::vm
