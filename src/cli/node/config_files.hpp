#pragma once

#include <string>

#include "cli/node/layout.hpp"

/// The texts of the configuration files of the node's programs. Pure functions.
namespace nestor::node {

/// containerd's config.toml (version 3).
std::string containerd_config(const Config& config);
/// Pods get addresses of kPodNetwork on the bridge cni0.
std::string cni_config();
/// kubeadm's InitConfiguration, ClusterConfiguration, KubeletConfiguration and
/// KubeProxyConfiguration in one file.
std::string kubeadm_config(const Config& config);
/// The default storage class, served by local-path-provisioner.
std::string storage_manifest();
/// CoreDNS's configuration: the cluster's own names, and at once "no such name" for all others,
/// as nothing outside can be reached.
std::string dns_manifest();
/// The administrator's kubeconfig of kubeadm with the server replaced by our loopback port.
/// The proxy's port goes into the cluster's extension `nestor.dev`, where `nestor kubeconfig` finds
/// how tenants' addresses are reached from outside the sandbox.
std::string loopback_kubeconfig(std::string kubeadm_kubeconfig, std::uint16_t port,
                                std::uint16_t proxy_port);
/// Input of `ip -batch -` that makes the sandbox's network.
std::string network_commands();

}  // namespace nestor::node
