#include <string>

#include "base/base64.hpp"
#include "fuzz.hpp"
#include "pki/pki.hpp"

/// PEM texts come from Secrets, which people and other programs write too.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nestor;
  const std::string pem(fuzz::text(data, size));
  const auto info = pki::inspect(pem);
  const auto hash = pki::public_key_hash(pem);
  if (hash) FUZZ_CHECK(info.has_value() && hash->starts_with("sha256:") && hash->size() == 71);
  // A key and a certificate in one text, or neither.
  (void)pki::check_key_matches({pem, pem});
  (void)pki::check_signed_by(pem, pem, std::chrono::system_clock::time_point{});
  const auto decoded = base64_decode(pem);
  if (decoded) FUZZ_CHECK(base64_decode(base64_encode(*decoded)) == *decoded);
  return 0;
}
