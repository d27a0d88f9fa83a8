#include "vm/launcher/qmp_client.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <map>
#include <optional>

#include "vm/launcher/fd_socket.hpp"

namespace nestor::vm {
namespace {

constexpr Duration kCommandTimeout = std::chrono::seconds(10);
/// Of commands that read or write a disk, whose storage may be slow.
constexpr Duration kDiskTimeout = std::chrono::seconds(60);
/// The greeting comes when QEMU has set the machine up.
constexpr Duration kGreetingTimeout = std::chrono::seconds(60);
constexpr std::int64_t kGreeting = 0;

/// A command on its way: the timer is cancelled when the reply is there.
struct Pending {
  explicit Pending(const Executor& executor) : timer(executor) {}
  asio::steady_timer timer;
  std::optional<Result<Json>> reply;
};

}  // namespace

Duration qmp_timeout(std::string_view command) {
  const bool disk =
      command == "blockdev-add" || command == "device_add" || command == "blockdev-del";
  return disk ? kDiskTimeout : kCommandTimeout;
}

struct QmpClient::Impl {
  Impl(Executor on, int fd, std::function<void(QmpEvent)> handler)
      : executor(on),
        socket(on, asio::local::stream_protocol(), fd),
        on_event(std::move(handler)),
        greeting(std::make_shared<Pending>(on)) {
    pending[kGreeting] = greeting;
  }

  void answer(std::int64_t id, Result<Json> reply) {
    const auto found = pending.find(id);
    if (found == pending.end()) return;
    found->second->reply = std::move(reply);
    found->second->timer.cancel();
    pending.erase(found);
  }

  void take(QmpMessage message) {
    if (auto* event = std::get_if<QmpEvent>(&message)) {
      on_event(std::move(*event));
    } else if (auto* reply = std::get_if<QmpReply>(&message)) {
      answer(reply->id, std::move(reply->result));
    } else {
      answer(kGreeting, Json(JsonObject{}));
    }
  }

  void close() {
    open = false;
    while (!pending.empty()) {
      answer(pending.begin()->first, fail(Code::kUnavailable, "QEMU closed its control socket"));
    }
  }

  /// The reply, which may be there already.
  Task<Json> await_reply(std::shared_ptr<Pending> entry, Duration timeout) {
    if (!entry->reply) {
      entry->timer.expires_after(timeout);
      const auto [error] = co_await entry->timer.async_wait(asio::as_tuple(asio::use_awaitable));
      if (!entry->reply) {
        co_return error ? fail(Code::kCancelled, "cancelled")
                        : fail(Code::kDeadlineExceeded, "QEMU did not answer in time");
      }
    }
    co_return std::move(*entry->reply);
  }

  /// Sends a command, with a file unless `fd` is -1, and waits for its reply.
  Task<Json> execute(std::string command, Json arguments, int fd);
  Task<> send(std::string line, int fd);

  Executor executor;
  asio::local::stream_protocol::socket socket;
  std::function<void(QmpEvent)> on_event;
  QmpDecoder decoder;
  std::map<std::int64_t, std::shared_ptr<Pending>> pending;
  std::shared_ptr<Pending> greeting;
  std::int64_t next_id = kGreeting + 1;
  bool open = true;
};

QmpClient::QmpClient(Executor executor, int fd, std::function<void(QmpEvent)> on_event)
    : impl_(std::make_unique<Impl>(std::move(executor), fd, std::move(on_event))) {}

QmpClient::~QmpClient() = default;

Task<> QmpClient::run() {
  std::array<char, 4096> buffer;
  for (;;) {
    const auto [error, count] = co_await impl_->socket.async_read_some(
        asio::buffer(buffer), asio::as_tuple(asio::use_awaitable));
    if (error) {
      impl_->close();
      co_return Result<>{};
    }
    auto messages = impl_->decoder.feed(std::string_view(buffer.data(), count));
    if (!messages) {
      impl_->close();
      co_return std::unexpected(std::move(messages).error());
    }
    for (QmpMessage& message : *messages) impl_->take(std::move(message));
  }
}

Task<> QmpClient::negotiate() {
  const std::shared_ptr<Pending> greeting = impl_->greeting;
  NESTOR_CO_TRY_VOID(co_await impl_->await_reply(greeting, kGreetingTimeout));
  NESTOR_CO_TRY_VOID(co_await execute("qmp_capabilities"));
  co_return Result<>{};
}

Task<> QmpClient::Impl::send(std::string line, int fd) {
  std::size_t sent = 0;
  if (fd >= 0) {
    // The file goes with the first bytes, whatever the kernel takes of them.
    NESTOR_CO_TRY(sent, co_await send_with_fd(socket, line, fd));
  }
  const auto [error, count] = co_await asio::async_write(socket, asio::buffer(line) + sent,
                                                         asio::as_tuple(asio::use_awaitable));
  if (error) co_return fail(Code::kUnavailable, error.message());
  co_return Result<>{};
}

Task<Json> QmpClient::Impl::execute(std::string command, Json arguments, int fd) {
  if (!open) co_return fail(Code::kUnavailable, "QEMU closed its control socket");
  const std::int64_t id = next_id++;
  auto entry = std::make_shared<Pending>(executor);
  pending[id] = entry;
  const std::string line = qmp_command(id, command, arguments);
  auto sent = co_await send(line, fd);
  if (!sent) {
    pending.erase(id);
    co_return with_context(std::move(sent).error(), command);
  }
  auto reply = co_await await_reply(entry, qmp_timeout(command));
  pending.erase(id);
  if (!reply) co_return with_context(std::move(reply).error(), command);
  co_return std::move(*reply);
}

Task<Json> QmpClient::execute(std::string command, Json arguments) {
  return impl_->execute(std::move(command), std::move(arguments), -1);
}

Task<Json> QmpClient::execute_with_fd(std::string command, Json arguments, int fd) {
  return impl_->execute(std::move(command), std::move(arguments), fd);
}

}  // namespace nestor::vm
