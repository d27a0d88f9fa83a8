#include "controlplane/tenant_from_kamaji.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "kube/client.hpp"

namespace nestor::controlplane {
namespace {

using api::kamaji::TenantControlPlane;

constexpr const char* kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

void copy_deployment(const KamajiControlPlane& kcp, api::kamaji::ControlPlaneDeployment& out) {
  const auto& spec = kcp.spec;
  const auto& deployment = spec.deployment;
  out.registrySettings.registry = spec.registry;
  out.registrySettings.apiServerImage = spec.apiServer.containerImageName;
  out.registrySettings.controllerManagerImage = spec.controllerManager.containerImageName;
  out.registrySettings.schedulerImage = spec.scheduler.containerImageName;
  out.replicas = spec.replicas.value_or(2);
  out.nodeSelector = deployment.nodeSelector;
  out.runtimeClassName = deployment.runtimeClassName;
  out.tolerations = deployment.tolerations;
  out.affinity = deployment.affinity;
  out.topologySpreadConstraints = deployment.topologySpreadConstraints;
  out.serviceAccountName = deployment.serviceAccountName;
  out.strategy = deployment.strategy;
  out.resources = {spec.apiServer.resources, spec.controllerManager.resources,
                   spec.scheduler.resources, spec.kine.resources};
  out.extraArgs = {spec.apiServer.extraArgs, spec.controllerManager.extraArgs,
                   spec.scheduler.extraArgs, spec.kine.extraArgs};
  out.additionalMetadata = deployment.additionalMetadata;
  out.podAdditionalMetadata = deployment.podAdditionalMetadata;
  out.additionalInitContainers = deployment.extraInitContainers;
  out.additionalContainers = deployment.extraContainers;
  out.additionalVolumes = deployment.extraVolumes;
  out.additionalVolumeMounts = {spec.apiServer.extraVolumeMounts,
                                spec.controllerManager.extraVolumeMounts,
                                spec.scheduler.extraVolumeMounts};
  if (deployment.probes) {
    out.probes.liveness = deployment.probes->liveness;
    out.probes.readiness = deployment.probes->readiness;
    out.probes.startup = deployment.probes->startup;
  }
  out.probes.apiServer = spec.apiServer.probes;
  out.probes.controllerManager = spec.controllerManager.probes;
  out.probes.scheduler = spec.scheduler.probes;
}

void copy_exposure(const KamajiControlPlane& kcp, api::kamaji::ControlPlane& out) {
  const auto& network = kcp.spec.network;
  out.service.serviceType = network.serviceType.empty() ? "LoadBalancer" : network.serviceType;
  out.service.additionalMetadata = {network.serviceLabels, network.serviceAnnotations};
  out.service.additionalPorts = network.additionalServicePorts;
  if (network.ingress) {
    api::kamaji::ControlPlaneIngress& ingress = out.ingress.emplace();
    ingress.additionalMetadata = {network.ingress->extraLabels, network.ingress->extraAnnotations};
    ingress.ingressClassName = network.ingress->className;
    ingress.hostname = network.ingress->hostname;
  }
  if (network.gateway) {
    api::kamaji::ControlPlaneGateway& gateway = out.gateway.emplace();
    gateway.additionalMetadata = {network.gateway->extraLabels, network.gateway->extraAnnotations};
    gateway.hostname = network.gateway->hostname;
    JsonObject parent{{"name", network.gateway->name}};
    if (!network.gateway->namespace_.empty()) parent["namespace"] = network.gateway->namespace_;
    if (!network.gateway->sectionName.empty()) parent["sectionName"] = network.gateway->sectionName;
    if (network.gateway->port) parent["port"] = *network.gateway->port;
    gateway.parentRefs.emplace_back(std::move(parent));
  }
}

void copy_network(const KamajiControlPlane& kcp, const api::cluster::Cluster& cluster,
                  api::kamaji::NetworkProfile& out) {
  const auto& network = kcp.spec.network;
  const auto& ranges = cluster.spec.clusterNetwork;
  out.address = network.serviceAddress;
  out.advertiseAddress = network.advertiseAddress;
  out.port = ranges.apiServerPort.value_or(6443);
  out.certSANs = network.certSANs;
  out.clusterDomain = ranges.serviceDomain;
  out.serviceCidrs = ranges.services.cidrBlocks;
  out.podCidrs = ranges.pods.cidrBlocks;
  out.dnsServiceIPs = network.dnsServiceIPs;
  const auto& core_dns = kcp.spec.addons.coreDNS;
  if (core_dns && !core_dns->dnsServiceIPs.empty()) out.dnsServiceIPs = core_dns->dnsServiceIPs;
  if (network.loadBalancerConfig) {
    out.loadBalancerClass = network.loadBalancerConfig->loadBalancerClass;
    out.loadBalancerSourceRanges = network.loadBalancerConfig->loadBalancerSourceRanges;
  }
}

}  // namespace

Json build_tenant_control_plane(const KamajiControlPlane& kcp,
                                const api::cluster::Cluster& cluster) {
  TenantControlPlane tcp;
  tcp.metadata.name = kcp.metadata.name;
  tcp.metadata.namespace_ = kcp.metadata.namespace_;
  tcp.metadata.labels = kcp.metadata.labels;
  tcp.metadata.annotations = kcp.metadata.annotations;
  tcp.metadata.annotations.erase(kLastApplied);
  tcp.metadata.ownerReferences = {kube::owner_reference(kcp)};
  auto& spec = tcp.spec;
  spec.dataStore = kcp.spec.dataStoreName;
  spec.dataStoreSchema = kcp.spec.dataStoreSchema;
  spec.dataStoreUsername = kcp.spec.dataStoreUsername;
  spec.dataStoreOverrides = kcp.spec.dataStoreOverrides;
  copy_deployment(kcp, spec.controlPlane.deployment);
  copy_exposure(kcp, spec.controlPlane);
  copy_network(kcp, cluster, spec.networkProfile);
  const std::string& version = kcp.spec.version;
  spec.kubernetes.version = version.starts_with('v') ? version : "v" + version;
  spec.kubernetes.kubelet = kcp.spec.kubelet;
  spec.kubernetes.admissionControllers = kcp.spec.admissionControllers;
  if (const auto& dns = kcp.spec.addons.coreDNS) {
    spec.addons.coreDNS = api::kamaji::ImageOverride{dns->imageRepository, dns->imageTag};
  }
  spec.addons.kubeProxy = kcp.spec.addons.kubeProxy;
  spec.addons.konnectivity = kcp.spec.addons.konnectivity;
  Json object = kube::to_object(tcp);
  object.as_object().erase("status");
  // Required even when it says nothing.
  JsonObject& kubernetes = object.as_object()["spec"].as_object()["kubernetes"].as_object();
  if (!kubernetes.contains("kubelet")) kubernetes["kubelet"] = JsonObject{};
  return object;
}

}  // namespace nestor::controlplane
