#include "net/testing/http_fixture.hpp"

namespace nestor::net {
namespace {

class Tls : public HttpTest {
 protected:
  std::uint16_t serve_tls(const std::vector<std::string>& names) {
    const TestCertificate leaf = make_test_leaf(ca_, names);
    return serve({.tls = {leaf.cert_pem, leaf.key_pem}}).port();
  }
  HttpEndpoint endpoint(std::uint16_t port) {
    return {.host = "127.0.0.1", .port = port, .tls = true, .tls_config = {.ca_pem = ca_.cert_pem}};
  }
  /// The error of a request that must fail.
  Error failure(HttpEndpoint to) {
    const auto response = get(client(std::move(to)));
    if (response) ADD_FAILURE() << "the request succeeded";
    return response ? Error{} : response.error();
  }

  TestCertificate ca_ = make_test_ca("nestor test ca");
};

TEST_F(Tls, VerifiesAnAddressAndKeepsTheConnection) {
  const std::uint16_t port = serve_tls({"IP:127.0.0.1"});
  ScriptedPeer& proxy =
      peer({{{}, {Step::kSend, "HTTP/1.1 200 OK\r\n\r\n"}, {Step::kTunnel, std::to_string(port)}}});
  HttpEndpoint through = endpoint(port);
  through.proxy_url = "http://127.0.0.1:" + std::to_string(proxy.port());
  HttpClient& to = client(std::move(through));
  for (int i = 0; i < 3; ++i) {
    const auto response = get(to, "/big");
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body.size(), 1024U * 1024);
  }
  EXPECT_EQ(proxy.received().size(), 1U);
}

TEST_F(Tls, VerifiesAServerNameInsteadOfTheHost) {
  HttpEndpoint to = endpoint(serve_tls({"DNS:kubernetes.default"}));
  to.tls_config.server_name = "kubernetes.default";
  EXPECT_TRUE(get(client(to)));
}

TEST_F(Tls, RefusesAnotherName) {
  const std::uint16_t port = serve_tls({"DNS:localhost", "IP:127.0.0.2"});
  const Error address = failure(endpoint(port));
  EXPECT_EQ(address.code, Code::kUnavailable);
  EXPECT_NE(address.message.find("IP address mismatch"), std::string::npos) << address.message;
  HttpEndpoint named = endpoint(port);
  named.tls_config.server_name = "example.org";
  const Error name = failure(named);
  EXPECT_NE(name.message.find("hostname mismatch"), std::string::npos) << name.message;
}

TEST_F(Tls, RefusesAnotherAuthority) {
  HttpEndpoint to = endpoint(serve_tls({"IP:127.0.0.1"}));
  to.tls_config.ca_pem = make_test_ca("nestor test ca").cert_pem;
  const Error error = failure(to);
  EXPECT_EQ(error.code, Code::kUnavailable);
  EXPECT_NE(error.message.find("not trusted"), std::string::npos) << error.message;
}

TEST_F(Tls, TheSystemStoreDoesNotKnowOurAuthority) {
  HttpEndpoint to = endpoint(serve_tls({"IP:127.0.0.1"}));
  to.tls_config.ca_pem = "";
  EXPECT_EQ(failure(to).code, Code::kUnavailable);
}

TEST_F(Tls, TrustsEachOfSeveralAuthorities) {
  HttpEndpoint to = endpoint(serve_tls({"IP:127.0.0.1"}));
  to.tls_config.ca_pem = make_test_ca("other").cert_pem + ca_.cert_pem;
  EXPECT_TRUE(get(client(to)));
}

TEST_F(Tls, SkipsVerificationWhenAsked) {
  HttpEndpoint to = endpoint(serve_tls({"DNS:other"}));
  to.tls_config.ca_pem = "";
  to.tls_config.insecure_skip_verify = true;
  EXPECT_TRUE(get(client(to)));
}

TEST_F(Tls, RefusesAKeyThatDoesNotFit) {
  const TestCertificate a = make_test_leaf(ca_, {"DNS:a"});
  const TestCertificate b = make_test_leaf(ca_, {"DNS:b"});
  const auto server = make_http_server(
      io_.get_executor(), {.address = "127.0.0.1", .tls = {a.cert_pem, b.key_pem}}, echo);
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code, Code::kInvalidArgument);
  const auto made =
      make_http_client(io_.get_executor(),
                       {.host = "a", .tls_config = {.cert_pem = a.cert_pem, .key_pem = b.key_pem}});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::kInvalidArgument);
}

TEST_F(Tls, APlainClientGetsNothingFromATlsServer) {
  const auto response = get(client(serve_tls({"IP:127.0.0.1"})));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kUnavailable);
}

}  // namespace
}  // namespace nestor::net
