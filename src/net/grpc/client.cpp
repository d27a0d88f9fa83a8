#include "net/grpc/client.hpp"

#include "net/connection.hpp"
#include "net/deadline.hpp"
#include "net/grpc/session.hpp"
#include "net/grpc/stream.hpp"
#include "net/tls.hpp"

namespace nestor::grpc {

ClientCall::ClientCall(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {}
ClientCall::~ClientCall() { stream_->abort({Code::kCancelled, "the call was given up", {}}); }
Task<> ClientCall::write(std::string message, std::string more) {
  // Here and below: what waits keeps the stream, which may outlive the call.
  const auto stream = stream_;
  co_return co_await stream->write(std::move(message), std::move(more));
}
void ClientCall::post(std::string message) { stream_->post(std::move(message)); }
void ClientCall::finish_writing() { stream_->finish_writing(); }
Task<Metadata> ClientCall::headers() {
  const auto stream = stream_;
  co_return co_await stream->headers();
}
Task<std::optional<std::string>> ClientCall::read() {
  const auto stream = stream_;
  co_return co_await stream->read();
}

Channel::Channel(std::shared_ptr<Session> session) : session_(std::move(session)) {}
Channel::~Channel() { session_->close({Code::kUnavailable, "the channel was closed", {}}); }
bool Channel::is_open() const { return session_->is_open(); }

Result<std::unique_ptr<ClientCall>> Channel::call(std::string method, CallOptions options) {
  NESTOR_TRY(auto stream, session_->open(method, options.metadata, options.timeout));
  return std::make_unique<ClientCall>(std::move(stream));
}

Task<std::string> Channel::call_unary(std::string method, std::string request,
                                      CallOptions options) {
  NESTOR_CO_TRY(const auto made, call(method, std::move(options)));
  // A server may answer without having read: then the status says why the write failed.
  (void)co_await made->write(std::move(request));
  made->finish_writing();
  NESTOR_CO_TRY(std::optional<std::string> response, co_await made->read());
  if (!response) co_return fail(Code::kInternal, method + " ended well without a response");
  NESTOR_CO_TRY(const auto end, co_await made->read());
  if (end) co_return fail(Code::kInternal, method + " gave more than one response");
  co_return std::move(*response);
}

Task<std::unique_ptr<Channel>> connect(TaskGroup& tasks, Target target, Options options,
                                       Duration timeout) {
  const Executor executor = tasks.executor();
  auto connection = std::make_unique<net::Connection>(executor);
  {
    const net::Deadline deadline(executor, timeout, *connection);
    Result<> ready;
    if (!target.unix_path.empty()) {
      ready = co_await connection->connect_unix(target.unix_path);
    } else {
      ready = co_await connection->connect(target.host, target.port);
    }
    if (ready && target.tls && target.unix_path.empty()) {
      net::TlsClientConfig config = target.tls_config;
      if (config.alpn.empty()) config.alpn = "h2";
      NESTOR_CO_TRY(const auto context, net::make_client_tls(config));
      const std::string name = config.server_name.empty() ? target.host : config.server_name;
      ready = co_await connection->start_tls(*context, name);
    }
    if (!ready) co_return deadline.explain(ready.error());
  }
  NESTOR_CO_TRY(auto session, Session::make(executor, std::move(connection), options, nullptr));
  session->start(tasks);
  co_return std::make_unique<Channel>(std::move(session));
}

}  // namespace nestor::grpc
