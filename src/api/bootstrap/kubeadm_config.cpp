#include "api/bootstrap/kubeadm_config.hpp"

#include <set>

#include "api/bootstrap/kubeadm_config_template.hpp"
#include "api/bootstrap/labels.hpp"
#include "api/faults.hpp"

namespace nestor::api::bootstrap {
namespace {

void check_files(const std::vector<File>& files, const std::string& where, Faults& faults) {
  std::set<std::string_view> paths;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const File& file = files[i];
    const std::string at = where + "[" + std::to_string(i) + "]";
    faults.require(at + ".path", file.path);
    if (!file.path.empty() && !paths.insert(file.path).second) {
      faults.add(at + ".path", "\"" + file.path + "\" is there already");
    }
    if (!file.content.empty() && file.contentFrom) {
      faults.add(at, "cannot have both content and contentFrom");
    }
    if (file.contentFrom) {
      faults.require(at + ".contentFrom.secret.name", file.contentFrom->secret.name);
      faults.require(at + ".contentFrom.secret.key", file.contentFrom->secret.key);
    }
    if (!file.encoding.empty() && file.encoding != "base64" && file.encoding != "gzip" &&
        file.encoding != "gzip+base64") {
      faults.add(at + ".encoding", "must be base64, gzip or gzip+base64");
    }
  }
}

void check_users(const std::vector<User>& users, const std::string& where, Faults& faults) {
  for (std::size_t i = 0; i < users.size(); ++i) {
    const User& user = users[i];
    const std::string at = where + "[" + std::to_string(i) + "]";
    faults.require(at + ".name", user.name);
    if (!user.passwd.empty() && user.passwdFrom) {
      faults.add(at, "cannot have both passwd and passwdFrom");
    }
    if (user.passwdFrom) {
      faults.require(at + ".passwdFrom.secret.name", user.passwdFrom->secret.name);
      faults.require(at + ".passwdFrom.secret.key", user.passwdFrom->secret.key);
    }
  }
}

}  // namespace

void set_defaults(KubeadmConfig& config) {
  if (config.spec.format.empty()) config.spec.format = kFormatCloudConfig;
}

Result<> validate_kubeadm_config_spec(const KubeadmConfigSpec& spec, std::string_view where) {
  Faults faults;
  const std::string at(where);
  if (!spec.format.empty() && spec.format != kFormatCloudConfig && spec.format != kFormatIgnition) {
    faults.add(at + ".format", "must be cloud-config or ignition");
  }
  if (spec.format == kFormatIgnition && !spec.bootCommands.empty()) {
    faults.add(at + ".bootCommands", "do not exist with format ignition");
  }
  check_files(spec.files, at + ".files", faults);
  check_users(spec.users, at + ".users", faults);
  return faults.result();
}

Result<> validate(const KubeadmConfig& config) {
  return validate_kubeadm_config_spec(config.spec, "spec");
}

Result<> validate(const KubeadmConfigTemplate& config_template) {
  return validate_kubeadm_config_spec(config_template.spec.template_.spec, "spec.template.spec");
}

}  // namespace nestor::api::bootstrap
