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
  EXPECT_EQ(parse_url("https://[::1]:8443")->host, "::1");
  EXPECT_EQ(parse_url("https://[::1]:8443")->port, 8443);
}

TEST(Url, RefusesWhatItCannotUse) {
  for (const char* text : {"", "a", "ftp://a", "https://", "https://:80", "https://a:0",
                           "https://a:70000", "https://a:x", "https://[a]", "https://[[::1]",
                           "https://[::1", "https://[::1]x", "https://a b", "https://a/\r\n",
                           "https://a:", "a:1", "https://a?x=1", "https://a/?x=", "https://a/x#"}) {
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

TEST(Authority, HasAHostAndAPort) {
  EXPECT_EQ(parse_authority("10.0.0.1:10250")->host, "10.0.0.1");
  EXPECT_EQ(parse_authority("10.0.0.1:10250")->port, 10250);
  EXPECT_EQ(parse_authority("[fd00::1]:40000")->host, "fd00::1");
  EXPECT_EQ(parse_authority("[fd00::1]:40000")->port, 40000);
  for (const char* bad : {"", "host", ":1", "host:", "host:0", "host:99999", "host:1x", "fd00::1:1",
                          "[fd00::1]", "[fd00::1:1", "[host]:1"}) {
    EXPECT_FALSE(parse_authority(bad)) << bad;
  }
  EXPECT_EQ(authority("fd00::1", 6443), "[fd00::1]:6443");
  EXPECT_EQ(authority("a", 80), "a:80");
}

TEST(PercentEncoding, EscapesAllButUnreserved) {
  EXPECT_EQ(percent_encode("a/b c=ü,~._-"), "a%2Fb%20c%3D%C3%BC%2C~._-");
  EXPECT_EQ(percent_decode("a%2Fb%20c+%c3%bc"), std::string("a/b c+ü"));
  for (const char* text : {"%", "%4", "%zz", "a%2"}) EXPECT_FALSE(percent_decode(text)) << text;
}

}  // namespace
}  // namespace nestor::net
