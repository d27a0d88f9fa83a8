#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/random.hpp"
#include "base/text.hpp"
#include "pki/pki.hpp"

namespace nestor::pki {

std::string sha256_hex(std::string_view data) {
  std::array<unsigned char, 32> digest{};
  if (EVP_Digest(data.data(), data.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    std::abort();  // Only without memory.
  }
  return to_hex(digest);
}

std::string random_lowercase(std::size_t length) {
  return SystemRandom().text(length, "abcdefghijklmnopqrstuvwxyz0123456789");
}

BootstrapToken generate_bootstrap_token() { return {random_lowercase(6), random_lowercase(16)}; }

Result<BootstrapToken> parse_bootstrap_token(std::string_view text) {
  const auto valid = [](std::string_view part) {
    return std::ranges::all_of(
        part, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
  };
  if (text.size() != 23 || text[6] != '.' || !valid(text.substr(0, 6)) || !valid(text.substr(7))) {
    return fail(Code::kInvalidArgument, "not a bootstrap token (6 characters, a dot, 16 more)");
  }
  return BootstrapToken{std::string(text.substr(0, 6)), std::string(text.substr(7))};
}

}  // namespace nestor::pki
