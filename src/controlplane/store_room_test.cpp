#include "controlplane/store_room.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/metrics.hpp"
#include "controlplane/names.hpp"
#include "controlplane/testing/world.hpp"
#include "kube/metrics.hpp"

namespace nestor::controlplane::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using api::kamaji::TenantControlPlane;

/// A store that fills up. Its quota is 1,000,000 bytes.
struct Room : World {
  Room() {
    EXPECT_TRUE(until([&] { return condition().status == "True"; }));
  }
  api::kamaji::DataStore store() const {
    return management.peek<api::kamaji::DataStore>({"", "default"}).value();
  }
  kube::Condition condition() const {
    const auto now = store();
    const auto* found = kube::find_condition(now.status.conditions, "nestor.dev/StoreHasRoom");
    return found ? *found : kube::Condition{};
  }
  void make_own() {
    auto now = store();
    now.metadata.annotations["nestor.dev/enable-auth"] = "true";
    management.put(now);
    quiet();
  }
  void pass_minutes(int minutes) {
    for (int i = 0; i < 2 * minutes; ++i) {
      clock.advance(std::chrono::seconds(30));
      quiet();
    }
  }
  auto times(std::string_view verb) const { return std::ranges::count(etcd.verbs(), verb); }
  bool said(std::string_view reason, const std::string& name = "default") const {
    return std::ranges::any_of(management.all({"", "v1", "Event", "events"}),
                               [&](const Json& event) {
                                 return find_string(event, {"reason"}) == reason &&
                                        find_string(event, {"involvedObject", "name"}) == name;
                               });
  }
  void fill(std::int64_t size, std::int64_t in_use) {
    for (auto& member : etcd.members) {
      member.size = size;
      member.in_use = in_use;
    }
  }
};

TEST_F(Room, IsAskedForOnceAMinute) {
  EXPECT_EQ(condition().reason, "HasRoom");
  pass_minutes(1);
  etcd.commands.clear();
  pass_minutes(5);
  EXPECT_EQ(times("endpoint status"), 5);
  EXPECT_EQ(times("auth status"), 5);
  EXPECT_EQ(etcd.commands.size(), 10U);
}

TEST_F(Room, IsNotAskedForAgainWhenSomethingElseChanges) {
  etcd.commands.clear();
  for (const char* value : {"one", "two"}) {
    auto touched = store();
    touched.metadata.labels["touched"] = value;
    management.put(touched);
    quiet();
  }
  management.put(sample());
  quiet();
  EXPECT_EQ(times("endpoint status"), 0);
}

TEST_F(Room, StaysAsItIsWhileNothingHappens) {
  pass_minutes(1);
  management.clear_calls();
  fill(30000, 25000);
  pass_minutes(3);
  EXPECT_EQ(management.count("patch"), 0U);
}

TEST_F(Room, EndsAtFourFifthsOfTheQuota) {
  fill(800000, 790000);
  pass_minutes(1);
  EXPECT_EQ(condition().status, "False");
  EXPECT_EQ(condition().reason, "AlmostFull");
  EXPECT_THAT(condition().message, HasSubstr("--quota-backend-bytes"));
  EXPECT_TRUE(store().status.ready);
  EXPECT_TRUE(said("AlmostFull"));
  fill(700000, 690000);
  pass_minutes(1);
  EXPECT_EQ(condition().status, "True");
  EXPECT_TRUE(said("HasRoom"));
}

TEST_F(Room, IsLeftToItsOwnersInAForeignEtcd) {
  etcd.full = true;
  fill(1000000, 400000);
  pass_minutes(2);
  EXPECT_EQ(condition().reason, "Full");
  EXPECT_THAT(condition().message,
              AllOf(HasSubstr("etcdctl defrag"), HasSubstr("etcdctl alarm disarm")));
  EXPECT_TRUE(store().status.ready);
  fill(400000, 400000);
  pass_minutes(1);
  EXPECT_EQ(condition().reason, "Full");
  EXPECT_THAT(condition().message, HasSubstr("etcdctl alarm disarm"));
  EXPECT_EQ(times("defrag") + times("alarm disarm"), 0);
  etcd.full = false;
  pass_minutes(1);
  EXPECT_EQ(condition().status, "True");
}

TEST_F(Room, IsMadeInOurOwnEtcd) {
  make_own();
  etcd.members = {{.endpoint = "https://etcd-0:2379"},
                  {.endpoint = "https://etcd-1:2379"},
                  {.endpoint = "https://etcd-2:2379"}};
  fill(1000000, 400000);
  etcd.members[1].in_use = 999999;
  etcd.members[1].size = 1000000;
  etcd.full = true;
  etcd.commands.clear();
  pass_minutes(1);
  // The second has nothing to give back, and so has no room.
  EXPECT_THAT(etcd.verbs(),
              ElementsAre("auth status", "endpoint status", "defrag", "defrag", "endpoint status"));
  EXPECT_THAT(etcd.commands[2], AllOf(Contains("--endpoints=https://etcd-0:2379"),
                                      Contains("--command-timeout=60s")));
  EXPECT_THAT(etcd.commands[3], Contains("--endpoints=https://etcd-2:2379"));
  EXPECT_EQ(condition().reason, "Full");
  etcd.members[1].in_use = etcd.members[1].size = 500000;
  pass_minutes(1);
  EXPECT_FALSE(etcd.full);
  EXPECT_EQ(condition().status, "True");
  EXPECT_TRUE(said("Defragmentation"));
  EXPECT_TRUE(said("AlarmDisarm"));
}

TEST_F(Room, IsMadeBeforeItIsFull) {
  make_own();
  fill(850000, 400000);
  pass_minutes(1);
  EXPECT_EQ(times("defrag"), 1);
  EXPECT_EQ(times("alarm disarm"), 0);
  EXPECT_EQ(condition().status, "True");
}

TEST_F(Room, IsMadeOutOfLittleWhenNothingCanBeWritten) {
  make_own();
  fill(1000000, 780000);
  pass_minutes(1);
  EXPECT_EQ(times("defrag"), 0);
  EXPECT_EQ(condition().reason, "AlmostFull");
  etcd.full = true;
  pass_minutes(1);
  EXPECT_EQ(times("defrag"), 1);
  EXPECT_FALSE(etcd.full);
  EXPECT_EQ(condition().status, "True");
}

TEST_F(Room, IsNotMadeWhereTheDiskMayHaveNone) {
  make_own();
  fill(1500000, 900000);
  pass_minutes(1);
  EXPECT_EQ(times("defrag"), 0);
  EXPECT_THAT(condition().message, HasSubstr("where its disk has room"));
}

TEST_F(Room, IsNotMadeWhileAMemberIsSilent) {
  auto now = store();
  now.spec.endpoints = {"etcd-0:2379", "etcd-1:2379"};
  management.put(now);
  make_own();
  etcd.members = {{.endpoint = "https://etcd-0:2379"},
                  {.endpoint = "https://etcd-1:2379", .down = true}};
  etcd.full = true;
  fill(1000000, 400000);
  pass_minutes(2);
  EXPECT_EQ(times("defrag"), 0);
  EXPECT_THAT(condition().message, HasSubstr("once all members"));
  etcd.members[0].size = 400000;
  pass_minutes(2);
  EXPECT_EQ(times("alarm disarm"), 0);
  EXPECT_EQ(condition().reason, "Full");
  etcd.members[1].down = false;
  pass_minutes(2);
  EXPECT_EQ(times("defrag"), 1);
  EXPECT_EQ(condition().status, "True");
}

TEST_F(Room, ThatIsMissingStaysMissingWhileNobodyAnswers) {
  etcd.full = true;
  pass_minutes(1);
  ASSERT_EQ(condition().reason, "Full");
  const std::string message = condition().message;
  etcd.members[0].down = true;
  pass_minutes(2);
  EXPECT_EQ(condition().reason, "Full");
  EXPECT_EQ(condition().message, message + "; no member answers now");
  etcd.members[0].down = false;
  pass_minutes(1);
  EXPECT_EQ(condition().message, message);
}

TEST_F(Room, IsLookedAfterWhileAStoreWaitsForItsDeletion) {
  management.put(sample());
  ASSERT_TRUE(until([&] { return !secret("blue-datastore-certificate").data.empty(); }));
  auto now = store();
  now.metadata.deletionTimestamp = "2026-01-01T00:00:00Z";
  management.put(now);
  fill(900000, 890000);
  pass_minutes(2);
  EXPECT_EQ(condition().reason, "AlmostFull");
}

TEST_F(Room, IsNotMadeWhereThereIsEnough) {
  make_own();
  fill(500000, 1000);
  pass_minutes(3);
  EXPECT_EQ(times("defrag"), 0);
}

TEST_F(Room, IsMadeEveryTenMinutesAtMost) {
  make_own();
  etcd.full = true;
  etcd.defrag_failure = "etcdserver: request timed out";
  fill(1000000, 400000);
  pass_minutes(1);
  EXPECT_EQ(times("defrag"), 1);
  EXPECT_TRUE(said("Defragmentation"));
  pass_minutes(9);
  EXPECT_EQ(times("defrag"), 1);
  EXPECT_EQ(condition().reason, "Full");
  pass_minutes(11);
  EXPECT_EQ(times("defrag"), 3);
  EXPECT_EQ(times("alarm disarm"), 0);
  etcd.defrag_failure.clear();
  pass_minutes(10);
  EXPECT_FALSE(etcd.full);
  EXPECT_EQ(condition().status, "True");
}

TEST_F(Room, OtherAlarmsAreNotSilenced) {
  make_own();
  etcd.full = etcd.corrupt = true;
  fill(300000, 290000);
  pass_minutes(3);
  EXPECT_EQ(times("alarm disarm"), 0);
  EXPECT_EQ(condition().reason, "Full");
  EXPECT_THAT(condition().message, HasSubstr("other alarm"));
}

TEST_F(Room, OfAnOldEtcdIsKnownOnlyWhenItIsOut) {
  make_own();
  etcd.members[0].quota = 0;
  fill(900000, 890000);
  pass_minutes(1);
  EXPECT_EQ(condition().status, "True");
  EXPECT_EQ(condition().reason, "QuotaUnknown");
  etcd.full = true;
  pass_minutes(2);
  EXPECT_EQ(condition().reason, "Full");
  EXPECT_EQ(times("alarm disarm"), 0);
  fill(900000, 300000);
  etcd.defrag_failure = "etcdserver: request timed out";
  pass_minutes(3);
  EXPECT_EQ(times("defrag"), 1);
  EXPECT_EQ(times("alarm disarm"), 0);
  etcd.defrag_failure.clear();
  pass_minutes(10);
  EXPECT_EQ(times("defrag"), 2);
  EXPECT_FALSE(etcd.full);
  EXPECT_EQ(condition().status, "True");
}

TEST_F(Room, IsKnownOfThoseThatAnswer) {
  etcd.members = {{.endpoint = "https://etcd-0:2379"},
                  {.endpoint = "https://etcd-1:2379", .down = true}};
  fill(800000, 790000);
  pass_minutes(1);
  EXPECT_EQ(condition().reason, "AlmostFull");
  fill(400000, 390000);
  pass_minutes(1);
  EXPECT_EQ(condition().status, "True");
  etcd.members[0].down = true;
  pass_minutes(1);
  EXPECT_EQ(condition().status, "Unknown");
  EXPECT_THAT(condition().message, HasSubstr("context deadline exceeded"));
  EXPECT_TRUE(store().status.ready);
  etcd.members = {{}};
  pass_minutes(1);
  EXPECT_EQ(condition().status, "True");
}

TEST_F(Room, IsNeededByNewControlPlanesOnly) {
  management.put(sample());
  const auto has = [&](const std::string& name) { return !secret(name).data.empty(); };
  ASSERT_TRUE(until([&] { return has("blue-datastore-certificate"); }));
  etcd.full = true;
  fill(1000000, 990000);
  pass_minutes(1);
  ASSERT_EQ(condition().reason, "Full");
  TenantControlPlane red = sample();
  red.metadata.name = "red";
  management.put(red);
  ASSERT_TRUE(until([&] { return said("ReconcileFailed", "red"); }));
  EXPECT_FALSE(has("red-datastore-certificate"));
  management.erase(api::core::Secret::kType, {"team", "blue-datastore-config"});
  ASSERT_TRUE(until([&] { return has("blue-datastore-config"); }));
  etcd.full = false;
  fill(500000, 490000);
  ASSERT_TRUE(until([&] { return has("red-datastore-certificate"); }));
}

TEST_F(Room, IsCounted) {
  Metrics metrics;
  kube::set_metrics(&metrics);
  fill(900000, 800000);
  pass_minutes(1);
  const std::string text = metrics.serialize();
  EXPECT_THAT(text, HasSubstr("nestor_datastore_size_bytes{datastore=\"default\"} 900000"));
  EXPECT_THAT(text, HasSubstr("nestor_datastore_in_use_bytes{datastore=\"default\"} 800000"));
  EXPECT_THAT(text, HasSubstr("nestor_datastore_quota_bytes{datastore=\"default\"} 1000000"));
  management.erase(api::kamaji::DataStore::kType, {"", "default"});
  quiet();
  EXPECT_THAT(metrics.serialize(), Not(HasSubstr("nestor_datastore_size_bytes{")));
  kube::set_metrics(nullptr);
}

}  // namespace
}  // namespace nestor::controlplane::testing
