#include "net/tls.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>

#include "net/tls_impl.hpp"

namespace nestor::net {

namespace {

namespace ssl = boost::asio::ssl;

/// Never with the PEM itself in the message: it may be a key.
std::unexpected<Error> bad_pem(std::string_view what) {
  std::string reason = "no PEM found";
  if (const unsigned long code = ERR_peek_last_error(); code != 0) {
    if (const char* text = ERR_reason_error_string(code); text != nullptr) reason = text;
  }
  ERR_clear_error();
  return fail(Code::kInvalidArgument, "unreadable " + std::string(what) + ": " + reason);
}

Result<> add_authorities(SSL_CTX* context, const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  ERR_clear_error();
  int count = 0;
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    X509_STORE_add_cert(store, certificate);
    X509_free(certificate);
    ++count;
  }
  const unsigned long code = ERR_peek_last_error();
  const bool at_end =
      ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
  if (count == 0 || !at_end) return bad_pem("CA certificates");
  ERR_clear_error();
  return {};
}

Result<> use_certificate(ssl::context& context, const std::string& cert_pem,
                         const std::string& key_pem) {
  boost::system::error_code error;
  ERR_clear_error();
  context.use_certificate_chain(boost::asio::buffer(cert_pem), error);
  if (error) return bad_pem("certificate");
  context.use_private_key(boost::asio::buffer(key_pem), ssl::context::pem, error);
  if (error) return bad_pem("private key");
  if (SSL_CTX_check_private_key(context.native_handle()) != 1) return bad_pem("key pair");
  return {};
}

void set_common(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // Idle connections (watches) are many: they give their record buffers back.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
}

Result<> set_trust(ssl::context& context, const TlsClientConfig& config) {
  SSL_CTX* native = context.native_handle();
  if (config.insecure_skip_verify) {
    SSL_CTX_set_verify(native, SSL_VERIFY_NONE, nullptr);
    return {};
  }
  SSL_CTX_set_verify(native, SSL_VERIFY_PEER, nullptr);
  // A certificate that is named as CA is trusted even when it is not self-signed.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(native), X509_V_FLAG_PARTIAL_CHAIN);
  if (!config.ca_pem.empty()) return add_authorities(native, config.ca_pem);
  if (SSL_CTX_set_default_verify_paths(native) != 1) return bad_pem("system trust store");
  return {};
}

const unsigned char* bytes(const std::string& text) {
  return static_cast<const unsigned char*>(static_cast<const void*>(text.data()));
}

/// One protocol in the form of RFC 7301.
std::string alpn_list(const std::string& protocol) {
  if (protocol.empty()) return {};
  return static_cast<char>(protocol.size()) + protocol;
}

/// Takes the server's protocol if the client offers it. A client that offers none is let in.
int choose_protocol(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_length,
                    const unsigned char* offered, unsigned offered_length, void* list) {
  const auto& wanted = static_cast<TlsContext::Impl*>(list)->alpn;
  unsigned char* chosen = nullptr;
  const int found =
      SSL_select_next_proto(&chosen, out_length, bytes(wanted),
                            static_cast<unsigned>(wanted.size()), offered, offered_length);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;

Result<std::shared_ptr<const TlsContext>> make_client_tls(const TlsClientConfig& config) {
  auto impl = std::make_unique<TlsContext::Impl>(ssl::context::tls_client);
  set_common(impl->context.native_handle());
  impl->verify = !config.insecure_skip_verify;
  NESTOR_TRY_VOID(set_trust(impl->context, config));
  if (!config.cert_pem.empty() || !config.key_pem.empty()) {
    NESTOR_TRY_VOID(use_certificate(impl->context, config.cert_pem, config.key_pem));
  }
  if (const std::string list = alpn_list(config.alpn); !list.empty()) {
    SSL_CTX_set_alpn_protos(impl->context.native_handle(), bytes(list),
                            static_cast<unsigned>(list.size()));
  }
  return std::make_shared<const TlsContext>(std::move(impl));
}

Result<std::shared_ptr<const TlsContext>> make_server_tls(const TlsServerConfig& config) {
  auto impl = std::make_unique<TlsContext::Impl>(ssl::context::tls_server);
  set_common(impl->context.native_handle());
  NESTOR_TRY_VOID(use_certificate(impl->context, config.cert_pem, config.key_pem));
  SSL_CTX* native = impl->context.native_handle();
  if (!config.client_ca_pem.empty()) {
    NESTOR_TRY_VOID(add_authorities(native, config.client_ca_pem));
    SSL_CTX_set_verify(native, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  impl->alpn = alpn_list(config.alpn);
  if (!impl->alpn.empty()) SSL_CTX_set_alpn_select_cb(native, choose_protocol, impl.get());
  return std::make_shared<const TlsContext>(std::move(impl));
}

Result<> expect_peer(SSL* ssl, const std::string& server_name, const TlsContext& context) {
  boost::system::error_code not_address;
  boost::asio::ip::make_address(server_name, not_address);
  const bool is_address = !not_address;
  // RFC 6066: SNI carries names only.
  if (!is_address && SSL_set_tlsext_host_name(ssl, server_name.c_str()) != 1) {
    return fail(Code::kInvalidArgument, "bad server name: " + server_name);
  }
  if (!context.impl().verify) return {};
  X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(
      wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  const int set = is_address ? X509_VERIFY_PARAM_set1_ip_asc(wanted, server_name.c_str())
                             : X509_VERIFY_PARAM_set1_host(wanted, server_name.c_str(), 0);
  if (set != 1) return fail(Code::kInvalidArgument, "bad server name: " + server_name);
  return {};
}

}  // namespace nestor::net
