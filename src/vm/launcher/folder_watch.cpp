#include "vm/launcher/folder_watch.hpp"

#include <sys/inotify.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <system_error>
#include <tuple>

#include "base/log.hpp"

namespace nestor::vm {

FolderWatch::FolderWatch(const Executor& executor, const std::filesystem::path& folder,
                         Duration otherwise_every)
    : events_(executor), timer_(executor), otherwise_every_(otherwise_every) {
  const int fd = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (fd >= 0) events_.assign(fd);
  // The kubelet writes a new folder and renames a link to it.
  constexpr std::uint32_t kChanges = IN_MOVED_TO | IN_CREATE | IN_CLOSE_WRITE;
  watching_ = fd >= 0 && ::inotify_add_watch(fd, folder.c_str(), kChanges) >= 0;
  if (watching_) return;
  log::warn("vm.watch", "cannot watch {}: {}", folder.string(),
            std::generic_category().message(errno));
}

Task<> FolderWatch::wait() {
  boost::system::error_code error;
  if (watching_) {
    std::array<char, 4096> events;
    std::tie(error, std::ignore) =
        co_await events_.async_read_some(asio::buffer(events), asio::as_tuple(asio::use_awaitable));
  } else {
    timer_.expires_after(otherwise_every_);
    std::tie(error) = co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  if (error) co_return fail(Code::kCancelled, "cancelled while watching a folder");
  co_return Result<>{};
}

}  // namespace nestor::vm
