#include <gtest/gtest.h>

#include "pki/pki.hpp"

namespace nestor::pki {
namespace {

TEST(BootstrapToken, IsOfKubeadmsFormAndNeverTheSame) {
  const BootstrapToken token = generate_bootstrap_token();
  const auto parsed = parse_bootstrap_token(token.text());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->id, token.id);
  EXPECT_EQ(parsed->secret, token.secret);
  EXPECT_NE(generate_bootstrap_token().text(), token.text());
}

TEST(BootstrapToken, OtherTextIsRefusedWithoutRepeatingIt) {
  for (const char* text :
       {"", "abcdef", "abcdef.0123456789abcde", "abcdef.0123456789abcdefg",
        "abcdeF.0123456789abcdef", "abcdef-0123456789abcdef", "abcdef.0123456789abcde."}) {
    const auto parsed = parse_bootstrap_token(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Code::kInvalidArgument);
    EXPECT_EQ(parsed.error().message.find("0123456789"), std::string::npos);
  }
}

TEST(Sha256, OfKnownText) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace nestor::pki
