#include "bootstrap/cloud_config.hpp"

#include <array>
#include <utility>

namespace nestor::bootstrap {

namespace {

using Names = std::pair<std::string_view, std::string_view>;

/// Copies members under cloud-init's names, in this order.
template <std::size_t N>
JsonObject renamed(const Json& from, const std::array<Names, N>& names) {
  JsonObject out;
  for (const auto& [ours, theirs] : names) {
    const Json* value = find(from, {ours});
    if (value != nullptr && !value->is_null()) out[theirs] = *value;
  }
  return out;
}

const JsonArray& list_at(const Json& value, std::initializer_list<std::string_view> path) {
  static const JsonArray kEmpty;
  const Json* found = find(value, path);
  return found != nullptr && found->is_array() ? found->get_array() : kEmpty;
}

Result<JsonArray> write_files(const Json& spec, const Json& join) {
  constexpr std::array<Names, 6> kNames{{{"path", "path"},
                                         {"encoding", "encoding"},
                                         {"owner", "owner"},
                                         {"permissions", "permissions"},
                                         {"append", "append"},
                                         {"content", "content"}}};
  JsonArray out;
  for (const Json& file : list_at(spec, {"files"})) {
    if (find_string(file, {"path"}).empty()) {
      return fail(Code::kInvalidArgument, "spec.files has an entry without path");
    }
    out.push_back(renamed(file, kNames));
  }
  out.push_back(JsonObject{{"path", kJoinConfigPath},
                           {"owner", "root:root"},
                           {"permissions", "0640"},
                           {"content", to_pretty_text(join) + "\n"}});
  // So that the directory of the success mark exists when kubeadm is done.
  out.push_back(JsonObject{{"path", "/run/cluster-api/placeholder"},
                           {"owner", "root:root"},
                           {"permissions", "0640"},
                           {"content", "keeps this directory\n"}});
  return out;
}

JsonArray run_commands(const Json& spec) {
  JsonArray out = list_at(spec, {"preKubeadmCommands"});
  std::string join = std::string("kubeadm join --config ") + kJoinConfigPath;
  if (const Json* verbosity = find(spec, {"verbosity"}); verbosity && verbosity->is_number()) {
    join += " --v " + to_text(*verbosity);
  }
  out.push_back(Json(join + " && mkdir -p /run/cluster-api && echo success > " + kSuccessPath));
  for (const Json& command : list_at(spec, {"postKubeadmCommands"})) out.push_back(command);
  return out;
}

JsonArray users(const Json& spec) {
  constexpr std::array<Names, 10> kNames{{{"name", "name"},
                                          {"passwd", "passwd"},
                                          {"gecos", "gecos"},
                                          {"groups", "groups"},
                                          {"homeDir", "homedir"},
                                          {"inactive", "inactive"},
                                          {"shell", "shell"},
                                          {"primaryGroup", "primary_group"},
                                          {"sudo", "sudo"},
                                          {"sshAuthorizedKeys", "ssh_authorized_keys"}}};
  JsonArray out;
  for (const Json& user : list_at(spec, {"users"})) {
    JsonObject one = renamed(user, kNames);
    const Json* lock = find(user, {"lockPassword"});
    if (lock != nullptr && lock->is_bool()) one["lock_passwd"] = *lock;
    out.push_back(std::move(one));
  }
  return out;
}

void add_disks(const Json& spec, JsonObject& config) {
  constexpr std::array<Names, 7> kNames{{{"label", "label"},
                                         {"filesystem", "filesystem"},
                                         {"device", "device"},
                                         {"partition", "partition"},
                                         {"overwrite", "overwrite"},
                                         {"replaceFS", "replace_fs"},
                                         {"extraOpts", "extra_opts"}}};
  constexpr std::array<Names, 3> kPartition{
      {{"tableType", "table_type"}, {"layout", "layout"}, {"overwrite", "overwrite"}}};
  JsonObject disks;
  for (const Json& partition : list_at(spec, {"diskSetup", "partitions"})) {
    disks[find_string(partition, {"device"})] = renamed(partition, kPartition);
  }
  if (!disks.empty()) config["disk_setup"] = std::move(disks);
  JsonArray filesystems;
  for (const Json& filesystem : list_at(spec, {"diskSetup", "filesystems"})) {
    filesystems.push_back(renamed(filesystem, kNames));
  }
  if (!filesystems.empty()) config["fs_setup"] = std::move(filesystems);
  if (const JsonArray& mounts = list_at(spec, {"mounts"}); !mounts.empty()) {
    config["mounts"] = mounts;
  }
}

}  // namespace

Result<std::string> cloud_config(const Json& spec, const JoinInput& input) {
  if (find_string(spec, {"format"}) == "ignition") {
    return fail(Code::kUnimplemented, "spec.format ignition");
  }
  NESTOR_TRY(const Json join, join_configuration(spec, input));
  JsonObject config;
  NESTOR_TRY(config["write_files"], write_files(spec, join));
  if (const JsonArray& boot = list_at(spec, {"bootCommands"}); !boot.empty()) {
    config["bootcmd"] = boot;
  }
  config["runcmd"] = run_commands(spec);
  if (const Json* ntp = find(spec, {"ntp"}); ntp != nullptr && ntp->is_object()) {
    config["ntp"] = *ntp;
  }
  if (JsonArray all = users(spec); !all.empty()) config["users"] = std::move(all);
  add_disks(spec, config);

  std::string text = to_text(config);
  std::string head = "#cloud-config\n";
  // Only a document that has something to fill in pays for the template engine at boot.
  if (text.find("{{") != std::string::npos || text.find("{%") != std::string::npos) {
    head = "## template: jinja\n" + head;
  }
  return head + text + "\n";
}

}  // namespace nestor::bootstrap
