#include <gtest/gtest.h>

#include "autoscale/simulation/testing/objects.hpp"

namespace nestor::autoscale {
namespace {

using testing::asks;
using testing::node;
using testing::shape;

std::string rule(const std::string& kind, const std::string& selector, const std::string& key,
                 const std::string& more = "") {
  return asks("100m", "1Mi",
              "affinity: {" + kind +
                  ": {requiredDuringSchedulingIgnoredDuringExecution: "
                  "[{labelSelector: " +
                  selector + ", topologyKey: " + key + more + "}]}}");
}

std::string spread(const std::string& selector, const std::string& key,
                   const std::string& more = "") {
  return asks("100m", "1Mi",
              "topologySpreadConstraints: [{maxSkew: 1, whenUnsatisfiable: DoNotSchedule, "
              "topologyKey: " +
                  key + ", labelSelector: " + selector + more + "}]");
}

const char* const kWeb = "{matchLabels: {app: web}}";

/// Two nodes in zone a, one in zone b, one without zone.
struct Zones : ::testing::Test {
  testing::World world;
  NodeIndex a1 = world.add(node("a1", 4000, 8192, {{"zone", "a"}}));
  NodeIndex a2 = world.add(node("a2", 4000, 8192, {{"zone", "a"}}));
  NodeIndex b1 = world.add(node("b1", 4000, 8192, {{"zone", "b"}}));
  NodeIndex none = world.add(node("none"));
  std::shared_ptr<const PodShape> web = shape(asks("100m"), "{app: web}");

  std::string fits(const std::shared_ptr<const PodShape>& pod) {
    std::string out;
    for (const NodeIndex index : {a1, a2, b1, none}) {
      out += world.snapshot.fits(world.of(pod), index) ? "y" : "-";
    }
    return out;
  }
};

TEST_F(Zones, AffinityWantsCompany) {
  const auto friendly = shape(rule("podAffinity", kWeb, "zone"));
  EXPECT_EQ(fits(friendly), "----");
  const PodIndex pod = world.put(web, a1);
  EXPECT_EQ(fits(friendly), "yy--");
  EXPECT_EQ(world.check(friendly, b1), Obstacle::kPodAffinity);
  EXPECT_EQ(fits(shape(rule("podAffinity", kWeb, "kubernetes.io/hostname"))), "y---");
  EXPECT_EQ(fits(shape(rule("podAffinity", kWeb, "zone"), "{}", "other")), "----");
  EXPECT_EQ(
      fits(shape(rule("podAffinity", kWeb, "zone", ", namespaces: [default]"), "{}", "other")),
      "yy--");
  EXPECT_EQ(
      fits(shape(rule("podAffinity", kWeb, "zone", ", namespaceSelector: {}"), "{}", "other")),
      "yy--");
  world.snapshot.unplace(pod);
  EXPECT_EQ(fits(friendly), "----");
}

TEST_F(Zones, TheFirstOfAGroupThatWantsToBeTogetherMayBeAnywhereWithTheLabel) {
  const auto group = shape(rule("podAffinity", kWeb, "zone"), "{app: web}");
  EXPECT_EQ(fits(group), "yyy-");
  world.put(group, b1);
  EXPECT_EQ(fits(group), "--y-");
}

TEST_F(Zones, AffinityOfTwoTermsCountsPodsThatMatchBoth) {
  const auto both =
      shape(asks("100m", "1Mi",
                 "affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: ["
                 "{labelSelector: {matchLabels: {app: web}}, topologyKey: zone}, "
                 "{labelSelector: {matchLabels: {tier: front}}, topologyKey: zone}]}}"));
  world.put(web, a1);
  world.put(shape(asks("100m"), "{tier: front}"), a1);
  EXPECT_EQ(fits(both), "----");
  world.put(shape(asks("100m"), "{app: web, tier: front}"), b1);
  EXPECT_EQ(fits(both), "--y-");
}

TEST_F(Zones, AntiAffinityKeepsAway) {
  world.put(web, a1);
  EXPECT_EQ(fits(shape(rule("podAntiAffinity", kWeb, "kubernetes.io/hostname"))), "-yyy");
  EXPECT_EQ(fits(shape(rule("podAntiAffinity", kWeb, "zone"))), "--yy");
  EXPECT_EQ(world.check(shape(rule("podAntiAffinity", kWeb, "zone")), a2),
            Obstacle::kPodAntiAffinity);
}

TEST_F(Zones, AntiAffinityOfPodsThatAreThereHoldsToo) {
  const PodIndex lonely = world.put(shape(rule("podAntiAffinity", kWeb, "zone")), b1);
  EXPECT_EQ(fits(web), "yy-y");
  EXPECT_EQ(world.check(web, b1), Obstacle::kExistingAntiAffinity);
  world.snapshot.unplace(lonely);
  EXPECT_EQ(fits(web), "yyyy");
}

TEST_F(Zones, MismatchLabelKeysKeepsOtherTenantsAway) {
  const auto own =
      shape(rule("podAntiAffinity", "{matchExpressions: [{key: team, operator: Exists}]}",
                 "kubernetes.io/hostname", ", mismatchLabelKeys: [team]"),
            "{team: red}");
  world.put(shape(asks("1m"), "{team: red}"), a1);
  world.put(shape(asks("1m"), "{team: blue}"), a2);
  EXPECT_EQ(fits(own), "y-yy");
}

TEST_F(Zones, SpreadKeepsTheSkew) {
  const auto even = shape(spread(kWeb, "zone"), "{app: web}");
  EXPECT_EQ(fits(even), "yyy-");
  const PodIndex first = world.put(even, a1);
  EXPECT_EQ(fits(even), "--y-");
  world.put(even, b1);
  EXPECT_EQ(fits(even), "yyy-");
  world.snapshot.unplace(first);
  EXPECT_EQ(fits(even), "yy--");
}

TEST_F(Zones, SpreadCountsOnlyNodesThePodMayUse) {
  const auto picky = shape(asks("100m", "1Mi",
                                "nodeSelector: {zone: a}, topologySpreadConstraints: [{maxSkew: 1, "
                                "topologyKey: zone, labelSelector: {matchLabels: {app: web}}}]"),
                           "{app: web}");
  world.put(web, a1);
  // Zone b, where it may not go, does not hold it back.
  EXPECT_EQ(fits(picky), "yy--");
  const auto ignoring = shape(
      asks("100m", "1Mi",
           "nodeSelector: {zone: a}, topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, "
           "nodeAffinityPolicy: Ignore, labelSelector: {matchLabels: {app: web}}}]"),
      "{app: web}");
  EXPECT_EQ(fits(ignoring), "----");
}

TEST_F(Zones, FewerDomainsThanWantedCountAsEmptyOnes) {
  const auto three = shape(spread(kWeb, "zone", ", minDomains: 3"), "{app: web}");
  world.put(web, a1);
  world.put(web, b1);
  EXPECT_EQ(fits(three), "----");
  world.add(node("c1", 4000, 8192, {{"zone", "c"}}));
  EXPECT_TRUE(world.snapshot.fits(world.of(three), 4));
}

TEST_F(Zones, ScheduleAnywayIsNoObstacle) {
  world.put(web, a1);
  EXPECT_EQ(fits(shape(asks("100m", "1Mi",
                            "topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, "
                            "whenUnsatisfiable: ScheduleAnyway, labelSelector: {}}]"))),
            "yyyy");
}

TEST_F(Zones, RollbackRestoresEveryCount) {
  const auto even = shape(spread(kWeb, "zone"), "{app: web}");
  const auto lonely = shape(rule("podAntiAffinity", kWeb, "kubernetes.io/hostname"), "{app: web}");
  const PodIndex first = world.put(even, a1);
  const std::string before = fits(even) + fits(lonely) + fits(web);
  const auto mark = world.snapshot.mark();
  world.snapshot.unplace(first);
  world.snapshot.place(first, b1);
  const NodeIndex added = world.add(node("c1", 4000, 8192, {{"zone", "c"}}));
  world.put(lonely, added);
  world.put(shape(rule("podAntiAffinity", kWeb, "zone"), "{app: late}"), a2);
  world.snapshot.close_node(b1);
  EXPECT_NE(fits(even) + fits(lonely) + fits(web), before);
  world.snapshot.rollback(mark);
  EXPECT_EQ(fits(even) + fits(lonely) + fits(web), before);
  EXPECT_EQ(world.snapshot.node_count(), 4U);
  EXPECT_EQ(world.snapshot.node_of(first), a1);
}

TEST_F(Zones, ATermThatComesLateCountsPodsThatAreThere) {
  world.put(web, a1);
  world.put(web, b1);
  EXPECT_EQ(fits(shape(rule("podAntiAffinity", kWeb, "zone"))), "---y");
}

}  // namespace
}  // namespace nestor::autoscale
