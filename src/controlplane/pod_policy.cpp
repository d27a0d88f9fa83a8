#include "controlplane/pod_policy.hpp"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <initializer_list>
#include <string>
#include <string_view>

#include "api/faults.hpp"

namespace nestor::controlplane {
namespace {

using Path = std::initializer_list<std::string_view>;
using Texts = std::initializer_list<std::string_view>;

constexpr std::array<std::string_view, 6> kVolumeSources{
    "emptyDir", "configMap", "secret", "projected", "downwardAPI", "persistentVolumeClaim"};

constexpr std::array<std::string_view, 13> kCapabilities{
    "AUDIT_WRITE",      "CHOWN",   "DAC_OVERRIDE", "FOWNER",  "FSETID", "KILL",      "MKNOD",
    "NET_BIND_SERVICE", "SETFCAP", "SETGID",       "SETPCAP", "SETUID", "SYS_CHROOT"};

constexpr std::array<std::string_view, 14> kSysctls{"kernel.shm_rmid_forced",
                                                    "net.ipv4.ip_local_port_range",
                                                    "net.ipv4.ip_local_reserved_ports",
                                                    "net.ipv4.ip_unprivileged_port_start",
                                                    "net.ipv4.ping_group_range",
                                                    "net.ipv4.tcp_fin_timeout",
                                                    "net.ipv4.tcp_keepalive_intvl",
                                                    "net.ipv4.tcp_keepalive_probes",
                                                    "net.ipv4.tcp_keepalive_time",
                                                    "net.ipv4.tcp_notsent_lowat",
                                                    "net.ipv4.tcp_rmem",
                                                    "net.ipv4.tcp_slow_start_after_idle",
                                                    "net.ipv4.tcp_syncookies",
                                                    "net.ipv4.tcp_wmem"};

constexpr std::string_view kAppArmorPrefix = "container.apparmor.security.beta.kubernetes.io/";

std::string dotted(const std::string& where, Path path) {
  std::string out = where;
  for (const std::string_view part : path) out.append(".").append(part);
  return out;
}

/// Elements of the list at `path`; none when it is no list.
const JsonArray& list_at(const Json& object, Path path) {
  static const JsonArray kNone;
  const Json* found = find(object, path);
  return found != nullptr && found->is_array() ? found->get_array() : kNone;
}

bool is_set(const Json* value) { return value != nullptr && !value->is_null(); }

template <class Allowed>
bool is_one_of(std::string_view text, const Allowed& allowed) {
  return std::ranges::find(allowed, text) != allowed.end();
}

class PodCheck {
 public:
  /// Neither there nor true.
  void forbid_true(const Json& object, const std::string& where, Path path) {
    const Json* value = find(object, path);
    if (is_set(value) && *value != Json(false)) faults_.add(dotted(where, path), "is not allowed");
  }
  /// Not there, empty, or one of `allowed`.
  void allow_texts(const Json& object, const std::string& where, Path path, Texts allowed) {
    const Json* value = find(object, path);
    if (!is_set(value)) return;
    const bool fine = value->is_string() && (value->get_string().empty() ||
                                             is_one_of(find_string(object, path), allowed));
    if (!fine) faults_.add(dotted(where, path), to_text(*value) + " is not allowed");
  }

  /// What pods and containers have in common.
  void check_security_context(const Json& object, const std::string& where) {
    forbid_true(object, where, {"securityContext", "windowsOptions", "hostProcess"});
    allow_texts(object, where, {"securityContext", "seccompProfile", "type"},
                {"RuntimeDefault", "Localhost"});
    allow_texts(object, where, {"securityContext", "appArmorProfile", "type"},
                {"RuntimeDefault", "Localhost"});
    allow_texts(object, where, {"securityContext", "seLinuxOptions", "type"},
                {"container_t", "container_init_t", "container_kvm_t", "container_engine_t"});
    allow_texts(object, where, {"securityContext", "seLinuxOptions", "user"}, {});
    allow_texts(object, where, {"securityContext", "seLinuxOptions", "role"}, {});
  }

  void check_container(const Json& container, const std::string& list) {
    const std::string where = list + "[" + std::string(find_string(container, {"name"})) + "]";
    check_security_context(container, where);
    forbid_true(container, where, {"securityContext", "privileged"});
    forbid_true(container, where, {"securityContext", "allowPrivilegeEscalation"});
    allow_texts(container, where, {"securityContext", "procMount"}, {"Default"});
    for (const Json& added : list_at(container, {"securityContext", "capabilities", "add"})) {
      if (!added.is_string() || !is_one_of(std::string_view(added.get_string()), kCapabilities)) {
        faults_.add(where + ".securityContext.capabilities.add",
                    to_text(added) + " is not allowed");
      }
    }
    for (const Json& port : list_at(container, {"ports"})) {
      const Json* host = find(port, {"hostPort"});
      if (is_set(host) && *host != Json(0)) {
        faults_.add(where + ".ports.hostPort", to_text(*host) + " is not allowed");
      }
      allow_texts(port, where + ".ports", {"hostIP"}, {});
    }
    // kubelet would dial them from the node's network.
    for (const char* probe : {"livenessProbe", "readinessProbe", "startupProbe"}) {
      allow_texts(container, where, {probe, "httpGet", "host"}, {});
      allow_texts(container, where, {probe, "tcpSocket", "host"}, {});
    }
    for (const char* hook : {"postStart", "preStop"}) {
      allow_texts(container, where, {"lifecycle", hook, "httpGet", "host"}, {});
      allow_texts(container, where, {"lifecycle", hook, "tcpSocket", "host"}, {});
    }
  }

  void check_volume(const Json& volume) {
    if (!volume.is_object()) return;
    const std::string where = "volumes[" + std::string(find_string(volume, {"name"})) + "]";
    for (const auto& field : volume.get_object()) {
      if (field.key() == "name" || field.value().is_null()) continue;
      if (!is_one_of(std::string_view(field.key()), kVolumeSources)) {
        faults_.add(where + "." + std::string(field.key()), "is not allowed");
      }
    }
  }

  void check(const Json& pod) {
    const Json* annotations = find(pod, {"metadata", "annotations"});
    if (annotations != nullptr && annotations->is_object()) {
      for (const auto& item : annotations->get_object()) {
        const std::string_view value = find_string(*annotations, {item.key()});
        if (std::string_view(item.key()).starts_with(kAppArmorPrefix) && !value.empty() &&
            value != "runtime/default" && !value.starts_with("localhost/")) {
          faults_.add("annotation " + std::string(item.key()), "is not allowed");
        }
      }
    }
    const Json* spec = find(pod, {"spec"});
    if (spec == nullptr) return;
    for (const char* host : {"hostNetwork", "hostPID", "hostIPC"})
      forbid_true(*spec, "spec", {host});
    check_security_context(*spec, "spec");
    for (const Json& sysctl : list_at(*spec, {"securityContext", "sysctls"})) {
      const std::string_view name = find_string(sysctl, {"name"});
      if (!is_one_of(name, kSysctls)) {
        faults_.add("spec.securityContext.sysctls", std::string(name) + " is not allowed");
      }
    }
    for (const char* list : {"initContainers", "containers"}) {
      for (const Json& container : list_at(*spec, {list})) check_container(container, list);
    }
    for (const Json& volume : list_at(*spec, {"volumes"})) check_volume(volume);
  }

  Result<> result() const { return faults_.result(); }

 private:
  api::Faults faults_;
};

}  // namespace

Result<> check_pod(const Json& pod) {
  PodCheck check;
  check.check(pod);
  return check.result();
}

}  // namespace nestor::controlplane
