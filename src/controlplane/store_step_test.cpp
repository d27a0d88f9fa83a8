#include <gmock/gmock.h>

#include <algorithm>

#include "controlplane/names.hpp"
#include "controlplane/testing/world.hpp"

namespace nestor::controlplane::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using api::core::Secret;
using api::kamaji::TenantControlPlane;

/// Names in the store, and who may have them.
struct StoreNames : World {
  static constexpr const char* kCertificate = "datastore-certificate";

  StoreNames() {
    EXPECT_TRUE(until([&] { return store().status.ready; }));
  }
  api::kamaji::DataStore store() const {
    return management.peek<api::kamaji::DataStore>({"", "default"}).value();
  }
  void annotate(const std::string& name) {
    auto now = store();
    now.metadata.annotations[name] = "true";
    management.put(now);
  }
  kube::Condition validation() const {
    const auto now = store();
    const auto* found =
        kube::find_condition(now.status.conditions, "kamaji.clastix.io/DataStoreValidation");
    return found ? *found : kube::Condition{};
  }
  /// Runs past every back-off.
  void pass() {
    for (int i = 0; i < 10; ++i) {
      quiet();
      clock.advance(std::chrono::seconds(10));
    }
    quiet();
  }
  TenantControlPlane named(const std::string& name, const std::string& schema,
                           const std::string& user) const {
    TenantControlPlane out = sample();
    out.metadata.name = name;
    out.spec.dataStoreSchema = schema;
    out.spec.dataStoreUsername = user;
    return out;
  }
  bool has_certificate(const std::string& name) const {
    return !secret(name + "-" + kCertificate).data.empty();
  }
  TenantControlPlane read(const std::string& name) const {
    return management.peek<TenantControlPlane>({"team", name}).value();
  }
  /// Keys take their time: only when it says that it failed has it done what it would do.
  bool said(const std::string& name, std::string_view reason) const {
    return std::ranges::any_of(management.all({"", "v1", "Event", "events"}),
                               [&](const Json& event) {
                                 return find_string(event, {"reason"}) == reason &&
                                        find_string(event, {"involvedObject", "name"}) == name;
                               });
  }
  bool is_gone(const std::string& name) const {
    return !management.peek(TenantControlPlane::kType, {"team", name}).has_value();
  }
};

TEST_F(StoreNames, RootIsNobodys) {
  etcd.users = {"root"};
  etcd.roles = {{"root", "all"}};
  management.put(named("user", "", "root"));
  management.put(named("role", "root", ""));
  for (const char* name : {"user", "role"}) {
    ASSERT_TRUE(until([&] { return said(name, "InvalidSpec"); }));
  }
  EXPECT_FALSE(has_certificate("user"));
  EXPECT_FALSE(has_certificate("role"));
  EXPECT_THAT(etcd.grants, IsEmpty());
  for (const char* name : {"user", "role"}) {
    management.erase(TenantControlPlane::kType, {"team", name});
    ASSERT_TRUE(until([&] { return is_gone(name); })) << name;
  }
  EXPECT_THAT(etcd.users, Contains("root"));
  EXPECT_TRUE(etcd.roles.contains("root"));
}

TEST_F(StoreNames, RemovalLeavesWhatIsNotOnesOwn) {
  management.put(sample());
  ASSERT_TRUE(until([&] { return has_certificate("blue"); }));
  const std::string uid = tcp().metadata.uid;
  // As if somebody had written the status.
  for (const std::string& name : {std::string("root"), uid}) {
    TenantControlPlane thief = named("red", "", "");
    thief.metadata.finalizers = {std::string(kStoreFinalizer)};
    thief.metadata.annotations[std::string(kPausedAnnotation)] = "true";
    thief.status.storage.dataStoreName = "default";
    thief.status.storage.setup.schema = name;
    thief.status.storage.setup.user = name;
    management.put(thief);
    pass();
    management.erase(TenantControlPlane::kType, {"team", "red"});
    pass();
    TenantControlPlane on = read("red");
    on.metadata.annotations.clear();
    management.put(on);
    ASSERT_TRUE(until([&] { return is_gone("red"); })) << name;
    EXPECT_THAT(etcd.users, Contains(uid));
    EXPECT_THAT(etcd.deleted_prefixes, IsEmpty());
  }
}

TEST_F(StoreNames, NobodyGetsTheCertificateOfAnother) {
  management.put(sample());
  ASSERT_TRUE(until([&] { return has_certificate("blue"); }));
  const std::string uid = tcp().metadata.uid;
  management.put(named("red", "", uid));
  ASSERT_TRUE(until([&] { return said("red", "ReconcileFailed"); }));
  EXPECT_FALSE(has_certificate("red"));
  EXPECT_EQ(etcd.grants.at(uid), uid);
}

TEST_F(StoreNames, ATenantKeepsItsOwnUidThoughAnotherHasClaimedIt) {
  etcd.down = true;
  management.put(sample());
  ASSERT_TRUE(until([&] { return tcp().metadata.has_finalizer(kStoreFinalizer); }));
  const std::string uid = tcp().metadata.uid;
  TenantControlPlane thief = named("red", uid, uid);
  thief.status.storage.setup.schema = uid;
  thief.status.storage.setup.user = uid;
  management.put(thief);
  etcd.down = false;
  ASSERT_TRUE(until([&] { return has_certificate("blue") && said("red", "ReconcileFailed"); }));
  EXPECT_FALSE(has_certificate("red"));
}

TEST_F(StoreNames, WhatIsInTheStoreAlreadyIsNotTakenOver) {
  etcd.users = {"admin"};
  etcd.roles = {{"backup", "/backup/"}};
  management.put(named("user", "mine", "admin"));
  management.put(named("role", "backup", "mine"));
  for (const char* name : {"user", "role"}) {
    ASSERT_TRUE(until([&] { return said(name, "ReconcileFailed"); }));
  }
  EXPECT_FALSE(has_certificate("user"));
  EXPECT_FALSE(has_certificate("role"));
  EXPECT_THAT(etcd.grants, IsEmpty());
  management.erase(TenantControlPlane::kType, {"team", "user"});
  ASSERT_TRUE(until([&] { return is_gone("user"); }));
  EXPECT_THAT(etcd.users, Contains("admin"));
}

TEST_F(StoreNames, OnlyOneGetsNamesThatTwoFindFree) {
  etcd.role_answers = 0;
  management.put(named("second", "shared", "shared"));
  ASSERT_TRUE(until([&] { return etcd.role_questions == 1; }));
  // Seen later but older by what is written: the same second and a smaller uid, or a clock behind.
  TenantControlPlane older = named("first", "shared", "shared");
  older.metadata.creationTimestamp = "2026-01-01T00:00:00Z";
  management.put(older);
  ASSERT_TRUE(until([&] { return etcd.role_questions == 2 || said("first", "ReconcileFailed"); }));
  etcd.role_answers = 1;
  ASSERT_TRUE(until([&] { return has_certificate("second"); }));
  etcd.role_answers = std::numeric_limits<int>::max();
  ASSERT_TRUE(until([&] { return has_certificate("first") || said("first", "ReconcileFailed"); }));
  pass();
  EXPECT_FALSE(has_certificate("first"));
  EXPECT_EQ(read("first").status.storage.setup.schema, "");
}

TEST_F(StoreNames, NamesThatAreNoLongerWantedAreFree) {
  etcd.users = {"admin"};
  management.put(named("second", "shared", "admin"));
  ASSERT_TRUE(until([&] { return said("second", "ReconcileFailed"); }));
  management.put(named("first", "shared", "own"));
  ASSERT_TRUE(until([&] { return said("first", "ReconcileFailed"); }));
  TenantControlPlane other = read("second");
  other.spec.dataStoreSchema = "other";
  management.put(other);
  ASSERT_TRUE(until([&] { return has_certificate("first"); }));
}

TEST_F(StoreNames, ChosenNamesAreNotedBeforeTheyAreMade) {
  etcd.down = true;
  management.put(named("blue", "chosen", "chosen"));
  pass();
  EXPECT_EQ(tcp().status.storage.setup.schema, "");
  etcd.down = false;
  ASSERT_TRUE(until([&] { return etcd.users.contains("chosen"); }));
  EXPECT_EQ(tcp().status.storage.setup.schema, "chosen");
  // The manager dies before it has written that it is done: the names are its own all the same.
  stop();
  TenantControlPlane undone = tcp();
  undone.status.storage.setup.checksum = "";
  management.put(undone);
  start();
  ASSERT_TRUE(until([&] { return has_certificate("blue"); }));
  EXPECT_EQ(etcd.grants.at("chosen"), "chosen");
}

TEST_F(StoreNames, DataAreNotLeftForAnEmptyStore) {
  management.put(sample());
  give_address("192.0.2.7");
  ASSERT_TRUE(until([&] { return has_deployment() && tcp().status.observedGeneration; }));
  pass();
  const Secret before = secret("blue-datastore-config");
  const auto deployment = management.peek(api::apps::Deployment::kType, {"team", "blue"});
  TenantControlPlane moved = tcp();
  moved.spec.dataStoreSchema = "empty";
  moved.spec.kubernetes.version = "v1.37.3";
  management.put(moved);
  ASSERT_TRUE(until([&] { return said("blue", "ReconcileFailed"); }));
  EXPECT_FALSE(etcd.roles.contains("empty"));
  EXPECT_EQ(secret("blue-datastore-config").data, before.data);
  EXPECT_EQ(management.peek(api::apps::Deployment::kType, {"team", "blue"}), deployment);
  EXPECT_EQ(tcp().status.storage.setup.schema, tcp().metadata.uid);
}

TEST_F(StoreNames, AnEtcdThatForgotItsUsersIsLockedAgain) {
  etcd.auth = false;
  annotate("nestor.dev/enable-auth");
  ASSERT_TRUE(until([&] { return etcd.auth; }));
  pass();
  etcd.auth = false;
  ASSERT_TRUE(until([&] { return etcd.auth; }));
  stop();
  etcd.auth = false;
  start();
  ASSERT_TRUE(until([&] { return etcd.auth; }));
  pass();
  etcd.auth = false;
  auto own = store();
  own.spec.endpoints = {"etcd-1:2379"};
  management.put(own);
  ASSERT_TRUE(until([&] { return etcd.auth; }));
}

/// An etcd that nobody locked.
struct OpenStore : StoreNames {
  OpenStore() {
    stop();
    etcd.auth = false;
    etcd.commands.clear();
    start();
  }
  bool is_refused() { return validation().reason == "AuthenticationDisabled"; }
};

TEST_F(OpenStore, IsNotReadyUntilSomebodyLocksIt) {
  ASSERT_TRUE(until([&] { return is_refused(); }));
  EXPECT_FALSE(store().status.ready);
  management.put(sample());
  ASSERT_TRUE(until([&] { return said("blue", "ReconcileFailed"); }));
  EXPECT_FALSE(has_certificate("blue"));
  EXPECT_FALSE(etcd.auth);
  etcd.auth = true;
  pass();
  EXPECT_TRUE(store().status.ready);
  EXPECT_EQ(validation().status, "True");
  ASSERT_TRUE(until([&] { return has_certificate("blue"); }));
}

TEST_F(OpenStore, IsLockedByUsWhenItIsOurs) {
  ASSERT_TRUE(until([&] { return is_refused(); }));
  annotate("nestor.dev/enable-auth");
  ASSERT_TRUE(until([&] { return store().status.ready; }));
  EXPECT_TRUE(etcd.auth);
}

TEST_F(OpenStore, IsNoticedWhenItIsUnlockedLater) {
  etcd.auth = true;
  pass();
  ASSERT_TRUE(store().status.ready);
  etcd.auth = false;
  ASSERT_TRUE(until([&] { return is_refused(); }));
  EXPECT_FALSE(store().status.ready);
}

TEST_F(OpenStore, SilenceSaysNothingAgainstOneThatIsLocked) {
  etcd.auth = true;
  pass();
  ASSERT_TRUE(store().status.ready);
  for (const char* failure : {"context deadline exceeded", "etcdserver: nobody knows this"}) {
    etcd.failure = failure;
    etcd.failures = std::numeric_limits<int>::max();
    pass();
    EXPECT_TRUE(store().status.ready) << failure;
    EXPECT_EQ(validation().status, "True") << failure;
  }
  etcd.auth = false;
  etcd.failures = 0;
  ASSERT_TRUE(until([&] { return is_refused(); }));
}

TEST_F(OpenStore, AnswersToTheWrongUserAreNoSilence) {
  etcd.auth = true;
  pass();
  ASSERT_TRUE(store().status.ready);
  etcd.failure = "etcdserver: permission denied";
  etcd.failures = std::numeric_limits<int>::max();
  pass();
  EXPECT_FALSE(store().status.ready);
}

TEST_F(OpenStore, IsForOneTenantWhereThatIsSaid) {
  annotate("nestor.dev/single-tenant");
  ASSERT_TRUE(until([&] { return store().status.ready; }));
  EXPECT_FALSE(etcd.auth);
  management.put(sample());
  ASSERT_TRUE(until([&] { return has_certificate("blue"); }));
  management.put(named("red", "", ""));
  ASSERT_TRUE(until([&] { return said("red", "ReconcileFailed"); }));
  pass();
  EXPECT_FALSE(has_certificate("red"));
  EXPECT_EQ(read("red").status.storage.dataStoreName, "");
  EXPECT_EQ(etcd.grants.size(), 1U);
  // The place becomes free.
  management.erase(TenantControlPlane::kType, {"team", "blue"});
  ASSERT_TRUE(until([&] { return is_gone("blue"); }));
  ASSERT_TRUE(until([&] { return has_certificate("red"); }));
}

TEST_F(OpenStore, TakesOneOfTwoThatFindItFree) {
  annotate("nestor.dev/single-tenant");
  ASSERT_TRUE(until([&] { return store().status.ready; }));
  etcd.role_answers = 0;
  management.put(named("second", "", ""));
  ASSERT_TRUE(until([&] { return etcd.role_questions == 1; }));
  TenantControlPlane older = named("first", "", "");
  older.metadata.creationTimestamp = "2026-01-01T00:00:00Z";
  management.put(older);
  ASSERT_TRUE(until([&] { return etcd.role_questions == 2 || said("first", "ReconcileFailed"); }));
  etcd.role_answers = std::numeric_limits<int>::max();
  ASSERT_TRUE(until([&] { return has_certificate("second"); }));
  pass();
  EXPECT_FALSE(has_certificate("first"));
  EXPECT_EQ(etcd.grants.size(), 1U);
}

TEST_F(OpenStore, IsNoLongerReadyWhenItIsForSeveralAgain) {
  annotate("nestor.dev/single-tenant");
  ASSERT_TRUE(until([&] { return store().status.ready; }));
  auto now = store();
  now.metadata.annotations.clear();
  management.put(now);
  ASSERT_TRUE(until([&] { return !store().status.ready; }));
  EXPECT_TRUE(is_refused());
}

TEST_F(OpenStore, IsAskedOnlyByRoot) {
  etcd.failure = "etcdserver: permission denied";
  etcd.failures = std::numeric_limits<int>::max();
  ASSERT_TRUE(until([&] { return validation().status == "False"; }));
  EXPECT_FALSE(store().status.ready);
  EXPECT_THAT(validation().message, HasSubstr("not that of etcd's root user"));
}

/// A manager that starts while the store is not to be asked about its authentication.
struct StoreAtStart : StoreNames {
  void start_anew(const std::string& failure) {
    etcd.auth = false;
    annotate("nestor.dev/enable-auth");
    ASSERT_TRUE(until([&] { return etcd.auth; }));
    pass();
    stop();
    etcd.auth = false;
    etcd.failure = failure;
    etcd.failures = 3;
    start();
  }
};

TEST_F(StoreAtStart, StaysReadyThoughItDoesNotAnswer) {
  start_anew("etcdserver: request timed out");
  ASSERT_TRUE(until([&] { return validation().status == "Unknown"; }));
  EXPECT_TRUE(store().status.ready);
  pass();
  EXPECT_TRUE(etcd.auth);
  EXPECT_TRUE(store().status.ready);
  EXPECT_EQ(validation().status, "True");
}

TEST_F(StoreAtStart, IsAskedAgainAfterAnyAnswer) {
  start_anew("etcdserver: nobody has heard of this");
  ASSERT_TRUE(until([&] { return validation().status == "False"; }));
  EXPECT_FALSE(store().status.ready);
  pass();
  EXPECT_TRUE(etcd.auth);
  EXPECT_TRUE(store().status.ready);
}

}  // namespace
}  // namespace nestor::controlplane::testing
