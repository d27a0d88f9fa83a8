#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "api/kubevirt/virtual_machine.hpp"
#include "base/process.hpp"
#include "base/testing/co_test.hpp"
#include "kube/informer.hpp"
#include "kube/testing/fake_client.hpp"
#include "storage/csi/services.hpp"
#include "storage/names.hpp"
#include "storage/testing/fake_node_host.hpp"

/// Upstream's own test of CSI drivers against both of our services, with a management cluster in
/// memory and a node without real mounts behind them.
namespace nestor::storage {
namespace {

namespace fs = std::filesystem;
using api::kubevirt::VirtualMachine;
using api::kubevirt::VirtualMachineInstance;

constexpr const char* kNode = "node-1";

/// What the runtime of machines does: the instance gets the machine's disks at once.
void plug_in(kube::testing::FakeClient& client, const VirtualMachine& machine) {
  VirtualMachineInstance instance;
  instance.metadata.name = machine.metadata.name;
  instance.metadata.namespace_ = machine.metadata.namespace_;
  instance.metadata.labels = machine.metadata.labels;
  instance.spec.volumes = machine.spec.template_.spec.volumes;
  for (const auto& volume : instance.spec.volumes) {
    api::kubevirt::VolumeStatus status;
    status.name = volume.name;
    status.phase = "Ready";
    instance.status.volumeStatus.push_back(status);
  }
  client.put(instance);
}

TEST(CsiSanity, Passes) {
  const fs::path program = fs::path(NESTOR_ASSETS) / "bin/csi-sanity";
  if (!fs::exists(program)) GTEST_SKIP() << "upstream/build csi-sanity makes " << program;
  const fs::path folder = fs::temp_directory_path() / ("csi-sanity-" + std::to_string(::getpid()));
  fs::create_directories(folder);
  const std::string socket = (folder / "csi.sock").string();

  asio::io_context io;
  SystemClock clock(io.get_executor());
  kube::testing::FakeClient management(&clock);
  kube::InformerSet informers(management, clock, io.get_executor());
  informers.of<VirtualMachine>().subscribe([&](const auto&, const auto& now) {
    if (now) plug_in(management, *now);
  });
  VirtualMachine machine;
  machine.metadata.name = kNode;
  machine.metadata.namespace_ = "team";
  machine.metadata.labels[std::string(kClusterNameLabel)] = "demo";
  management.put(machine);

  Volumes volumes(management);
  testing::FakeNodeHost host;
  host.any_disk = true;
  ControllerOptions controller;
  controller.owner.cluster = {"team", "demo"};
  controller.timeout = std::chrono::seconds(20);
  NodeOptions node{.node_name = kNode, .max_volumes = 64, .disk_timeout = {}};
  grpc::Server server(
      io.get_executor(),
      join(identity_service(), join(controller_service(volumes, informers, clock, controller),
                                    node_service(host, clock, node))));
  grpc::Listen where;
  where.unix_path = socket;
  ASSERT_TRUE(server.listen(where));

  const auto processes = make_process_runner(io.get_executor());
  ProcessSpec spec{{program.string(), "--csi.endpoint=unix://" + socket,
                    "--csi.mountdir=" + (folder / "mount").string(),
                    "--csi.stagingdir=" + (folder / "staging").string(),
                    "--csi.testvolumesize=1073741824", "--csi.testvolumeexpandsize=2147483648",
                    "--ginkgo.no-color"}};
  spec.timeout = std::chrono::minutes(4);
  const auto output =
      run_coroutine<ProcessOutput>(io, processes->run(spec), std::chrono::minutes(5));
  run_coroutine(io, server.stop());
  run_coroutine(io, informers.close());
  fs::remove_all(folder);
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(output->exit_code, 0) << output->out << output->err;
}

}  // namespace
}  // namespace nestor::storage
