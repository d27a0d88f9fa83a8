#include "net/tls_engine.hpp"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "net/testing/certificates.hpp"
#include "net/tls_impl.hpp"

namespace nestor::net {
namespace {

using Step = TlsEngine::Step;

/// A client and a server, with the wire between them.
class TlsEngineTest : public testing::Test {
 protected:
  TlsEngineTest() {
    const auto ca = make_test_ca("nestor test ca");
    const auto leaf = make_test_leaf(ca, {"DNS:localhost"});
    server_context_ = make_server_tls({.cert_pem = leaf.cert_pem, .key_pem = leaf.key_pem}).value();
    client_context_ = make_client_tls({.ca_pem = ca.cert_pem}).value();
    server_.emplace(server_context_->impl().context.native_handle());
    client_.emplace(client_context_->impl().context.native_handle());
  }

  /// Moves what is under way, in pieces of what the receiver has room for, and reads it.
  static std::string move(TlsEngine& from, TlsEngine& to) {
    std::string wire;
    std::string out;
    from.take_output(wire);
    std::vector<char> buffer(100'000);
    for (std::size_t at = 0; at < wire.size();) {
      const auto room = to.room();
      const std::size_t part = std::min(room.size(), wire.size() - at);
      std::copy_n(wire.data() + at, part, room.data());
      to.received(part);
      at += part;
      std::size_t count = 0;
      while (to.read(buffer, count) == Step::kDone) out.append(buffer.data(), count);
    }
    return out;
  }

  static void feed(TlsEngine& from, TlsEngine& to) {
    std::string wire;
    from.take_output(wire);
    const auto room = to.room();
    ASSERT_LE(wire.size(), room.size());
    std::ranges::copy(wire, room.data());
    to.received(wire.size());
  }

  void shake_hands() {
    EXPECT_EQ(client_->handshake(TlsEngine::Side::kClient), Step::kNeedsInput);
    feed(*client_, *server_);
    EXPECT_EQ(server_->handshake(TlsEngine::Side::kServer), Step::kNeedsInput);
    feed(*server_, *client_);
    EXPECT_EQ(client_->handshake(TlsEngine::Side::kClient), Step::kDone);
    feed(*client_, *server_);
    EXPECT_EQ(server_->handshake(TlsEngine::Side::kServer), Step::kDone);
    EXPECT_EQ(move(*server_, *client_), "");
  }

  std::shared_ptr<const TlsContext> server_context_;
  std::shared_ptr<const TlsContext> client_context_;
  std::optional<TlsEngine> server_;
  std::optional<TlsEngine> client_;
};

TEST_F(TlsEngineTest, MovesManyRecordsAtATime) {
  shake_hands();
  std::string large(300'000, 'a');
  large[250'000] = 'b';
  ASSERT_EQ(server_->write(large), Step::kDone);
  EXPECT_TRUE(move(*server_, *client_) == large);
  ASSERT_EQ(client_->write("small"), Step::kDone);
  EXPECT_EQ(move(*client_, *server_), "small");
}

TEST_F(TlsEngineTest, RoomFollowsWhatComes) {
  shake_hands();
  const std::size_t small = client_->room().size();
  ASSERT_EQ(server_->write(std::string(300'000, 'a')), Step::kDone);
  move(*server_, *client_);
  EXPECT_GT(client_->room().size(), small);
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(server_->write("little"), Step::kDone);
    move(*server_, *client_);
  }
  EXPECT_EQ(client_->room().size(), small);
}

TEST_F(TlsEngineTest, EndComesAfterWhatWasSentBefore) {
  shake_hands();
  ASSERT_EQ(server_->write("last"), Step::kDone);
  SSL_shutdown(server_->native());
  feed(*server_, *client_);
  std::vector<char> buffer(100);
  std::size_t count = 0;
  EXPECT_EQ(client_->read(buffer, count), Step::kDone);
  EXPECT_EQ(count, 4U);
  EXPECT_EQ(client_->read(buffer, count), Step::kEnd);
  EXPECT_EQ(client_->read(buffer, count), Step::kEnd);
}

TEST_F(TlsEngineTest, ChangedBytesFailAndThePeerIsTold) {
  shake_hands();
  ASSERT_EQ(server_->write("hello"), Step::kDone);
  std::string wire;
  server_->take_output(wire);
  wire.back() = static_cast<char>(wire.back() ^ 1);
  std::ranges::copy(wire, client_->room().data());
  client_->received(wire.size());
  std::vector<char> buffer(100);
  std::size_t count = 0;
  EXPECT_EQ(client_->read(buffer, count), Step::kFailed);
  EXPECT_NE(client_->error().message(), "");
  EXPECT_TRUE(client_->has_output());
}

TEST_F(TlsEngineTest, PeerThatOnlyAsksForNewKeysIsCutOff) {
  shake_hands();
  std::vector<char> buffer(100);
  Step last = Step::kNeedsInput;
  for (int i = 0; i < 10'000 && last == Step::kNeedsInput; ++i) {
    ASSERT_EQ(SSL_key_update(server_->native(), SSL_KEY_UPDATE_REQUESTED), 1);
    SSL_do_handshake(server_->native());
    feed(*server_, *client_);
    std::size_t count = 0;
    last = client_->read(buffer, count);
  }
  EXPECT_EQ(last, Step::kFailed);
}

}  // namespace
}  // namespace nestor::net
