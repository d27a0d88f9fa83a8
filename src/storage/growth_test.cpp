#include "base/testing/co_test.hpp"
#include "storage/testing/tenant_storage.hpp"
#include "storage/volumes.hpp"

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
  void ask_for_2_gib() { ask_for("2Gi"); }
  void ask_for(std::string_view size) {
    auto claim = tenant_claim().value();
    claim.spec.resources = JsonObject{{"requests", JsonObject{{"storage", size}}}};
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

TEST_F(Growing, AClaimThatIsNotBoundYetGrowsOnceItsMachineHasIt) {
  put_machine("node-1");
  const std::string id = put_claim();
  bind(id);
  ask_for_2_gib();
  // The API server here would refuse it, and the pod that brings the machine must not wait for it.
  EXPECT_EQ(requested_size(*disk(id)).value(), infra_size(1LL << 30, false));
  EXPECT_EQ(volume(id)->spec.capacity.at("storage"), "1Gi");
  EXPECT_EQ(event_texts().find("VolumeResizeFailed"), std::string::npos) << event_texts();
  put_attachment("va", "node-1", id);
  carry("node-1", "Ready");
  EXPECT_TRUE(attached("va"));
  serve(id);
  EXPECT_EQ(requested_size(*disk(id)).value(), infra_size(2LL << 30, false));
  serve(id);
  EXPECT_EQ(volume_size(*disk(id)).value(), 2LL << 30);
  EXPECT_EQ(volume(id)->spec.capacity.at("storage"), "2Gi");
}

TEST_F(Growing, WhatWasPromisedIsThereWhenItIsAttached) {
  Volumes volumes(world_.management);
  const Owner owner{.cluster = world_.demo};
  const auto promise = [&](const std::string& id) {
    return run_coroutine<bool>(world_.io, volumes.promise(owner, id, 2LL << 30));
  };
  put_machine("node-1");
  const std::string id = put_claim();
  bind(id);
  EXPECT_EQ(promise(id).error().code, Code::kPermissionDenied);
  let_class_grow();
  EXPECT_TRUE(promise(id).value());
  EXPECT_EQ(run_coroutine<Volume>(world_.io, volumes.find(owner, id))->size, 2LL << 30);
  put_attachment("va", "node-1", id);
  serve(id);
  EXPECT_EQ(requested_size(*disk(id)).value(), infra_size(1LL << 30, false));
  carry("node-1", "Ready");
  EXPECT_EQ(requested_size(*disk(id)).value(), infra_size(2LL << 30, false));
  EXPECT_FALSE(attached("va"));
  serve(id);
  EXPECT_EQ(volume_size(*disk(id)).value(), 2LL << 30);
  EXPECT_TRUE(attached("va"));
  EXPECT_FALSE(promise(id).value());
}

TEST_F(Growing, ASizeBeyondAllSizesIsRefused) {
  const std::string id = put_claim();
  bind(id);
  serve(id);
  ask_for("10Pi");
  EXPECT_EQ(requested_size(*disk(id)).value(), infra_size(1LL << 30, false));
  EXPECT_EQ(volume_size(*disk(id)).value(), 1LL << 30);
  EXPECT_NE(event_texts().find("at most 8Pi"), std::string::npos) << event_texts();
}

}  // namespace
}  // namespace nestor::storage
