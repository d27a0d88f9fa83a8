#include "base/log.hpp"
#include "csi.pb.h"
#include "pluginregistration.pb.h"
#include "storage/csi/services.hpp"
#include "storage/names.hpp"

namespace nestor::storage {
namespace {

namespace v1 = csi::v1;

Task<v1::GetPluginInfoResponse> plugin_info(v1::GetPluginInfoRequest) {
  v1::GetPluginInfoResponse out;
  out.set_name(std::string(kDriver));
  out.set_vendor_version(NESTOR_VERSION);
  co_return out;
}

Task<v1::GetPluginCapabilitiesResponse> plugin_capabilities(v1::GetPluginCapabilitiesRequest) {
  v1::GetPluginCapabilitiesResponse out;
  // Of the plugin as a whole: its two parts answer alike.
  out.add_capabilities()->mutable_service()->set_type(
      v1::PluginCapability_Service::CONTROLLER_SERVICE);
  out.add_capabilities()->mutable_volume_expansion()->set_type(
      v1::PluginCapability_VolumeExpansion::ONLINE);
  co_return out;
}

Task<v1::ProbeResponse> probe(v1::ProbeRequest) {
  v1::ProbeResponse out;
  out.mutable_ready()->set_value(true);
  co_return out;
}

Task<pluginregistration::PluginInfo> registration_info(std::string endpoint) {
  pluginregistration::PluginInfo out;
  out.set_type("CSIPlugin");
  out.set_name(std::string(kDriver));
  out.set_endpoint(endpoint);
  out.add_supported_versions("1.0.0");
  co_return out;
}

Task<pluginregistration::RegistrationStatusResponse> registration_status(
    pluginregistration::RegistrationStatus status) {
  if (status.plugin_registered()) {
    log::info("csi", "kubelet has registered the driver");
  } else {
    log::error("csi", "kubelet did not register the driver: {}", status.error());
  }
  co_return pluginregistration::RegistrationStatusResponse();
}

}  // namespace

grpc::Handlers identity_service() {
  grpc::Handlers out;
  out["/csi.v1.Identity/GetPluginInfo"] =
      grpc::unary<v1::GetPluginInfoRequest, v1::GetPluginInfoResponse>(plugin_info);
  out["/csi.v1.Identity/GetPluginCapabilities"] =
      grpc::unary<v1::GetPluginCapabilitiesRequest, v1::GetPluginCapabilitiesResponse>(
          plugin_capabilities);
  out["/csi.v1.Identity/Probe"] = grpc::unary<v1::ProbeRequest, v1::ProbeResponse>(probe);
  return out;
}

grpc::Handlers registration_service(std::string endpoint) {
  grpc::Handlers out;
  out["/pluginregistration.Registration/GetInfo"] =
      grpc::unary<pluginregistration::InfoRequest, pluginregistration::PluginInfo>(
          [endpoint](pluginregistration::InfoRequest) { return registration_info(endpoint); });
  out["/pluginregistration.Registration/NotifyRegistrationStatus"] =
      grpc::unary<pluginregistration::RegistrationStatus,
                  pluginregistration::RegistrationStatusResponse>(registration_status);
  return out;
}

grpc::Handlers join(grpc::Handlers first, grpc::Handlers second) {
  first.merge(second);
  return first;
}

}  // namespace nestor::storage
