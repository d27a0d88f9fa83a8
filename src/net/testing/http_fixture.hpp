#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/task_group.hpp"
#include "base/testing/co_test.hpp"
#include "net/http.hpp"
#include "net/testing/certificates.hpp"
#include "net/testing/scripted_peer.hpp"

namespace nestor::net {

/// An event loop with a server or a scripted peer, and clients of them. Peers stop at the end.
class HttpTest : public testing::Test {
 protected:
  using Step = ScriptedPeer::Step;

  void TearDown() override {
    clients_.clear();
    if (server_) run_coroutine(io_, server_->stop());
    for (auto& peer : peers_) run_coroutine(io_, peer->close());
  }

  /// Answers "METHOD target body"; "/missing" with 404, "/big" with 1 MiB.
  static asio::awaitable<HttpResponse> echo(HttpRequest request) {
    HttpResponse response;
    response.status = request.target == "/missing" ? 404 : 200;
    response.headers = {{"Content-Type", "text/plain"}};
    response.body = request.method + " " + request.target + " " + request.body;
    if (request.target == "/big") response.body.assign(1024 * 1024, 'b');
    co_return response;
  }

  HttpServer& serve(HttpServerOptions options = {}, HttpHandler handler = echo) {
    options.address = "127.0.0.1";
    auto server = make_http_server(io_.get_executor(), std::move(options), std::move(handler));
    if (!server) ADD_FAILURE() << server.error().message;
    server_ = std::move(*server);
    return *server_;
  }

  ScriptedPeer& peer(std::vector<ScriptedPeer::Script> scripts) {
    peers_.push_back(std::make_unique<ScriptedPeer>(io_.get_executor(), std::move(scripts)));
    return *peers_.back();
  }

  HttpClient& client(HttpEndpoint endpoint) {
    auto made = make_http_client(io_.get_executor(), std::move(endpoint));
    if (!made) ADD_FAILURE() << made.error().message;
    clients_.push_back(std::move(*made));
    return *clients_.back();
  }
  HttpClient& client(std::uint16_t port) {
    return client({.host = "127.0.0.1", .port = port, .tls = false});
  }

  Result<HttpResponse> send(HttpClient& to, HttpRequest request) {
    return run_coroutine<HttpResponse>(io_, to.request(std::move(request)));
  }
  Result<HttpResponse> get(HttpClient& to, std::string target = "/") {
    return send(to, {.target = std::move(target)});
  }

  asio::io_context io_;
  std::unique_ptr<HttpServer> server_;
  std::vector<std::unique_ptr<ScriptedPeer>> peers_;
  std::vector<std::unique_ptr<HttpClient>> clients_;
};

}  // namespace nestor::net
