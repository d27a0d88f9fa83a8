#include "base/base64.hpp"

#include <gtest/gtest.h>

namespace nestor {
namespace {

TEST(Base64, EncodesTheVectorsOfTheRfc) {
  EXPECT_EQ(base64_encode(""), "");
  EXPECT_EQ(base64_encode("f"), "Zg==");
  EXPECT_EQ(base64_encode("fo"), "Zm8=");
  EXPECT_EQ(base64_encode("foo"), "Zm9v");
  EXPECT_EQ(base64_encode("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64url_encode("\xff\xfe\xfd\xff"), "__79_w");
}

TEST(Base64, ReadsBackWhatItWrote) {
  std::string all;
  for (int i = 0; i < 256; ++i) {
    all += static_cast<char>(i);
    EXPECT_EQ(base64_decode(base64_encode(all)), all);
    EXPECT_EQ(base64_decode(base64url_encode(all)), all);
  }
}

TEST(Base64, SkipsLineEnds) { EXPECT_EQ(base64_decode("Zm9v\r\nYmFy\n"), "foobar"); }

TEST(Base64, RefusesForeignCharactersAndWrongLengths) {
  for (const char* text : {"Zm9v!", "Z", "Zg=", "Zg===", "=Zg=", "Zm9v=", "Zh==", "Zm 9v"}) {
    EXPECT_FALSE(base64_decode(text)) << text;
  }
}

}  // namespace
}  // namespace nestor
