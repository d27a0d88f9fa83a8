#include "pki/openssl.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <array>

namespace nestor::pki::detail {

std::unexpected<Error> openssl_failure(Code code, std::string what) {
  if (const unsigned long error = ERR_get_error(); error != 0) {
    std::array<char, 256> text{};
    ERR_error_string_n(error, text.data(), text.size());
    what += ": ";
    what += text.data();
  }
  ERR_clear_error();
  return fail(code, std::move(what));
}

Bio memory_bio(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string bio_text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

Result<std::vector<Certificate>> read_certificates(const std::string& pem) {
  const Bio bio = memory_bio(pem);
  std::vector<Certificate> certificates;
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(certificate);
  }
  if (certificates.empty()) {
    return openssl_failure(Code::kInvalidArgument, "no certificate in this PEM text");
  }
  // The end of the text is reported as an error too.
  ERR_clear_error();
  return certificates;
}

Result<Key> read_private_key(const std::string& pem) {
  const Bio bio = memory_bio(pem);
  // Without a callback OpenSSL would ask for the password of an encrypted key at the terminal.
  const auto no_password = [](char*, int, int, void*) { return -1; };
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  if (key == nullptr) {
    return openssl_failure(Code::kInvalidArgument, "no private key in this PEM text");
  }
  return key;
}

Result<std::string> write_certificate(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(bio.get(), certificate) != 1) {
    return openssl_failure(Code::kInternal, "writing a certificate");
  }
  return bio_text(bio.get());
}

Result<std::string> write_private_key(EVP_PKEY* key) {
  // Secure memory is not worth it here: the text goes into a string anyway.
  const Bio bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PrivateKey_traditional(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) !=
      1) {
    return openssl_failure(Code::kInternal, "writing a private key");
  }
  return bio_text(bio.get());
}

Result<std::string> address_bytes(const std::string& text) {
  std::array<unsigned char, 16> bytes{};
  std::size_t length = 0;
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) {
    length = 4;
  } else if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) {
    length = 16;
  } else {
    return fail(Code::kInvalidArgument, "not an IP address: \"" + text + "\"");
  }
  return std::string(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
}

std::string address_text(const unsigned char* bytes, int length) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (length != 4 && length != 16) return {};
  inet_ntop(length == 4 ? AF_INET : AF_INET6, bytes, text.data(), text.size());
  return text.data();
}

}  // namespace nestor::pki::detail
