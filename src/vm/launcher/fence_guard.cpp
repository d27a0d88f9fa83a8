#include "vm/launcher/fence_guard.hpp"

#include <sys/inotify.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>
#include <tuple>

#include "base/json_convert.hpp"
#include "base/log.hpp"

namespace nestor::vm {
namespace {

constexpr std::string_view kFenceComponent = "vm.fence";
constexpr std::chrono::seconds kLookEvery{5};

/// Tells of changes in a folder. Nodes allow few watchers a user: when there is none left, it looks
/// every few seconds instead.
class FolderWatch {
 public:
  FolderWatch(const Executor& executor, const std::filesystem::path& folder)
      : events_(executor), timer_(executor) {
    const int fd = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd >= 0) events_.assign(fd);
    // The kubelet writes a new folder and renames a link to it.
    constexpr std::uint32_t kChanges = IN_MOVED_TO | IN_CREATE | IN_CLOSE_WRITE;
    watching_ = fd >= 0 && ::inotify_add_watch(fd, folder.c_str(), kChanges) >= 0;
    if (!watching_)
      log::warn(kFenceComponent, "cannot watch {}: {}", folder.string(), error_text());
  }

  /// Until something may have changed. Errors: kCancelled.
  Task<> wait() {
    boost::system::error_code error;
    if (watching_) {
      std::array<char, 4096> events;
      const auto buffer = asio::buffer(events);
      std::tie(error, std::ignore) =
          co_await events_.async_read_some(buffer, asio::as_tuple(asio::use_awaitable));
    } else {
      timer_.expires_after(kLookEvery);
      std::tie(error) = co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    if (error) co_return fail(Code::kCancelled, "cancelled while watching the fence's file");
    co_return Result<>{};
  }

 private:
  static std::string error_text() { return std::generic_category().message(errno); }

  asio::posix::stream_descriptor events_;
  asio::steady_timer timer_;
  bool watching_ = false;
};

Task<> run_nft(ProcessRunner& processes, std::string input) {
  ProcessSpec nft{{"nft", "-f", "-"}};
  nft.input = std::move(input);
  NESTOR_CO_TRY_VOID(co_await run_checked(processes, nft));
  co_return Result<>{};
}

/// Brings the sets to what the file says, unless they are there already.
Task<> open_gates(ProcessRunner& processes, std::filesystem::path file, std::string& last) {
  NESTOR_CO_TRY(std::string update, read_fence_update(file));
  if (update == last) co_return Result<>{};
  NESTOR_CO_TRY_VOID(co_await run_nft(processes, update));
  last = std::move(update);
  log::info(kFenceComponent, "what the machine may reach was updated");
  co_return Result<>{};
}

}  // namespace

Result<std::string> read_fence_update(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) return fail(Code::kNotFound, "cannot read " + file.string());
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  // The manager has not said anything: the pod has no annotation yet.
  if (text.empty()) return fence_update({});
  NESTOR_TRY(const Json json, parse_json(text));
  NESTOR_TRY(const FenceAccess access, from_json<FenceAccess>(json));
  return fence_update(access);
}

Task<> put_up_fence(ProcessRunner& processes, Fence fence) {
  auto done = co_await run_nft(processes, fence_rules(fence));
  if (done) co_return done;
  Error error = std::move(done).error();
  if (error.code == Code::kInternal) error.code = Code::kFailedPrecondition;
  co_return with_context(std::move(error), "fencing the machine");
}

Task<> follow_fence(Executor executor, ProcessRunner& processes, std::filesystem::path folder) {
  FolderWatch watch(executor, folder);
  const std::filesystem::path file = folder / kFenceFile;
  std::string last;
  while (true) {
    auto done = co_await open_gates(processes, file, last);
    if (!done && done.error().code == Code::kCancelled) co_return done;
    // It stays as it was; the next change tries again.
    if (!done) log::warn(kFenceComponent, "the fence was not updated: {}", done.error().message);
    NESTOR_CO_TRY_VOID(co_await watch.wait());
  }
}

}  // namespace nestor::vm
