#include "vm/launcher/hotplug_server.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "base/log.hpp"
#include "base/race.hpp"
#include "base/task_group.hpp"
#include "vm/launcher/hotplug_wire.hpp"

namespace nestor::vm {
namespace {

/// Any user of the pods that share the folder; nobody else gets into it.
constexpr mode_t kForAll = 0666;

}  // namespace

struct HotplugServer::Impl {
  Impl(Executor executor, HotplugDisks& to) : disks(to), acceptor(executor), tasks(executor) {}

  Task<> accept() {
    for (;;) {
      auto [error, socket] = co_await acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
      if (error == asio::error::operation_aborted) co_return Result<>{};
      if (error) co_return fail(Code::kInternal, "hot-plug socket: " + error.message());
      tasks.spawn("hot-plug connection", serve(std::make_shared<LocalSocket>(std::move(socket))));
    }
  }

  Task<> serve(std::shared_ptr<LocalSocket> socket) {
    LineReader reader(*socket);
    std::optional<std::string> line;
    /// What this connection speaks of.
    std::string volume;
    for (;;) {
      auto next = co_await first_of(read(reader, line), disks.until_error(volume));
      const bool broke = !next && next.error().code == Code::kInternal;
      if (!next && !broke) log::debug(kHotplugComponent, "{}", next.error().message);
      // The disk stays plugged in: only "detach" takes it out.
      if (!broke && (!next || !line)) co_return Result<>{};
      auto done = broke ? next : co_await perform(*line, reader, volume);
      if (!done) log::warn(kHotplugComponent, "{}", done.error().message);
      HotplugReply reply{.ok = done.has_value(), .error = done ? "" : done.error().message};
      if (broke) reply.trouble = true;
      const std::string text = to_line(reply);
      const auto [error, count] = co_await asio::async_write(*socket, asio::buffer(text),
                                                             asio::as_tuple(asio::use_awaitable));
      if (broke && !error) disks.forget_error(volume);
      if (error || broke) co_return Result<>{};
    }
  }

  /// The next line; nothing at the end.
  static Task<> read(LineReader& reader, std::optional<std::string>& line) {
    NESTOR_CO_TRY(line, co_await reader.next());
    co_return Result<>{};
  }

  Task<> perform(std::string line, LineReader& reader, std::string& volume) {
    NESTOR_CO_TRY(HotplugRequest request, from_line<HotplugRequest>(line));
    if (request.name.empty()) co_return fail(Code::kInvalidArgument, "no volume is named");
    volume = request.name;
    if (request.action == "detach") co_return co_await disks.detach(std::move(request.name));
    if (request.action == "resize") {
      co_return co_await disks.resize(std::move(request.name), request.size.value_or(0));
    }
    if (request.action != "attach") {
      co_return fail(Code::kUnimplemented, "unknown action " + request.action);
    }
    auto file = reader.take_fd();
    if (!file) co_return fail(Code::kInvalidArgument, "no open file came with the request");
    HotDisk disk{.name = std::move(request.name),
                 .serial = std::move(request.serial),
                 .read_only = request.readOnly.value_or(false),
                 .block_device = request.block.value_or(false),
                 .file = std::move(*file)};
    co_return co_await disks.attach(std::move(disk));
  }

  HotplugDisks& disks;
  asio::local::stream_protocol::acceptor acceptor;
  TaskGroup tasks;
};

HotplugServer::HotplugServer(Executor executor, HotplugDisks& disks)
    : impl_(std::make_unique<Impl>(std::move(executor), disks)) {}

HotplugServer::~HotplugServer() = default;

Result<> HotplugServer::start(const std::string& path) {
  // Who sees the socket appear can connect to it at once.
  const std::string unready = path + ".new";
  ::unlink(unready.c_str());
  boost::system::error_code error;
  impl_->acceptor.open(asio::local::stream_protocol(), error);
  if (!error) impl_->acceptor.bind(asio::local::stream_protocol::endpoint(unready), error);
  if (!error) impl_->acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail(Code::kInternal, "listening on " + path + ": " + error.message());
  if (::chmod(unready.c_str(), kForAll) != 0 || ::rename(unready.c_str(), path.c_str()) != 0) {
    return fail(Code::kInternal,
                "listening on " + path + ": " + std::generic_category().message(errno));
  }
  impl_->tasks.spawn("hot-plug socket", impl_->accept());
  return {};
}

asio::awaitable<void> HotplugServer::stop() { return impl_->tasks.close(); }

}  // namespace nestor::vm
