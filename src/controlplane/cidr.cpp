#include "controlplane/cidr.hpp"

#include <arpa/inet.h>

#include <array>
#include <span>

#include "base/text.hpp"

namespace nestor::controlplane {
namespace {

std::string format(int family, const void* bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return inet_ntop(family, bytes, text.data(), text.size());
}

/// Clears the host bits of `bytes` and adds `offset`; false when that leaves the network.
bool set_host(std::span<std::uint8_t> bytes, int prefix, std::uint32_t offset) {
  const int bits = static_cast<int>(bytes.size()) * 8;
  const int host_bits = bits - prefix;
  if (host_bits < 32 && (static_cast<std::uint64_t>(offset) >> host_bits) != 0) return false;
  for (int bit = prefix; bit < bits; ++bit) {
    bytes[static_cast<std::size_t>(bit / 8)] &= static_cast<std::uint8_t>(~(0x80U >> (bit % 8)));
  }
  for (std::size_t i = 0; i < 4; ++i) {
    bytes[bytes.size() - 1 - i] |= static_cast<std::uint8_t>(offset >> (8 * i));
  }
  return true;
}

}  // namespace

Result<std::string> nth_address(std::string_view cidr, std::uint32_t offset) {
  const auto slash = cidr.find('/');
  const std::string address(cidr.substr(0, slash));
  int prefix = -1;
  if (slash != std::string_view::npos) {
    prefix = parse_number<int>(cidr.substr(slash + 1)).value_or(-1);
  }
  std::array<std::uint8_t, 16> bytes{};
  const int family = address.find(':') == std::string::npos ? AF_INET : AF_INET6;
  const std::size_t size = family == AF_INET ? 4 : 16;
  if (prefix < 0 || prefix > static_cast<int>(size) * 8 ||
      inet_pton(family, address.c_str(), bytes.data()) != 1) {
    return fail(Code::kInvalidArgument, "\"" + std::string(cidr) + "\" is not a network");
  }
  if (!set_host(std::span(bytes).first(size), prefix, offset)) {
    return fail(Code::kOutOfRange, "network " + std::string(cidr) + " is too small");
  }
  return format(family, bytes.data());
}

std::string canonical_ip(std::string_view text) {
  const std::string copy(text);
  std::array<std::uint8_t, 16> bytes{};
  for (const int family : {AF_INET, AF_INET6}) {
    if (inet_pton(family, copy.c_str(), bytes.data()) == 1) return format(family, bytes.data());
  }
  return "";
}

}  // namespace nestor::controlplane
