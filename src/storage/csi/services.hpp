#pragma once

#include <memory>
#include <string>

#include "base/clock.hpp"
#include "kube/informer.hpp"
#include "net/grpc/server.hpp"
#include "storage/csi/node_host.hpp"
#include "storage/volumes.hpp"

/// The services of the Container Storage Interface, as methods for a gRPC server.
/// Source: https://github.com/container-storage-interface/spec/blob/master/spec.md
namespace nestor::storage {

struct NodeOptions {
  std::string node_name;
  /// Volumes that the scheduler puts on one node, at most.
  std::int64_t max_volumes = 64;
  /// How long a disk may take to appear or to grow after the controller said so.
  Duration disk_timeout = std::chrono::seconds(30);
};

/// csi.v1.Node. `host` and `clock` outlive the handlers.
grpc::Handlers node_service(NodeHost& host, Clock& clock, NodeOptions options);

/// csi.v1.Controller, for the volumes of one owner. What the handlers are given outlives them.
struct ControllerOptions {
  Owner owner;
  /// How long one call waits for the management cluster.
  Duration timeout = std::chrono::minutes(2);
};
grpc::Handlers controller_service(Volumes& volumes, kube::InformerSet& informers, Clock& clock,
                                  ControllerOptions options);

/// csi.v1.Identity.
grpc::Handlers identity_service();

/// pluginregistration.Registration, by which kubelet learns of the driver at `endpoint`.
grpc::Handlers registration_service(std::string endpoint);

/// All methods of both.
grpc::Handlers join(grpc::Handlers first, grpc::Handlers second);

}  // namespace nestor::storage
