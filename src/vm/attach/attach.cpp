#include "vm/attach/attach.hpp"

#include <signal.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/race.hpp"
#include "base/run.hpp"
#include "base/signal.hpp"
#include "base/task_group.hpp"
#include "base/text.hpp"
#include "vm/launcher/fd_socket.hpp"
#include "vm/launcher/folder_watch.hpp"
#include "vm/launcher/hotplug_wire.hpp"

namespace nestor::vm {
namespace {

constexpr std::string_view kAttachComponent = "vm.attach";
/// The launcher's pod runs before ours is made, so its socket comes soon or never again.
constexpr Duration kConnectTime = std::chrono::seconds(30);
/// Where its folder cannot be watched.
constexpr Duration kConnectAgain = std::chrono::milliseconds(200);

struct Wanted {
  std::int64_t size = 0;
  bool detach = false;
};

Wanted read_wanted(const std::string& folder) {
  const auto text = [&](const char* name) { return read_file(folder + "/" + name).value_or(""); };
  return {.size = parse_number<std::int64_t>(text("size")).value_or(0),
          .detach = text("detach").starts_with("true")};
}

class Attachment {
 public:
  Attachment(asio::io_context& io, AttachOptions options)
      : executor_(io.get_executor()),
        options_(std::move(options)),
        clock_(executor_),
        socket_(executor_),
        acceptor_(executor_),
        wanted_files_(executor_, options_.wanted_folder),
        wanted_(read_wanted(options_.wanted_folder)),
        signals_(executor_, SIGTERM, SIGINT),
        tasks_(executor_) {
    if (options_.socket.empty()) options_.socket = kHotplugSocket;
  }

  Task<> run() {
    tasks_.spawn("wanted", follow_wanted());
    tasks_.spawn("signals", watch_signals());
    auto result = co_await work();
    co_await tasks_.close();
    co_return result;
  }

 private:
  Task<> work() {
    auto connected = co_await connect();
    if (wanted_.detach && !connected) {
      // Nobody listens: the launcher has ended, and QEMU with it.
      log::info(kAttachComponent, "the launcher is gone: nobody has the disk");
      co_return Result<>{};
    }
    if (!connected) co_return connected;
    tasks_.spawn("replies", read_replies());
    if (!wanted_.detach) NESTOR_CO_TRY_VOID(co_await attach());
    for (;;) {
      if (wanted_.detach) {
        HotplugRequest request{.action = "detach", .name = options_.volume};
        co_return co_await ask(request, -1);
      }
      if (terminated_) co_return fail(Code::kCancelled, "asked to end; the disk stays attached");
      if (closed_) co_return gone("");
      if (!std::exchange(wanted_is_new_, false)) {
        NESTOR_CO_TRY_VOID(co_await changed_.wait());
      } else if (wanted_.size > size_) {
        // Whatever else is told meanwhile is looked at after it.
        NESTOR_CO_TRY_VOID(co_await resize());
      }
    }
  }

  Task<> attach() {
    NESTOR_CO_TRY(const UniqueFd disk, open_disk(options_, wanted_.size));
    size_ = ::lseek(disk.get(), 0, SEEK_END);
    HotplugRequest request{.action = "attach",
                           .name = options_.volume,
                           .serial = options_.serial,
                           .readOnly = options_.read_only,
                           .block = options_.block};
    NESTOR_CO_TRY_VOID(co_await ask(request, disk.get()));
    // The launcher may have had the disk already, in its former size.
    if (!options_.read_only) NESTOR_CO_TRY_VOID(co_await tell_size());
    log::info(kAttachComponent, "volume {} is attached, {} bytes", options_.volume, size_);
    co_return say_attached();
  }

  Task<> resize() {
    NESTOR_CO_TRY(const UniqueFd disk, open_disk(options_, wanted_.size));
    const std::int64_t size = ::lseek(disk.get(), 0, SEEK_END);
    // A device's own growth may come later than the claim's; then the next change tells.
    if (size <= size_) co_return Result<>{};
    size_ = size;
    co_return co_await tell_size();
  }

  Task<> tell_size() {
    HotplugRequest request{.action = "resize", .name = options_.volume, .size = size_};
    co_return co_await ask(request, -1);
  }

  /// Sends a request, with a file unless `fd` is -1, and waits for the reply.
  Task<> ask(HotplugRequest request, int fd) {
    reply_.reset();
    const std::string line = to_line(request);
    std::size_t sent = 0;
    if (fd >= 0) {
      NESTOR_CO_TRY(sent, co_await send_with_fd(socket_, line, fd));
    }
    const auto [error, count] = co_await asio::async_write(socket_, asio::buffer(line) + sent,
                                                           asio::as_tuple(asio::use_awaitable));
    if (error) co_return gone(request.action);
    while (!reply_) {
      if (closed_) co_return gone(request.action);
      NESTOR_CO_TRY_VOID(co_await changed_.wait());
    }
    if (reply_->ok.value_or(false)) co_return Result<>{};
    co_return fail(Code::kInternal, "cannot " + request.action + " volume " + options_.volume +
                                        ": " + reply_->error);
  }

  /// The connection is closed. A launcher that ends has no disk any more.
  Result<> gone(const std::string& action) const {
    if (!trouble_.empty()) return fail(Code::kUnavailable, trouble_);
    if (action == "detach") return {};
    return fail(Code::kUnavailable, "the launcher has ended");
  }

  Task<> connect() {
    const SteadyTime until = clock_.steady_now() + kConnectTime;
    const std::filesystem::path folder = std::filesystem::path(options_.socket).parent_path();
    FolderWatch listener(executor_, folder, kConnectAgain);
    for (;;) {
      const asio::local::stream_protocol::endpoint endpoint(options_.socket);
      const auto [error] =
          co_await socket_.async_connect(endpoint, asio::as_tuple(asio::use_awaitable));
      if (!error) co_return Result<>{};
      boost::system::error_code ignored;
      socket_.close(ignored);
      if (wanted_.detach || terminated_ || clock_.steady_now() >= until) {
        co_return fail(Code::kUnavailable, "the launcher does not listen: " + error.message());
      }
      NESTOR_CO_TRY_VOID(
          co_await first_of(first_of(listener.wait(), changed_.wait()), clock_.sleep_until(until)));
    }
  }

  Task<> read_replies() {
    LineReader reader(socket_);
    for (;;) {
      auto line = co_await reader.next();
      if (!line || !*line) break;
      auto reply = from_line<HotplugReply>(**line);
      if (!reply) break;
      if (reply->trouble.value_or(false)) {
        trouble_ = reply->error;
        break;
      }
      reply_ = std::move(*reply);
      changed_.notify();
    }
    closed_ = true;
    changed_.notify();
    co_return Result<>{};
  }

  /// Lets the pod's startup probe succeed.
  Result<> say_attached() {
    const asio::ip::tcp::endpoint endpoint(asio::ip::tcp::v6(), options_.port);
    boost::system::error_code error;
    acceptor_.open(asio::ip::tcp::v6(), error);
    if (!error) acceptor_.set_option(asio::ip::v6_only(false), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (error) {
      // a machine without IPv6
      acceptor_.close(error);
      acceptor_.open(asio::ip::tcp::v4(), error);
      if (!error) acceptor_.bind({asio::ip::tcp::v4(), options_.port}, error);
    }
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return fail(Code::kInternal, "listening for the probe: " + error.message());
    tasks_.spawn("probe", answer_probes());
    return {};
  }

  Task<> answer_probes() {
    for (;;) {
      auto [error, socket] = co_await acceptor_.async_accept(asio::as_tuple(asio::use_awaitable));
      if (error) co_return Result<>{};
    }
  }

  Task<> follow_wanted() {
    for (;;) {
      NESTOR_CO_TRY_VOID(co_await wanted_files_.wait());
      wanted_ = read_wanted(options_.wanted_folder);
      wanted_is_new_ = true;
      changed_.notify();
    }
  }

  Task<> watch_signals() {
    const auto [error, number] = co_await signals_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (error) co_return Result<>{};
    terminated_ = true;
    changed_.notify();
    co_return Result<>{};
  }

  Executor executor_;
  AttachOptions options_;
  SystemClock clock_;
  LocalSocket socket_;
  asio::ip::tcp::acceptor acceptor_;
  FolderWatch wanted_files_;
  Wanted wanted_;
  /// wanted_ has been read since its size was looked at.
  bool wanted_is_new_ = true;
  asio::signal_set signals_;
  /// What the launcher was told last. Bytes.
  std::int64_t size_ = 0;
  std::optional<HotplugReply> reply_;
  /// What the launcher said of the volume before it closed the connection.
  std::string trouble_;
  bool terminated_ = false;
  bool closed_ = false;
  Signal changed_;
  TaskGroup tasks_;
};

}  // namespace

int attach_main(AttachOptions options) {
  asio::io_context io(1);
  Attachment attachment(io, std::move(options));
  const Result<> result = run_to_end(io, attachment.run());
  if (result) return 0;
  log::error(kAttachComponent, "{}", result.error().message);
  // In the pod's status, without the log's times: an equal message is the same event again.
  std::ofstream("/dev/termination-log") << result.error().message;
  return 1;
}

}  // namespace nestor::vm
