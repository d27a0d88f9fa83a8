#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "pki/openssl.hpp"
#include "pki/pki.hpp"

namespace nestor::pki {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const auto kNow = std::chrono::system_clock::from_time_t(1'800'000'000);

KeyPair authority(const std::string& name = "kubernetes") {
  auto ca = generate_ca(name, kCaValidity, KeyKind::kEcdsaP256, kNow);
  EXPECT_TRUE(ca) << ca.error().message;
  return *ca;
}

CertificateRequest server_request() {
  return {.common_name = "kube-apiserver",
          .dns_names = {"kubernetes", "kubernetes.default.svc.cluster.local"},
          .ip_addresses = {"10.96.0.1", "fd00::1"},
          .server = true,
          .now = kNow};
}

KeyPair server(const KeyPair& ca) {
  auto pair = issue(server_request(), ca);
  EXPECT_TRUE(pair) << pair.error().message;
  return *pair;
}

TEST(Pki, AuthoritySignsItselfAndMaySignOthers) {
  const KeyPair ca = authority();
  const auto info = inspect(ca.cert_pem);
  ASSERT_TRUE(info);
  EXPECT_TRUE(info->is_ca);
  EXPECT_EQ(info->common_name, "kubernetes");
  EXPECT_EQ(info->issuer_common_name, "kubernetes");
  EXPECT_THAT(info->dns_names, ElementsAre("kubernetes"));
  EXPECT_EQ(info->not_before, kNow - 5min);
  EXPECT_EQ(info->not_after, kNow + kCaValidity);
  EXPECT_TRUE(check_signed_by(ca.cert_pem, ca.cert_pem, kNow));
  EXPECT_THAT(ca.key_pem, StartsWith("-----BEGIN EC PRIVATE KEY-----"));
}

TEST(Pki, ServerCertificateHoldsItsNamesAndPassesHostCheck) {
  const KeyPair ca = authority();
  const KeyPair pair = server(ca);
  const auto info = inspect(pair.cert_pem);
  ASSERT_TRUE(info);
  EXPECT_FALSE(info->is_ca);
  EXPECT_TRUE(info->server);
  EXPECT_FALSE(info->client);
  EXPECT_THAT(info->dns_names, ElementsAre("kubernetes", "kubernetes.default.svc.cluster.local"));
  EXPECT_THAT(info->ip_addresses, ElementsAre("10.96.0.1", "fd00::1"));
  EXPECT_EQ(info->not_after, kNow + kCertificateValidity);
  EXPECT_TRUE(check_signed_by(pair.cert_pem, ca.cert_pem, kNow));
  EXPECT_TRUE(check_key_matches(pair));

  const auto certificates = detail::read_certificates(pair.cert_pem);
  ASSERT_TRUE(certificates);
  X509* x509 = certificates->front().get();
  EXPECT_EQ(X509_check_host(x509, "kubernetes", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(x509, "elsewhere", 0, 0, nullptr), 0);
  EXPECT_EQ(X509_check_ip_asc(x509, "fd00::1", 0), 1);
  EXPECT_EQ(X509_check_purpose(x509, X509_PURPOSE_SSL_SERVER, 0), 1);
  EXPECT_EQ(X509_check_purpose(x509, X509_PURPOSE_SSL_CLIENT, 0), 0);
}

TEST(Pki, ClientCertificateHoldsUserAndGroups) {
  const KeyPair ca = authority();
  const CertificateRequest request{.common_name = "kubernetes-admin",
                                   .organizations = {"kubeadm:cluster-admins", "ops"},
                                   .client = true,
                                   .now = kNow};
  const auto pair = issue(request, ca);
  ASSERT_TRUE(pair) << pair.error().message;
  const auto info = inspect(pair->cert_pem);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->common_name, "kubernetes-admin");
  EXPECT_THAT(info->organizations, ElementsAre("kubeadm:cluster-admins", "ops"));
  EXPECT_TRUE(info->client);
  EXPECT_FALSE(info->server);
}

TEST(Pki, OtherAuthorityOfTheSameNameIsRefused) {
  const KeyPair pair = server(authority());
  const auto result = check_signed_by(pair.cert_pem, authority().cert_pem, kNow);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kFailedPrecondition);
}

TEST(Pki, CertificateIsRefusedBeforeAndAfterItsTime) {
  const KeyPair ca = authority();
  const KeyPair pair = server(ca);
  EXPECT_TRUE(check_signed_by(pair.cert_pem, ca.cert_pem, kNow - 4min));
  const auto early = check_signed_by(pair.cert_pem, ca.cert_pem, kNow - 6min);
  ASSERT_FALSE(early);
  EXPECT_THAT(early.error().message, HasSubstr("not yet valid"));
  const auto late = check_signed_by(pair.cert_pem, ca.cert_pem, kNow + kCertificateValidity + 1s);
  ASSERT_FALSE(late);
  EXPECT_THAT(late.error().message, HasSubstr("expired"));
}

TEST(Pki, CertificateNeverOutlivesItsAuthority) {
  const auto ca = generate_ca("short", 1h, KeyKind::kEcdsaP256, kNow);
  ASSERT_TRUE(ca);
  const auto info = inspect(server(*ca).cert_pem);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->not_after, kNow + 1h);
}

TEST(Pki, SerialsDiffer) {
  const KeyPair ca = authority();
  const auto one = inspect(server(ca).cert_pem);
  const auto two = inspect(server(ca).cert_pem);
  ASSERT_TRUE(one && two);
  EXPECT_NE(one->serial, two->serial);
  EXPECT_FALSE(one->serial.starts_with('-'));
}

TEST(Pki, NamesThatAreNoneAreRefused) {
  const KeyPair ca = authority();
  auto request = server_request();
  request.ip_addresses = {"10.96.0"};
  EXPECT_EQ(issue(request, ca).error().code, Code::kInvalidArgument);
  request = server_request();
  request.dns_names = {"a,DNS:admin.example"};
  EXPECT_EQ(issue(request, ca).error().code, Code::kInvalidArgument);
}

TEST(Pki, IssuingWithAForeignKeyFails) {
  KeyPair ca = authority();
  ca.key_pem = authority().key_pem;
  const auto pair = issue(server_request(), ca);
  ASSERT_FALSE(pair);
  EXPECT_EQ(pair.error().code, Code::kFailedPrecondition);
  EXPECT_EQ(issue(server_request(), KeyPair{"no", "thing"}).error().code, Code::kInvalidArgument);
}

TEST(Pki, PublicKeyHashIsThatOfTheSubjectPublicKeyInfo) {
  const KeyPair ca = authority();
  const auto hash = public_key_hash(ca.cert_pem);
  ASSERT_TRUE(hash);
  EXPECT_EQ(hash->size(), 7 + 64);
  // The same another way: the public half of the private key, encoded on its own.
  const auto key = detail::read_private_key(ca.key_pem);
  ASSERT_TRUE(key);
  unsigned char* der = nullptr;
  const int length = i2d_PUBKEY(key->get(), &der);
  ASSERT_GT(length, 0);
  EXPECT_EQ(*hash, "sha256:" + sha256_hex(std::string(der, der + length)));
  OPENSSL_free(der);
}

TEST(Pki, SigningKeyIsAnRsaPairInKubeadmsForms) {
  const auto key = generate_signing_key();
  ASSERT_TRUE(key);
  EXPECT_THAT(key->public_pem, StartsWith("-----BEGIN PUBLIC KEY-----"));
  EXPECT_THAT(key->private_pem, StartsWith("-----BEGIN RSA PRIVATE KEY-----"));
  const auto bio = detail::memory_bio(key->public_pem);
  const detail::Key public_key(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  const auto private_key = detail::read_private_key(key->private_pem);
  ASSERT_TRUE(public_key != nullptr && private_key);
  EXPECT_EQ(EVP_PKEY_eq(public_key.get(), private_key->get()), 1);
  EXPECT_EQ(EVP_PKEY_get_bits(public_key.get()), 2048);
}

TEST(Pki, AsyncFormsGiveTheSameFromThePool) {
  asio::io_context io;
  Result<KeyPair> ca = fail(Code::kUnknown, "not run");
  Result<KeyPair> pair = fail(Code::kUnknown, "not run");
  const auto run = [](Result<KeyPair>& made_ca, Result<KeyPair>& made) -> asio::awaitable<void> {
    std::string name = "front-proxy-ca";
    made_ca = co_await generate_ca_async(name);
    if (!made_ca) co_return;
    CertificateRequest request{.common_name = "front-proxy-client", .client = true};
    made = co_await issue_async(request, *made_ca);
  };
  asio::co_spawn(io, run(ca, pair), asio::detached);
  io.run();
  ASSERT_TRUE(ca && pair);
  EXPECT_TRUE(check_signed_by(pair->cert_pem, ca->cert_pem));
}

}  // namespace
}  // namespace nestor::pki
