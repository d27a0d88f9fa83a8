// Frames through a real fence: a bridge in a network namespace of this process, the guest's tap and
// a second one for the world outside. Needs root, nft and /dev/net/tun.
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include "vm/launcher/fence_rules.hpp"
#include "vm/launcher/unprivileged.hpp"

namespace nestor::vm {
namespace {

constexpr std::size_t kVnetHeader = 10;
constexpr int kPatienceMs = 500;
const std::string kGuestMac("\x0a\x58\x0a\xf4\x00\x05", 6);
const std::string kOtherMac("\x0a\x58\x0a\xf4\x00\x09", 6);

std::string be16(unsigned value) {
  return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}

std::string ip4(const std::string& text) {
  std::array<unsigned, 4> part{};
  EXPECT_EQ(std::sscanf(text.c_str(), "%u.%u.%u.%u", &part[0], &part[1], &part[2], &part[3]), 4);
  std::string out;
  for (const unsigned byte : part) out += static_cast<char>(byte);
  return out;
}

std::string checksum(const std::string& header) {
  unsigned sum = 0;
  for (std::size_t i = 0; i + 1 < header.size(); i += 2) {
    sum += static_cast<unsigned char>(header[i]) << 8 | static_cast<unsigned char>(header[i + 1]);
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return be16(~sum & 0xffff);
}

std::string packet(const std::string& from, const std::string& to, int protocol,
                   const std::string& payload, unsigned fragment = 0) {
  std::string head = std::string("\x45\x00", 2) + be16(20 + payload.size()) + be16(7) +
                     be16(fragment) + "\x40" + static_cast<char>(protocol) + std::string(2, '\0') +
                     ip4(from) + ip4(to);
  head.replace(10, 2, checksum(head));
  return std::string("\x08\x00", 2) + head + payload;
}

enum Flags { kSyn = 2, kRst = 4, kAck = 16 };

std::string tcp(unsigned from, unsigned to, int flags) {
  return be16(from) + be16(to) + std::string(8, '\0') + "\x50" + static_cast<char>(flags) +
         std::string(6, '\0');
}

std::string udp(unsigned from, unsigned to) { return be16(from) + be16(to) + be16(8) + be16(0); }

std::string icmp(int type) {
  std::string out = static_cast<char>(type) + std::string(7, '\0');
  out.replace(2, 2, checksum(out));
  return out;
}

std::string arp(const std::string& mac, const std::string& from, const std::string& to) {
  return std::string("\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01", 10) + mac + ip4(from) +
         std::string(6, '\0') + ip4(to);
}

class Port {
 public:
  explicit Port(const char* name) : fd_(open_tap(name).value_or(UniqueFd())) {}

  bool open() const { return static_cast<bool>(fd_); }
  void send(const std::string& frame) const {
    const std::string all = std::string(kVnetHeader, '\0') + frame;
    ASSERT_EQ(::write(fd_.get(), all.data(), all.size()), static_cast<ssize_t>(all.size()));
  }
  /// The next frame whose sender is that; others are the kernel's own.
  std::string receive(const std::string& sender) const {
    std::array<char, 4096> buffer;
    pollfd set{fd_.get(), POLLIN, 0};
    while (::poll(&set, 1, kPatienceMs) > 0) {
      const ssize_t count = ::read(fd_.get(), buffer.data(), buffer.size());
      if (count < static_cast<ssize_t>(kVnetHeader + 14)) continue;
      const std::string frame(buffer.data() + kVnetHeader,
                              static_cast<std::size_t>(count) - kVnetHeader);
      if (frame.substr(6, 6) == sender) return frame;
    }
    return "nothing came";
  }

 private:
  UniqueFd fd_;
};

bool nft(const std::string& input) {
  FILE* pipe = ::popen("nft -f -", "w");
  if (pipe == nullptr) return false;
  std::fwrite(input.data(), 1, input.size(), pipe);
  return ::pclose(pipe) == 0;
}

class FenceFrames : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    usable_ = ::geteuid() == 0 && ::unshare(CLONE_NEWNET) == 0 &&
              ::access("/dev/net/tun", R_OK | W_OK) == 0 &&
              std::system("nft list tables >/dev/null 2>&1") == 0;
    if (!usable_) return;
    std::ofstream("/proc/sys/net/ipv6/conf/default/disable_ipv6") << "1";
    guest_ = new Port("tap0");
    world_ = new Port("eth0-nic");
    ASSERT_TRUE(guest_->open() && world_->open());
    ASSERT_EQ(std::system("ip link add name k6t-eth0 type bridge forward_delay 0 && "
                          "ip link set dev eth0-nic master k6t-eth0 && "
                          "bridge link set dev eth0-nic learning off && "
                          "ip link set dev tap0 master k6t-eth0 && "
                          "ip link set dev k6t-eth0 up && ip link set dev eth0-nic up && "
                          "ip link set dev tap0 up"),
              0);
  }
  static void TearDownTestSuite() {
    delete guest_;
    delete world_;
  }

  void SetUp() override {
    if (!usable_) GTEST_SKIP() << "needs root, nft and /dev/net/tun";
    PodLink link;
    link.mac = "0a:58:0a:f4:00:05";
    link.addresses = {"10.244.0.5/24"};
    link.routes = {{"0.0.0.0/0", "10.244.0.1", false}};
    FenceOptions options;
    options.open = {"10.50.0.0/16"};
    const auto fence = make_fence(options, link, {{"10.96.0.10"}, {}}, "203.0.113.7", "");
    ASSERT_TRUE(fence);
    ASSERT_TRUE(nft(fence_rules(*fence)));
    ASSERT_TRUE(nft(fence_update({{"10.244.0.6"}, {{"192.168.250.128", "tcp", 6443}}})));
  }

  std::string from_guest(const std::string& content, const std::string& mac = kGuestMac) const {
    return kOtherMac + mac + content;
  }
  std::string to_guest(const std::string& content) const { return kGuestMac + kOtherMac + content; }

  bool passes(const std::string& frame) const {
    guest_->send(frame);
    return arrives(frame);
  }
  /// Whether `frame`, sent before, comes out ahead of a question that always may.
  bool arrives(const std::string& frame) const {
    const std::string marker = from_guest(arp(kGuestMac, "10.244.0.5", "10.244.0.1"));
    guest_->send(marker);
    const std::string first = world_->receive(kGuestMac);
    if (first == frame) return world_->receive(kGuestMac) == marker;
    EXPECT_EQ(first, marker);
    return false;
  }

  static inline bool usable_ = false;
  static inline Port* guest_ = nullptr;
  static inline Port* world_ = nullptr;
};

const std::string kMe = "10.244.0.5";

TEST_F(FenceFrames, OpensPeersControlPlaneResolversAndTheInternet) {
  EXPECT_TRUE(passes(from_guest(packet(kMe, "10.244.0.6", 17, udp(9, 8472)))));
  EXPECT_TRUE(passes(from_guest(packet(kMe, "10.244.0.6", 6, tcp(9, 10250, kSyn)))));
  EXPECT_TRUE(passes(from_guest(packet(kMe, "192.168.250.128", 6, tcp(9, 6443, kSyn)))));
  EXPECT_TRUE(passes(from_guest(packet(kMe, "10.96.0.10", 17, udp(9, 53)))));
  EXPECT_TRUE(passes(from_guest(packet(kMe, "10.50.1.1", 6, tcp(9, 443, kSyn)))));
  EXPECT_TRUE(passes(from_guest(packet(kMe, "198.51.100.1", 6, tcp(9, 443, kSyn)))));
}

TEST_F(FenceFrames, ClosesTheManagementClusterAndOtherTenants) {
  for (const char* closed : {"10.244.0.7", "10.244.0.1", "10.96.0.1", "192.168.250.2",
                             "203.0.113.7", "169.254.169.254", "255.255.255.255", "224.0.0.1"}) {
    EXPECT_FALSE(passes(from_guest(packet(kMe, closed, 6, tcp(9, 443, kSyn))))) << closed;
    EXPECT_FALSE(passes(from_guest(packet(kMe, closed, 17, udp(9, 8472))))) << closed;
    EXPECT_FALSE(passes(from_guest(packet(kMe, closed, 1, icmp(8))))) << closed;
  }
  EXPECT_FALSE(passes(from_guest(packet(kMe, "192.168.250.128", 6, tcp(9, 22, kSyn)))));
  EXPECT_FALSE(passes(from_guest(packet(kMe, "192.168.250.128", 17, udp(9, 6443)))));
  EXPECT_FALSE(passes(from_guest(packet(kMe, "10.96.0.10", 6, tcp(9, 443, kSyn)))));
  // a first fragment too small to show its flags, and one that could overwrite them
  EXPECT_FALSE(passes(from_guest(packet(kMe, "10.96.0.1", 6, std::string(8, 'x'), 0x2000))));
  EXPECT_FALSE(passes(from_guest(packet(kMe, "10.96.0.1", 6, std::string(16, '\x10'), 1))));
}

TEST_F(FenceFrames, LetsAnswersOut) {
  EXPECT_TRUE(passes(from_guest(packet(kMe, "10.244.0.1", 6, tcp(30080, 999, kSyn | kAck)))));
  EXPECT_TRUE(passes(from_guest(packet(kMe, "10.244.0.1", 6, tcp(30080, 999, kRst)))));
  EXPECT_TRUE(passes(from_guest(packet(kMe, "10.244.0.1", 1, icmp(0)))));
  const std::string answer = from_guest(packet(kMe, "10.244.0.1", 17, udp(30053, 999)));
  EXPECT_FALSE(passes(answer));
  const std::string question = to_guest(packet("10.244.0.1", kMe, 17, udp(999, 30053)));
  world_->send(question);
  EXPECT_EQ(guest_->receive(kOtherMac), question);
  EXPECT_TRUE(passes(answer));
  EXPECT_FALSE(passes(from_guest(packet(kMe, "10.244.0.1", 17, udp(30053, 998)))));
}

TEST_F(FenceFrames, NobodySpeaksWithAnothersAddress) {
  EXPECT_FALSE(passes(from_guest(packet("10.244.0.6", "198.51.100.1", 17, udp(1, 2)))));
  EXPECT_FALSE(passes(from_guest(arp(kGuestMac, "10.244.0.1", "10.244.0.9"))));
  EXPECT_FALSE(passes(from_guest(arp(kOtherMac, kMe, "10.244.0.9"))));
  const std::string alien = from_guest(packet(kMe, "198.51.100.1", 17, udp(1, 2)), kOtherMac);
  EXPECT_FALSE(passes(alien));
  // IPv6, which this pod does not have, and what is neither
  EXPECT_FALSE(passes(from_guest(std::string("\x86\xdd", 2) + std::string(60, '\0'))));
  EXPECT_FALSE(passes(from_guest(std::string("\x88\xcc", 2) + std::string(60, '\0'))));
}

TEST_F(FenceFrames, NftTakesTheRulesOfAPodWithBothFamilies) {
  PodLink link;
  link.mac = "0a:58:0a:f4:00:05";
  link.addresses = {"10.244.0.5/24", "2001:db8::5/64"};
  link.routes = {{"::/0", "2001:db8::1", false}};
  const auto fence = make_fence({}, link, {{"10.96.0.10", "2001:db8:1::a"}, {}},
                                "203.0.113.7,2001:db8:2::7", "2001:db8:3::1");
  ASSERT_TRUE(fence);
  EXPECT_TRUE(nft(fence_rules(*fence)));
  EXPECT_TRUE(nft(fence_update({{"2001:db8::6"}, {{"2001:db8:4::1", "udp", 53}}})));
}

TEST_F(FenceFrames, AnUpdateTakesAccessAwayAgain) {
  const std::string frame = from_guest(packet(kMe, "10.244.0.6", 17, udp(9, 8472)));
  EXPECT_TRUE(passes(frame));
  ASSERT_TRUE(nft(fence_update({})));
  EXPECT_FALSE(passes(frame));
}

}  // namespace
}  // namespace nestor::vm
