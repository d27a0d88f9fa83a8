#include "controlplane/checksum.hpp"

#include <openssl/evp.h>

#include <array>

namespace nestor::controlplane {

std::string md5_hex(std::string_view data) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(data.data(), data.size(), digest.data(), &size, EVP_md5(), nullptr);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (unsigned int i = 0; i < size; ++i) {
    out += kDigits[digest[i] >> 4];
    out += kDigits[digest[i] & 15];
  }
  return out;
}

std::string checksum(const std::map<std::string, std::string>& values) {
  std::string all;
  for (const auto& [key, value] : values) all += value;
  return md5_hex(all);
}

}  // namespace nestor::controlplane
