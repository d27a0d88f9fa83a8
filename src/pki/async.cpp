#include "base/blocking.hpp"
#include "pki/pki.hpp"

namespace nestor::pki {

Task<KeyPair> generate_ca_async(std::string common_name) {
  auto work = [name = std::move(common_name)] { return generate_ca(name); };
  co_return co_await run_blocking(std::move(work));
}

Task<KeyPair> issue_async(CertificateRequest request, KeyPair ca) {
  auto work = [request = std::move(request), ca = std::move(ca)] { return issue(request, ca); };
  co_return co_await run_blocking(std::move(work));
}

Task<SigningKey> generate_signing_key_async() {
  auto work = [] { return generate_signing_key(); };
  co_return co_await run_blocking(std::move(work));
}

}  // namespace nestor::pki
