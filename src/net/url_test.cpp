#include "net/url.hpp"

#include <gtest/gtest.h>

namespace nestor::net {
namespace {

TEST(Url, SplitsIntoParts) {
  const auto url = parse_url("https://10.0.0.1:6443/prefix/");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->tls());
  EXPECT_EQ(url->host, "10.0.0.1");
  EXPECT_EQ(url->port, 6443);
  EXPECT_EQ(url->path, "/prefix");
  EXPECT_EQ(parse_url("http://a")->port, 80);
  EXPECT_EQ(parse_url("https://a/")->port, 443);
  EXPECT_EQ(parse_url("https://a/")->path, "");
  EXPECT_EQ(parse_url("https://a?x=1#f")->path, "/?x=1");
  EXPECT_EQ(parse_url("https://[::1]:8443")->host, "::1");
  EXPECT_EQ(parse_url("https://[::1]:8443")->port, 8443);
}

TEST(Url, RefusesWhatItCannotUse) {
  for (const char* text : {"", "a", "ftp://a", "https://", "https://:80", "https://a:0",
                           "https://a:70000", "https://a:x", "https://[a]", "https://[[::1]",
                           "https://[::1", "https://[::1]x", "https://a b", "https://a/\r\n"}) {
    EXPECT_FALSE(parse_url(text)) << text;
  }
}

TEST(Url, NoMessageHoldsAPassword) {
  for (const char* text : {"https://user:hunter2@host/", "socks5://user:hunter2@host",
                           "user:hunter2@host:80", "https://user:/hunter2@host", "hunter2@a://b",
                           "https://user:hun@hunter2@[x", "https://user:hunter2 @host"}) {
    const auto secret = parse_url(text);
    ASSERT_FALSE(secret) << text;
    EXPECT_EQ(secret.error().message.find("hunter2"), std::string::npos) << secret.error().message;
  }
  EXPECT_EQ(printable_url("ftp://me:x@host/a"), "ftp://***@host/a");
  EXPECT_EQ(printable_url("ftp://host/a"), "ftp://host/a");
}

TEST(Url, BracketsIpv6Addresses) {
  EXPECT_EQ(authority("::1", 80), "[::1]:80");
  EXPECT_EQ(authority("a", 80), "a:80");
}

TEST(PercentEncoding, EscapesAllButUnreserved) {
  EXPECT_EQ(percent_encode("a/b c=ü,~._-"), "a%2Fb%20c%3D%C3%BC%2C~._-");
  EXPECT_EQ(percent_decode("a%2Fb%20c+%c3%bc"), std::string("a/b c+ü"));
  for (const char* text : {"%", "%4", "%zz", "a%2"}) EXPECT_FALSE(percent_decode(text)) << text;
}

}  // namespace
}  // namespace nestor::net
