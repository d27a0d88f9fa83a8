#include "base/base64.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace nestor {
namespace {

/// The same in the other alphabet, without padding.
std::string url_safe(std::string text) {
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  std::erase(text, '=');
  return text;
}

TEST(Base64, EncodesTheVectorsOfTheRfc) {
  EXPECT_EQ(base64_encode(""), "");
  EXPECT_EQ(base64_encode("f"), "Zg==");
  EXPECT_EQ(base64_encode("fo"), "Zm8=");
  EXPECT_EQ(base64_encode("foo"), "Zm9v");
  EXPECT_EQ(base64_encode("foobar"), "Zm9vYmFy");
}

TEST(Base64, ReadsBackWhatItWrote) {
  std::string all;
  for (int i = 0; i < 256; ++i) {
    all += static_cast<char>(i);
    const std::string text = base64_encode(all);
    EXPECT_EQ(base64_decode(text), all);
    EXPECT_EQ(base64_decode(url_safe(text)), all);
  }
}

TEST(Base64, ReadsTheUrlSafeAlphabetWithoutPadding) {
  EXPECT_EQ(base64_decode("__79_w"), "\xff\xfe\xfd\xff");
}

TEST(Base64, SkipsLineEnds) { EXPECT_EQ(base64_decode("Zm9v\r\nYmFy\n"), "foobar"); }

TEST(Base64, RefusesForeignCharactersAndWrongLengths) {
  for (const char* text : {"Zm9v!", "Z", "Zg=", "Zg===", "=Zg=", "Zm9v=", "Zh==", "Zm 9v"}) {
    EXPECT_FALSE(base64_decode(text)) << text;
  }
}

}  // namespace
}  // namespace nestor
