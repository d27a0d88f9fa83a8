#include "vm/launcher/fd_socket.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace nestor::vm {
namespace {

/// More than one file at a time is nobody's right.
constexpr std::size_t kMaxFds = 4;

std::string error_text() { return std::generic_category().message(errno); }

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

Task<std::size_t> send_with_fd(LocalSocket& socket, std::string_view bytes, int fd) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  std::string copy(bytes);
  iovec part{copy.data(), copy.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &fd, sizeof(int));
  for (;;) {
    const ssize_t sent = ::sendmsg(socket.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) co_return static_cast<std::size_t>(sent);
    if (!would_block()) co_return fail(Code::kUnavailable, "sending a file: " + error_text());
    const auto [error] =
        co_await socket.async_wait(LocalSocket::wait_write, asio::as_tuple(asio::use_awaitable));
    if (error) co_return fail(Code::kCancelled, "cancelled");
  }
}

Result<bool> LineReader::read() {
  std::array<char, 4096> buffer;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxFds)> control{};
  iovec part{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t count =
      ::recvmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (count < 0) {
    if (would_block()) return true;
    return fail(Code::kUnavailable, "reading: " + error_text());
  }
  for (cmsghdr* at = CMSG_FIRSTHDR(&message); at != nullptr; at = CMSG_NXTHDR(&message, at)) {
    if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t number = (at->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < number; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(at) + i * sizeof(int), sizeof(int));
      fds_.emplace_back(fd);
    }
  }
  rest_.append(buffer.data(), static_cast<std::size_t>(count));
  if (rest_.size() > kMaxLine || fds_.size() > kMaxFds) {
    return fail(Code::kInvalidArgument, "a peer sent too much at once");
  }
  return count > 0;
}

Task<std::optional<std::string>> LineReader::next() {
  for (;;) {
    if (const auto end = rest_.find('\n'); end != std::string::npos) {
      std::string line = rest_.substr(0, end);
      rest_.erase(0, end + 1);
      co_return std::optional<std::string>(std::move(line));
    }
    const auto [error] =
        co_await socket_.async_wait(LocalSocket::wait_read, asio::as_tuple(asio::use_awaitable));
    if (error) co_return fail(Code::kCancelled, "cancelled");
    NESTOR_CO_TRY(const bool open, read());
    if (!open) co_return std::optional<std::string>();
  }
}

std::optional<UniqueFd> LineReader::take_fd() {
  if (fds_.empty()) return std::nullopt;
  UniqueFd out = std::move(fds_.front());
  fds_.pop_front();
  return out;
}

}  // namespace nestor::vm
