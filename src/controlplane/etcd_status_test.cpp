#include "controlplane/etcd_status.hpp"

#include <gmock/gmock.h>

namespace nestor::controlplane {
namespace {

/// What etcdctl 3.7.3 printed for two members of 16 MiB, one of which had reached its quota.
constexpr std::string_view kFull =
    R"([{"Endpoint":"https://127.0.0.1:23790","Status":{"header":{"cluster_id":17034087583203893062,)"
    R"("member_id":3319814642761637952,"revision":18,"raft_term":2},"version":"3.7.3",)"
    R"("dbSize":15433728,"leader":13668033151171901709,"raftIndex":40,"raftTerm":2,)"
    R"("raftAppliedIndex":40,"errors":["memberID:13668033151171901709  alarm:NOSPACE"],)"
    R"("dbSizeInUse":14032896,"storageVersion":"3.7.0","dbSizeQuota":16777216,"downgradeInfo":{}}},)"
    R"({"Endpoint":"https://127.0.0.1:23791","Status":{"header":{"cluster_id":17034087583203893062,)"
    R"("member_id":13668033151171901709,"revision":18,"raft_term":2},"version":"3.7.3",)"
    R"("dbSize":16130048,"leader":13668033151171901709,"raftIndex":40,"raftTerm":2,)"
    R"("raftAppliedIndex":40,"errors":["memberID:13668033151171901709  alarm:NOSPACE"],)"
    R"("dbSizeInUse":14733312,"storageVersion":"3.7.0","dbSizeQuota":16777216,"downgradeInfo":{}}}])";

/// The same etcd with one member down, its alarm disarmed and its file defragmented.
constexpr std::string_view kOneDown =
    R"([{"Endpoint":"https://127.0.0.1:23791","Status":{"header":{"cluster_id":17034087583203893062,)"
    R"("member_id":13668033151171901709,"revision":19,"raft_term":4},"version":"3.7.3",)"
    R"("dbSize":20480,"leader":3319814642761637952,"raftIndex":53,"raftTerm":4,)"
    R"("raftAppliedIndex":53,"dbSizeInUse":16384,"storageVersion":"3.7.0",)"
    R"("dbSizeQuota":16777216,"downgradeInfo":{}}}])";

/// As etcd 3.5 has it: without a quota, and with a space after the alarm.
constexpr std::string_view kOld =
    R"([{"Endpoint":"https://127.0.0.1:2379","Status":{"header":{"cluster_id":14841639068965178418,)"
    R"("member_id":10276657743932975437,"revision":1,"raft_term":2},"version":"3.5.9",)"
    R"("dbSize":16805888,"leader":10276657743932975437,"raftIndex":4,"raftTerm":2,)"
    R"("raftAppliedIndex":4,"errors":["memberID:10276657743932975437 alarm:NOSPACE "],)"
    R"("dbSizeInUse":8192}}])";

TEST(EtcdStatus, KnowsAFullOne) {
  const EtcdStatus status = parse_etcd_status(kFull).value();
  ASSERT_EQ(status.members.size(), 2U);
  EXPECT_EQ(status.members[0].endpoint, "https://127.0.0.1:23790");
  EXPECT_EQ(status.members[1].size, 16130048);
  EXPECT_EQ(status.members[1].in_use, 14733312);
  EXPECT_EQ(status.members[1].quota, 16777216);
  EXPECT_TRUE(status.full);
  EXPECT_FALSE(status.other_alarm);
  EXPECT_TRUE(status.almost_full());
  EXPECT_FALSE(status.fragmented());
}

TEST(EtcdStatus, TakesThoseThatAnswer) {
  const EtcdStatus status = parse_etcd_status(kOneDown).value();
  ASSERT_EQ(status.members.size(), 1U);
  EXPECT_FALSE(status.full);
  EXPECT_FALSE(status.almost_full());
  EXPECT_FALSE(status.fragmented());
}

TEST(EtcdStatus, KnowsAnOldOne) {
  const EtcdStatus status = parse_etcd_status(kOld).value();
  EXPECT_TRUE(status.full);
  EXPECT_EQ(status.members[0].quota, 0);
  EXPECT_FALSE(status.almost_full());
  EXPECT_TRUE(status.fragmented());
}

TEST(EtcdStatus, KnowsOtherAlarms) {
  const EtcdStatus status =
      parse_etcd_status(R"([{"Endpoint":"https://a:1","Status":{"dbSize":1,)"
                        R"("errors":["memberID:1  alarm:CORRUPT","etcdserver: no leader"]}}])")
          .value();
  EXPECT_FALSE(status.full);
  EXPECT_TRUE(status.other_alarm);
}

TEST(EtcdStatus, SaysWhenNobodyAnswers) {
  EXPECT_EQ(parse_etcd_status("null\n").error().code, Code::kUnavailable);
  EXPECT_EQ(parse_etcd_status("[]").error().code, Code::kUnavailable);
}

TEST(EtcdStatus, RefusesNonsense) {
  for (const std::string_view text :
       {"", "{", "{}", "7", "[7]", "[{}]", R"([{"Endpoint":"https://a:1","Status":{}}])",
        R"([{"Endpoint":"https://a:1","Status":{"dbSize":"large"}}])",
        R"([{"Endpoint":"https://a:1","Status":{"dbSize":-1}}])",
        R"([{"Endpoint":"https://a:1","Status":{"dbSize":1,"dbSizeInUse":-1}}])",
        R"([{"Endpoint":"","Status":{"dbSize":1}}])"}) {
    const auto status = parse_etcd_status(text);
    ASSERT_FALSE(status) << text;
    EXPECT_EQ(status.error().code, Code::kInvalidArgument) << text;
  }
  EXPECT_FALSE(parse_etcd_status("[" + std::string(1 << 20, '[')));
}

TEST(EtcdMember, IsAlmostFullAtFourFifths) {
  EXPECT_FALSE((EtcdMember{.size = 799, .quota = 1000}.almost_full()));
  EXPECT_TRUE((EtcdMember{.size = 800, .quota = 1000}.almost_full()));
  // No quota, and none known.
  EXPECT_FALSE((EtcdMember{.size = 800, .quota = -1}.almost_full()));
  EXPECT_FALSE((EtcdMember{.size = 800, .quota = 0}.almost_full()));
}

TEST(EtcdMember, IsFragmentedBeyondAQuarter) {
  EXPECT_FALSE((EtcdMember{.size = 1000, .in_use = 750}.fragmented()));
  EXPECT_TRUE((EtcdMember{.size = 1000, .in_use = 749}.fragmented()));
  EXPECT_FALSE((EtcdMember{.size = 1000, .in_use = 0}.fragmented()));
}

}  // namespace
}  // namespace nestor::controlplane
