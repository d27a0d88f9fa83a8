#pragma once

#include <string>
#include <vector>

#include "vm/launcher/network.hpp"

/// The seed disk from which cloud-init in the guest takes its data.
/// Source: cloud-init's documentation of the NoCloud and ConfigDrive data sources and of network
/// configuration version 2; OpenStack's network_data.json schema.
namespace nestor::vm {

struct SeedFile {
  /// Below the seed's root.
  std::string path;
  std::string content;
};

struct Seed {
  std::string volume_id;
  std::vector<SeedFile> files;
};

struct SeedInput {
  std::string instance_name;
  std::string instance_ns;
  std::string uuid;
  std::string hostname;
  std::string user_data;
  /// The user's own; "" for one made from link and dns.
  std::string network_data = {};
  PodLink link = {};
  Dns dns = {};
};

/// Volume "cidata".
Seed make_nocloud_seed(const SeedInput& input);
/// Volume "config-2".
Seed make_config_drive_seed(const SeedInput& input);

/// Network configuration version 2: one interface, found by its MAC, with static addresses.
Json network_config_v2(const PodLink& link, const Dns& dns);
/// The same as OpenStack's network_data.json.
Json openstack_network_data(const PodLink& link, const Dns& dns);

}  // namespace nestor::vm
