#pragma once

#include <string>
#include <vector>

namespace nestor::net {

/// A certificate and its key, PEM, for tests.
struct TestCertificate {
  std::string cert_pem;
  std::string key_pem;
};

/// A self-signed authority, valid now.
TestCertificate make_test_ca(const std::string& name);

/// A certificate signed by `ca`. `names`: as OpenSSL spells them, "DNS:localhost" or
/// "IP:127.0.0.1".
TestCertificate make_test_leaf(const TestCertificate& ca, const std::vector<std::string>& names);

}  // namespace nestor::net
