#include "base/log.hpp"
#include "csi.pb.h"
#include "storage/csi/method.hpp"
#include "storage/csi/services.hpp"
#include "storage/csi/volume_locks.hpp"
#include "storage/names.hpp"

namespace nestor::storage {
namespace {

namespace v1 = csi::v1;
using FsStats = v1::VolumeUsage;

constexpr std::string_view kNodeComponent = "csi.node";
constexpr Duration kDeviceLookAgain = std::chrono::milliseconds(250);

class NodeService {
 public:
  NodeService(NodeHost& host, Clock& clock, NodeOptions options)
      : host_(host), clock_(clock), options_(std::move(options)) {}

  Task<v1::NodeStageVolumeResponse> stage(v1::NodeStageVolumeRequest request) {
    if (request.volume_id().empty()) co_return missing("volume id");
    if (request.staging_target_path().empty()) co_return missing("staging target path");
    if (!request.has_volume_capability()) co_return missing("volume capability");
    NESTOR_CO_TRY(const auto held, locks_.take(request.volume_id()));
    const v1::NodeStageVolumeResponse done;
    NESTOR_CO_TRY(const std::string device, co_await wait_for_disk(serial_of(request)));
    // A raw device goes to the pod as it is.
    if (!request.volume_capability().has_mount()) co_return done;
    const std::string& target = request.staging_target_path();
    NESTOR_CO_TRY(const auto there, host_.mounted(target));
    if (there) co_return done;
    const auto& mount = request.volume_capability().mount();
    std::string fs_type = mount.fs_type().empty() ? std::string(kDefaultFsType) : mount.fs_type();
    std::vector<std::string> flags(mount.mount_flags().begin(), mount.mount_flags().end());
    if (fs_type == "xfs") flags.emplace_back("nouuid");
    NESTOR_CO_TRY_VOID(co_await ready_file_system(device, fs_type, serial_of(request)));
    NESTOR_CO_TRY_VOID(co_await host_.mount(device, target, fs_type, std::move(flags)));
    log::info(kNodeComponent, "volume {} is mounted from {}", request.volume_id(), device);
    // The disk may have grown while no pod used it. On one that cannot be written to this fails.
    auto grown = co_await host_.grow(device, target, fs_type);
    if (!grown) log::warn(kNodeComponent, "{}", grown.error().message);
    co_return done;
  }

  Task<v1::NodeUnstageVolumeResponse> unstage(v1::NodeUnstageVolumeRequest request) {
    if (request.volume_id().empty()) co_return missing("volume id");
    if (request.staging_target_path().empty()) co_return missing("staging target path");
    NESTOR_CO_TRY(const auto held, locks_.take(request.volume_id()));
    NESTOR_CO_TRY_VOID(co_await host_.unmount(request.staging_target_path()));
    co_return v1::NodeUnstageVolumeResponse();
  }

  Task<v1::NodePublishVolumeResponse> publish(v1::NodePublishVolumeRequest request) {
    if (request.volume_id().empty()) co_return missing("volume id");
    if (request.target_path().empty()) co_return missing("target path");
    if (request.staging_target_path().empty()) co_return missing("staging target path");
    if (!request.has_volume_capability()) co_return missing("volume capability");
    NESTOR_CO_TRY(const auto held, locks_.take(request.volume_id()));
    NESTOR_CO_TRY(const auto there, host_.mounted(request.target_path()));
    if (there) co_return v1::NodePublishVolumeResponse();
    const bool block = request.volume_capability().has_block();
    std::string source = request.staging_target_path();
    if (block) {
      NESTOR_CO_TRY(source, co_await wait_for_disk(serial_of(request)));
    } else {
      // Without this a pod would write to the node's own disk.
      NESTOR_CO_TRY(const auto staged, host_.mounted(source));
      if (!staged) {
        co_return fail(Code::kFailedPrecondition,
                       "volume " + request.volume_id() + " is not staged at " + source);
      }
    }
    NESTOR_CO_TRY_VOID(
        co_await host_.bind(std::move(source), request.target_path(), block, request.readonly()));
    co_return v1::NodePublishVolumeResponse();
  }

  Task<v1::NodeUnpublishVolumeResponse> unpublish(v1::NodeUnpublishVolumeRequest request) {
    if (request.volume_id().empty()) co_return missing("volume id");
    if (request.target_path().empty()) co_return missing("target path");
    NESTOR_CO_TRY(const auto held, locks_.take(request.volume_id()));
    NESTOR_CO_TRY_VOID(co_await host_.unmount(request.target_path()));
    co_return v1::NodeUnpublishVolumeResponse();
  }

  Task<v1::NodeGetVolumeStatsResponse> stats(v1::NodeGetVolumeStatsRequest request) {
    if (request.volume_id().empty()) co_return missing("volume id");
    if (request.volume_path().empty()) co_return missing("volume path");
    NESTOR_CO_TRY_VOID(check_path(request.volume_path()));
    v1::NodeGetVolumeStatsResponse out;
    if (host_.is_device(request.volume_path())) {
      NESTOR_CO_TRY(const std::int64_t size, host_.device_size(request.volume_path()));
      add_usage(out, FsStats::BYTES, size, 0, 0);
      co_return out;
    }
    NESTOR_CO_TRY(const FileSystemUse use, host_.use_of(request.volume_path()));
    add_usage(out, FsStats::BYTES, use.total_bytes, use.free_bytes, use.used_bytes);
    add_usage(out, FsStats::INODES, use.total_inodes, use.free_inodes, use.used_inodes);
    co_return out;
  }

  Task<v1::NodeExpandVolumeResponse> expand(v1::NodeExpandVolumeRequest request) {
    if (request.volume_id().empty()) co_return missing("volume id");
    if (request.volume_path().empty()) co_return missing("volume path");
    NESTOR_CO_TRY(const auto held, locks_.take(request.volume_id()));
    NESTOR_CO_TRY_VOID(check_path(request.volume_path()));
    NESTOR_CO_TRY(const std::string device, host_.device_of(request.volume_path()));
    const std::int64_t wanted = request.capacity_range().required_bytes();
    NESTOR_CO_TRY(const std::int64_t size, co_await wait_for_size(device, wanted));
    v1::NodeExpandVolumeResponse out;
    out.set_capacity_bytes(size);
    if (host_.is_device(request.volume_path())) co_return out;
    NESTOR_CO_TRY(const auto mount, host_.mounted(request.volume_path()));
    std::string fs_type = mount ? mount->fs_type : std::string(kDefaultFsType);
    NESTOR_CO_TRY_VOID(co_await host_.grow(device, request.volume_path(), std::move(fs_type)));
    log::info(kNodeComponent, "volume {} has {} bytes now", request.volume_id(), size);
    co_return out;
  }

  Task<v1::NodeGetCapabilitiesResponse> capabilities(v1::NodeGetCapabilitiesRequest) {
    v1::NodeGetCapabilitiesResponse out;
    for (const auto type : {v1::NodeServiceCapability_RPC::STAGE_UNSTAGE_VOLUME,
                            v1::NodeServiceCapability_RPC::EXPAND_VOLUME,
                            v1::NodeServiceCapability_RPC::GET_VOLUME_STATS}) {
      out.add_capabilities()->mutable_rpc()->set_type(type);
    }
    co_return out;
  }

  Task<v1::NodeGetInfoResponse> info(v1::NodeGetInfoRequest) {
    v1::NodeGetInfoResponse out;
    out.set_node_id(options_.node_name);
    out.set_max_volumes_per_node(options_.max_volumes);
    co_return out;
  }

 private:
  template <class Request>
  static std::string serial_of(const Request& request) {
    const auto found = request.volume_context().find(std::string(kSerialAttribute));
    return found != request.volume_context().end() ? found->second : std::string();
  }

  static void add_usage(v1::NodeGetVolumeStatsResponse& out, FsStats::Unit unit, std::int64_t total,
                        std::int64_t available, std::int64_t used) {
    FsStats* usage = out.add_usage();
    usage->set_unit(unit);
    usage->set_total(total);
    usage->set_available(available);
    usage->set_used(used);
  }

  Result<> check_path(const std::string& path) {
    if (!host_.exists(path)) return fail(Code::kNotFound, "there is no volume at " + path);
    NESTOR_TRY(const auto mount, host_.mounted(path));
    if (mount || host_.is_device(path)) return {};
    return fail(Code::kNotFound, "there is no volume at " + path);
  }

  Task<std::string> wait_for_disk(std::string serial) {
    if (serial.empty()) co_return missing("volume attribute serial");
    const SteadyTime until = clock_.steady_now() + options_.disk_timeout;
    for (;;) {
      if (auto device = host_.find_disk(serial)) co_return std::move(*device);
      if (clock_.steady_now() >= until) {
        co_return fail(Code::kUnavailable, "no disk with serial " + serial + " has appeared");
      }
      NESTOR_CO_TRY_VOID(co_await clock_.sleep_for(kDeviceLookAgain));
    }
  }

  /// The guest's kernel learns of a disk's new size on its own.
  Task<std::int64_t> wait_for_size(std::string device, std::int64_t wanted) {
    const SteadyTime until = clock_.steady_now() + options_.disk_timeout;
    for (;;) {
      NESTOR_CO_TRY(const std::int64_t size, host_.device_size(device));
      if (size >= wanted) co_return size;
      if (clock_.steady_now() >= until) {
        co_return fail(Code::kUnavailable, device + " has " + std::to_string(size) +
                                               " bytes, not yet " + std::to_string(wanted));
      }
      NESTOR_CO_TRY_VOID(co_await clock_.sleep_for(kDeviceLookAgain));
    }
  }

  /// Formats a blank device; anything else on it is kept.
  Task<> ready_file_system(std::string device, std::string fs_type, std::string serial) {
    if (fs_type != "ext4" && fs_type != "xfs") {
      co_return fail(Code::kInvalidArgument, "file system " + fs_type + " is not ext4 or xfs");
    }
    NESTOR_CO_TRY(const std::string found, co_await host_.file_system(device));
    if (found == fs_type) co_return Result<>{};
    if (!found.empty()) {
      co_return fail(Code::kFailedPrecondition,
                     device + " holds " + found + ", not " + fs_type + "; it is not overwritten");
    }
    // Names of devices are given anew: this one's disk may have been taken out meanwhile.
    if (host_.find_disk(serial) != device) {
      co_return fail(Code::kUnavailable, device + " is no longer the disk with serial " + serial);
    }
    log::info(kNodeComponent, "{} is blank: formatting it with {}", device, fs_type);
    co_return co_await host_.format(std::move(device), std::move(fs_type));
  }

  NodeHost& host_;
  Clock& clock_;
  NodeOptions options_;
  VolumeLocks locks_;
};

}  // namespace

grpc::Handlers node_service(NodeHost& host, Clock& clock, NodeOptions options) {
  auto self = std::make_shared<NodeService>(host, clock, std::move(options));
  grpc::Handlers out;
  out["/csi.v1.Node/NodeStageVolume"] = method(self, &NodeService::stage);
  out["/csi.v1.Node/NodeUnstageVolume"] = method(self, &NodeService::unstage);
  out["/csi.v1.Node/NodePublishVolume"] = method(self, &NodeService::publish);
  out["/csi.v1.Node/NodeUnpublishVolume"] = method(self, &NodeService::unpublish);
  out["/csi.v1.Node/NodeGetVolumeStats"] = method(self, &NodeService::stats);
  out["/csi.v1.Node/NodeExpandVolume"] = method(self, &NodeService::expand);
  out["/csi.v1.Node/NodeGetCapabilities"] = method(self, &NodeService::capabilities);
  out["/csi.v1.Node/NodeGetInfo"] = method(self, &NodeService::info);
  return out;
}

}  // namespace nestor::storage
