#include "cli/node/config_files.hpp"

#include <fmt/core.h>

namespace nestor::node {

std::string containerd_config(const Config& config) {
  // restrict_oom_score_adj: in a container or a small VM we may lack CAP_SYS_RESOURCE.
  return fmt::format(R"(version = 3
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.nri.v1.nri"]

[grpc]
address = "{socket}"

[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = "registry.k8s.io/pause:3.10.2"

[plugins.'io.containerd.cri.v1.runtime']
restrict_oom_score_adj = true
stats_collect_period = "10s"

[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ["{assets}/cni", "/opt/cni/bin"]
conf_dir = "/etc/cni/net.d"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
BinaryName = "{assets}/bin/runc"
SystemdCgroup = false
)",
                     fmt::arg("socket", kContainerdSocket), fmt::arg("assets", config.assets));
}

std::string cni_config() {
  // No masquerading: there is nothing outside the sandbox that a pod could talk to, and inside
  // it every pod's own address should be seen. Leases live in /run: they end with the sandbox.
  return fmt::format(R"({{
  "cniVersion": "1.0.0",
  "name": "nestor",
  "plugins": [
    {{
      "type": "bridge",
      "bridge": "cni0",
      "isGateway": true,
      "ipMasq": false,
      "hairpinMode": true,
      "ipam": {{
        "type": "host-local",
        "dataDir": "/run/cni/networks",
        "ranges": [[{{"subnet": "{}"}}]],
        "routes": [{{"dst": "0.0.0.0/0"}}]
      }}
    }},
    {{"type": "portmap", "capabilities": {{"portMappings": true}}, "backend": "nftables"}}
  ]
}}
)",
                     kPodNetwork);
}

std::string kubeadm_config(const Config& config) {
  // Images come from archives and cannot be pulled again: never collect them as garbage, and
  // evict only when the disk is truly full. A process that died many times, of ours or of a
  // tenant, is back after 10 s at most (upstream's default is 5 minutes). Nobody renews
  // certificates of a node like this: they last for ten years, as its authority does.
  return fmt::format(R"(apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint:
  advertiseAddress: {address}
  bindPort: {port}
nodeRegistration:
  name: {name}
  criSocket: unix://{socket}
  imagePullPolicy: IfNotPresent
  taints: []
  kubeletExtraArgs:
  - name: node-ip
    value: {address}
timeouts:
  controlPlaneComponentHealthCheck: 6m0s
  kubeletHealthCheck: 3m0s
  kubernetesAPICall: 4m0s
  etcdAPICall: 4m0s
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
clusterName: nestor
kubernetesVersion: {version}
certificateValidityPeriod: 87600h
caCertificateValidityPeriod: 87600h
networking:
  podSubnet: {pods}
  serviceSubnet: {services}
apiServer:
  certSANs: [127.0.0.1, localhost, {address}]
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
cgroupRoot: /{cgroup}
failCgroupV1: false
failSwapOn: false
serializeImagePulls: false
maxPods: 250
crashLoopBackOff:
  maxContainerRestartPeriod: 10s
imageGCHighThresholdPercent: 100
evictionHard:
  memory.available: 100Mi
  nodefs.available: 1%
  nodefs.inodesFree: 1%
  imagefs.available: 1%
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
conntrack:
  maxPerCore: 0
)",
                     fmt::arg("address", kNodeAddress), fmt::arg("port", kApiPort),
                     fmt::arg("name", kNodeName), fmt::arg("socket", kContainerdSocket),
                     fmt::arg("version", kKubernetesVersion), fmt::arg("pods", kClusterNetwork),
                     fmt::arg("services", kServiceNetwork), fmt::arg("cgroup", config.cgroup));
}

std::string storage_manifest() {
  // It speaks to the API server without the help of kube-proxy, which may start later: otherwise
  // it would crash once and be held back for seconds.
  return R"(apiVersion: v1
kind: Namespace
metadata:
  name: local-path-storage
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: local-path-provisioner
  namespace: local-path-storage
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: local-path-provisioner
rules:
- apiGroups: [""]
  resources: [nodes, persistentvolumeclaims, configmaps, pods/log]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [pods, persistentvolumes]
  verbs: [get, list, watch, create, patch, update, delete]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
- apiGroups: [storage.k8s.io]
  resources: [storageclasses]
  verbs: [get, list, watch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: local-path-provisioner
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: local-path-provisioner
subjects:
- kind: ServiceAccount
  name: local-path-provisioner
  namespace: local-path-storage
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: local-path-config
  namespace: local-path-storage
data:
  config.json: |
    {"nodePathMap": [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES",
                      "paths": ["/var/lib/local-path"]}]}
  setup: |
    #!/bin/sh
    set -eu
    mkdir -m 0777 -p "$VOL_DIR"
  teardown: |
    #!/bin/sh
    set -eu
    rm -rf "$VOL_DIR"
  helperPod.yaml: |
    apiVersion: v1
    kind: Pod
    metadata:
      name: helper-pod
    spec:
      containers:
      - name: helper-pod
        image: docker.io/library/busybox:1.36
        imagePullPolicy: IfNotPresent
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: local-path-provisioner
  namespace: local-path-storage
spec:
  replicas: 1
  strategy:
    type: Recreate
  selector:
    matchLabels:
      app: local-path-provisioner
  template:
    metadata:
      labels:
        app: local-path-provisioner
    spec:
      serviceAccountName: local-path-provisioner
      containers:
      - name: provisioner
        image: docker.io/rancher/local-path-provisioner:v0.0.30
        imagePullPolicy: IfNotPresent
        command:
        - local-path-provisioner
        - start
        - --config=/etc/config/config.json
        - --service-account-name=local-path-provisioner
        env:
        - name: POD_NAMESPACE
          valueFrom:
            fieldRef:
              fieldPath: metadata.namespace
        - name: CONFIG_MOUNT_PATH
          value: /etc/config/
        - name: KUBERNETES_SERVICE_HOST
          value: "192.168.250.2"
        - name: KUBERNETES_SERVICE_PORT
          value: "6443"
        volumeMounts:
        - name: config
          mountPath: /etc/config
        resources:
          requests:
            cpu: 10m
            memory: 24Mi
      volumes:
      - name: config
        configMap:
          name: local-path-config
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: local-path
  annotations:
    storageclass.kubernetes.io/is-default-class: "true"
provisioner: rancher.io/local-path
allowVolumeExpansion: true
volumeBindingMode: WaitForFirstConsumer
reclaimPolicy: Delete
)";
}

std::string dns_manifest() {
  return R"(apiVersion: v1
kind: ConfigMap
metadata:
  name: coredns
  namespace: kube-system
data:
  Corefile: |
    cluster.local:53 in-addr.arpa:53 ip6.arpa:53 {
        errors
        health {
           lameduck 1s
        }
        ready
        kubernetes cluster.local in-addr.arpa ip6.arpa {
           pods insecure
           ttl 30
        }
        prometheus :9153
        reload
    }
    .:53 {
        template ANY ANY . {
           rcode NXDOMAIN
        }
    }
)";
}

std::string loopback_kubeconfig(std::string kubeadm_kubeconfig, std::uint16_t port,
                                std::uint16_t proxy_port) {
  const std::string from = fmt::format("https://{}:{}", kNodeAddress, kApiPort);
  const std::string to = fmt::format(
      "https://127.0.0.1:{}\n    extensions:\n    - name: nestor.dev\n      extension:\n"
      "        tenant-proxy-url: http://127.0.0.1:{}",
      port, proxy_port);
  for (auto at = kubeadm_kubeconfig.find(from); at != std::string::npos;
       at = kubeadm_kubeconfig.find(from, at + to.size())) {
    kubeadm_kubeconfig.replace(at, from.size(), to);
  }
  return kubeadm_kubeconfig;
}

std::string network_commands() {
  // The bridge has no port and there is no default route: no packet can leave. Routing the
  // services to the bridge lets programs on the node itself reach them, as kube-proxy rewrites
  // their destination after the first routing decision.
  return fmt::format(R"(link set lo up
link add {bridge} type bridge
addr add {address}/24 dev {bridge}
link set {bridge} up
route add {services} dev {bridge} src {address}
route add unreachable default metric 4278198272
)",
                     fmt::arg("bridge", kBridge), fmt::arg("address", kNodeAddress),
                     fmt::arg("services", kServiceNetwork));
}

}  // namespace nestor::node
