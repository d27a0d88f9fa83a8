#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "kube/informer.hpp"
#include "storage/volume.hpp"

namespace nestor::storage {

/// A volume as it is.
struct Volume {
  std::string id;
  /// What the guest sees as the disk's serial number.
  std::string serial;
  /// Bytes; those that it was promised when it grows once it is attached.
  std::int64_t size = 0;
  /// See kProvisionedAnnotation.
  bool provisioned = false;
};

/// The claims of the management cluster that hold volumes of tenants.
kube::Scope our_claims();

/// Whether every volume goes through that reason of a VolumeStatus on its way: no trouble.
bool is_routine(std::string_view reason);

/// How far something has come that takes several steps.
struct Progress {
  bool done = false;
  /// What it waits for.
  std::string waiting = {};
  /// What it waits for may need somebody's help.
  bool trouble = false;
};

/// The volumes of tenants as claims of the management cluster, and their way into machines. Each
/// call looks at things as they are, does the next step, and may be repeated at any time.
/// A volume or machine of another owner is kNotFound, like one that is not there.
/// Thread: event loop. Lifetime: outlives its calls.
class Volumes {
 public:
  /// `allowed_classes` of the management cluster; empty: all.
  explicit Volumes(kube::Client& client, std::set<std::string> allowed_classes = {})
      : client_(client), allowed_classes_(std::move(allowed_classes)) {}

  /// Errors: kFailedPrecondition (no such class in the management cluster), kPermissionDenied (a
  /// class that is not allowed; quota), kAlreadyExists (another size or kind under that id).
  Task<Volume> ensure(Owner owner, VolumeSpec spec);
  Task<Volume> find(Owner owner, std::string id);
  /// The tenant has a PersistentVolume of it. A volume that is not there is a success.
  Task<> mark_provisioned(Owner owner, std::string id);
  /// Done when claim and data are gone. Errors: kFailedPrecondition while a machine has it.
  Task<Progress> remove(Owner owner, std::string id);
  /// Done when the disk may grow to `size`; it never shrinks. A claim grows once it is bound.
  /// Errors: kPermissionDenied or kInvalidArgument in the API server's words, kOutOfRange.
  Task<Progress> expand(Owner owner, std::string id, std::int64_t size);
  /// For a caller that cannot wait until the claim is bound: whether the volume will grow to `size`
  /// when it is attached, which is then done only in that size. False for a bound claim: expand it.
  /// Errors: kPermissionDenied (of a class without allowVolumeExpansion), kOutOfRange.
  Task<bool> promise(Owner owner, std::string id, std::int64_t size);

  struct Attach {
    std::string id;
    /// The machine, which has the name of its Node.
    std::string machine;
    std::string bus{kDefaultBus};
    bool read_only = false;
    bool shared = false;
  };
  /// Done when the guest has the disk, in the size that was promised. Errors: kNotFound,
  /// kFailedPrecondition (another machine has it, or the machine is going).
  Task<Progress> attach(Owner owner, Attach what);
  /// Done when no QEMU of that machine has the disk open; a machine that is gone has none.
  Task<Progress> detach(Owner owner, std::string id, std::string machine);

 private:
  using Claim = api::core::PersistentVolumeClaim;
  Task<Claim> owned_claim(Owner owner, std::string id);
  /// The machine as the API server holds it; null when there is none (of this owner).
  Task<Json> owned_machine(Owner owner, std::string name);
  /// Null when there is none.
  Task<Json> get_or_null(kube::ResourceType type, kube::ObjectKey key);
  Task<> check_class(std::string name);
  Task<> check_growth(std::string class_name);
  Task<Progress> grow(Claim claim, std::int64_t size);
  Task<> take_hold(Owner owner, Claim claim, std::string machine);
  Task<> let_go(Owner owner, std::string id, std::string machine);
  /// Whether no machine or instance of that name has the disk.
  Task<bool> is_free_of(Owner owner, std::string id, std::string machine);
  Task<> annotate(const Claim& claim, std::string_view annotation, Json value);

  kube::Client& client_;
  std::set<std::string> allowed_classes_;
};

}  // namespace nestor::storage
