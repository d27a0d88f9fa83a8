#include "storage/testing/tenant_storage.hpp"

namespace nestor::storage {
namespace {

class Growing : public testing::TenantStorage {
 protected:
  /// What the management cluster does: the claim is bound, and has what it asked for.
  void serve(const std::string& id) {
    auto here = disk(id).value();
    here.status.phase = "Bound";
    here.status.capacity["storage"] = std::to_string(requested_size(here).value());
    world_.management.put(here);
    world_.run();
  }
  void ask_for_2_gib() {
    auto claim = tenant_claim().value();
    claim.spec.resources = parse_json(R"({"requests": {"storage": "2Gi"}})").value();
    world_.tenant.put(claim);
    world_.run();
  }
  void let_class_grow() {
    auto type = world_.management.peek<StorageClass>({"", "local-path"}).value();
    type.allowVolumeExpansion = true;
    world_.management.put(type);
  }
};

TEST_F(Growing, AVolumeOfAnotherTenantCannotGrow) {
  const std::string id = put_claim();
  bind(id);
  PersistentVolumeClaim foreign = put_foreign();
  foreign.status.phase = "Bound";
  foreign.status.capacity["storage"] = "1Gi";
  world_.management.put(foreign);
  PersistentVolume crafted = put_crafted("pvc-foreign");
  crafted.spec.claimRef = volume(id)->spec.claimRef;
  crafted.spec.capacity["storage"] = "1Gi";
  world_.tenant.put(crafted);
  auto claim = tenant_claim().value();
  claim.spec.volumeName = "crafted";
  claim.spec.resources = parse_json(R"({"requests": {"storage": "2Gi"}})").value();
  world_.tenant.put(claim);
  world_.run();
  EXPECT_EQ(requested_size(*disk("pvc-foreign")).value(), 1LL << 30);
}

TEST_F(Growing, AClaimGrowsOnlineStepByStep) {
  const std::string id = put_claim();
  bind(id);
  serve(id);
  ask_for_2_gib();
  EXPECT_EQ(requested_size(*disk(id)).value(), infra_size(2LL << 30, false));
  // Not before the management cluster has grown it.
  EXPECT_EQ(volume(id)->spec.capacity.at("storage"), "1Gi");
  EXPECT_TRUE(kube::condition_true(tenant_claim()->status.conditions, "Resizing"));
  serve(id);
  EXPECT_EQ(volume_size(*disk(id)).value(), 2LL << 30);
  EXPECT_EQ(volume(id)->spec.capacity.at("storage"), "2Gi");
  EXPECT_EQ(tenant_claim()->status.allocatedResourceStatuses.at("storage"), "NodeResizePending");
}

TEST_F(Growing, AClaimThatIsNotBoundYetGrowsWhenItIsAttached) {
  let_class_grow();
  put_machine("node-1");
  const std::string id = put_claim();
  bind(id);
  ask_for_2_gib();
  // The tenant goes on: its pod brings the machine here that the claim waits for.
  EXPECT_EQ(volume(id)->spec.capacity.at("storage"), "2Gi");
  EXPECT_EQ(requested_size(*disk(id)).value(), infra_size(1LL << 30, false));
  put_attachment("va", "node-1", id);
  serve(id);
  EXPECT_EQ(requested_size(*disk(id)).value(), infra_size(1LL << 30, false));
  carry("node-1", "Ready");
  EXPECT_EQ(requested_size(*disk(id)).value(), infra_size(2LL << 30, false));
  EXPECT_FALSE(attached("va"));
  serve(id);
  EXPECT_EQ(volume_size(*disk(id)).value(), 2LL << 30);
  EXPECT_TRUE(attached("va"));
}

TEST_F(Growing, AClassThatDoesNotGrowIsSaidBeforeTheClaimIsBound) {
  const std::string id = put_claim();
  bind(id);
  ask_for_2_gib();
  EXPECT_EQ(volume(id)->spec.capacity.at("storage"), "1Gi");
  EXPECT_NE(event_texts().find("allowVolumeExpansion"), std::string::npos) << event_texts();
  let_class_grow();
  world_.pass(std::chrono::minutes(10));
  EXPECT_EQ(volume(id)->spec.capacity.at("storage"), "2Gi");
}

}  // namespace
}  // namespace nestor::storage
