#include "api/core/persistent_volume_claim.hpp"
#include "api/kubevirt/virtual_machine.hpp"
#include "base/race.hpp"
#include "csi.pb.h"
#include "storage/csi/method.hpp"
#include "storage/csi/services.hpp"
#include "storage/csi/volume_locks.hpp"

namespace nestor::storage {
namespace {

namespace v1 = csi::v1;
using Mode = v1::VolumeCapability_AccessMode;
using Capabilities = google::protobuf::RepeatedPtrField<v1::VolumeCapability>;

constexpr std::int64_t kDefaultSize = 1LL << 30;

bool several_nodes(const v1::VolumeCapability& capability) {
  switch (capability.access_mode().mode()) {
    case Mode::MULTI_NODE_READER_ONLY:
    case Mode::MULTI_NODE_SINGLE_WRITER:
    case Mode::MULTI_NODE_MULTI_WRITER:
      return true;
    default:
      return false;
  }
}

/// Whether volumes can be used that way. Errors: kInvalidArgument.
Result<> check(const Capabilities& capabilities) {
  if (capabilities.empty()) return missing("volume capabilities");
  for (const auto& capability : capabilities) {
    if (!capability.has_block() && !capability.has_mount()) return missing("access type");
    if (several_nodes(capability) && !capability.has_block()) {
      return fail(Code::kInvalidArgument, "a volume that several nodes use must be a block volume");
    }
  }
  return {};
}

std::string parameter(const v1::CreateVolumeRequest& request, std::string_view name) {
  const auto found = request.parameters().find(std::string(name));
  return found != request.parameters().end() ? found->second : std::string();
}

/// What an owner's volumes and machines did in the management cluster, as a count of changes.
class Changes {
 public:
  static std::shared_ptr<Changes> watch(kube::InformerSet& informers, const Owner& owner) {
    auto self = std::make_shared<Changes>();
    const auto tell = [self](const auto&, const auto&) {
      ++self->count_;
      self->signal_.notify();
    };
    kube::Scope claims = our_claims();
    claims.ns = owner.cluster.ns;
    informers.of<api::core::PersistentVolumeClaim>(claims).subscribe(tell);
    kube::Scope machines{.ns = owner.cluster.ns};
    machines.label_selector = std::string(kClusterNameLabel) + "=" + owner.cluster.name;
    informers.of<api::kubevirt::VirtualMachineInstance>(machines).subscribe(tell);
    return self;
  }
  std::uint64_t count() const { return count_; }
  /// Until there were more than `seen`.
  Task<> after(std::uint64_t seen) {
    while (count_ == seen) NESTOR_CO_TRY_VOID(co_await signal_.wait());
    co_return Result<>{};
  }

 private:
  std::uint64_t count_ = 0;
  Signal signal_;
};

class ControllerService {
 public:
  ControllerService(Volumes& volumes, kube::InformerSet& informers, Clock& clock,
                    ControllerOptions options)
      : volumes_(volumes),
        changes_(Changes::watch(informers, options.owner)),
        clock_(clock),
        options_(std::move(options)) {}

  Task<v1::CreateVolumeResponse> create(v1::CreateVolumeRequest request) {
    if (request.name().empty()) co_return missing("name");
    NESTOR_CO_TRY_VOID(check(request.volume_capabilities()));
    if (request.has_volume_content_source()) {
      co_return fail(Code::kInvalidArgument, "a volume is not made from another one");
    }
    VolumeSpec spec;
    spec.id = volume_id_for(request.name());
    NESTOR_CO_TRY(const auto held, locks_.take(spec.id));
    const auto& range = request.capacity_range();
    spec.size = range.required_bytes() > 0 ? range.required_bytes() : kDefaultSize;
    if (range.limit_bytes() > 0 && spec.size > range.limit_bytes()) {
      if (range.required_bytes() > 0) {
        co_return fail(Code::kOutOfRange, "the limit is below the required size");
      }
      spec.size = range.limit_bytes();
    }
    for (const auto& capability : request.volume_capabilities()) {
      spec.shared = spec.shared || several_nodes(capability);
    }
    spec.infra_block = spec.shared || parameter(request, kInfraModeParameter) == "Block";
    spec.infra_class = parameter(request, kInfraClassParameter);
    if (auto bus = parameter(request, kBusParameter); !bus.empty()) spec.bus = std::move(bus);
    NESTOR_CO_TRY(const Volume volume, co_await volumes_.ensure(options_.owner, spec));
    v1::CreateVolumeResponse out;
    out.mutable_volume()->set_volume_id(volume.id);
    out.mutable_volume()->set_capacity_bytes(volume.size);
    auto& context = *out.mutable_volume()->mutable_volume_context();
    context[std::string(kSerialAttribute)] = volume.serial;
    context[std::string(kBusAttribute)] = spec.bus;
    co_return out;
  }

  Task<v1::DeleteVolumeResponse> remove(v1::DeleteVolumeRequest request) {
    if (request.volume_id().empty()) co_return missing("volume id");
    NESTOR_CO_TRY(const auto held, locks_.take(request.volume_id()));
    NESTOR_CO_TRY_VOID(
        co_await until_done([&] { return volumes_.remove(options_.owner, request.volume_id()); }));
    co_return v1::DeleteVolumeResponse();
  }

  Task<v1::ControllerPublishVolumeResponse> publish(v1::ControllerPublishVolumeRequest request) {
    if (request.volume_id().empty()) co_return missing("volume id");
    if (request.node_id().empty()) co_return missing("node id");
    if (!request.has_volume_capability()) co_return missing("volume capability");
    NESTOR_CO_TRY(const auto held, locks_.take(request.volume_id()));
    Volumes::Attach what;
    what.id = request.volume_id();
    what.machine = machine_of(request.node_id());
    what.read_only = request.readonly();
    what.shared = several_nodes(request.volume_capability());
    const auto bus = request.volume_context().find(std::string(kBusAttribute));
    if (bus != request.volume_context().end() && bus->second == "virtio") what.bus = "virtio";
    NESTOR_CO_TRY_VOID(co_await until_done([&] { return volumes_.attach(options_.owner, what); }));
    co_return v1::ControllerPublishVolumeResponse();
  }

  Task<v1::ControllerUnpublishVolumeResponse> unpublish(
      v1::ControllerUnpublishVolumeRequest request) {
    if (request.volume_id().empty()) co_return missing("volume id");
    if (request.node_id().empty()) co_return missing("node id");
    NESTOR_CO_TRY(const auto held, locks_.take(request.volume_id()));
    const std::string machine = machine_of(request.node_id());
    NESTOR_CO_TRY_VOID(co_await until_done(
        [&] { return volumes_.detach(options_.owner, request.volume_id(), machine); }));
    co_return v1::ControllerUnpublishVolumeResponse();
  }

  Task<v1::ControllerExpandVolumeResponse> expand(v1::ControllerExpandVolumeRequest request) {
    if (request.volume_id().empty()) co_return missing("volume id");
    if (request.capacity_range().required_bytes() <= 0) co_return missing("capacity range");
    NESTOR_CO_TRY(const auto held, locks_.take(request.volume_id()));
    const std::int64_t size = request.capacity_range().required_bytes();
    NESTOR_CO_TRY(const bool later,
                  co_await volumes_.promise(options_.owner, request.volume_id(), size));
    if (!later) {
      NESTOR_CO_TRY_VOID(co_await until_done(
          [&] { return volumes_.expand(options_.owner, request.volume_id(), size); }));
    }
    NESTOR_CO_TRY(const Volume volume, co_await volumes_.find(options_.owner, request.volume_id()));
    v1::ControllerExpandVolumeResponse out;
    out.set_capacity_bytes(volume.size);
    out.set_node_expansion_required(!request.volume_capability().has_block());
    co_return out;
  }

  Task<v1::ValidateVolumeCapabilitiesResponse> validate(
      v1::ValidateVolumeCapabilitiesRequest request) {
    if (request.volume_id().empty()) co_return missing("volume id");
    if (request.volume_capabilities().empty()) co_return missing("volume capabilities");
    NESTOR_CO_TRY_VOID(co_await volumes_.find(options_.owner, request.volume_id()));
    v1::ValidateVolumeCapabilitiesResponse out;
    if (auto fits = check(request.volume_capabilities()); !fits) {
      out.set_message(fits.error().message);
      co_return out;
    }
    auto& confirmed = *out.mutable_confirmed();
    *confirmed.mutable_volume_capabilities() = request.volume_capabilities();
    *confirmed.mutable_volume_context() = request.volume_context();
    *confirmed.mutable_parameters() = request.parameters();
    co_return out;
  }

  Task<v1::ControllerGetCapabilitiesResponse> capabilities(v1::ControllerGetCapabilitiesRequest) {
    v1::ControllerGetCapabilitiesResponse out;
    for (const auto type : {v1::ControllerServiceCapability_RPC::CREATE_DELETE_VOLUME,
                            v1::ControllerServiceCapability_RPC::PUBLISH_UNPUBLISH_VOLUME,
                            v1::ControllerServiceCapability_RPC::EXPAND_VOLUME}) {
      out.add_capabilities()->mutable_rpc()->set_type(type);
    }
    co_return out;
  }

 private:
  /// Upstream's node ids are "namespace/name"; the namespace is not the caller's to choose.
  static std::string machine_of(const std::string& node_id) {
    const auto slash = node_id.rfind('/');
    return slash == std::string::npos ? node_id : node_id.substr(slash + 1);
  }

  /// Takes the step again after each change until it is done. `step` outlives the call.
  Task<> until_done(std::function<Task<Progress>()> step) {
    const SteadyTime until = clock_.steady_now() + options_.timeout;
    for (;;) {
      const std::uint64_t seen = changes_->count();
      NESTOR_CO_TRY(const Progress progress, co_await step());
      if (progress.done) co_return Result<>{};
      const auto left = time_until(until, clock_.steady_now());
      if (left == Duration(0)) {
        co_return fail(Code::kDeadlineExceeded, "not done in time: " + progress.waiting);
      }
      NESTOR_CO_TRY_VOID(co_await first_of(changes_->after(seen), clock_.sleep_for(left)));
    }
  }

  Volumes& volumes_;
  std::shared_ptr<Changes> changes_;
  Clock& clock_;
  ControllerOptions options_;
  VolumeLocks locks_;
};

}  // namespace

grpc::Handlers controller_service(Volumes& volumes, kube::InformerSet& informers, Clock& clock,
                                  ControllerOptions options) {
  auto self = std::make_shared<ControllerService>(volumes, informers, clock, std::move(options));
  grpc::Handlers out;
  out["/csi.v1.Controller/CreateVolume"] = method(self, &ControllerService::create);
  out["/csi.v1.Controller/DeleteVolume"] = method(self, &ControllerService::remove);
  out["/csi.v1.Controller/ControllerPublishVolume"] = method(self, &ControllerService::publish);
  out["/csi.v1.Controller/ControllerUnpublishVolume"] = method(self, &ControllerService::unpublish);
  out["/csi.v1.Controller/ControllerExpandVolume"] = method(self, &ControllerService::expand);
  out["/csi.v1.Controller/ValidateVolumeCapabilities"] = method(self, &ControllerService::validate);
  out["/csi.v1.Controller/ControllerGetCapabilities"] =
      method(self, &ControllerService::capabilities);
  return out;
}

}  // namespace nestor::storage
