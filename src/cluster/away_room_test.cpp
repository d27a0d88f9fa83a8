#include "cluster/testing/room.hpp"

namespace nestor::cluster {
namespace {

using namespace testing;
using std::chrono::minutes;
using std::chrono::seconds;

/// Two Machines of a tenant that may be away.
struct AwayRoom : ClusterRoom {
  AwayRoom() {
    control_plane_up();
    add_deployment(2);
    join_all();
    for (const auto& machine : world.management.all<Machine>()) {
      names.push_back(machine.metadata.name);
    }
    world.tenant.on_call([this](const kube::testing::FakeCall& call) -> std::optional<Error> {
      if (!away && !(no_list && call.verb == "list")) return std::nullopt;
      return Error{Code::kUnavailable, "refused", {}};
    });
  }
  std::string status(const std::string& name, std::string_view type) {
    return condition(read<Machine>(name), type).status;
  }
  bool away = false;
  bool no_list = false;
  std::vector<std::string> names;
};

TEST_F(AwayRoom, ARestartBeforeTheTenantAnswersChangesNoMachine) {
  const auto before = read<Machine>(names[0]);
  away = true;
  restart();
  world.pass(minutes(4));
  EXPECT_EQ(read<Machine>(names[0]), before);
  EXPECT_EQ(read<MachineDeployment>("workers").status.availableReplicas, 2);
  world.pass(seconds(70));
  EXPECT_EQ(status(names[0], "NodeHealthy"), "Unknown");
  EXPECT_EQ(status(names[0], "Available"), "False");
  away = false;
  world.pass(seconds(15));
  EXPECT_EQ(status(names[0], "Available"), "True");
}

TEST_F(AwayRoom, ATenantThatIsLostKeepsItsWordForAWhile) {
  away = true;
  world.pass(minutes(5));
  EXPECT_EQ(status(names[0], "Available"), "True");
  world.pass(minutes(2));
  EXPECT_EQ(status(names[0], "NodeReady"), "Unknown");
  EXPECT_EQ(status(names[0], "Ready"), "False");
}

TEST_F(AwayRoom, NodesThatAreNotListedYetAreNotGone) {
  no_list = true;
  restart();
  world.tenant.erase(Node::kType, {"", names[1]});
  world.pass(seconds(20));
  EXPECT_EQ(status(names[0], "Available"), "True");
  EXPECT_EQ(status(names[1], "Available"), "True");
  no_list = false;
  world.pass(seconds(40));
  EXPECT_EQ(status(names[0], "Available"), "True");
  EXPECT_EQ(condition(read<Machine>(names[1]), "NodeHealthy").reason, "NodeDeleted");
}

TEST_F(AwayRoom, ARollOutTakesNoWorkingMachineForATenantThatIsAway) {
  auto deployment = read<MachineDeployment>("workers");
  deployment.spec.template_.spec.version = "v1.38.0";
  world.management.put(deployment);
  world.run();
  ASSERT_EQ(count<Machine>(), 3U);
  away = true;
  restart();
  const auto kept = [&] {
    for (const auto& name : names) {
      const auto machine = world.management.peek<Machine>({"default", name});
      if (!machine || machine->metadata.deleting()) return false;
    }
    return true;
  };
  world.pass(minutes(4));
  EXPECT_TRUE(kept());
  world.pass(minutes(6));
  EXPECT_TRUE(kept()) << "nothing is known of the Nodes";
  away = false;
  world.pass(seconds(15));
  EXPECT_TRUE(kept()) << "the new one has not joined";
  join_all();
  world.pass(seconds(5));
  EXPECT_FALSE(kept());
}

}  // namespace
}  // namespace nestor::cluster
