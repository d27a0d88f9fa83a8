#include "controlplane/checksum.hpp"

#include <openssl/evp.h>

#include <array>

#include "base/text.hpp"

namespace nestor::controlplane {

std::string md5_hex(std::string_view data) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(data.data(), data.size(), digest.data(), &size, EVP_md5(), nullptr);
  return to_hex({digest.data(), size});
}

std::string checksum(const std::map<std::string, std::string>& values) {
  std::string all;
  for (const auto& [key, value] : values) all += value;
  return md5_hex(all);
}

}  // namespace nestor::controlplane
