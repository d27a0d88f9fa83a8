#include "kube/leader.hpp"

#include <gtest/gtest.h>

#include "base/task_group.hpp"
#include "integration/api_server.hpp"

namespace nestor::integration {
namespace {

using std::chrono::milliseconds;

class LeaderTest : public ApiServerTest {
 protected:
  kube::LeaderOptions options(const std::string& identity) const {
    kube::LeaderOptions out{ns_, "nestor", identity};
    out.lease_duration = milliseconds(2000);
    out.renew_deadline = milliseconds(1500);
    out.retry_period = milliseconds(100);
    return out;
  }
  template <class Predicate>
  bool until(Predicate predicate) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    if (io_.stopped()) io_.restart();
    while (!predicate() && io_.run_one_until(limit) > 0) {
    }
    return predicate();
  }
};

TEST_F(LeaderTest, HandsTheLeaseFromOneClientToTheOther) {
  const auto other = connect(server_->admin());
  std::vector<std::string> leaders;
  TaskGroup one(io_.get_executor());
  TaskGroup two(io_.get_executor());
  one.spawn("one", kube::lead(*client_, clock_, options("one"), [&] { leaders.push_back("one"); }));
  ASSERT_TRUE(until([&] { return leaders.size() == 1; }));
  two.spawn("two", kube::lead(*other, clock_, options("two"), [&] { leaders.push_back("two"); }));
  const kube::ResourceType leases{"coordination.k8s.io", "v1", "Lease", "leases"};
  const Json lease = must(client_->get(leases, {ns_, "nestor"}));
  EXPECT_EQ(find_string(lease, {"spec", "holderIdentity"}), "one");
  run_coroutine(io_, one.close());
  ASSERT_TRUE(until([&] { return leaders.size() == 2; }));
  EXPECT_EQ(leaders, (std::vector<std::string>{"one", "two"}));
  run_coroutine(io_, two.close());
}

TEST_F(LeaderTest, ALeaderWhoseLeaseWasTakenStops) {
  bool leads = false;
  TaskGroup tasks(io_.get_executor());
  tasks.spawn("one", kube::lead(*client_, clock_, options("one"), [&] { leads = true; }));
  ASSERT_TRUE(until([&] { return leads; }));
  const kube::ResourceType leases{"coordination.k8s.io", "v1", "Lease", "leases"};
  Json theft = parse_json(R"({"spec":{"holderIdentity":"thief"}})").value();
  must(client_->patch(leases, {ns_, "nestor"}, kube::PatchType::kMerge, theft));
  EXPECT_TRUE(until([&] { return tasks.size() == 0; }));
  run_coroutine(io_, tasks.close());
}

}  // namespace
}  // namespace nestor::integration
