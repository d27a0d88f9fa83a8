#include "net/http_message.hpp"

#include <gtest/gtest.h>

namespace nestor::net {
namespace {

TEST(RequestHead, HasHostAgentAndLength) {
  HttpRequest request;
  request.method = "POST";
  request.target = "/a?b=c";
  request.headers = {{"Accept", "application/json"}};
  request.body = "{}";
  EXPECT_EQ(request_head(request, "api:6443").value(),
            "POST /a?b=c HTTP/1.1\r\nAccept: application/json\r\nHost: api:6443\r\n"
            "User-Agent: nestor/" NESTOR_VERSION "\r\nContent-Length: 2\r\n\r\n");
}

TEST(RequestHead, RefusesWhatWouldSmuggleAnotherRequest) {
  const auto code = [](HttpRequest request) {
    const auto head = request_head(request, "h");
    return head ? Code::kUnknown : head.error().code;
  };
  EXPECT_EQ(code({.method = "GET /x"}), Code::kInvalidArgument);
  EXPECT_EQ(code({.target = "/a b"}), Code::kInvalidArgument);
  EXPECT_EQ(code({.target = "/a\r\nX: y"}), Code::kInvalidArgument);
  EXPECT_EQ(code({.target = ""}), Code::kInvalidArgument);
  EXPECT_EQ(code({.headers = {{"A", "b\r\nC: d"}}}), Code::kInvalidArgument);
  EXPECT_EQ(code({.headers = {{"A b", "c"}}}), Code::kInvalidArgument);
}

TEST(RequestHead, KeepsSecretsOutOfErrors) {
  HttpRequest request;
  request.headers = {{"Authorization", "Bearer hunter2\n"}};
  const auto head = request_head(request, "h");
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().message.find("hunter2"), std::string::npos);
}

TEST(RequestHead, OwnsTheFraming) {
  HttpRequest request;
  request.headers = {{"content-length", "5"}, {"Transfer-Encoding", "chunked"}, {"HOST", "other"}};
  const std::string head = request_head(request, "h").value();
  EXPECT_EQ(head.find("ength"), std::string::npos) << head;
  EXPECT_EQ(head.find("chunked"), std::string::npos) << head;
  EXPECT_NE(head.find("HOST: other"), std::string::npos) << head;
  EXPECT_EQ(head.find("Host: h"), std::string::npos) << head;
}

TEST(ResponseHead, SaysLengthAndClose) {
  HttpResponse response;
  response.status = 404;
  response.body = "no";
  response.headers = {{"A", "b"}, {"Bad", "x\r\ny"}};
  EXPECT_EQ(response_head(response, false),
            "HTTP/1.1 404 Not Found\r\nA: b\r\nContent-Length: 2\r\nConnection: close\r\n\r\n");
}

TEST(HttpResponse, FindsHeadersWithoutCase) {
  HttpResponse response;
  response.headers = {{"Content-Type", "text/plain"}};
  EXPECT_EQ(response.header("content-type"), "text/plain");
  EXPECT_EQ(response.header("content"), "");
}

}  // namespace
}  // namespace nestor::net
