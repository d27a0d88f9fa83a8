#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "api/storage/volume_attachment.hpp"
#include "cluster/drain.hpp"
#include "tenant/sessions.hpp"

namespace nestor::cluster {

/// What a tenant's API server is watched for while Nodes of it are emptied, and only then: the pods
/// of each such Node, and the tenant's disruption budgets and volume attachments once for all of
/// them. Thread: event loop.
class DrainWatches {
 public:
  /// `wake` is called with a Machine when something changed that its drain may wait for.
  using Wake = std::function<void(const kube::ObjectKey& machine)>;
  explicit DrainWatches(Wake wake) : wake_(std::move(wake)) {}

  /// Of the whole tenant, for the Machines in `machines`.
  struct Shared {
    std::shared_ptr<tenant::Session> session;
    std::shared_ptr<kube::InformerCore> budgets;
    std::shared_ptr<kube::InformerCore> attachments;
    std::set<kube::ObjectKey> machines;
  };
  /// Of one Machine's Node.
  struct Watch {
    std::string node;
    std::shared_ptr<kube::InformerCore> pods;
    std::shared_ptr<Shared> shared;
    Refusals refusals;

    /// Waits until all caches are complete. Errors: kDeadlineExceeded.
    Task<> wait_synced() const;
    std::vector<PodPtr> list_pods() const;
    std::vector<BudgetPtr> list_budgets() const;
    /// Those of the Node.
    std::vector<std::shared_ptr<const api::storage::VolumeAttachment>> list_attachments() const;
  };

  /// The watch for the Machine's Node, begun at the first call; begun anew for another session.
  std::shared_ptr<Watch> of(const kube::ObjectKey& machine,
                            std::shared_ptr<tenant::Session> session, const std::string& node);
  /// Nothing of the Node is of interest any more.
  void end(const kube::ObjectKey& machine);

 private:
  std::shared_ptr<Shared> shared_of(std::shared_ptr<tenant::Session> session);

  Wake wake_;
  std::map<kube::ObjectKey, std::shared_ptr<Watch>> watches_;
  std::map<const tenant::Session*, std::weak_ptr<Shared>> shared_;
};

}  // namespace nestor::cluster
