#include "base/random.hpp"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/log.hpp"
#include "base/text.hpp"

namespace nestor {

std::string Random::bytes(std::size_t count) {
  std::string out(count, '\0');
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): char and its unsigned twin.
  fill({reinterpret_cast<unsigned char*>(out.data()), out.size()});
  return out;
}

std::string Random::hex(std::size_t count) {
  std::vector<unsigned char> raw(count);
  fill(raw);
  return to_hex(raw);
}

std::string Random::text(std::size_t length, std::string_view alphabet) {
  // Bytes at or above the largest multiple of the alphabet's size would favour its first letters.
  const std::size_t limit = 256 - 256 % alphabet.size();
  std::string out;
  while (out.size() < length) {
    for (const char c : bytes(length - out.size())) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < limit) out += alphabet[byte % alphabet.size()];
    }
  }
  return out;
}

std::string Random::name_suffix(std::size_t length) {
  return text(length, "bcdfghjklmnpqrstvwxz2456789");
}

double Random::uniform() {
  std::uint64_t bits = 0;
  std::memcpy(&bits, bytes(sizeof bits).data(), sizeof bits);
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

void SystemRandom::fill(std::span<unsigned char> out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      log::error("base.random", "the kernel gives no random bytes: {}", std::strerror(errno));
      std::abort();
    }
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace nestor
